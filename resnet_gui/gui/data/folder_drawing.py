"""A small drawing of folders inside folders."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.elided_labels import one_line
from resnet_gui.names import NAME

Entry = tuple[int, str, str]
"""Depth, icon, name."""


class FolderDrawing(QWidget):
    """Draws `entries` from top to bottom, each joined to the folder that holds it."""

    _ROW, _INDENT, _ICON = 26, 22, 16

    def __init__(self, theme: Theme, entries: Sequence[Entry], name: str) -> None:
        super().__init__()
        self._theme = theme
        self._entries = [(depth, icon, one_line(text, NAME)) for depth, icon, text in entries]
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)
        self.setAccessibleDescription(", ".join(text for _, _, text in self._entries))
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Room for the widest entry."""
        widths = (
            self._text_left(depth) + self.fontMetrics().horizontalAdvance(text) for depth, _, text in self._entries
        )
        return QSize(max(widths) + 4, self._ROW * len(self._entries))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Every entry and the line to its folder."""
        painter = QPainter(self)
        for row, (depth, icon, text) in enumerate(self._entries):
            self._draw_branch(painter, row, depth)
            self._draw_entry(painter, row, depth, icon, text)

    def _draw_branch(self, painter: QPainter, row: int, depth: int) -> None:
        if depth == 0:
            return
        parent = max(above for above in range(row) if self._entries[above][0] == depth - 1)
        x = self._INDENT * (depth - 1) + self._ICON / 2
        y = self._middle(row)
        painter.setPen(self._theme.color("line"))
        painter.drawLine(QPointF(x, self._middle(parent) + self._ICON / 2 + 2), QPointF(x, y))
        painter.drawLine(QPointF(x, y), QPointF(self._INDENT * depth - 3, y))

    def _draw_entry(self, painter: QPainter, row: int, depth: int, icon: str, text: str) -> None:
        box = QRect(self._INDENT * depth, int(self._middle(row)) - self._ICON // 2, self._ICON, self._ICON)
        self._theme.icon(icon, "accent" if icon == "folder-open" else "dim").paint(painter, box)
        painter.setPen(self._theme.color("text" if icon == "folder-open" else "dim"))
        rectangle = QRect(self._text_left(depth), row * self._ROW, self.width(), self._ROW)
        painter.drawText(rectangle, Qt.AlignmentFlag.AlignVCenter, text)

    def _middle(self, row: int) -> float:
        return self._ROW * (row + 0.5)

    def _text_left(self, depth: int) -> int:
        return self._INDENT * depth + self._ICON + 7
