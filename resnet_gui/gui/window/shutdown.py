"""How the program ends: at once, or when the run that computes has saved."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QThreadPool, QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QMainWindow

from resnet_gui.events import Event, Failed
from resnet_gui.gui.window.close_dialog import ask_to_close
from resnet_gui.gui.window.single_instance import SingleInstance
from resnet_gui.gui.workers.dataset_lister import DatasetLister
from resnet_gui.gui.workers.download_engine import DownloadEngine
from resnet_gui.gui.workers.prediction_engine import PredictionEngine
from resnet_gui.gui.workers.training_engine import COMPUTING, TrainingEngine

_PATIENCE = 60
"""Seconds that a run gets to finish its step and save when the window is closed."""


class Shutdown(QObject):
    """Closes a window, brings it back if a run fails or another start wants it, and ends threads and engines."""

    def __init__(
        self, window: QMainWindow, training_engine: TrainingEngine, prediction_engine: PredictionEngine,
        download_engine: DownloadEngine, dataset_lister: DatasetLister,
    ) -> None:  # fmt: skip
        super().__init__(window)
        self._window = window
        self._training_engine = training_engine
        self._prediction_engine = prediction_engine
        self._download_engine = download_engine
        self._dataset_lister = dataset_lister
        self._quits_when_done = False
        self._quits_at = 0.0
        self._patience = QTimer(self, interval=1000 * _PATIENCE, singleShot=True)
        self._patience.timeout.connect(QApplication.quit)
        self._single_instance = SingleInstance(self)
        self._single_instance.notified.connect(self._bring_back)
        training_engine.event_received.connect(self._on_run_event)
        training_engine.phase_changed.connect(self._quit_if_done)

    def close_window(self, event: QCloseEvent, save_settings: Callable[[], None]) -> None:
        """Closes at once, unless a run computes: then the user decides. While a run saves, the user is not asked."""
        choice = ask_to_close(self._window) if self._training_engine.phase in ("running", "scoring") else "stop"
        if choice == "cancel":
            event.ignore()
            return
        save_settings()
        if choice == "keep" and self._training_engine.phase in COMPUTING:  # it may have ended while the dialog was open
            event.ignore()
            self._quits_when_done = True
            self._single_instance.listen()
            self._window.showMinimized()
            return
        event.accept()
        self._window.hide()
        self._stop_and_quit()

    def change_window(self, event: QEvent) -> None:
        """A window that the user restores from the task bar stays, like one that another start brought back."""
        is_restored = event.type() == QEvent.Type.WindowStateChange and not self._window.isMinimized()
        if is_restored and self._quits_when_done:
            self._bring_back()

    def end_engines(self) -> None:
        """Ends all threads and engines at the end of the program: no process outlives the window."""
        self._dataset_lister.end()
        self._prediction_engine.end(2.0)
        self._download_engine.end(2.0)
        seconds = self._quits_at - time.monotonic() if self._quits_at else _PATIENCE
        self._training_engine.end(max(2.0, seconds))
        QThreadPool.globalInstance().waitForDone(2000)

    def _stop_and_quit(self) -> None:
        """Quits when the run has saved, or after a minute. The engines end before the program does."""
        self._quits_when_done = True
        self._quits_at = time.monotonic() + _PATIENCE
        self._patience.start()
        if self._training_engine.phase == "scoring":
            self._training_engine.stop()
        self._training_engine.pause()  # and not stop: the next start offers to resume it
        self._quit_if_done(self._training_engine.phase)

    def _quit_if_done(self, phase: str) -> None:
        if phase not in COMPUTING and self._quits_when_done:
            QApplication.quit()

    def _on_run_event(self, event: Event) -> None:
        """If a run fails while the window is minimised or hidden, brings the window back."""
        if isinstance(event, Failed) and self._quits_when_done:
            self._bring_back()

    def _bring_back(self) -> None:
        """Shows the window again; the program no longer quits when the run ends."""
        self._quits_when_done = False
        self._patience.stop()
        self._quits_at = 0.0
        self._single_instance.close()
        self._window.showNormal()
        self._window.activateWindow()
