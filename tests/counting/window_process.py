"""The real program, used at random: `python tests/counting/window_process.py NUMBER PICTURES RUNS`

It starts as a user starts it. Random numbers from NUMBER decide what is clicked, dropped, killed and closed.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import random
import signal
import sys
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton

from resnet_gui.cli.main import main
from resnet_gui.gui.window.main_window import MainWindow
from resnet_gui.gui.workers.engine_process import Engine

SETTINGS = {
    "network": "resnet20", "data.image_size": 32, "training.batch_size": 8, "training.epochs": 8, "machine.threads": 1,
    "machine.precision": "float32", "machine.memory_format": "channels_last",
}  # fmt: skip
"""What a trial could decide otherwise in another process is set, so that runs can be compared to the bit."""
PAUSES = (0, 0, 5, 40, 200, 800, 2500)
"""Milliseconds between two actions: most beginners are slow, some clicks come twice."""


class RandomUser(QObject):
    """Does something now and then, until it closes the window or ends the program."""

    def __init__(self, window: MainWindow, number: int, pictures: Path, runs: Path) -> None:
        super().__init__(window)
        self._window = window
        self._chance = random.Random(number)
        self._pictures, self._runs = pictures, runs
        self._left = self._chance.randint(3, 10)
        self._start, self._stop = (window.setup.findChild(QPushButton, name) for name in ("start", "stop"))
        self._answering = QTimer(self, interval=100)
        self._answering.timeout.connect(self._answer)
        self._answering.start()
        self._wait_for_pictures()

    def _wait_for_pictures(self) -> None:
        if self._start.isEnabled():
            self._window.setup.set_values({**SETTINGS, "out": str(self._runs)})
            self._click(self._start)
            self._wait_for_run(patient=self._chance.random() < 0.8)
        else:
            QTimer.singleShot(20, self._wait_for_pictures)

    def _wait_for_run(self, patient: bool) -> None:
        """Most wait until something is seen to happen, some do not."""
        if patient and not self._window.training_engine.run:
            QTimer.singleShot(20, lambda: self._wait_for_run(patient))
        else:
            self._next()

    def _next(self) -> None:
        QTimer.singleShot(self._chance.choice(PAUSES), self._act)

    def _act(self) -> None:
        """One action; none while a question is open."""
        if QApplication.activeModalWidget() is None:
            self._left -= 1
            if self._left < 0:
                self._end()
                return
            actions = (
                self._press,
                self._press,
                self._press_stop,
                self._kill,
                self._terminate,
                self._drop,
                lambda: None,
            )
            self._chance.choice(actions)()
        self._next()

    def _press(self) -> None:
        """Start, Pause or Resume, whatever it is now."""
        self._click(self._start)

    def _press_stop(self) -> None:
        if self._stop.isVisible():
            self._click(self._stop)

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        engines = [
            engine for engine in self._window.training_engine.findChildren(Engine) if engine.isRunning() and engine.pid
        ]
        if engines:
            with contextlib.suppress(ProcessLookupError):  # it has ended already, which the window has yet to notice
                os.kill(self._chance.choice(engines).pid, number)

    def _drop(self) -> None:
        pane, position = self._window.predict_pane, QPoint(20, 20)
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path)) for path in sorted(self._pictures.rglob("*.png"))[:3]])
        button, key, copy = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
        QApplication.sendEvent(pane, QDragEnterEvent(position, copy, mime, button, key))
        QApplication.sendEvent(pane, QDropEvent(QPointF(position), copy, mime, button, key))

    def _end(self) -> None:
        """Closes the window, or kills the program as when the computer fails."""
        how = self._chance.random()
        if how < 0.2:
            os.kill(os.getpid(), signal.SIGKILL)
        elif how < 0.3:
            os.kill(os.getpid(), signal.SIGINT)
        else:
            self._window.close()
            self._wait_for_the_end()

    def _wait_for_the_end(self) -> None:
        """A window that is there again wants to be closed again: the answer was Cancel, or its run has failed."""
        is_back = self._window.isVisible() and not self._window.isMinimized() and not QApplication.activeModalWidget()
        QTimer.singleShot(200, self._end if is_back else self._wait_for_the_end)

    def _answer(self) -> None:
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            self._chance.choice(box.buttons()).click()

    def _click(self, button: QPushButton) -> None:
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def main_with_random_user(number: int, pictures: Path, runs: Path) -> int:
    """Runs the program on `pictures`; the random user begins when the event loop does."""
    run_loop = QApplication.exec

    def exec_with_random_user() -> int:
        [window] = (widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow))
        RandomUser(window, number, pictures, runs)
        return run_loop()

    QApplication.exec = staticmethod(exec_with_random_user)
    return main([str(pictures)])


if __name__ == "__main__":
    faulthandler.enable()
    sys.exit(main_with_random_user(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
