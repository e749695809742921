"""Where pictures and models are dropped."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QKeyEvent,
)
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from resnet_gui.gui.widgets.labels import set_style_property


class DropZone(QPushButton):
    """Says what can be dropped. A click, Enter or Space asks for files instead; the pane around it takes the drop."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setObjectName("drop")
        self.set_over(False)

    def set_over(self, over: bool) -> None:
        """Lights up while something is held above the pane."""
        set_style_property(self, "dropping", over)

    def set_large(self, large: bool) -> None:
        """Takes all the room there is, or no more than its words need."""
        policy = QSizePolicy.Policy
        self.setSizePolicy(policy.Expanding, policy.Expanding if large else policy.Fixed)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter is a click too."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)
