"""Actions of a user in the window, and what the user sees."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from resnet_gui.gui.window.main_window import MainWindow

PATIENCE = 60_000
"""Milliseconds after which a wait fails."""


def drop(target: QWidget, *paths: Path) -> None:
    """Sends the events that Qt sends when files are dropped on `target` from another program."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    position, copy = QPoint(20, 20), Qt.DropAction.CopyAction
    button, key = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(target, QDragEnterEvent(position, copy, mime, button, key))
    QApplication.sendEvent(target, QDropEvent(QPointF(position), copy, mime, button, key))


def text_of(widget: QWidget) -> str:
    """All visible text in `widget`."""
    texts = (label.text() for label in widget.findChildren(QLabel) if label.isVisible())
    return "\n".join(texts).replace("\u200b", "")


def open_colours(window: MainWindow, qtbot: QtBot, colours: Path, epochs: int) -> None:
    """Drops the dataset folder `colours` on the window, and sets up a run of a few seconds per epoch."""
    with qtbot.waitSignal(window.dataset_lister.opened, timeout=PATIENCE):
        drop(window.setup, colours)
    window.setup.set_values(
        {"network": "resnet20", "data.image_size": 32, "training.batch_size": 8, "training.epochs": epochs}
    )


def press(window: MainWindow, name: str) -> None:
    """Clicks the setup pane's button: "start", which is also Pause and Resume, or "stop"."""
    QTest.mouseClick(window.setup.findChild(QPushButton, name), Qt.MouseButton.LeftButton)


def click(button: QPushButton) -> None:
    """Clicks a button that can be seen."""
    assert button.isVisible()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def wait_for(window: MainWindow, qtbot: QtBot, kind: type) -> object:
    """Waits for the run's next event of `kind`, and returns it."""
    with qtbot.waitSignal(
        window.training_engine.event_received, timeout=PATIENCE, check_params_cb=lambda event: isinstance(event, kind)
    ) as received:
        pass
    return received.args[0]


def answered(window: MainWindow) -> bool:
    """Whether the prediction pane shows an answer."""
    return window.predict_pane.view.isVisible() and bool(window.predict_pane.view.as_text())


def click_in_box(name: str) -> Callable[[], None]:
    """Clicks the button called `name` of the message box that is open, as soon as there is one."""

    def click() -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(50, click)
            return
        next(button for button in box.buttons() if button.text().replace("&", "") == name).click()

    return click


def is_alive(pid: int) -> bool:
    """Whether the process runs. A zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
