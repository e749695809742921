"""Finds the pictures of a run in the folder to which they were moved."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from resnet_gui.data.samples import Sample
from resnet_gui.messages import Problem

_DEPTH = 3
"""How many folders down the pictures may lie: an archive is often unpacked into a folder of its own."""


def moved_root(folder: Path, samples: Iterable[Sample]) -> Path:
    """`folder`, or the only folder in it, that holds `samples` or some of them.

    Raises `Problem` (`dataset_not_there`).
    """
    tops = {sample.path.partition("/")[0] for sample in samples}
    found = _holding(folder.absolute(), tops, _DEPTH)
    if len(found) != 1:
        raise Problem("dataset_not_there", path=str(folder))
    return found[0]


def _holding(folder: Path, tops: set[str], depth: int) -> list[Path]:
    """The uppermost folders, from `folder` on, that hold one of `tops`."""
    try:
        names = {path.name for path in folder.iterdir()}
        if tops & names:
            return [folder]
        below = sorted(folder / name for name in names if not name.startswith(".") and (folder / name).is_dir())
    except OSError:
        return []
    return [root for each in below if depth for root in _holding(each, tops, depth - 1)]
