"""Kills this process at a named point of a save, by SIGKILL: nothing is flushed or closed, and no event is sent.

A point is `<when>:<file>:<n>`: the n-th time, from 1, that `when` is reached for a file of the kind `file`. This
module does not know how a save is made: it looks at every open, write, fsync, rename and unlink of the process. For Linux and macOS.
"""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SAVE = (
    "before write", "half written", "written", "fsynced", "before rename", "renamed", "folder fsynced",
)  # fmt: skip
POINTS = {
    "checkpoint": (*_SAVE, "before prune", "pruned"),
    "model": _SAVE,
    "record": _SAVE,
}
"""By kind of file. A record is one of the run's other files: events.jsonl, results.csv, config.toml, split.csv."""

VARIABLE = "KILL_AT"
"""The environment variable that names the point to a process that is not a fork."""

_RECORDS = ("events.jsonl", "results.csv", "config.toml", "split.csv")


def kill_at_point(point: str) -> None:
    """From now on this process is killed when it reaches `point`."""
    when, kind, count = point.split(":")
    _Watch(when, kind, int(count)).install()


class _Watch:
    def __init__(self, when: str, kind: str, count: int) -> None:
        self.when, self.kind, self.left = when, kind, count
        self.opened: dict[int, str] = {}
        self.last = ""

    def install(self) -> None:
        io.open, os.open = self._opening(io.open), self._opening(os.open)
        os.fsync = self._syncing(os.fsync)
        os.replace, os.rename = self._renaming(os.replace), self._renaming(os.rename)
        os.unlink, os.remove = self._deleting(os.unlink), self._deleting(os.remove)

    def reached(self, when: str, path: Any) -> None:
        if when == self.when and self._is_meant(path):
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def _is_meant(self, path: Any) -> bool:
        path = Path(os.fsdecode(path))
        if path.parent.name == "checkpoints":
            return self.kind == "checkpoint"
        if "model.safetensors" in path.name:
            return self.kind == "model"
        return self.kind == "record" and any(name in path.name for name in _RECORDS)

    def _opening(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def opening(path: Any, *rest: Any, **named: Any) -> Any:
            file = real(path, *rest, **named)
            if not isinstance(path, int):
                self.opened[file if isinstance(file, int) else file.fileno()] = os.fsdecode(path)
                if isinstance(file, io.BufferedWriter | io.TextIOWrapper) and file.writable():
                    return _Written(file, os.fsdecode(path), self)
            return file

        return opening

    def _syncing(self, real: Callable[[int], None]) -> Callable[[int], None]:
        def syncing(descriptor: int) -> None:
            path = self.opened.get(descriptor, "")
            if Path(path).is_dir():
                real(descriptor)
                self.reached("folder fsynced", self.last)
                return
            self.reached("written", path)
            real(descriptor)
            self.reached("fsynced", path)

        return syncing

    def _renaming(self, real: Callable[..., None]) -> Callable[..., None]:
        def renaming(path: Any, target: Any) -> None:
            self.reached("before rename", path)
            real(path, target)
            self.last = os.fsdecode(target)
            self.reached("renamed", path)

        return renaming

    def _deleting(self, real: Callable[..., None]) -> Callable[..., None]:
        def deleting(path: Any, **named: Any) -> None:
            self.reached("before prune", path)
            real(path, **named)
            self.reached("pruned", path)

        return deleting


class _Written:
    """A file opened for writing, each of whose writes may stop in its middle."""

    def __init__(self, file: Any, path: str, watch: _Watch) -> None:
        self._file, self._path, self._watch = file, path, watch

    def write(self, data: Any) -> int:
        self._watch.reached("before write", self._path)
        half = len(data) // 2
        self._file.write(data[:half])
        if self._watch.when == "half written":  # else nothing is flushed, as in the program itself
            self._file.flush()
            self._watch.reached("half written", self._path)
        return half + self._file.write(data[half:])

    def __enter__(self) -> _Written:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __iter__(self) -> Any:
        return iter(self._file)


if VARIABLE in os.environ:  # imported by a sitecustomize.py of `kill.py`
    kill_at_point(os.environ[VARIABLE])
