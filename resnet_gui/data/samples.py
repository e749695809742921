"""One picture of a dataset, and all that a dataset folder holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from resnet_gui.messages import Message

SplitName = Literal["train", "val", "test"]
"""The splits' own names; `valid`, `validation` and `dev` folders are read as `val`."""


SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm",
)  # fmt: skip
"""A file is a picture if its name ends so, in upper or lower case."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture: `path` relative to the dataset folder with forward slashes, `label` an index into its classes.

    `split` is None where the folder has no split of its own.
    """

    path: str
    label: int
    split: SplitName | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in a dataset folder. `classes` are sorted by name, one map for every split; `samples` by path.

    `unlabelled` are the pictures of a `test` folder that lie in no class folder. `duplicates` are groups of samples'
    paths whose files are byte for byte the same, once these were looked for (`data.checks.duplicates`).
    """

    root: Path
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    unlabelled: tuple[str, ...] = ()
    notes: tuple[Message, ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()
