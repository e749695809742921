"""Opens the files that a user names: ordinary ones only, so that no pipe, device or folder keeps the program waiting."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

MOST_BYTES = 2**31
"""How much of a file `read_regular` reads, if nobody says otherwise: more than any table of this program takes."""


class NotRegular(OSError):
    """There is something of this name, but it is no ordinary file."""


def open_regular(path: Path) -> BinaryIO:
    """Opens `path` to read its bytes.

    Raises `OSError`: `NotRegular` for a folder, a pipe, a socket or a device, before it is opened.
    """
    try:
        _require_regular(path.stat(), path)  # to open a pipe waits for a writer, and to open a device may do something
        file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115 - the caller closes it
    except ValueError as error:  # a NUL, or a character that no file name can have
        raise OSError(errno.EINVAL, "no file can have this name", str(path)) from error
    try:
        _require_regular(os.fstat(file.fileno()), path)  # it may have been replaced in between
    except OSError:
        file.close()
        raise
    return file


def read_regular(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of `path`, as far as it went when it was opened. Raises `OSError` as `open_regular`, and above `most` bytes."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise OSError(errno.EFBIG, f"it is larger than {most / 1e6:,.0f} MB", str(path))
        return file.read(size)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _require_regular(status: os.stat_result, path: Path) -> None:
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return
    kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    what = next((name for is_kind, name in kinds if is_kind(mode)), "a device")
    raise NotRegular(errno.EINVAL, f"it is {what}, not an ordinary file", str(path))
