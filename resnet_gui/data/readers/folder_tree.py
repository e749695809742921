"""The folders below a root, as the layout of a dataset is read from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence


class FolderTree:
    """Every folder by its path from the root ("" is the root), with the names of the pictures directly in it.

    Folders without any picture, at whatever depth, count for nothing here but stay in `pictures`.
    """

    def __init__(self, pictures: Mapping[str, Sequence[str]]) -> None:
        self.pictures = pictures
        self._totals: dict[str, int] = defaultdict(int)
        for folder, names in pictures.items():
            if names:
                self._count(folder, len(names))
        self._children: dict[str, list[str]] = defaultdict(list)
        for folder in sorted(self._totals):
            if folder:
                self._children[parent(folder)].append(folder)

    def _count(self, folder: str, count: int) -> None:
        self._totals[folder] += count
        while folder:
            folder = parent(folder)
            self._totals[folder] += count

    def own(self, folder: str) -> int:
        """How many pictures lie directly in `folder`."""
        return len(self.pictures[folder])

    def total(self, folder: str) -> int:
        """How many pictures lie in `folder` and below."""
        return self._totals.get(folder, 0)

    def children(self, folder: str) -> Sequence[str]:
        """The folders directly in `folder` that hold pictures, sorted by path."""
        return self._children.get(folder, ())

    def only_child(self, folder: str) -> str | None:
        """The folder in `folder` if it holds nothing but this one, and this one holds folders too."""
        children = self.children(folder)
        return children[0] if len(children) == 1 and not self.own(folder) and self.children(children[0]) else None


def parent(folder: str) -> str:
    """The path of the folder that holds `folder`."""
    return folder.rpartition("/")[0]


def last_name(folder: str) -> str:
    """The folder's own name."""
    return folder.rpartition("/")[2]
