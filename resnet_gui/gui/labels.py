"""Small pieces of text, and the two boxes that every pane is made of."""

from __future__ import annotations

import html
import re

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget


def label(kind: str, text: str = "") -> QLabel:
    """Plain text that breaks its lines, in the look that the stylesheet has for `kind`."""
    made = QLabel(text, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
    made.setProperty("kind", kind)
    return made


def tooltip(text: str) -> str:
    """`text` for a tooltip: plain whatever it holds, its lines broken where they get long."""
    return f"<p>{html.escape(text).replace(chr(10), '<br>')}</p>" if text else ""


def breakable(text: str) -> str:
    """`text` with places to break its longest words, such as paths; else they would widen the pane."""
    return re.sub(r"([/\\]|[^\s/\\]{16}(?=[^\s/\\]{4}))", "\\1\u200b", text)


def set_look(widget: QWidget, name: str, value: object) -> None:
    """Sets a property that the stylesheet looks at, and lets it look again."""
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


class Card(QFrame):
    """A panel with a numbered heading; `body` is the layout below it."""

    def __init__(self, number: int, title: str) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(14, 12, 14, 14)
        self.body.setSpacing(7)
        heading = QHBoxLayout()
        heading.setSpacing(10)
        heading.addWidget(label("badge", str(number)))
        heading.addWidget(label("heading", title), 1)
        self.body.addLayout(heading)


class FittingScrollArea(QScrollArea):
    """As high as its content, up to `limit` pixels if there is one; what does not fit scrolls."""

    def __init__(self, content: QWidget, limit: int | None = None) -> None:
        super().__init__()
        self._limit = limit
        content.setObjectName("content")
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def sizeHint(self) -> QSize:
        """As narrow as may be, and what the content then takes at the width it has."""
        content = self.widget()
        width = self.viewport().width()
        height = content.heightForWidth(width) if content.hasHeightForWidth() else content.sizeHint().height()
        return QSize(content.minimumSizeHint().width(), height if self._limit is None else min(height, self._limit))

    def minimumSizeHint(self) -> QSize:
        """With a limit it does not shrink: something larger scrolls around it."""
        return QSize(self.widget().minimumSizeHint().width(), self.sizeHint().height() if self._limit else 80)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The content grew or shrank."""
        if watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width breaks lines elsewhere."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()
