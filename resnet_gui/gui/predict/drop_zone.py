"""Where pictures and models are dropped."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QKeyEvent,
)
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from resnet_gui.gui.widgets.labels import set_style_property


class DropZone(QPushButton):
    """A button that shows what can be dropped. A click opens a file dialog; the pane around it handles the drop."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setObjectName("drop")
        self.set_over(False)

    def set_over(self, over: bool) -> None:
        """Highlights the zone while something is dragged over the pane."""
        set_style_property(self, "dropping", over)

    def set_large(self, large: bool) -> None:
        """Takes all the room there is, or no more than its text needs."""
        policy = QSizePolicy.Policy
        self.setSizePolicy(policy.Expanding, policy.Expanding if large else policy.Fixed)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter clicks too."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)
