"""One picture of a dataset, and all that a dataset folder holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from resnet_gui.messages import Message, Problem, Value, first_names, message, sentence

SplitName = Literal["train", "val", "test"]
"""The splits' own names; `valid`, `validation` and `dev` folders are read as `val`."""

LayoutName = Literal["classes", "subclasses", "splits", "folds"]
"""What the folders in a dataset folder are: classes, groups of classes, splits or folds."""

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

    `unlabelled` are the pictures of a `test` folder that lie in no class folder, or in none that training knows.
    `layout` is how the folders were read: listing `root` again in this layout gives the same. They can perhaps be read
    in another one if `is_nested`: if folders in `root` hold folders of pictures. `duplicates` are groups of samples'
    paths whose files are byte for byte the same, once these were looked for (`data.checks.duplicates`).
    `unread` are the files of kinds that cannot be used, which are no samples.
    """

    root: Path
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    unlabelled: tuple[str, ...] = ()
    notes: tuple[Message, ...] = ()
    layout: LayoutName = "classes"
    is_nested: bool = False
    duplicates: tuple[tuple[str, ...], ...] = ()
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True)
class FolderUse:
    """What one folder is in a `Reading`: `path` below the root, how many `pictures` it holds, its split, if it has one.

    `folders` are the names of the folders in it.
    """

    path: str
    pictures: int
    split: SplitName | None
    folders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a folder: the classes, sorted, what each folder in it is, and the folders that are not used."""

    layout: LayoutName
    classes: tuple[str, ...]
    folders: tuple[FolderUse, ...]
    left_out: tuple[FolderUse, ...]

    @property
    def message(self) -> Message:
        """The reading for the command line: its option, and what it gives."""
        folders = [f"{use.path} ({use.split})" if use.split else use.path for use in self.folders]
        values: dict[str, Value] = {
            "count": len(self.classes),
            "names": first_names(self.classes),
            "folders": first_names(folders),
        }
        return message(_READINGS[self.layout], **values)


_READINGS: dict[LayoutName, str] = {
    "classes": "reading_classes", "subclasses": "reading_subclasses", "splits": "reading_splits", "folds": "reading_folds",
}  # fmt: skip


class LayoutUnclear(Problem):
    """A folder that can be read in several ways, where nothing decides between them."""

    def __init__(self, root: Path, readings: tuple[Reading, ...]) -> None:
        super().__init__("layout_unclear", path=str(root), layouts=", ".join(each.layout for each in readings))
        self.root = root
        self.readings = readings

    def __str__(self) -> str:
        messages = (self.message, *(each.message for each in self.readings), message("layout_alone"))
        return "\n  ".join(map(sentence, messages))
