"""Starts, pauses and stops runs, shows them, and saves their models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMessageBox

from resnet_gui.atomic_write import atomic_write
from resnet_gui.events import BestSaved, Event, Resumed, Skipped, Started, Stopped
from resnet_gui.gui.controllers.dataset_controller import DatasetController
from resnet_gui.gui.controllers.pending_start import PendingStart
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.states import RunPhase
from resnet_gui.gui.text import message_text
from resnet_gui.gui.thread_pool import run_in_thread
from resnet_gui.gui.training.training_tab import TrainingTab
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.widgets.file_filters import model_filter
from resnet_gui.gui.widgets.mime_data import MODEL_SUFFIX
from resnet_gui.gui.workers.dataset_lister import DatasetLister
from resnet_gui.gui.workers.download_engine import DownloadEngine
from resnet_gui.gui.workers.prediction_engine import PredictionEngine
from resnet_gui.gui.workers.training_engine import COMPUTING, TrainingEngine
from resnet_gui.messages import message
from resnet_gui.output.advice import reason_and_advice
from resnet_gui.regular_file import open_regular


class TrainingController(QObject):
    """Starts, pauses and stops runs, and forwards their events. `ResumeController` resumes them."""

    started = Signal()
    copied = Signal(str)
    """A model was copied: "", or the reason why it could not be."""

    def __init__(
        self, training_engine: TrainingEngine, dataset_lister: DatasetLister, dataset_controller: DatasetController,
        prediction_engine: PredictionEngine, setup: SetupPane, tab: TrainingTab,
        user_settings: UserSettings, download_engine: DownloadEngine,
    ) -> None:  # fmt: skip
        super().__init__(tab)
        self._training_engine = training_engine
        self._dataset_controller = dataset_controller
        self._prediction_engine = prediction_engine
        self._setup = setup
        self._tab = tab
        self._user_settings = user_settings
        self._trained_on = "model"
        self._pending_start = PendingStart(training_engine, dataset_lister, setup, download_engine, self)
        self._pending_start.ready.connect(self._begin)
        setup.start_requested.connect(self.start)
        setup.pause_requested.connect(training_engine.pause)
        setup.stop_requested.connect(self.stop)
        tab.save_model_requested.connect(self.save_model)
        tab.run_folder_requested.connect(self.show_run_folder)
        tab.test_requested.connect(training_engine.score_test)
        training_engine.event_received.connect(self._on_event)
        training_engine.phase_changed.connect(self._on_phase_changed)
        self.copied.connect(self._report_copied)

    def start(self) -> None:
        """Starts a run on the open dataset with the settings chosen. If weights are missing, offers to download them first."""
        self._pending_start.start()

    def _begin(self, config: dict[str, Any]) -> None:
        self._trained_on = Path(config["dataset"]).name
        self._tab.show_waiting()
        self._training_engine.start(config)
        self.started.emit()

    def stop(self) -> None:
        """Stops the run. The next start does not offer to resume it, though it can still be resumed."""
        if self._training_engine.phase == "paused":
            self._user_settings.dismiss(self._training_engine.run)
        self._training_engine.stop()

    def save_model(self, model: str = "") -> None:
        """Lets the user choose a path, and copies the model there in a thread."""
        source = Path(model or self._tab.history.model)
        name = f"{self._trained_on}{MODEL_SUFFIX}"
        chosen, _ = QFileDialog.getSaveFileName(
            self._tab, self.tr("Save model as"), str(Path.home() / name), model_filter(),
        )  # fmt: skip
        if chosen:
            target = Path(chosen if chosen.lower().endswith(MODEL_SUFFIX) else f"{chosen}{MODEL_SUFFIX}")
            run_in_thread(lambda: _copy(source, target), self.copied)

    def show_run_folder(self, run: str = "") -> None:
        """Shows the run's folder in the system's file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(run or self._tab.history.run))

    def _on_event(self, event: Event) -> None:
        pausing = self._training_engine.phase == "pausing"
        self._tab.show_event(event, paused=pausing)
        match event:
            case Started() | Resumed():
                self._user_settings.add_recent("runs", event.run)
                self._user_settings.dismiss(event.run, False)
            case BestSaved():
                self._prediction_engine.set_best(event.model, event.epoch, event.val_accuracy is not None)
            case Skipped():
                self._dataset_controller.add_skipped(event.path, event.message)
            case Stopped():
                if not event.validated:
                    self._prediction_engine.set_best(event.model, event.epoch, validated=False)
                if self._training_engine.phase == "stopping":  # and not because the system has ended the engine
                    self._user_settings.dismiss(self._training_engine.run)

    def _on_phase_changed(self, phase: RunPhase) -> None:
        self._setup.set_running(phase)
        self._prediction_engine.busy = phase in COMPUTING
        if not self._prediction_engine.busy:
            self._prediction_engine.preload()
        if phase == "idle":
            self._tab.end()

    def _report_copied(self, problem: str) -> None:
        if problem:
            box = QMessageBox(QMessageBox.Icon.Warning, "resnet-gui", problem, parent=self._tab)
            box.setTextFormat(Qt.TextFormat.PlainText)  # a path may look like markup
            box.exec()


def _copy(source: Path, target: Path) -> str:
    """Copies a model atomically. Returns the error as text, "" if there was none."""
    try:
        with open_regular(source) as file:
            atomic_write(target, file.read())
    except OSError as error:
        return message_text(message("cannot_write", path=str(target), **reason_and_advice(error)))
    return ""
