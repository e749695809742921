"""What each picture was when a run began, so that one that is replaced later is noticed. Needs no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resnet_gui.data.folder import Sample

_DIGEST = 16
_NONE = -1
"""The size of a picture that was not there."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Size in bytes `[N]`, times in ns `[N]` and content's digest `[N, 16]` of N pictures.

    `modified` is the time that programs can set, and set back; `touched` is the system's own (on Windows: the time of
    creation), which tells a picture from one of the same size that took its place by a rename.
    A digest is zeros until the picture has been read once. It tells a picture that was only copied or touched from one
    that was replaced.
    """

    size: NDArray[np.int64]
    modified: NDArray[np.int64]
    touched: NDArray[np.int64]
    digest: NDArray[np.uint8]

    @classmethod
    def take(cls, root: Path, samples: Sequence[Sample]) -> Snapshot:
        """The pictures as they are now."""
        stats = np.array([_stat(root / sample.path) for sample in samples], np.int64).reshape(-1, 3)
        size, modified, touched = stats.T.copy()
        return cls(size, modified, touched, np.zeros((len(samples), _DIGEST), np.uint8))

    def holds(self, index: int, path: Path) -> bool:
        """Whether the file in `path` is still picture `index`. Called after it was read, so that what was read is meant.

        May be called from several threads, for different pictures.
        """
        now = _stat(path)
        then = (self.size[index], self.modified[index], self.touched[index])
        known = bool(self.digest[index].any())
        if known and now == then:
            return True
        digest = _digest(path)
        if _stat(path) != now or not digest.any():
            return False
        if not np.array_equal(digest, self.digest[index]) if known else now != then:
            return False
        self.size[index], self.modified[index], self.touched[index] = now
        self.digest[index] = digest
        return True

    def read(self, root: Path, samples: Sequence[Sample], cancelled: Callable[[], bool] = lambda: False) -> None:
        """Takes the digests of pictures that have not been read yet and are as they were, until `cancelled()`."""
        for index in np.flatnonzero(~self.digest.any(axis=1)).tolist():
            if cancelled():
                return
            self.holds(index, root / samples[index].path)

    def compare(self, root: Path, samples: Sequence[Sample], left_out: Iterable[int]) -> tuple[list[int], list[int]]:
        """The indices of pictures that are gone, and of those that are others now; those `left_out` are not looked at."""
        removed, changed = [], []
        for index in sorted(set(range(len(samples))) - set(left_out)):
            path = root / samples[index].path
            now = _stat(path)
            if now == (self.size[index], self.modified[index], self.touched[index]):
                continue  # as it was, whether it can be read or not
            if now[0] == _NONE:
                removed.append(index)
            elif not self.holds(index, path):
                changed.append(index)
        return removed, changed


def _stat(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return _NONE, 0, 0
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _digest(path: Path) -> NDArray[np.uint8]:
    """Of the whole content; zeros if it cannot be read."""
    if not path.is_file():  # a pipe would be waited for, perhaps for ever
        return np.zeros(_DIGEST, np.uint8)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_DIGEST)).digest()
    except OSError:
        digest = bytes(_DIGEST)
    return np.frombuffer(digest, np.uint8)
