"""What a run has said, held against what is on the disk."""

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
from resnet_gui.model import load_model
from resnet_gui.tensor_file import read_tensor_file


@dataclass
class Heard:
    """What a run said, and how it ended: `error` is a `Problem`, or what should have been one."""

    events: list[Event] = field(default_factory=list)
    error: Exception | None = None

    def listen(self, events: Iterator[Event]) -> Heard:
        """Hears `events` to their end."""
        try:
            self.events.extend(events)
        except Exception as error:
            self.error = error
        return self

    def last(self, *kinds: type) -> Any:
        """The last event of one of `kinds`, None if there is none."""
        return next((event for event in reversed(self.events) if isinstance(event, kinds)), None)

    @property
    def has_told(self) -> bool:
        """Whether the person knows that something was not saved."""
        return self.error is not None or any(map(_is_failure, self.events))


def _is_failure(event: Event) -> bool:
    return isinstance(event, Note) and event.message.code in ("checkpoint_failed", "save_failed")


def faults(run: Path, heard: Heard) -> Iterator[str]:
    """ "corruptions": files in the folder `run` that are broken. "silent_successes": what was said, and is not so.

    "tables_short": a run that ended well, and whose results.csv lacks an epoch without a word.
    """
    places = []
    for path in run.rglob("[!.]*.safetensors"):
        try:
            description, _ = read_tensor_file(path)
            places.append((description["epoch"], description.get("step", -1)))
        except (OSError, ValueError):
            yield "corruptions"
    saved = heard.last(CheckpointSaved)
    if saved and max(places, default=(0, 0)) < (saved.epoch, saved.step):
        yield "silent_successes"
    if not _epochs_are_saved_or_told(heard) or not _model_is_as_said(heard):
        yield "silent_successes"
    if heard.error is None and isinstance(heard.last(Finished), Finished):
        epochs = read_config(run / "config.toml").training.epochs
        assert read_split(run / "split.csv").train
        is_short = _epochs_in_table(run) != list(range(1, epochs + 1))
        yield from ["tables_short"] * (is_short and not _table_was_told(heard))


def _table_was_told(heard: Heard) -> bool:
    return any(isinstance(event, Note) and event.message.code == "cannot_write" for event in heard.events)


def _epochs_in_table(run: Path) -> list[int]:
    with contextlib.suppress(
        OSError, ValueError, TypeError, AttributeError
    ):  # torn, or with rows that are glued together
        return [row.epoch for row in results(run)]
    return []


def _epochs_are_saved_or_told(heard: Heard) -> bool:
    """Before an epoch is told comes that its checkpoint is there, or that it is not."""
    saved_or_told = False
    for event in heard.events:
        if isinstance(event, EpochDone):
            if not saved_or_told:
                return False
            saved_or_told = False
        elif _is_failure(event) or isinstance(event, CheckpointSaved):
            saved_or_told = not isinstance(event, CheckpointSaved) or event.step == 0
    return True


def _model_is_as_said(heard: Heard) -> bool:
    said = heard.last(BestSaved, Stopped, Finished)
    if said is None:
        return True
    try:
        _, card = load_model(Path(said.model))
    except Problem:
        return False
    match said:
        case Finished():
            return (card.epoch, card.test) == (said.best_epoch, said.test)
        case BestSaved():
            return card.epoch >= said.epoch
        case _:
            return card.validated == said.validated
