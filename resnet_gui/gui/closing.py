"""What happens when the window is closed while a run computes, and how a hidden one is found again."""

from __future__ import annotations

import getpass
import hashlib
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtGui import QIcon
from PySide6.QtNetwork import QLocalServer, QLocalSocket
from PySide6.QtWidgets import QMessageBox, QWidget

from resnet_gui.gui.labels import set_look

Choice = Literal["keep", "stop", "cancel"]


def ask_to_close(parent: QWidget) -> Choice:
    """Asks, once, what is to become of the run."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, "resnet-gui", f"<b>{_tr('A training is running')}</b>", parent=parent)
    box.setInformativeText(
        _tr(
            "Keep training: the window is minimised and the program ends by itself when the training is done. "
            "Start the program again to see it.\n\n"
            "Stop and save: nothing is lost, and the next start offers to go on."
        )
    )
    keep = box.addButton(_tr("Keep training"), QMessageBox.ButtonRole.AcceptRole)
    stop = box.addButton(_tr("Stop and save"), QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    set_look(keep, "kind", "primary")
    cancel.setIcon(QIcon())
    box.setDefaultButton(keep)
    box.setEscapeButton(cancel)
    box.exec()
    clicked = box.clickedButton()
    return "keep" if clicked is keep else "stop" if clicked is stop else "cancel"


class Doorbell(QObject):
    """Rung by another start of the program, so that a minimised window comes back instead of a second one."""

    rung = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._answer)

    def hang(self) -> None:
        """From now on it can be rung."""
        if not self._server.listen(_name()) and not ring():
            QLocalServer.removeServer(_name())  # left behind by a program that was killed
            self._server.listen(_name())

    def take_down(self) -> None:
        """From now on another start opens a window of its own."""
        self._server.close()

    def _answer(self) -> None:
        self._server.nextPendingConnection().deleteLater()
        self.rung.emit()


def ring() -> bool:
    """Calls a minimised window back; False if there is none."""
    socket = QLocalSocket()
    socket.connectToServer(_name())
    return socket.waitForConnected(500)


def _name() -> str:
    """One for each person on this machine."""
    person = f"{getpass.getuser()} {Path.home()}"
    return f"resnet-gui-{hashlib.sha256(person.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"


def _tr(text: str) -> str:
    return QCoreApplication.translate("closing", text)
