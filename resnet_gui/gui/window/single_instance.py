"""One window a user: a second start calls the first."""

from __future__ import annotations

import getpass
import hashlib
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket


class SingleInstance(QObject):
    """Rung by another start of the program, so that a minimised window comes back instead of a second one."""

    notified = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._answer)

    def listen(self) -> None:
        """From now on it can be rung."""
        if not self._server.listen(_name()) and not notify():
            QLocalServer.removeServer(_name())  # left behind by a program that was killed
            self._server.listen(_name())

    def close(self) -> None:
        """From now on another start opens a window of its own."""
        self._server.close()

    def _answer(self) -> None:
        self._server.nextPendingConnection().deleteLater()
        self.notified.emit()


def notify() -> bool:
    """Calls a minimised window back; False if there is none."""
    socket = QLocalSocket()
    socket.connectToServer(_name())
    return socket.waitForConnected(500)


def _name() -> str:
    """One for each person on this machine."""
    person = f"{getpass.getuser()} {Path.home()}"
    return f"resnet-gui-{hashlib.sha256(person.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
