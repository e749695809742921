"""A bar chart: one row for each name, with a bar and a figure."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.elided_labels import one_line
from resnet_gui.gui.widgets.labels import tooltip
from resnet_gui.names import NAME

_GAP = 12
_THICKNESS = 8
_MEASURED = 100
_DESCRIBED = 100
"""How many rows are described for a screen reader, which reads them in one go."""


@dataclass(frozen=True, slots=True)
class Bar:
    """`share` (0 to 1) of the bar is filled, in the colour called `colour`; `figure` is the text after it."""

    name: str
    share: float
    figure: str
    colour: str = "accent"


class BarChart(QWidget):
    """A row for each bar: name, bar, figure, in three aligned columns."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._bars: tuple[Bar, ...] = ()
        self._widths = 0, 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_bars(self, bars: Sequence[Bar]) -> None:
        """Shows `bars`, from top to bottom."""
        self._bars = tuple(bars)
        described = (f"{one_line(bar.name, NAME)} {bar.figure}" for bar in bars[:_DESCRIBED])
        self.setAccessibleDescription(", ".join(described))
        self._measure()
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """The height of all rows."""
        return QSize(260, self._row_height() * len(self._bars))

    def minimumSizeHint(self) -> QSize:
        """All rows, at the smallest width."""
        return QSize(160, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paints the rows in the exposed rectangle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        name_width, figure_width = self._columns()
        height, exposed = self._row_height(), event.rect()
        for index in range(exposed.top() // height, min(exposed.bottom() // height + 1, len(self._bars))):
            row = QRect(0, index * height, self.width(), height)
            self._paint_row(painter, row, self._bars[index], name_width, figure_width)

    def event(self, event: QEvent) -> bool:
        """The tooltip of a row is its name, which may be shortened."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = event.pos().y() // self._row_height()
            if 0 <= index < len(self._bars):
                QToolTip.showText(event.globalPos(), tooltip(one_line(self._bars[index].name)), self)
                return True
        return super().event(event)

    def _row_height(self) -> int:
        return self.fontMetrics().height() + 8

    def _columns(self) -> tuple[int, int]:
        """The widths of names and figures in pixels: as needed, but names take at most 42 % of the whole width."""
        names, figures = self._widths
        return min(names + 2, round(self.width() * 0.42)), figures

    def _measure(self) -> None:
        """Measures names and figures once, of very many the longest: 10,000 would take seconds."""
        advance = self.fontMetrics().horizontalAdvance
        names = heapq.nlargest(_MEASURED, (bar.name for bar in self._bars), key=len)
        figures = heapq.nlargest(_MEASURED, (bar.figure for bar in self._bars), key=len)
        widths = (advance(one_line(name, NAME)) for name in names)
        self._widths = max(widths, default=0), max(map(advance, figures), default=0)

    def changeEvent(self, event: QEvent) -> None:
        """Measures again for another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._measure()

    def _paint_row(self, painter: QPainter, row: QRect, bar: Bar, name_width: int, figure_width: int) -> None:
        middle = Qt.AlignmentFlag.AlignVCenter
        name = self.fontMetrics().elidedText(one_line(bar.name, NAME), Qt.TextElideMode.ElideMiddle, name_width)
        painter.setPen(self._theme.color("text"))
        painter.drawText(row, middle | Qt.AlignmentFlag.AlignLeft, name)
        painter.drawText(row, middle | Qt.AlignmentFlag.AlignRight, bar.figure)
        left = name_width + _GAP
        track = QRectF(
            left, row.center().y() - _THICKNESS / 2 + 1, row.width() - left - figure_width - _GAP, _THICKNESS
        )
        _paint_pill(painter, track, self._theme.color("line"))
        if bar.share > 0:
            track.setWidth(max(track.width() * bar.share, _THICKNESS))
            _paint_pill(painter, track, self._theme.color(bar.colour))


def _paint_pill(painter: QPainter, rectangle: QRectF, colour: QColor) -> None:
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(rectangle, _THICKNESS / 2, _THICKNESS / 2)
    painter.restore()
