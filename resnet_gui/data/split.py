"""Which pictures train, which choose the best epoch, which are kept for the final score; written down with the run."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import cast

from resnet_gui.atomic_write import atomic_write
from resnet_gui.data.samples import Listing, Sample, SplitName
from resnet_gui.messages import Message, Problem, message, reason

_SPLITS: tuple[SplitName, ...] = ("train", "val", "test")
_HEADER = ["split", "class", "path"]


@dataclass(frozen=True, slots=True)
class Splits:
    """The samples of each split, sorted by path; each sample names its split."""

    classes: tuple[str, ...]
    train: tuple[Sample, ...]
    val: tuple[Sample, ...]
    test: tuple[Sample, ...]
    notes: tuple[Message, ...] = ()


def split_samples(listing: Listing, val_fraction: float, test_fraction: float, seed: int) -> Splits:
    """The folder's own splits where it has them, else a stratified one: the shares (0 to 1) are taken from each class.

    Where the folder has train and test but no validation pictures, these are taken from train; where it has nothing
    but train, all of it is split. Which pictures of a class go where depends on `seed`, the class's name and the
    pictures' paths alone. A class with 1 or 2 pictures goes to train; a larger one has at least one in each split.
    The result's `notes` are those that are not in the listing's own.
    """
    own = {sample.split for sample in listing.samples}
    if "val" in own:
        return _gathered(listing.classes, listing.samples, ())
    if "test" in own:
        return _val_from_train(listing, val_fraction, seed)
    samples, notes = _stratified(listing.samples, listing.classes, val_fraction, test_fraction, seed)
    if own == {"train"}:
        notes.insert(0, message("split_from_train"))
    if not test_fraction:
        notes.append(message("no_test"))
    return _gathered(listing.classes, samples, notes)


def _val_from_train(listing: Listing, val_fraction: float, seed: int) -> Splits:
    train = [sample for sample in listing.samples if sample.split == "train"]
    test = [sample for sample in listing.samples if sample.split == "test"]
    samples, notes = _stratified(train, listing.classes, val_fraction, 0.0, seed)
    note = message("val_from_train", percent=round(100 * val_fraction))
    return _gathered(listing.classes, [*samples, *test], [note, *notes])


def _stratified(
    samples: Iterable[Sample], classes: tuple[str, ...], val_fraction: float, test_fraction: float, seed: int
) -> tuple[list[Sample], list[Message]]:
    by_class: list[list[Sample]] = [[] for _ in classes]
    for sample in samples:
        by_class[sample.label].append(sample)
    assigned: list[Sample] = []
    notes: list[Message] = []
    for name, members in zip(classes, by_class, strict=True):
        if 0 < len(members) < 3:
            notes.append(message("class_small", name=name, count=len(members)))
        members.sort(key=lambda sample: _order(seed, name, sample.path))
        val, test = _shares(len(members), val_fraction, test_fraction)
        for index, sample in enumerate(members):
            split: SplitName = "val" if index < val else "test" if index < val + test else "train"
            assigned.append(Sample(sample.path, sample.label, split))
    return assigned, notes


def _shares(count: int, val_fraction: float, test_fraction: float) -> tuple[int, int]:
    """How many of a class's `count` pictures are for validation and for test."""
    if count < 3:
        return 0, 0
    val = max(1, round(count * val_fraction)) if val_fraction else 0
    test = max(1, round(count * test_fraction)) if test_fraction else 0
    while val + test > count - 1:  # train keeps one
        if val > test:
            val -= 1
        else:
            test -= 1
    return val, test


def _order(seed: int, name: str, path: str) -> bytes:
    """A sort key for shuffling, which depends on no other picture and on no library's random numbers."""
    return hashlib.blake2b(f"{seed}\0{name}\0{path}".encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _gathered(classes: Iterable[str], samples: Iterable[Sample], notes: Iterable[Message]) -> Splits:
    parts: dict[SplitName | None, list[Sample]] = {split: [] for split in _SPLITS}
    for sample in sorted(samples, key=attrgetter("path")):
        parts[sample.split].append(sample)
    train, val, test = (tuple(parts[split]) for split in _SPLITS)
    return Splits(tuple(classes), train, val, test, tuple(notes))


def write_split(splits: Splits, path: Path) -> None:
    """Writes one CSV row `split,class,path` for each picture. Names that are not UTF-8 keep their bytes."""
    atomic_write(path, as_csv(splits))


def fingerprint(splits: Splits) -> str:
    """SHA-256, in hexadecimal, of the CSV: equal for equal splits, whoever wrote them."""
    return hashlib.sha256(as_csv(splits)).hexdigest()


def as_csv(splits: Splits) -> bytes:
    """The file's content."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)  # its own "\r\n" line ends, without which it would not quote a name that holds "\r"
    rows.writerow(_HEADER)
    for split, samples in zip(_SPLITS, (splits.train, splits.val, splits.test), strict=True):
        rows.writerows((split, splits.classes[sample.label], sample.path) for sample in samples)
    return text.getvalue().encode("utf-8", "surrogateescape")


def read_split(path: Path) -> Splits:
    """The splits that `write_split` wrote, without their notes.

    Raises `Problem` (`split_unreadable`) if the file is missing or is not such a CSV.
    """
    try:
        return from_csv(path.read_bytes())
    except OSError as error:
        raise Problem("split_unreadable", path=str(path), reason=reason(error)) from error
    except ValueError as error:
        raise Problem("split_unreadable", path=str(path), reason=str(error)) from error


def from_csv(data: bytes) -> Splits:
    """The splits that `as_csv` wrote, without their notes. Raises `ValueError`."""
    try:
        header, *rows = csv.reader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline=""), strict=True)
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if header != _HEADER:
        raise ValueError(f"its first line is not {','.join(_HEADER)}")
    return _from_rows(rows)


def _from_rows(rows: list[list[str]]) -> Splits:
    for number, row in enumerate(rows, 2):
        if len(row) != 3 or row[0] not in _SPLITS:
            raise ValueError(f"row {number} is not a split, a class and a path")
    classes = sorted({name for _, name, _ in rows})
    label = {name: index for index, name in enumerate(classes)}
    return _gathered(classes, (Sample(path, label[name], cast(SplitName, split)) for split, name, path in rows), ())
