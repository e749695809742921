"""The version of each picture at the start of a run, so that a later replacement is noticed. Needs no torch."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resnet_gui.data.samples import Sample

Version = tuple[int, int, int]
"""A file's size in bytes, its time of change and the system's own time, both in ns; see `Snapshot`."""

_DIGEST = 16
_UNKNOWN = bytes(_DIGEST)
_NONE = -1
"""The size of a picture that is missing."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Sizes in bytes `[N]`, times in ns `[N]` and digests of the contents `[N, 16]` of N pictures.

    `modified` is the time that programs can set, and set back. `touched` is the system's own (on Windows: the time of
    creation); it differs where another picture of the same size was renamed to the same path.
    A digest is zeros until the picture has been read once. It distinguishes a picture that was only copied or touched
    from one that was replaced.
    """

    size: NDArray[np.int64]
    modified: NDArray[np.int64]
    touched: NDArray[np.int64]
    digest: NDArray[np.uint8]

    @classmethod
    def take(cls, root: Path, samples: Sequence[Sample]) -> Snapshot:
        """The pictures as they are now."""
        versions = (version_of(f"{root}{os.sep}{sample.path}") for sample in samples)
        times = np.fromiter(itertools.chain.from_iterable(versions), np.int64, 3 * len(samples)).reshape(-1, 3)
        size, modified, touched = times.T.copy()
        return cls(size, modified, touched, np.zeros((len(samples), _DIGEST), np.uint8))

    def is_of(self, count: int) -> bool:
        """Whether it has the shapes and types of a snapshot of `count` pictures."""
        times = (self.size, self.modified, self.touched)
        are_times = all(each.shape == (count,) and each.dtype == np.int64 for each in times)
        return are_times and self.digest.shape == (count, _DIGEST) and self.digest.dtype == np.uint8

    def version(self, index: int) -> Version:
        """The version of the file that was last known to be picture `index`."""
        return int(self.size[index]), int(self.modified[index]), int(self.touched[index])

    def holds(self, index: int, path: Path) -> bool:
        """Whether the file in `path` is still picture `index`. Called after it was read, so that no change is missed.

        May be called from several threads, for different pictures.
        """
        now = version_of(path)
        if now == self.version(index) and self.digest[index].tobytes() != _UNKNOWN:
            return True
        digest = _digest(path)
        return version_of(path) == now and digest != _UNKNOWN and self.recognizes(index, now, digest)

    def recognizes(self, index: int, now: Version, digest: bytes) -> bool:
        """As `holds`, for a file of version `now` whose `digest` is known already."""
        known, same = self.digest[index].tobytes(), now == self.version(index)
        if known == digest and same:
            return True
        if known != (_UNKNOWN if same else digest):
            return False
        self.size[index], self.modified[index], self.touched[index] = now
        self.digest[index] = np.frombuffer(digest, np.uint8)
        return True

    def read(self, root: Path, samples: Sequence[Sample], cancelled: Callable[[], bool] = lambda: False) -> None:
        """Takes the digests of pictures that have not been read yet and have not changed, until `cancelled()`."""
        for index in self.unread():
            if cancelled():
                return
            self.holds(index, root / samples[index].path)

    def unread(self) -> list[int]:
        """The indices of pictures whose digests are not known."""
        return [int(index) for index in np.flatnonzero(~self.digest.any(axis=1))]

    def follow(self, root: Path, samples: Sequence[Sample]) -> None:
        """Takes the files in `root`, to which the pictures were moved, for those of which only the size is known.

        For the others `compare` and `holds` verify the digest.
        """
        for index in self.unread():
            now = version_of(root / samples[index].path)
            if now[0] == self.size[index]:
                self.size[index], self.modified[index], self.touched[index] = now

    def known(self) -> list[int]:
        """The indices of pictures whose digests are known."""
        return [int(index) for index in np.flatnonzero(self.digest.any(axis=1))]

    def compare(self, root: Path, samples: Sequence[Sample], left_out: Iterable[int]) -> tuple[list[int], list[int]]:
        """The indices of removed and of changed pictures; those in `left_out` are ignored."""
        removed, changed = [], []
        for index in sorted(set(range(len(samples))) - set(left_out)):
            path = root / samples[index].path
            now = version_of(path)
            if now == self.version(index):
                continue  # as it was, whether it can be read or not
            if now[0] == _NONE:
                removed.append(index)
            elif not self.holds(index, path):
                changed.append(index)
        return removed, changed


def version_of(path: Path | str) -> Version:
    """The file's present version; a size of -1 if the file is missing or cannot be reached."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a path per picture would take longer to make than the answer
    except OSError:
        return _NONE, 0, 0
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _digest(path: Path) -> bytes:
    """The digest of the whole content; zeros if it cannot be read."""
    if not path.is_file():  # opening a FIFO could wait for ever
        return _UNKNOWN
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_DIGEST)).digest()
    except OSError:
        return _UNKNOWN
