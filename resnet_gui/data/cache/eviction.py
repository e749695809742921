"""How much of the disk the cached pixels of all datasets may take, and which are deleted first when room runs out."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

from filelock import FileLock

_LEFT_FREE = 2_000_000_000, 0.1
"""Bytes, or that share of the disk if it is less, that always stay free."""
_DAYS = 60
"""Files that were not used for so many days are deleted, even if there is room."""


def make_room(pixels: Path, limit: int, wanted: int) -> int:
    """How many of the `wanted` bytes the file `pixels` may grow by, if all files in its folder may take `limit` bytes.

    Its own index is not counted, since it is written later. To make room, the files of other datasets are deleted, the
    least recently used first, unless a process uses them. Raises `OSError`.
    """
    files, disk = _files(pixels.parent), shutil.disk_usage(pixels.parent)
    taken = sum(status.st_size for path, status in files.items() if path != pixels.with_suffix(".index"))
    room = min(limit - taken, disk.free - int(min(_LEFT_FREE[0], _LEFT_FREE[1] * disk.total)))
    used = {path: files[path].st_mtime for path in files if path.suffix == ".pixels" and path != pixels}
    for other in sorted(used, key=used.__getitem__):
        if room >= wanted and used[other] > time.time() - _DAYS * 24 * 3600:
            break
        room += _remove(other)
    return max(0, min(wanted, room))


def _files(folder: Path) -> dict[Path, os.stat_result]:
    found = {}
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another process tidies up, too
            found[path] = path.stat()
    return found


def _remove(pixels: Path) -> int:
    """Deletes the file and its index, and returns how many bytes that freed.

    The lock file stays: if it were deleted while another process takes it, two processes could hold it.
    """
    index = pixels.with_suffix(".index")
    try:
        with FileLock(pixels.with_suffix(".lock"), timeout=0):
            freed = sum(file.stat().st_size for file in (index, pixels) if file.exists())
            index.unlink(missing_ok=True)
            pixels.unlink()
            return freed
    except (OSError, NotImplementedError):  # in use, or held by the system
        return 0
