"""Lets a test see, and refuse, each call by which a program changes or reads the files of one folder.

The calls are real: only what stands between the program and the system is replaced, and only for paths in the folder.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock


@dataclass(frozen=True)
class Call:
    """A call about to be made: `do()` makes it as the program meant it, `do(data)` writes other bytes instead.

    Of an `open`, `mode` has a "c" if the file is made where there is none, and a "t" if it is emptied.
    """

    what: str
    path: Path
    do: Callable[..., Any]
    data: bytes = b""
    offset: int = 0
    target: Path = Path()
    mode: str = ""


Watch = Callable[[Call], Any]
"""Makes the call, or raises `OSError` as the system would; what it returns is what the program gets."""


@contextlib.contextmanager
def watched(folder: Path, watch: Watch) -> Iterator[None]:
    """While this lasts, calls on paths in `folder` go through `watch`."""
    files = _Files(folder, watch)
    with contextlib.ExitStack() as stack:
        for module, name in ((builtins, "open"), (io, "open")):
            stack.enter_context(mock.patch.object(module, name, files.open))
        for name in ("fsync", "close"):
            stack.enter_context(mock.patch.object(os, name, functools.partial(files.on_descriptor, getattr(os, name))))
        for name in ("mkdir", "unlink", "listdir", "scandir", "stat", "statvfs"):
            stack.enter_context(mock.patch.object(os, name, functools.partial(files.on_path, getattr(os, name))))
        stack.enter_context(mock.patch.object(os, "replace", functools.partial(files.replace, os.replace)))
        stack.enter_context(mock.patch.object(os, "open", functools.partial(files.os_open, os.open)))
        yield


@contextlib.contextmanager
def fsync_disabled() -> Iterator[None]:
    """While this lasts, `fsync` does nothing: it takes the most time, and these files need not outlast a crash."""

    def fsync(descriptor: int) -> None:
        pass

    with mock.patch.object(os, "fsync", fsync):
        yield


class _Files:
    """The replaced functions. `paths` knows what each open descriptor stands for."""

    def __init__(self, folder: Path, watch: Watch) -> None:
        self.folder = folder
        self.watch = watch
        self.paths: dict[int, Path] = {}

    def inside(self, path: object) -> Path | None:
        if isinstance(path, str | os.PathLike):
            found = Path(path)
            return found if found.is_relative_to(self.folder) else None
        return None

    def on_path(self, real: Callable[..., Any], path: Any = ".", *arguments: Any, **named: Any) -> Any:
        inside = self.inside(path)
        act = functools.partial(real, path, *arguments, **named)
        return self.watch(Call(real.__name__, inside, act)) if inside else act()

    def replace(self, real: Callable[..., Any], source: Any, target: Any) -> Any:
        inside = self.inside(source)
        if not inside:
            return real(source, target)
        result = self.watch(Call("replace", inside, lambda: real(source, target), target=Path(target)))
        self.paths = {fd: Path(target) if path == inside else path for fd, path in self.paths.items()}
        return result

    def os_open(self, real: Callable[..., int], path: Any, flags: int, *arguments: Any, **named: Any) -> int:
        inside = self.inside(path)
        if not inside:
            return real(path, flags, *arguments, **named)
        mode = "c" * bool(flags & os.O_CREAT) + "t" * bool(flags & os.O_TRUNC)
        descriptor: int = self.watch(Call("open", inside, lambda: real(path, flags, *arguments, **named), mode=mode))
        self.paths[descriptor] = inside
        return descriptor

    def on_descriptor(self, real: Callable[[int], None], descriptor: Any) -> None:
        path = self.paths.get(descriptor) if isinstance(descriptor, int) else None
        if path is None:
            return real(descriptor)
        if real.__name__ == "close":
            del self.paths[descriptor]
        return self.watch(Call(real.__name__, path, lambda: real(descriptor)))

    def open(self, path: Any, mode: str = "r", buffering: int = -1, *arguments: Any, **named: Any) -> Any:
        inside = self.inside(path)
        if not inside:
            return _open(path, mode, buffering, *arguments, **named)
        letters = "c" * (mode[0] in "wax") + "t" * (mode[0] == "w")
        raw = self.watch(
            Call("open", inside, lambda: _File(path, mode.replace("t", "").replace("b", ""), self), mode=letters)
        )
        self.paths[raw.fileno()] = inside
        buffered = io.BufferedReader(raw) if mode[0] == "r" else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, *arguments, **named)


_open = io.open


class _File(io.FileIO):
    """An open file whose reads and writes are calls, too."""

    def __init__(self, path: Any, mode: str, files: _Files) -> None:
        super().__init__(path, mode)
        self.files = files

    def _call(self, what: str, do: Callable[..., Any], **more: Any) -> Any:
        path = self.files.paths.get(self.fileno())
        return self.files.watch(Call(what, path, do, **more)) if path else do()

    def write(self, data: Any) -> int:
        whole = bytes(data)
        offset = os.fstat(self.fileno()).st_size if "a" in self.mode else self.tell()
        written: int = self._call("write", lambda part=whole: io.FileIO.write(self, part), data=whole, offset=offset)
        return written

    def readinto(self, buffer: Any) -> Any:
        return self._call("read", lambda: io.FileIO.readinto(self, buffer))

    def readall(self) -> Any:
        return self._call("read", lambda: io.FileIO.readall(self))

    def close(self) -> None:
        path = None if self.closed else self.files.paths.pop(self.fileno(), None)
        if path:
            self.files.watch(Call("close", path, lambda: io.FileIO.close(self)))
        else:
            super().close()
