"""How a run's pictures changed while it was stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from resnet_gui.data.loader import Loader
from resnet_gui.data.readers.class_folders import list_folder
from resnet_gui.events import DatasetChanged
from resnet_gui.messages import Message, Problem, message
from resnet_gui.runs.run_folder import layout_of
from resnet_gui.training.run_state import RunState


def dataset_changes(state: RunState, run: Path) -> DatasetChanged | None:
    """How the dataset folder differs from what the run in `run` knows, None if it does not.

    Ignores pictures that the run already leaves out, and added ones that the user has accepted.
    """
    root, classes = state.config.dataset, state.splits.classes
    removed, changed = [], []
    for loader in _loaders(state):
        gone, others = loader.snapshot.compare(root, loader.samples, loader.skipped)
        removed += [loader.samples[index].path for index in gone]
        changed += [loader.samples[index].path for index in others]
    added, found = _added(state)
    if not removed and not changed and (not added or _fingerprint(added) == state.accepted):
        return None
    return DatasetChanged(
        str(run), tuple(name for name in found if name not in classes), tuple(_emptied(state, set(removed))),
        added, tuple(sorted(removed)), tuple(sorted(changed)),
    )  # fmt: skip


def leave_out(state: RunState, changes: DatasetChanged) -> Iterator[Message]:
    """Leaves out the pictures that have changed or gone; the message says how many pictures remain."""
    gone = {*changes.removed, *changes.changed}
    for loader in _loaders(state):
        loader.skipped |= {index for index, sample in enumerate(loader.samples) if sample.path in gone}
    state.accepted = _fingerprint(changes.added)
    if gone:
        yield message("not_exact_data", count=sum(loader.readable for loader in _loaders(state)))


def require_some_left(state: RunState, changes: DatasetChanged) -> None:
    """Raises `Problem` (`dataset_not_there`) if none of the run's pictures is as it was: it must be another folder."""
    gone = {*changes.removed, *changes.changed}
    if all(sample.path in gone for loader in _loaders(state) for sample in loader.samples):
        raise Problem("dataset_not_there", path=str(state.config.dataset))


def _loaders(state: RunState) -> tuple[Loader, Loader, Loader]:
    return state.train, state.val, state.test


def _added(state: RunState) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The paths of pictures that the run does not know, and the classes that the folder has now."""
    try:
        layout, fold = layout_of(state.config, state.splits), state.config.data.validation_fold
        listing = list_folder(state.config.dataset, layout=layout, validation_fold=fold)
    except Problem:  # hardly any picture is left, so none is new
        return (), ()
    assert listing is not None
    known = {sample.path for loader in _loaders(state) for sample in loader.samples}
    return tuple(sample.path for sample in listing.samples if sample.path not in known), listing.classes


def _emptied(state: RunState, removed: set[str]) -> Iterator[str]:
    """The classes that have lost their last picture since the run stopped."""
    left: set[int] = set()
    lost: set[int] = set()
    for loader in _loaders(state):
        for index, sample in enumerate(loader.samples):
            if index not in loader.skipped:
                (lost if sample.path in removed else left).add(sample.label)
    return (name for label, name in enumerate(state.splits.classes) if label in lost - left)


def _fingerprint(paths: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(paths).encode("utf-8", "surrogateescape")).hexdigest()
