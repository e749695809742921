"""A table or an export, written row by row: it is tried before the work, and an earlier one is kept until it is whole.

```
check_output(path)                      # before the work, as soon as the path is known
with open_output(path) as output:       # when the first row comes
    output.file.write(…)
    output.stop("…")                    # only if the work is cut short
```
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from resnet_gui.atomic_write import rename, sync_names, temporary_beside
from resnet_gui.messages import Problem
from resnet_gui.output.advice import reason_and_advice

_STREAMS = ("/dev", "/dev/fd", "/proc/self/fd", f"/proc/{os.getpid()}/fd")
"""Folders whose names are open streams, such as `/dev/stdout`. A regular file behind one must not be replaced."""


class Output:
    """A file that is being written as `file`; `path` is where it will lie, `is_stream` if that is a pipe or a device."""

    def __init__(self, path: Path, file: TextIO, temporary: Path | None) -> None:
        self.path = path
        self.file = file
        self.is_stream = temporary is None and _is_stream(path)
        self._temporary = temporary

    def keep_unfinished(self) -> None:
        """To be called if what is in the file is not all. A whole file that `path` holds already is not replaced."""
        if self._temporary and self.path.exists():
            self.path = _unused(self.path)

    def finish(self) -> None:
        """Forces the file to the disk and gives it its name. Raises `OSError`."""
        self.file.flush()
        if self._temporary is None:
            self.file.close()
            return
        os.fsync(self.file.fileno())
        self.file.close()
        rename(self._temporary, self.path)
        sync_names(self.path.parent)

    def discard(self) -> None:
        """Leaves nothing behind. An earlier file stays."""
        with contextlib.suppress(OSError):
            self.file.close()
        if self._temporary:
            with contextlib.suppress(OSError):
                self._temporary.unlink()


def check_output(path: Path) -> None:
    """Raises `Problem` (`cannot_write`) if `path` cannot be written. Leaves no trace, and reads nothing else."""
    try:
        if not _in_place(path):
            check_folder(_target(path).parent)
    except OSError as error:
        raise Problem("cannot_write", path=str(path), **reason_and_advice(error)) from error


def check_folder(folder: Path) -> None:
    """Raises `OSError` if no file can be made in `folder`. The one that is tried has no name, where the system can."""
    if hasattr(os, "O_TMPFILE"):
        try:
            os.close(os.open(folder, os.O_RDWR | os.O_TMPFILE, 0o600))
            return
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR):  # a drive, or a system, that knows no such files
                raise
    with tempfile.TemporaryFile(dir=folder):
        pass


def check_new_folder(folder: Path) -> None:
    """Raises `Problem` (`cannot_write`) if `folder` cannot be made or written. It is not made."""
    try:
        check_folder(next(each for each in (folder, *folder.absolute().parents) if _is_there(each)))
    except OSError as error:
        raise Problem("cannot_write", path=str(folder), **reason_and_advice(error)) from error


@contextlib.contextmanager
def open_output(path: Path) -> Iterator[Output]:
    """A text file, UTF-8 without newline translation, in which names that are not UTF-8 keep their bytes.

    It gets its name at the end of the block, and vanishes after an exception. Raises `Problem` (`cannot_write`).
    """
    try:
        output = _opened(path)
    except OSError as error:
        raise Problem("cannot_write", path=str(path), **reason_and_advice(error)) from error
    try:
        yield output
        output.finish()
    except OSError as error:
        output.discard()
        raise Problem("cannot_write", path=str(path), **reason_and_advice(error)) from error
    except BaseException:
        output.discard()
        raise


def _opened(path: Path) -> Output:
    if _in_place(path):
        return Output(path, _open_existing(path), None)
    target = _target(path)
    temporary = temporary_beside(target)
    file = temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape")
    if target.exists():
        with contextlib.suppress(OSError):
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
    return Output(target, file, temporary)


def _open_existing(path: Path) -> TextIO:
    """Opened as it is: a pipe or a device, or a file in a folder that takes no new ones."""
    return path.open("a" if _is_stream(path) else "w", newline="", encoding="utf-8", errors="surrogateescape")


def _in_place(path: Path) -> bool:
    """Whether `path` cannot be replaced by another file. Raises `OSError` if it can be neither replaced nor written."""
    if not _is_there(path):
        return False
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if _is_stream(path):
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return True
    os.close(os.open(path, os.O_WRONLY))  # as it is: a table may be protected, or held open by a spreadsheet
    try:
        check_folder(_target(path).parent)
    except PermissionError:
        return True
    return False


def _is_stream(path: Path) -> bool:
    """Whether `path` is a pipe, a device or an open file of this process."""
    return not path.is_file() or str(path.absolute().parent) in _STREAMS


def _is_there(path: Path) -> bool:
    """Whether there is something of this name. Raises `OSError` for a name that cannot be."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True


def _target(path: Path) -> Path:
    """The file behind `path`, so that a link stays a link."""
    return Path(os.path.realpath(path))


def _unused(path: Path) -> Path:
    """`path` as `table.stopped.csv`, or `table.stopped-2.csv`: a name that is free."""
    names = (f"{path.stem}.stopped{'' if number == 1 else f'-{number}'}{path.suffix}" for number in itertools.count(1))
    return next(each for each in map(path.with_name, names) if not each.exists())
