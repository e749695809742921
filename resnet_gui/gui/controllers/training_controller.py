"""From Start to a model: the run, the tab that shows it, and what is done with its result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMessageBox

from resnet_gui.atomic_write import safe_write
from resnet_gui.data.samples import Listing
from resnet_gui.events import BestSaved, Event, Resumed, Skipped, Started, Stopped
from resnet_gui.gui.controllers.dataset_controller import Opening
from resnet_gui.gui.setup.download_dialog import ConsentDialog
from resnet_gui.gui.setup.initial_weights import FROM
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.states import RunState
from resnet_gui.gui.text import words
from resnet_gui.gui.thread_pool import in_background
from resnet_gui.gui.training.training_tab import TrainingTab
from resnet_gui.gui.user_settings import Remembered
from resnet_gui.gui.workers.dataset_lister import Dataset
from resnet_gui.gui.workers.download_engine import Fetching
from resnet_gui.gui.workers.prediction_engine import Asking
from resnet_gui.gui.workers.training_engine import COMPUTING, Training
from resnet_gui.messages import message, reason
from resnet_gui.records import Weights


class Running(QObject):
    """Starts, pauses and stops runs, and passes on what they say. How they go on again is in `resuming`."""

    started = Signal()
    copied = Signal(str)
    """Why a model could not be copied, "" if it was."""

    def __init__(
        self, training: Training, dataset: Dataset, opening: Opening, asking: Asking, setup: SetupPane, tab: TrainingTab,
        remembered: Remembered, fetching: Fetching,
    ) -> None:  # fmt: skip
        super().__init__(tab)
        self._training = training
        self._dataset = dataset
        self._opening = opening
        self._asking = asking
        self._setup = setup
        self._tab = tab
        self._remembered = remembered
        self._trained_on = "model"
        self._fetching = fetching
        self._wish: dict[str, Any] | None = None
        """The settings of the run that begins when its weights are here."""
        self._fetching.changed.connect(self._show_download)
        self._fetching.finished.connect(setup.look_for_weights)
        self._fetching.finished.connect(self._begin_wish)
        setup.download.pause_requested.connect(self._fetching.pause)
        setup.download.resume_requested.connect(self._fetching.resume)
        setup.download.cancel_requested.connect(self._fetching.cancel)
        setup.download.again_requested.connect(self._download)
        setup.download.scratch_requested.connect(self._start_from_scratch)
        setup.changed.connect(self._forget_failure)
        setup.start_requested.connect(self.start)
        setup.pause_requested.connect(training.pause)
        setup.stop_requested.connect(self.stop)
        tab.save_model_requested.connect(self.save_model)
        tab.run_folder_requested.connect(self.show_run_folder)
        tab.test_requested.connect(training.score_test)
        training.said.connect(self._hear)
        training.state_changed.connect(self._follow)
        self.copied.connect(self._tell_copied)

    def start(self) -> None:
        """Starts a run on the open dataset with the settings chosen; if weights are not here yet, asks for them first."""
        if self._can_start():
            weights = self._setup.weights
            if weights is None or self._fetching.is_here(weights):
                self._begin(self._config())
            elif (self._fetching.network, self._fetching.state) == (self._setup.network.name, "running"):
                self._download()  # it is on its way, so there is nothing to ask
            else:
                self._ask_for(weights)

    def _can_start(self) -> bool:
        is_open = self._dataset.listing is not None and not self._dataset.is_listing
        is_free = self._training.state == "idle" and not self._is_waiting()
        return is_open and is_free and not self._setup.missing

    def _is_waiting(self) -> bool:
        """Whether a run waits for its weights."""
        return self._wish is not None and self._fetching.state in ("running", "paused")

    @property
    def _listing(self) -> Listing:
        """The pictures to train on, wherever a run can start."""
        assert self._dataset.listing is not None
        return self._dataset.listing

    def _config(self) -> dict[str, Any]:
        return {**self._setup.values(), "dataset": str(self._listing.root)}

    def _begin(self, config: dict[str, Any]) -> None:
        self._drop_wish()
        self._trained_on = self._listing.root.name
        self._tab.show_waiting()
        self._training.start(config)
        self.started.emit()

    def _ask_for(self, weights: Weights) -> None:
        pictures = len(self._listing.samples)
        dialog = ConsentDialog(self._setup.network.title, weights, pictures, self._setup)
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
            self._wish = self._config()
            self._fetching.start(self._setup.network.name, weights)
            self._setup.set_downloading(True)

    def _show_download(self, network: str, state: str, done: int, total: int, text: str) -> None:
        """Of a download that no run waits for, others tell; one that took the place of ours ends the wish."""
        if self._wish is None:
            return
        if state == "none" or self._wish["network"] != network:
            self._drop_wish()
            return
        self._setup.download.show_download(self._setup.network.title, state, done, total, text)
        self._setup.set_downloading(state != "failed")

    def _begin_wish(self, network: str) -> None:
        """The weights are here: the run begins, unless the person has turned to something else meanwhile."""
        wish = self._wish
        if wish and wish["network"] == network:
            self._drop_wish()
            if self._can_start() and wish["dataset"] == self._config()["dataset"]:
                self._begin(wish)

    def _drop_wish(self) -> None:
        self._wish = None
        self._setup.download.hide()
        self._setup.set_downloading(False)

    def _forget_failure(self) -> None:
        """A download that failed is old news once something else is chosen."""
        if self._wish is not None and self._fetching.state == "failed":
            self._drop_wish()

    def stop(self) -> None:
        """Ends the run for good: it is not offered again at the next start, though it can still be resumed."""
        if self._training.state == "paused":
            self._remembered.put_aside(self._training.run)
        self._training.stop()

    def save_model(self, model: str = "") -> None:
        """Asks where to, and copies the model there in a thread."""
        source = Path(model or self._tab.story.model)
        name = f"{self._trained_on}.safetensors"
        chosen, _ = QFileDialog.getSaveFileName(
            self._tab, self.tr("Save model as"), str(Path.home() / name), self.tr("Models (*.safetensors)")
        )
        if chosen:
            target = Path(chosen if chosen.endswith(".safetensors") else f"{chosen}.safetensors")
            in_background(lambda: _copy(source, target), self.copied)

    def show_run_folder(self, run: str = "") -> None:
        """Shows the run's folder in the system's file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(run or self._tab.story.run))

    def _hear(self, event: Event) -> None:
        pausing = self._training.state == "pausing"
        self._tab.show_event(event, paused=pausing)
        match event:
            case Started() | Resumed():
                self._remembered.add_recent("runs", event.run)
                self._remembered.put_aside(event.run, False)
            case BestSaved():
                self._asking.take_best(event.model, event.epoch, event.val_accuracy is not None)
            case Skipped():
                self._opening.add_skipped(event.path, event.message)
            case Stopped():
                if not event.validated:
                    self._asking.take_best(event.model, event.epoch, validated=False)
                if self._training.state == "stopping":  # and not because the system has ended the engine
                    self._remembered.put_aside(self._training.run)

    def _follow(self, state: RunState) -> None:
        self._setup.set_running(state)
        self._asking.busy = state in COMPUTING
        if not self._asking.busy:
            self._asking.get_ready()
        if state == "idle":
            self._tab.end()

    def _tell_copied(self, problem: str) -> None:
        if problem:
            box = QMessageBox(QMessageBox.Icon.Warning, "resnet-gui", problem, parent=self._tab)
            box.setTextFormat(Qt.TextFormat.PlainText)  # a path may look like markup
            box.exec()


def _copy(source: Path, target: Path) -> str:
    """Copies a model, whole or not at all. Returns what went wrong, "" if nothing did."""
    try:
        safe_write(target, source.read_bytes())
    except OSError as error:
        return words(message("cannot_write", path=str(target), reason=reason(error)))
    return ""
