"""Finds pictures whose files are byte for byte the same. Nothing is decoded; needs no torch."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from resnet_gui.data.samples import Listing

_EDGE = 4096
"""Bytes at each end of a file that are compared first: pictures of one size nearly always differ there."""


def with_duplicates(
    listing: Listing,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda step, steps: None,
) -> Listing | None:
    """`listing` with its groups of equal files, or None if cancelled. For the arguments see `equal_files`.

    What is text is left out: a placeholder or a web page in place of a picture says nothing about equal pictures.
    """
    groups = equal_files(listing.root, [sample.path for sample in listing.samples], cancelled, progress)
    if groups is None:
        return None
    return replace(listing, duplicates=tuple(group for group in groups if not _is_text(listing.root / group[0])))


def _is_text(path: Path) -> bool:
    """Whether the file begins as text does, other than that of a picture in PBM, PGM or PPM form."""
    try:
        with path.open("rb", buffering=0) as file:
            start = file.read(64)
    except OSError:
        return False
    return start.isascii() and b"\0" not in start and start[:2] not in (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")


def equal_files(
    root: Path,
    paths: Sequence[str],
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda step, steps: None,
) -> tuple[tuple[str, ...], ...] | None:
    """The groups of `paths`, relative to `root`, whose files have the same content; None if `cancelled()` became true.

    Paths are sorted within a group, groups by their first path. Links to one file are equal. Files are read only where
    their size occurs twice: first their ends, then the whole of those that still agree. A file that is empty, cannot
    be read or is no ordinary file is in no group. `progress` is called for every file that is read, with its number
    and how many there are to read; the number starts anew for the few that must be read whole.
    """
    search = _Search(str(root), cancelled, progress)
    alike = search.divided(search.by_size(paths), _digest_of_ends)
    whole = [group for group in alike if group[0] <= 2 * _EDGE]
    whole += search.divided([group for group in alike if group[0] > 2 * _EDGE], _digest)
    if search.is_cancelled:
        return None
    groups = (sorted(path for names in files for path in names) for _, files in whole)
    return tuple(sorted(map(tuple, groups)))


_Group = tuple[int, list[list[str]]]
"""Files of one size in bytes, each as its paths: more than one if some are links to it."""


@dataclass
class _Search:
    """Divides files into ever smaller groups of two paths or more. After a cancellation the result means nothing."""

    root: str
    cancelled: Callable[[], bool]
    progress: Callable[[int, int], None]
    is_cancelled: bool = False

    def by_size(self, paths: Iterable[str]) -> list[_Group]:
        """The files of each size that occurs twice."""
        sizes: defaultdict[int, dict[Hashable, list[str]]] = defaultdict(dict)
        for path in paths:
            if self._cancel():
                return []
            try:
                status = os.stat(self._absolute(path))  # noqa: PTH116 - a Path for each picture takes longer
            except (OSError, ValueError):
                continue
            if status.st_size and stat.S_ISREG(status.st_mode):  # opening a FIFO could wait for ever
                identity = (status.st_dev, status.st_ino) if status.st_ino else path
                sizes[status.st_size].setdefault(identity, []).append(path)
        return _with_two_paths((size, [*files.values()]) for size, files in sizes.items())

    def divided(self, groups: Sequence[_Group], digest: Callable[[str], bytes]) -> list[_Group]:
        """`groups` divided by the `digest` of each file, which is not read if it is alone in its group."""
        steps, step = sum(len(files) for _, files in groups if len(files) > 1), 0
        done: list[_Group] = [group for group in groups if len(group[1]) == 1]
        for size, files in (group for group in groups if len(group[1]) > 1):
            found: defaultdict[bytes, list[list[str]]] = defaultdict(list)
            for names in files:
                if self._cancel():
                    return []
                with contextlib.suppress(OSError):
                    found[digest(self._absolute(names[0]))].append(names)
                step += 1
                self.progress(step, steps)
            done += _with_two_paths((size, equal) for equal in found.values())
        return done

    def _absolute(self, path: str) -> str:
        return f"{self.root}{os.sep}{path}"

    def _cancel(self) -> bool:
        self.is_cancelled = self.is_cancelled or self.cancelled()
        return self.is_cancelled


def _with_two_paths(groups: Iterable[_Group]) -> list[_Group]:
    return [group for group in groups if sum(map(len, group[1])) > 1]


def _digest_of_ends(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - as above
        ends = file.read(_EDGE)
        if len(ends) == _EDGE and (size := file.seek(0, os.SEEK_END)) > _EDGE:
            file.seek(max(_EDGE, size - _EDGE))
            ends += file.read(_EDGE)
    return hashlib.blake2b(ends, digest_size=16).digest()


def _digest(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - as above
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
