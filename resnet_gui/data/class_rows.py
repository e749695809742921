"""What the table of classes shows: a row for each class, counted by split."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from operator import attrgetter

from resnet_gui.data.samples import Listing
from resnet_gui.data.split import Splits

_SHOWN = 6


@dataclass(slots=True)
class ClassRow:
    """One class. `figures` are pictures, train, validation, test and skipped; `examples` are absolute paths."""

    name: str
    figures: list[int]
    examples: tuple[str, ...]


def class_rows(listing: Listing, splits: Splits) -> list[ClassRow]:
    """A row for each class of `listing`, with examples taken evenly from its pictures."""
    members: list[list[str]] = [[] for _ in listing.classes]
    for sample in listing.samples:
        members[sample.label].append(sample.path)
    shares = [Counter(map(attrgetter("label"), samples)) for samples in (splits.train, splits.val, splits.test)]
    root = str(listing.root)
    return [
        ClassRow(name, [len(paths), *(share[label] for share in shares), 0], _examples(root, paths))
        for label, (name, paths) in enumerate(zip(listing.classes, members, strict=True))
    ]


def _examples(root: str, paths: list[str]) -> tuple[str, ...]:
    shown = min(_SHOWN, len(paths))
    return tuple(os.path.join(root, paths[index * len(paths) // shown]) for index in range(shown))  # noqa: PTH118 - 20 times as quick
