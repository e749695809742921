"""The real window with its real engine, which opens every path that comes as a line: `python window_process.py LOG`

For each it prints a line of JSON: whether there was an answer, what is shown, and for how long the window stood still.
Every second path is dropped on the prediction pane, the others are opened as from the command line.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from PySide6.QtCore import QMimeData, QObject, QPoint, QPointF, QSocketNotifier, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QWidget

from hostile_files.watch import install, to_file
from resnet_gui.cli.main import main
from resnet_gui.events import Event, JobEnded
from resnet_gui.gui.window.main_window import MainWindow

_BEAT = 5
"""Milliseconds between two looks at the clock."""
_CALM = 10
"""Beats that pass after the last answer, so that all of it is shown."""


class HostileUser(QObject):
    """Opens the paths of the standard input, one after the other, and ends the program after the last."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._paths = 0
        self._open_jobs = self._calm = 0
        self._path = ""
        self._stall = self._last = 0.0
        self._watch_requests()
        self._input = QSocketNotifier(0, QSocketNotifier.Type.Read, self)
        self._input.activated.connect(self._next)
        self._beat = QTimer(self, interval=_BEAT)
        self._beat.timeout.connect(self._look)
        self._beat.start()

    def _watch_requests(self) -> None:
        """Counts the jobs that the prediction engine has been given and has not ended."""
        engine = self._window.prediction_engine
        request = engine.request

        def counted(do: str, on_event, **values):
            self._open_jobs += 1

            def listen(event: Event) -> None:
                on_event(event)
                if isinstance(event, JobEnded):
                    self._open_jobs -= 1

            return request(do, listen, **values)

        engine.request = counted

    def _next(self) -> None:
        line = sys.stdin.readline()
        if not line:
            self._input.setEnabled(False)
            self._window.close()
            QTimer.singleShot(5000, lambda: QApplication.exit(0))
            return
        self._path, self._paths = json.loads(line), self._paths + 1
        self._calm = 0
        self._stall, self._last = 0.0, time.monotonic()
        if self._paths % 2:
            self._window.open_path(Path(self._path))
        else:
            self._drop(self._window.predict_pane, self._path)

    def _drop(self, target: QWidget, path: str) -> None:
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(path)])
        button, key, copy = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
        QApplication.sendEvent(target, QDragEnterEvent(QPoint(20, 20), copy, mime, button, key))
        QApplication.sendEvent(target, QDropEvent(QPointF(20, 20), copy, mime, button, key))

    def _look(self) -> None:
        now = time.monotonic()
        if self._path:
            self._stall = max(self._stall, now - self._last - _BEAT / 1000)
            dialog = QApplication.activeModalWidget()
            is_calm = self._open_jobs == 0 or isinstance(dialog, QDialog)
            self._calm = self._calm + 1 if is_calm else 0
            if self._calm >= _CALM:
                self._answer(dialog)
        self._last = now

    def _answer(self, dialog: QWidget | None) -> None:
        shown = [label.text() for label in self._window.findChildren(QLabel) if label.isVisible()]
        if isinstance(dialog, QDialog):
            shown += [label.text() for label in dialog.findChildren(QLabel)]
            dialog.reject()
        print(json.dumps({"path": self._path, "stall": self._stall, "shown": "\n".join(shown)[:100_000]}), flush=True)
        self._path = ""


def main_with_hostile_user() -> int:
    """Runs the program; the user begins when the event loop does."""
    run_loop = QApplication.exec

    def exec_with_hostile_user() -> int:
        [window] = (widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow))
        user = HostileUser(window)
        status = run_loop()
        user.deleteLater()
        return status

    QApplication.exec = staticmethod(exec_with_hostile_user)
    return main([])


if __name__ == "__main__":
    install(to_file(Path(sys.argv[1])))
    sys.exit(main_with_hostile_user())
