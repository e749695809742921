"""The one way a file that matters is written: all of it, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from pathlib import Path

_TRIES = 6
_FIRST_WAIT = 0.05
"""Seconds, doubled for each try: together one second and a half."""
_LONGEST = 40
"""Characters. A name can have 255 bytes, and one that has nearly as many must have room for an ending."""


def atomic_write(path: Path, *pieces: bytes | memoryview) -> None:
    """Writes `pieces` to a temporary file next to `path`, forces it to the disk and renames it to `path`.

    After an error, a power cut or a kill, `path` holds what it held before, or all of `pieces`. Raises `OSError`. Then
    either may survive a power cut, and the caller must report that.
    """
    temporary = temporary_beside(path)
    try:
        with temporary.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        rename(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_names(path.parent)


def temporary_beside(path: Path) -> Path:
    """The name under which this process writes what will be `path`. Of a long name only the beginning is in it."""
    return path.with_name(f".{path.name[:_LONGEST]}.{os.getpid()}.part")


def make_folder(folder: Path) -> None:
    """Makes `folder`, and those above it that are missing, so that a power cut does not lose it. Raises `OSError`."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_names(folder.parent)


def sync_names(folder: Path) -> None:
    """Makes the names in `folder` durable, if the system can: Windows and some network drives cannot."""
    if os.name != "posix":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(number)


def rename(temporary: Path, path: Path) -> None:
    """Renames over what `path` is, and tries again while a virus scanner or an indexer holds the target."""
    for attempt in range(_TRIES - 1):
        try:
            temporary.replace(path)
        except PermissionError:
            time.sleep(_FIRST_WAIT * 2**attempt)
        else:
            return
    temporary.replace(path)


def sweep(folder: Path) -> None:
    """Deletes what a killed `atomic_write` left in `folder`. No other process may be writing there."""
    with contextlib.suppress(OSError):
        for temporary in list(folder.glob(".*.part")):
            temporary.unlink()
