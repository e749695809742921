"""One window per user: a second start brings the first window back."""

from __future__ import annotations

import getpass
import hashlib
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket


class SingleInstance(QObject):
    """Listens for another start of the program, so that a minimised window comes back instead of a second one."""

    notified = Signal()
    """Another start of the program called `notify`."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)

    def listen(self) -> None:
        """Starts to listen."""
        if not self._server.listen(_name()) and not notify():
            QLocalServer.removeServer(_name())  # left behind by a program that was killed
            self._server.listen(_name())

    def close(self) -> None:
        """Stops listening: another start then opens a window of its own."""
        self._server.close()

    def _on_connection(self) -> None:
        self._server.nextPendingConnection().deleteLater()
        self.notified.emit()


def notify() -> bool:
    """Brings a minimised window back. Returns False if there is none."""
    socket = QLocalSocket()
    socket.connectToServer(_name())
    return socket.waitForConnected(500)


def _name() -> str:
    """The server's name, different for each user of this machine."""
    user = f"{getpass.getuser()} {Path.home()}"
    return f"resnet-gui-{hashlib.sha256(user.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
