"""A scroll area as high as its content."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QWidget


class FittingScrollArea(QScrollArea):
    """As high as its content, up to `limit` pixels if given; beyond that it scrolls."""

    def __init__(self, content: QWidget, limit: int | None = None) -> None:
        super().__init__()
        self._content = content
        self._limit = limit
        content.setObjectName("content")
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def sizeHint(self) -> QSize:
        """The smallest width of the content, and its height at the current width."""
        content = self._content
        width = self.viewport().width()
        height = content.heightForWidth(width) if content.hasHeightForWidth() else content.sizeHint().height()
        return QSize(content.minimumSizeHint().width(), height if self._limit is None else min(height, self._limit))

    def minimumSizeHint(self) -> QSize:
        """With a limit the height does not shrink, because an outer area scrolls instead."""
        return QSize(self._content.minimumSizeHint().width(), self.sizeHint().height() if self._limit else 80)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Updates the size when the content grew or shrank."""
        if watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Updates the height when another width breaks lines elsewhere."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()
