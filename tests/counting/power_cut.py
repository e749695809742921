"""What a disk may hold after the power failed: a model of a disk that follows the calls of a program.

The model is the conservative one of the papers on crash consistency (Pillai et al. 2014, "All File Systems Are Not
Created Equal"; Mohan et al. 2018, "Finding Crash-Consistency Bugs with Bounded Black-Box Crash Testing"), and promises
no more than POSIX does:

- What was written to a file is safe once `fsync` of that file has returned. Until then any of its blocks may be
  missing, be zeros, or be there while earlier ones are not, and the file may be shorter than it was.
- A name that was given, moved or taken away is safe once `fsync` of the folder that holds it has returned. Until then
  each such change may have reached the disk or not, in any order, and before the data that it names. A rename is one
  change. To `fsync` a file does not make its name safe, nor to `fsync` a folder its own name in the folder above.

Of the changes of names all subsets are tried, up to 64 for each folder. Of the subsets of blocks there are too many:
tried are none, all, all as zeros, a file cut at three offsets, every second block, and a subset by chance.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from file_calls import Call

_BLOCK = 4096
_MOST_SUBSETS = 64
_FATES = ("all", "none", "zeros", "cut 1", "cut 2", "cut 3", "second", "chance")

State = dict[Path, bytes | None]
"""What is on a disk: the content of each file, None for a folder, by its path from the top."""


@dataclass(eq=False)
class _File:
    """`safe` is what the disk surely holds, `now` what a program reads."""

    safe: bytes = b""
    now: bytes = b""
    known: dict[str, bytes] = field(default_factory=dict)

    def write(self, offset: int, data: bytes) -> None:
        self.now = self.now[:offset].ljust(offset, b"\0") + data + self.now[offset + len(data) :]
        self.known.clear()

    def empty(self) -> None:
        self.now = b""
        self.known.clear()

    def sync(self) -> None:
        self.safe = self.now
        self.known.clear()

    def after(self, fate: str, chance: Random) -> bytes:
        """What a crash leaves of it."""
        if self.safe is self.now:
            return self.now
        if fate not in self.known:
            self.known[fate] = self._left(fate, chance)
        return self.known[fate]

    def _left(self, fate: str, chance: Random) -> bytes:
        if fate == "none":
            return self.safe
        if fate.startswith("cut"):
            kept = len(self.now) * int(fate[-1]) // 4
            return self.now[: kept // _BLOCK * _BLOCK or kept]
        blocks = range(0, len(self.now), _BLOCK)
        lost = {
            "all": [], "zeros": blocks, "second": blocks[::2], "chance": [each for each in blocks if chance.random() < 0.5],
        }[fate]  # fmt: skip
        left = bytearray(self.now)
        for start in lost:
            old = b"" if fate == "zeros" else self.safe[start : start + _BLOCK]
            left[start : start + _BLOCK] = old.ljust(len(left[start : start + _BLOCK]), b"\0")
        return bytes(left)


@dataclass(eq=False)
class _Folder:
    """`safe` are the names that the disk surely holds; each of `changes` may have reached it. None: the name is gone."""

    safe: dict[str, _File | _Folder | None] = field(default_factory=dict)
    changes: list[dict[str, _File | _Folder | None]] = field(default_factory=list)

    def names(self, changes: list[dict[str, _File | _Folder | None]]) -> dict[str, _File | _Folder | None]:
        """The names if `changes` have reached the disk."""
        return functools.reduce(lambda names, change: names | change, changes, self.safe)

    @property
    def now(self) -> dict[str, _File | _Folder | None]:
        return self.names(self.changes)

    def sync(self) -> None:
        self.safe, self.changes = self.now, []

    def subsets(self) -> Iterator[list[dict[str, _File | _Folder | None]]]:
        kept = itertools.product((True, False), repeat=len(self.changes))
        for keep in itertools.islice(kept, _MOST_SUBSETS):
            yield list(itertools.compress(self.changes, keep))


class Disk:
    """Follows the calls of a program in the folder `root`, which is empty and safe at first."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.top = _Folder()

    def follow(self, call: Call) -> None:
        """Takes over what `call` has changed."""
        if call.what == "fsync":
            self._at(call.path).sync()
            return
        folder, name = self._at(call.path.parent), call.path.name
        assert isinstance(folder, _Folder)
        file = folder.now.get(name)
        if call.what == "open" and "c" in call.mode and file is None:
            folder.changes.append({name: _File()})
        elif call.what == "open" and "t" in call.mode and isinstance(file, _File):
            file.empty()
        elif call.what == "write" and isinstance(file, _File):
            file.write(call.offset, call.data)
        elif call.what == "mkdir":
            folder.changes.append({name: _Folder()})
        elif call.what == "unlink":
            folder.changes.append({name: None})
        elif call.what == "replace":
            assert call.target.parent == call.path.parent
            folder.changes.append({name: None, call.target.name: file})

    def content(self, path: Path) -> bytes:
        """What a program that reads the file gets."""
        file = self._at(path)
        assert isinstance(file, _File)
        return file.now

    def _at(self, path: Path) -> _File | _Folder:
        entry: _File | _Folder | None = self.top
        for name in path.relative_to(self.root).parts:
            assert isinstance(entry, _Folder)
            entry = entry.now.get(name)
        assert entry is not None, path
        return entry

    def states(self, chance: Random) -> Iterator[State]:
        """What the disk may hold if the power fails now. Some come twice."""
        for fate in _FATES:
            yield from _states(self.top, Path(), fate, chance)


def _states(folder: _Folder, path: Path, fate: str, chance: Random) -> Iterator[State]:
    for changes in folder.subsets():
        parts: list[list[State]] = []
        for name, node in folder.names(changes).items():
            if isinstance(node, _File):
                parts.append([{path / name: node.after(fate, chance)}])
            elif isinstance(node, _Folder):
                parts.append([{path / name: None} | state for state in _states(node, path / name, fate, chance)])
        for chosen in itertools.product(*parts):
            yield functools.reduce(lambda state, part: state | part, chosen, {})


@functools.lru_cache(maxsize=256)
def fingerprint(content: bytes) -> str:
    """SHA-256 of `content`, remembered."""
    return hashlib.sha256(content).hexdigest()


def key(state: State) -> frozenset[tuple[Path, str]]:
    """Equal for equal states."""
    return frozenset((path, fingerprint(content) if content is not None else "") for path, content in state.items())
