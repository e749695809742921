"""A run's events so far, in the form in which the tab shows them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from resnet_gui.events import (
    BestSaved,
    CheckpointSaved,
    EpochDone,
    Event,
    Failed,
    Finished,
    Note,
    Planned,
    Progress,
    Resumed,
    Skipped,
    Started,
    Stopped,
    TestScored,
    WeightsLoaded,
)
from resnet_gui.messages import Message
from resnet_gui.runs.curves import RunCurves

End = Stopped | Finished | TestScored | Failed


class RunHistory:
    """Grows event by event: from a live run, or in a thread from the event log of an old one.

    `run` is the run's folder, "" before it has one.
    """

    def __init__(self, run: str = "") -> None:
        self.run = run
        self.model = ""
        self.epochs = 1
        self.test_pictures = 0
        self.curves = RunCurves()
        self.notes: dict[Message, None] = {}
        """Each once, in the order in which they came."""
        self.skipped: set[str] = set()
        self.best: BestSaved | None = None
        self.saved: CheckpointSaved | None = None
        self.position: Progress | Resumed | None = None
        """The run's newest position, None before its first step."""
        self.ends: list[End] = []
        """How the run ended, and test scores after that. Empty while it goes on."""

    def add(self, event: Event) -> None:
        """Handles one event; ignores those of other jobs."""
        match event:
            case Started():
                self.run = self.run or event.run
                self.epochs, self.test_pictures = event.epochs, event.test
            case Resumed():
                self.epochs, self.position, self.ends = event.epochs, event, []
            case Note() | Planned():
                self.notes[event.message] = None
            case WeightsLoaded():
                self.notes |= dict.fromkeys(reversed([*event.messages]))
            case Skipped():
                self.skipped.add(event.path)
            case Progress():
                self.position = event
                self.curves.add_step(event)
            case EpochDone():
                self.curves.add_epoch(event)
            case CheckpointSaved():
                self.saved = event
            case BestSaved():
                self.best = event
                self.model = self._model(event)
            case Stopped() | Finished() | TestScored():
                self.model = self._model(event)
                self.ends.append(replace(event, model=self.model))
            case Failed():
                self.ends.append(event)

    def _model(self, event: Any) -> str:
        """The model file's path in the run's present folder, which may have been moved."""
        return str(Path(self.run) / Path(event.model).name) if self.run else event.model
