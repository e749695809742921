"""A panel with a title."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from resnet_gui.gui.widgets.labels import label


class Card(QFrame):
    """A panel. `body` is its vertical layout, and `heading` the first row in it, with a number and a title."""

    def __init__(self, number: int, title: str) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(14, 12, 14, 14)
        self.body.setSpacing(7)
        self.heading = QHBoxLayout()
        self.heading.setSpacing(10)
        self.heading.addWidget(label("badge", str(number)))
        self.heading.addWidget(label("heading", title), 1)
        self.body.addLayout(self.heading)
