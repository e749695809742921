"""From Start to a model: the run, the tab that shows it, and what is done with its result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMessageBox

from resnet_gui.atomic_write import atomic_write
from resnet_gui.data.samples import Listing
from resnet_gui.events import BestSaved, Event, Resumed, Skipped, Started, Stopped
from resnet_gui.gui.controllers.dataset_controller import DatasetController
from resnet_gui.gui.setup.download_dialog import DownloadDialog
from resnet_gui.gui.setup.initial_weights import FROM
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.states import RunPhase
from resnet_gui.gui.text import message_text
from resnet_gui.gui.thread_pool import run_in_thread
from resnet_gui.gui.training.training_tab import TrainingTab
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.workers.dataset_lister import DatasetLister
from resnet_gui.gui.workers.download_engine import DownloadEngine
from resnet_gui.gui.workers.prediction_engine import PredictionEngine
from resnet_gui.gui.workers.training_engine import COMPUTING, TrainingEngine
from resnet_gui.messages import message, reason
from resnet_gui.records import Weights


class TrainingController(QObject):
    """Starts, pauses and stops runs, and passes on what they say. How they go on again is in `resuming`."""

    started = Signal()
    copied = Signal(str)
    """Why a model could not be copied, "" if it was."""

    def __init__(
        self, training_engine: TrainingEngine, dataset_lister: DatasetLister, dataset_controller: DatasetController, prediction_engine: PredictionEngine, setup: SetupPane, tab: TrainingTab,
        user_settings: UserSettings, download_engine: DownloadEngine,
    ) -> None:  # fmt: skip
        super().__init__(tab)
        self._training_engine = training_engine
        self._dataset_lister = dataset_lister
        self._dataset_controller = dataset_controller
        self._prediction_engine = prediction_engine
        self._setup = setup
        self._tab = tab
        self._user_settings = user_settings
        self._trained_on = "model"
        self._download_engine = download_engine
        self._pending_config: dict[str, Any] | None = None
        """The settings of the run that begins when its weights are here."""
        self._download_engine.changed.connect(self._show_download)
        self._download_engine.finished.connect(setup.look_for_weights)
        self._download_engine.finished.connect(self._start_pending)
        setup.download.pause_requested.connect(self._download_engine.pause)
        setup.download.resume_requested.connect(self._download_engine.resume)
        setup.download.cancel_requested.connect(self._download_engine.cancel)
        setup.download.again_requested.connect(self._download)
        setup.download.scratch_requested.connect(self._start_from_scratch)
        setup.changed.connect(self._forget_failure)
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
        """Starts a run on the open dataset with the settings chosen; if weights are not here yet, asks for them first."""
        if self._can_start():
            weights = self._setup.weights
            if weights is None or self._download_engine.is_here(weights):
                self._begin(self._config())
            elif (self._download_engine.network, self._download_engine.phase) == (self._setup.network.name, "running"):
                self._download()  # it is on its way, so there is nothing to ask
            else:
                self._ask_to_download(weights)

    def _can_start(self) -> bool:
        is_open = self._dataset_lister.listing is not None and not self._dataset_lister.is_listing
        is_free = self._training_engine.phase == "idle" and not self._is_waiting()
        return is_open and is_free and not self._setup.missing

    def _is_waiting(self) -> bool:
        """Whether a run waits for its weights."""
        return self._pending_config is not None and self._download_engine.phase in ("running", "paused")

    @property
    def _listing(self) -> Listing:
        """The pictures to train on, wherever a run can start."""
        assert self._dataset_lister.listing is not None
        return self._dataset_lister.listing

    def _config(self) -> dict[str, Any]:
        return {**self._setup.values(), "dataset": str(self._listing.root)}

    def _begin(self, config: dict[str, Any]) -> None:
        self._drop_pending()
        self._trained_on = self._listing.root.name
        self._tab.show_waiting()
        self._training_engine.start(config)
        self.started.emit()

    def _ask_to_download(self, weights: Weights) -> None:
        pictures = len(self._listing.samples)
        dialog = DownloadDialog(self._setup.network.title, weights, pictures, self._setup)
        dialog.download_chosen.connect(self._download)
        dialog.scratch_chosen.connect(self._start_from_scratch)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _start_from_scratch(self) -> None:
        if self._can_start():
            self._begin({**self._config(), FROM: "random"})

    def _download(self) -> None:
        """The person has agreed: the run begins when the weights are here."""
        if self._can_start() and (weights := self._setup.weights):
            self._pending_config = self._config()
            self._download_engine.start(self._setup.network.name, weights)
            self._setup.set_downloading(True)

    def _show_download(self, network: str, phase: str, done: int, total: int, text: str) -> None:
        """Of a download that no run waits for, others tell; one that took the place of ours ends the wish."""
        if self._pending_config is None:
            return
        if phase == "none" or self._pending_config["network"] != network:
            self._drop_pending()
            return
        self._setup.download.show_download(self._setup.network.title, phase, done, total, text)
        self._setup.set_downloading(phase != "failed")

    def _start_pending(self, network: str) -> None:
        """The weights are here: the run begins, unless the person has turned to something else meanwhile."""
        pending = self._pending_config
        if pending and pending["network"] == network:
            self._drop_pending()
            if self._can_start() and pending["dataset"] == self._config()["dataset"]:
                self._begin(pending)

    def _drop_pending(self) -> None:
        self._pending_config = None
        self._setup.download.hide()
        self._setup.set_downloading(False)

    def _forget_failure(self) -> None:
        """A download that failed is old news once something else is chosen."""
        if self._pending_config is not None and self._download_engine.phase == "failed":
            self._drop_pending()

    def stop(self) -> None:
        """Ends the run for good: it is not offered again at the next start, though it can still be resumed."""
        if self._training_engine.phase == "paused":
            self._user_settings.dismiss(self._training_engine.run)
        self._training_engine.stop()

    def save_model(self, model: str = "") -> None:
        """Asks where to, and copies the model there in a thread."""
        source = Path(model or self._tab.history.model)
        name = f"{self._trained_on}.safetensors"
        chosen, _ = QFileDialog.getSaveFileName(
            self._tab, self.tr("Save model as"), str(Path.home() / name), self.tr("Models (*.safetensors)")
        )
        if chosen:
            target = Path(chosen if chosen.endswith(".safetensors") else f"{chosen}.safetensors")
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
                self._prediction_engine.take_best(event.model, event.epoch, event.val_accuracy is not None)
            case Skipped():
                self._dataset_controller.add_skipped(event.path, event.message)
            case Stopped():
                if not event.validated:
                    self._prediction_engine.take_best(event.model, event.epoch, validated=False)
                if self._training_engine.phase == "stopping":  # and not because the system has ended the engine
                    self._user_settings.dismiss(self._training_engine.run)

    def _on_phase_changed(self, phase: RunPhase) -> None:
        self._setup.set_running(phase)
        self._prediction_engine.busy = phase in COMPUTING
        if not self._prediction_engine.busy:
            self._prediction_engine.get_ready()
        if phase == "idle":
            self._tab.end()

    def _report_copied(self, problem: str) -> None:
        if problem:
            box = QMessageBox(QMessageBox.Icon.Warning, "resnet-gui", problem, parent=self._tab)
            box.setTextFormat(Qt.TextFormat.PlainText)  # a path may look like markup
            box.exec()


def _copy(source: Path, target: Path) -> str:
    """Copies a model, whole or not at all. Returns what went wrong, "" if nothing did."""
    try:
        atomic_write(target, source.read_bytes())
    except OSError as error:
        return message_text(message("cannot_write", path=str(target), reason=reason(error)))
    return ""
