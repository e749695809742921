"""Resumes runs: after a pause, a stop or a crash, with changed pictures, or with more epochs."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from resnet_gui.config import TrainConfig, read_config
from resnet_gui.data.split import read_split
from resnet_gui.events import DatasetChanged, Event, Failed, Resumed
from resnet_gui.gui.controllers.dataset_controller import DatasetController
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.text import message_text
from resnet_gui.gui.thread_pool import run_in_thread
from resnet_gui.gui.training.dataset_changed_dialog import DatasetChangedDialog
from resnet_gui.gui.training.more_epochs_dialog import MoreEpochsDialog
from resnet_gui.gui.training.moved_dataset_dialog import MovedDatasetDialog
from resnet_gui.gui.training.training_tab import TrainingTab
from resnet_gui.gui.workers.training_engine import TrainingEngine
from resnet_gui.messages import Message, Problem
from resnet_gui.runs.history import RunHistory
from resnet_gui.runs.log_reader import LogReader, history_of
from resnet_gui.runs.run_folder import layout_of

if TYPE_CHECKING:
    from resnet_gui.runs.run_status import RunStatus

_WITHOUT_PICTURES = ("dataset_missing", "dataset_not_there")
"""The problems of a run whose pictures must be searched for."""


@dataclass(frozen=True, slots=True)
class _Read:
    """The content of a run folder; None for what could not be read."""

    run: str
    history: RunHistory | None
    config: TrainConfig | None


class ResumeController(QObject):
    """Resumes runs, and asks the user where a decision is needed."""

    started = Signal()
    _read = Signal(object)
    _status_read = Signal(object)

    def __init__(
        self, training_engine: TrainingEngine, dataset_controller: DatasetController, setup: SetupPane, tab: TrainingTab
    ) -> None:
        super().__init__(tab)
        self._training_engine = training_engine
        self._dataset_controller = dataset_controller
        self._tab = tab
        self._epochs: int | None = None
        """The number of epochs of the run that was requested; None for as many as before."""
        self._dataset = ""
        """The folder to which the pictures of that run were moved, "" if they were not."""
        self._changes: DatasetChanged | None = None
        self._resuming = False
        self._missing: Message | None = None
        """Why the run that was requested has not found its pictures."""
        setup.resume_requested.connect(lambda: self.resume(training_engine.run))
        tab.resume_requested.connect(self.resume)
        tab.further_requested.connect(self._ask_for_epochs)
        tab.history_requested.connect(self._read_history)
        training_engine.event_received.connect(self._on_event)
        training_engine.phase_changed.connect(self._on_phase_changed)
        self._read.connect(self._show_history)
        self._status_read.connect(self._show_status)

    def resume(self, run: str, epochs: int | None = None, accept: bool = False, dataset: str = "") -> None:
        """Resumes the run in the folder `run`, unless another run computes. For the arguments see `TrainingEngine`."""
        if self._training_engine.phase in ("idle", "paused"):
            self._epochs, self._dataset, self._resuming = epochs, dataset, True
            self._tab.show_resuming()
            self._training_engine.resume(run, epochs, accept, dataset)
            self.started.emit()

    def restart(self) -> None:
        """Resumes from the last checkpoint with a new engine, because this one does not respond."""
        if self._training_engine.phase == "running" and self._training_engine.run:
            self._tab.show_resuming()
            self._training_engine.restart()
        else:
            self._training_engine.kill()

    def _ask_for_epochs(self, run: str) -> None:
        dialog = MoreEpochsDialog(self._tab.history, self._tab)
        dialog.accepted.connect(lambda: self.resume(run, self._tab.history.epochs + dialog.more))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _on_event(self, event: Event) -> None:
        match event:
            case DatasetChanged():
                self._changes = event
            case Resumed():
                self._resuming = False
            case Failed():
                self._missing = event.message if self._resuming and event.message.code in _WITHOUT_PICTURES else None

    def _on_phase_changed(self, phase: str) -> None:
        """When a run has ended, shows whether it can be resumed; if its pictures have changed, the user decides."""
        changes, self._changes = self._changes, None
        if phase != "idle":
            return
        missing, self._missing, self._resuming = self._missing, None, False
        if changes:
            self._ask_about(changes)
        elif missing:
            self._ask_for_folder(missing, self._training_engine.run)
        if run := self._tab.history.run:
            run_in_thread(lambda: (run, _read_status(run)), self._status_read)

    def _ask_about(self, changes: DatasetChanged) -> None:
        dialog, epochs, dataset = DatasetChangedDialog(changes, self._tab), self._epochs, self._dataset
        dialog.accepted.connect(lambda: self.resume(changes.run, epochs, accept=True, dataset=dataset))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_for_folder(self, missing: Message, run: str) -> None:
        """Offers to choose the folder to which the pictures of `run` were moved."""
        dialog, epochs = MovedDatasetDialog(message_text(missing), self._tab), self._epochs
        dialog.accepted.connect(lambda: self._choose_folder(run, epochs))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _choose_folder(self, run: str, epochs: int | None) -> None:
        title = self.tr("Choose the folder to which the pictures of the run were moved")
        if folder := QFileDialog.getExistingDirectory(self._tab, title, str(Path.home())):
            self.resume(run, epochs, dataset=folder)

    def _show_status(self, found: tuple[str, RunStatus | None]) -> None:
        run, status = found
        if self._training_engine.phase == "idle" and run == self._tab.history.run:
            self._tab.show_status(status)

    def _read_history(self, run: str) -> None:
        run_in_thread(lambda: _read_run(run), self._read)

    def _show_history(self, read: _Read) -> None:
        """Shows the earlier events of a resumed run, its settings and its pictures."""
        self._tab.show_history(read.history if read.run == self._tab.history.run else None)
        if read.config is not None and read.run == self._training_engine.run:
            self._dataset_controller.open_for_run(read.config)


def _read_status(run: str) -> RunStatus | None:
    from resnet_gui.runs.run_status import read_status

    return read_status(Path(run))


def _read_run(run: str) -> _Read:
    """Reads a run's events up to the last `Resumed`; the engine emits the later ones."""
    history = config = None
    with contextlib.suppress(OSError, Problem, ValueError, TypeError, KeyError):  # live events wait for this
        config = _with_layout(read_config(Path(run) / "config.toml"), Path(run))
        events, _ = LogReader(Path(run)).read()
        resumed = [index for index, event in enumerate(events) if isinstance(event, Resumed)]
        history = history_of(Path(run), events[: resumed[-1] + 1] if resumed else events)
    return _Read(run, history, config)


def _with_layout(config: TrainConfig, run: Path) -> TrainConfig:
    """`config` with how its folders were read, which runs of earlier versions do not say."""
    if config.data.layout != "auto":
        return config
    data = config.data.model_copy(update={"layout": layout_of(config, read_split(run / "split.csv"))})
    return config.model_copy(update={"data": data})
