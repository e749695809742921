"""Which pictures train, which choose the best epoch, which are kept for the final score; written down with the run."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import cast

from resnet_gui.atomic_write import atomic_write
from resnet_gui.data.checks.leaks import contradiction_notes, contradicts, copy_notes, groups_of, leak_notes
from resnet_gui.data.samples import Listing, Sample, SplitName
from resnet_gui.messages import Message, Problem, first_names, message, reason
from resnet_gui.regular_file import read_regular

_SPLITS: tuple[SplitName, ...] = ("train", "val", "test")
_SMALL_ONES_NAMED = 3
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

    Copies of a picture (`listing.duplicates`) count as one and stay together; the path that sorts first decides where.
    If they are more than a tenth of their class they come last, which is in train. A picture that lies in more than
    one class goes to train.
    The result's `notes` are those that are not in the listing's own.
    """
    own = {sample.split for sample in listing.samples}
    if "val" in own:
        notes = contradiction_notes(groups_of(listing.samples, listing.duplicates), all_in_train=False)
        return _gathered(listing.classes, listing.samples, (*leak_notes(listing.samples, listing.duplicates), *notes))
    if "test" in own:
        return _val_from_train(listing, val_fraction, seed)
    samples, found = _stratified(listing, listing.samples, val_fraction, test_fraction, seed)
    if own == {"train"}:
        found.insert(0, message("split_from_train"))
    if not any(sample.split == "test" for sample in samples):
        found.append(message("no_test"))
    groups = groups_of(listing.samples, listing.duplicates)
    found += [*contradiction_notes(groups, all_in_train=True), *copy_notes(groups)]
    return _gathered(listing.classes, samples, found)


def _val_from_train(listing: Listing, val_fraction: float, seed: int) -> Splits:
    train = [sample for sample in listing.samples if sample.split == "train"]
    test = [sample for sample in listing.samples if sample.split == "test"]
    samples, notes = _stratified(listing, train, val_fraction, 0.0, seed)
    samples += test
    notes.insert(0, message("val_from_train", percent=round(100 * val_fraction)))
    notes += leak_notes(samples, listing.duplicates)
    notes += contradiction_notes(groups_of(samples, listing.duplicates), all_in_train=False)
    return _gathered(listing.classes, samples, notes)


def _stratified(
    listing: Listing, samples: Sequence[Sample], val_fraction: float, test_fraction: float, seed: int
) -> tuple[list[Sample], list[Message]]:
    by_class: list[list[list[Sample]]] = [[] for _ in listing.classes]
    assigned: list[Sample] = []
    for copies in _copies(samples, listing.duplicates):
        if contradicts(copies):
            assigned += [Sample(sample.path, sample.label, "train") for sample in copies]
        else:
            by_class[copies[0].label].append(copies)
    small: list[tuple[str, int]] = []
    for name, pictures in zip(listing.classes, by_class, strict=True):
        if 0 < len(pictures) < 3:
            small.append((name, len(pictures)))
        _shuffle(pictures, seed, name)
        val, test = _shares(len(pictures), val_fraction, test_fraction)
        for index, copies in enumerate(pictures):
            split: SplitName = "val" if index < val else "test" if index < val + test else "train"
            assigned += [Sample(sample.path, sample.label, split) for sample in copies]
    return assigned, _notes_on_small(small)


def _copies(samples: Sequence[Sample], duplicates: Iterable[tuple[str, ...]]) -> list[list[Sample]]:
    """The samples of each picture: one, or its copies by path."""
    groups = groups_of(samples, duplicates)
    grouped = {sample.path for group in groups for sample in group}
    return [*([sample] for sample in samples if sample.path not in grouped), *groups]


def _shuffle(pictures: list[list[Sample]], seed: int, name: str) -> None:
    """Shuffles the pictures of the class `name`. Many copies of one come last: they would be most of a small split."""
    many = max(1, sum(map(len, pictures)) // 10)
    pictures.sort(key=lambda copies: (len(copies) > many, _order(seed, name, copies[0].path)))


def _notes_on_small(small: Sequence[tuple[str, int]]) -> list[Message]:
    """Notes on classes, with their numbers of pictures, that are too small to split; on many, one together."""
    if len(small) > _SMALL_ONES_NAMED:
        names = first_names([f"“{name}”" for name, _ in small])
        return [message("classes_small", count=len(small), names=names)]
    return [message("class_small", name=name, count=count) for name, count in small]


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
        return from_csv(read_regular(path))
    except OSError as error:
        raise Problem("split_unreadable", path=str(path), reason=reason(error)) from error
    except ValueError as error:
        raise Problem("split_unreadable", path=str(path), reason=str(error)) from error


def from_csv(data: bytes) -> Splits:
    """The splits that `as_csv` wrote, without their notes. Raises `ValueError`."""
    if not data:
        raise ValueError("it is empty")
    try:
        header, *rows = csv.reader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline=""), strict=True)
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if header != _HEADER:
        raise ValueError(f"its first line is not {','.join(_HEADER)}")
    return _from_rows(rows)


def _from_rows(rows: list[list[str]]) -> Splits:
    for number, row in enumerate(rows, 2):
        if len(row) != 3 or not all(row) or row[0] not in _SPLITS or "\0" in row[2]:
            raise ValueError(f"row {number} is not a split, a class and a path")
    classes = sorted({name for _, name, _ in rows})
    label = {name: index for index, name in enumerate(classes)}
    return _gathered(classes, (Sample(path, label[name], cast(SplitName, split)) for split, name, path in rows), ())
