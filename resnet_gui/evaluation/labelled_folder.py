"""Scores a model on any folder of labelled pictures: a picture's class is the name of a folder above it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from resnet_gui.config import MachineConfig, read_config
from resnet_gui.data.loader import FolderGone, Loader
from resnet_gui.data.readers.class_folders import pictures_in
from resnet_gui.data.readers.folder_names import split_of
from resnet_gui.data.samples import Sample
from resnet_gui.device import Compute, device_as_before, out_of_memory_as_problem
from resnet_gui.evaluation.evaluate import computing, evaluate
from resnet_gui.evaluation.learned_pictures import among, learned_before, learned_by
from resnet_gui.events import Event, FolderScored, Note
from resnet_gui.messages import Message, Problem, first_names, message
from resnet_gui.model_file import load_model

_BATCH_SIZE = 32
_THREADS = 2


def score_folder(
    model: Path, folder: Path, split: str | None, stop: threading.Event, device: str = "auto", precision: str = "auto"
) -> Iterator[Event]:
    """Scores `model`, a model file or the folder of a run, on the pictures in `folder`.

    `split` is "train", "val", "test" or "all"; None is "test" if there are such folders, and else "all". Classes are
    matched by name; upper and lower case are the same where that leaves no doubt. Nothing is written.
    It computes as the run did, but for a `device` and a `precision` other than "auto".
    Raises `Problem` (`folder_no_match`, `folder_no_split`, `folder_unreadable_pictures`; those of the model).
    """
    path = model / "model.safetensors" if model.is_dir() else model
    network, metadata = load_model(path)
    if not folder.is_dir():
        raise Problem("not_a_folder", path=str(folder))
    found = _label(folder.absolute(), metadata.classes)
    samples, notes = _chosen(found, folder, split)
    yield from notes
    absent = _absent(samples, metadata.classes)
    yield from _notes(found, folder, absent)
    machine, learned = _of_run(path)
    machine = computing(machine, device, precision)
    compute = Compute.of(machine, device_as_before(machine))
    loader = Loader(folder.absolute(), samples, metadata.preprocessing, _BATCH_SIZE, _THREADS)
    try:
        with out_of_memory_as_problem(compute.device):
            score = yield from evaluate(
                compute.to_device(network), loader, len(metadata.classes), compute, stop, "test"
            )
    except FolderGone:
        raise Problem("not_a_folder", path=str(folder)) from None
    if score is None:
        yield Note(message("folder_stopped"))
        return
    if not score.seen:
        raise Problem("folder_unreadable_pictures", count=len(samples), path=str(folder))
    score = score.with_leaks(among(loader, learned))
    test = score.as_test(metadata.classes, 0)
    yield FolderScored(str(path), str(folder), test, len(found.left_out), absent)


@dataclass(frozen=True, slots=True)
class _Labelled:
    """`samples` of classes that the model knows, each with the split that its folders name, and the other pictures.

    `unread` are the sentences on pictures of kinds that cannot be read.
    """

    samples: tuple[Sample, ...]
    left_out: tuple[str, ...]
    known: tuple[str, ...]
    unread: tuple[Message, ...]


def _label(folder: Path, classes: Sequence[str]) -> _Labelled:
    samples, left_out = [], []
    labels = _Labels(classes)
    pictures, unread = pictures_in(folder)
    for picture in pictures:
        inside = picture.relative_to(folder)
        name = inside.as_posix()
        if (sample := _sample(name, inside.parts[:-1] or (folder.name,), labels)) is not None:
            samples.append(sample)
        else:
            left_out.append(name)
    return _Labelled(tuple(samples), tuple(left_out), tuple(classes), tuple(unread))


class _Labels:
    """The labels of folder names: those of the classes, and the same in other case if that leaves no doubt."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._exact = {name: label for label, name in enumerate(classes)}
        lower = [name.lower() for name in classes]
        self._lower = {name: label for label, name in enumerate(lower) if lower.count(name) == 1}

    def of(self, name: str) -> int | None:
        """The label of the class that a folder called `name` stands for, None if it is no class."""
        return self._exact.get(name, self._lower.get(name.lower()))


def _sample(path: str, folders: Sequence[str], labels: _Labels) -> Sample | None:
    """The picture in `folders`, from the outside in; None if none of them has the name of a class.

    The outermost class counts, unless that is also the word for a split and a class follows: `train/bus/1.jpg`.
    """
    found = [(depth, label) for depth, name in enumerate(folders) if (label := labels.of(name)) is not None]
    if not found:
        return None
    if len(found) > 1 and split_of(folders[found[0][0]]):
        del found[0]
    depth, label = found[0]
    splits = [split for name in folders[:depth] if (split := split_of(name))]
    return Sample(path, label, splits[-1] if splits else None)


def _chosen(found: _Labelled, folder: Path, split: str | None) -> tuple[tuple[Sample, ...], list[Note]]:
    """The samples to score, and a note where the program has chosen."""
    if not found.samples:
        raise Problem("folder_no_match", path=str(folder), names=first_names(found.known))
    if split == "all" or (split is None and not any(sample.split == "test" for sample in found.samples)):
        return found.samples, []
    wanted = split or "test"
    samples = tuple(sample for sample in found.samples if sample.split == wanted)
    if not samples:
        raise Problem("folder_no_split", split=wanted, path=str(folder))
    others = split is None and len(samples) < len(found.samples)
    return samples, [Note(message("folder_one_split", split=wanted, path=str(folder)))] if others else []


def _absent(samples: Sequence[Sample], classes: Sequence[str]) -> tuple[str, ...]:
    """The classes without a picture."""
    held = {sample.label for sample in samples}
    return tuple(name for label, name in enumerate(classes) if label not in held)


def _notes(found: _Labelled, folder: Path, absent: Sequence[str]) -> Iterator[Note]:
    yield from map(Note, found.unread)
    if found.left_out:
        parents = sorted({path.rpartition("/")[0] or "." for path in found.left_out})
        names = first_names([f"“{name}”" for name in parents])
        yield Note(message("folder_left_out", path=str(folder), count=len(found.left_out), names=names))
    if absent:
        names = first_names([f"“{name}”" for name in absent])
        yield Note(message("folder_classes_absent", path=str(folder), count=len(absent), names=names))


def _of_run(model: Path) -> tuple[MachineConfig, set[bytes]]:
    """How the run of `model` computed, and the digests of what it has learned from; standards if it is not known."""
    try:
        config = read_config(model.parent / "config.toml")
    except Problem:
        return MachineConfig(), set()
    return config.machine, learned_by(model.parent) | learned_before(config.start)
