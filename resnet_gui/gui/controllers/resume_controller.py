"""How a run goes on: after a pause, a stop or a crash, with other pictures than before, or with more epochs."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from resnet_gui.config import TrainConfig, read_config
from resnet_gui.events import DatasetChanged, Event, Resumed
from resnet_gui.gui.controllers.dataset_controller import DatasetController
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.thread_pool import run_in_thread
from resnet_gui.gui.training.dataset_changed_dialog import DatasetChangedDialog
from resnet_gui.gui.training.more_epochs_dialog import MoreEpochsDialog
from resnet_gui.gui.training.training_tab import TrainingTab
from resnet_gui.gui.workers.training_engine import TrainingEngine
from resnet_gui.messages import Problem
from resnet_gui.runs.history import RunHistory
from resnet_gui.runs.log_reader import LogReader, history_of

if TYPE_CHECKING:
    from resnet_gui.runs.run_status import RunStatus


@dataclass(frozen=True, slots=True)
class _Read:
    """What a run folder holds; None is what could not be read."""

    run: str
    story: RunHistory | None
    config: TrainConfig | None


class ResumeController(QObject):
    """Asks the engine to go on with runs, and the person where they must decide."""

    started = Signal()
    _read = Signal(object)
    _looked_up = Signal(object)

    def __init__(
        self, training: TrainingEngine, opening: DatasetController, setup: SetupPane, tab: TrainingTab
    ) -> None:
        super().__init__(tab)
        self._training = training
        self._opening = opening
        self._tab = tab
        self._epochs: int | None = None
        """How many epochs the run that is asked for should have, None if as many as before."""
        self._changes: DatasetChanged | None = None
        setup.resume_requested.connect(lambda: self.resume(training.run))
        tab.resume_requested.connect(self.resume)
        tab.further_requested.connect(self._ask_for_epochs)
        tab.story_requested.connect(self._read_story)
        training.event_received.connect(self._on_event)
        training.phase_changed.connect(self._on_phase_changed)
        self._read.connect(self._show_story)
        self._looked_up.connect(self._show_status)

    def resume(self, run: str, epochs: int | None = None, accept: bool = False) -> None:
        """Goes on with the run in the folder `run`, unless another computes."""
        if self._training.phase in ("idle", "paused"):
            self._epochs = epochs
            self._tab.show_resuming()
            self._training.resume(run, epochs, accept)
            self.started.emit()

    def restart(self) -> None:
        """Goes on from the last checkpoint with a fresh engine, since this one no longer answers."""
        if self._training.phase == "running" and self._training.run:
            self._tab.show_resuming()
            self._training.restart()
        else:
            self._training.kill()

    def _ask_for_epochs(self, run: str) -> None:
        dialog = MoreEpochsDialog(self._tab.history, self._tab)
        dialog.accepted.connect(lambda: self.resume(run, self._tab.history.epochs + dialog.more))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, DatasetChanged):
            self._changes = event

    def _on_phase_changed(self, phase: str) -> None:
        """When a run has ended it can perhaps be gone on with; where its pictures have changed, the person decides."""
        changes, self._changes = self._changes, None
        if phase != "idle":
            return
        if changes:
            self._ask_about(changes)
        if run := self._tab.history.run:
            run_in_thread(lambda: (run, _look_up(run)), self._looked_up)

    def _ask_about(self, changes: DatasetChanged) -> None:
        dialog, epochs = DatasetChangedDialog(changes, self._tab), self._epochs
        dialog.accepted.connect(lambda: self.resume(changes.run, epochs, accept=True))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _show_status(self, found: tuple[str, RunStatus | None]) -> None:
        run, place = found
        if self._training.phase == "idle" and run == self._tab.history.run:
            self._tab.show_status(place)

    def _read_story(self, run: str) -> None:
        run_in_thread(lambda: _read_run(run), self._read)

    def _show_story(self, read: _Read) -> None:
        """The run goes on: shows what it said before, its settings and its pictures."""
        self._tab.show_story(read.story if read.run == self._tab.history.run else None)
        if read.config is not None and read.run == self._training.run:
            self._opening.open_for_run(read.config)


def _look_up(run: str) -> RunStatus | None:
    from resnet_gui.runs.run_status import read_status

    return read_status(Path(run))


def _read_run(run: str) -> _Read:
    """What was said up to where the run goes on; the rest is heard from its engine."""
    story = config = None
    with contextlib.suppress(OSError, Problem, ValueError, TypeError, KeyError):  # the live events wait for an answer
        config = read_config(Path(run) / "config.toml")
        events, _ = LogReader(Path(run)).read()
        resumed = [index for index, event in enumerate(events) if isinstance(event, Resumed)]
        story = history_of(Path(run), events[: resumed[-1] + 1] if resumed else events)
    return _Read(run, story, config)
