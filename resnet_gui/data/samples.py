"""One picture of a dataset, and all that a dataset folder holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from resnet_gui.messages import Message

SplitName = Literal["train", "val", "test"]
"""The splits' own names; `valid`, `validation` and `dev` folders are read as `val`."""


SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi", ".pjpeg", ".pjp", ".mpo", ".png", ".apng", ".webp", ".bmp", ".gif",
    ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".j2c", ".jpc", ".jpx", ".jpf",
)  # fmt: skip
"""A file is a picture if its name ends so, in upper or lower case. See also `data.picture_kinds.picture_suffixes`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture: `path` relative to the dataset folder with forward slashes, `label` an index into its classes.

    `split` is None where the folder has no split of its own.
    """

    path: str
    label: int
    split: SplitName | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """Files of one kind in `folder`, a class or a path from the dataset folder, that are pictures but cannot be used.

    `names` are those of the first three; `message` is a sentence.
    """

    folder: str
    kind: str
    count: int
    names: tuple[str, ...]
    message: Message


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies in a dataset folder. `classes` are sorted by name, one map for every split; `samples` by path.

    `unlabelled` are the pictures of a `test` folder that lie in no class folder; `unread` the files of kinds that cannot
    be used, which are no samples.
    """

    root: Path
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    unlabelled: tuple[str, ...] = ()
    notes: tuple[Message, ...] = ()
    unread: tuple[Unread, ...] = ()
