"""Compares the events of a run with what is on the disk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outcome import results

from resnet_gui.config import read_config
from resnet_gui.data.split import read_split
from resnet_gui.events import BestSaved, CheckpointSaved, EpochDone, Event, Finished, Note, Stopped
from resnet_gui.messages import Problem
from resnet_gui.model_file import load_model
from resnet_gui.tensor_file import read_tensor_file


@dataclass
class RunRecord:
    """The events of a run, and how it ended: `error` is a `Problem`, or what should have been one."""

    events: list[Event] = field(default_factory=list)
    error: Exception | None = None

    def collect(self, events: Iterator[Event]) -> RunRecord:
        """Takes all `events`, to their end."""
        try:
            self.events.extend(events)
        except Exception as error:
            self.error = error
        return self

    def last(self, *kinds: type) -> Any:
        """The last event of one of `kinds`, None if there is none."""
        return next((event for event in reversed(self.events) if isinstance(event, kinds)), None)

    @property
    def reports_failure(self) -> bool:
        """Whether an event reported that something was not saved."""
        return self.error is not None or any(map(_is_failure, self.events))


def _is_failure(event: Event) -> bool:
    return isinstance(event, Note) and event.message.code in ("checkpoint_failed", "save_failed")


def faults(run: Path, record: RunRecord) -> Iterator[str]:
    """ "corruptions": files in the folder `run` that are broken. "silent_successes": events that are not true.

    "tables_short": a run that ended well, and whose results.csv lacks an epoch, though no event reports it.
    """
    positions = []
    for path in run.rglob("[!.]*.safetensors"):
        try:
            description, _ = read_tensor_file(path)
            positions.append((description["epoch"], description.get("step", -1)))
        except (OSError, ValueError):
            yield "corruptions"
    saved = record.last(CheckpointSaved)
    if saved and max(positions, default=(0, 0)) < (saved.epoch, saved.step):
        yield "silent_successes"
    if not _epochs_are_saved_or_failed(record) or not _model_is_as_reported(record):
        yield "silent_successes"
    if record.error is None and isinstance(record.last(Finished), Finished):
        epochs = read_config(run / "config.toml").training.epochs
        assert read_split(run / "split.csv").train
        is_short = _epochs_in_table(run) != list(range(1, epochs + 1))
        yield from ["tables_short"] * (is_short and not _table_failure_was_reported(record))


def _table_failure_was_reported(record: RunRecord) -> bool:
    return any(isinstance(event, Note) and event.message.code == "cannot_write" for event in record.events)


def _epochs_in_table(run: Path) -> list[int]:
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):  # torn, or two rows on one line
        return [row.epoch for row in results(run)]
    return []


def _epochs_are_saved_or_failed(record: RunRecord) -> bool:
    """Each `EpochDone` comes after the event that its checkpoint was saved, or that it was not."""
    saved_or_failed = False
    for event in record.events:
        if isinstance(event, EpochDone):
            if not saved_or_failed:
                return False
            saved_or_failed = False
        elif _is_failure(event) or isinstance(event, CheckpointSaved):
            saved_or_failed = not isinstance(event, CheckpointSaved) or event.step == 0
    return True


def _model_is_as_reported(record: RunRecord) -> bool:
    event = record.last(BestSaved, Stopped, Finished)
    if event is None:
        return True
    try:
        _, metadata = load_model(Path(event.model))
    except Problem:
        return False
    match event:
        case Finished():
            return (metadata.epoch, metadata.test) == (event.best_epoch, event.test)
        case BestSaved():
            return metadata.epoch >= event.epoch
        case _:
            return metadata.validated == event.validated
