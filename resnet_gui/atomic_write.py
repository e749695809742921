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


def atomic_write(path: Path, *pieces: bytes | memoryview) -> None:
    """Writes `pieces` one after the other beside `path`, forces them to the disk and renames the file into place.

    After an error, a power cut or a kill, `path` holds what it held before, or all of `pieces`. Raises `OSError`, and
    then nobody knows which of the two a power cut would leave: whoever asked must say so.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        _rename(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    sync_names(path.parent)


def make_folder(folder: Path) -> None:
    """Makes `folder`, and those above it that are missing, so that a power cut does not take it. Raises `OSError`."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_names(folder.parent)


def sync_names(folder: Path) -> None:
    """Makes the names in `folder` durable, where the system can: Windows and some network drives cannot."""
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


def _rename(beside: Path, path: Path) -> None:
    """Renames, and waits a moment where a virus scanner or an indexer holds the target."""
    for attempt in range(_TRIES - 1):
        try:
            beside.replace(path)
        except PermissionError:
            time.sleep(_FIRST_WAIT * 2**attempt)
        else:
            return
    beside.replace(path)


def sweep(folder: Path) -> None:
    """Deletes what a killed `safe_write` left in `folder`. Only for whoever alone writes there."""
    with contextlib.suppress(OSError):
        for beside in list(folder.glob(".*.part")):
            beside.unlink()
