"""From Start to a model: the run, the tab that shows it, and what is done with its result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMessageBox

from resnet_gui.events import BestSaved, Event, Resumed, Skipped, Started, Stopped
from resnet_gui.gui.asking import Asking
from resnet_gui.gui.background import in_background
from resnet_gui.gui.dataset import Dataset
from resnet_gui.gui.opening import Opening
from resnet_gui.gui.remembered import Remembered
from resnet_gui.gui.setup_pane import SetupPane
from resnet_gui.gui.training import COMPUTING, Training
from resnet_gui.gui.training_tab import TrainingTab
from resnet_gui.gui.words import words
from resnet_gui.messages import message, reason
from resnet_gui.safe_write import safe_write


class Running(QObject):
    """Starts, pauses and stops runs, and passes on what they say. How they go on again is in `resuming`."""

    started = Signal()
    copied = Signal(str)
    """Why a model could not be copied, "" if it was."""

    def __init__(
        self, training: Training, dataset: Dataset, opening: Opening, asking: Asking, setup: SetupPane, tab: TrainingTab,
        remembered: Remembered,
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
        """Starts a run on the open dataset with the settings chosen."""
        if self._dataset.listing is None or self._dataset.is_listing or self._training.state != "idle":
            return
        config: dict[str, Any] = {**self._setup.values(), "dataset": str(self._dataset.listing.root)}
        self._trained_on = self._dataset.listing.root.name
        self._tab.show_waiting()
        self._training.start(config)
        self.started.emit()

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

    def _follow(self, state: str) -> None:
        self._setup.set_running(state)
        self._asking.busy = state in COMPUTING
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
