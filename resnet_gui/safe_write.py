"""The one way a file that matters is written: all of it, or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def safe_write(path: Path, data: bytes) -> None:
    """Writes `data` beside `path`, forces it to the disk and renames it into place.

    After an error, a power cut or a kill, `path` holds what it held before, or all of `data`. Raises `OSError`.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    if os.name == "posix":  # the rename itself is durable only when the folder is; Windows cannot open folders
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
