"""A bar chart: one row for each name, with a bar and a figure."""

from __future__ import annotations

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
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_bars(self, bars: Sequence[Bar]) -> None:
        """Shows `bars`, from top to bottom."""
        self._bars = tuple(bars)
        self.setAccessibleDescription(", ".join(f"{one_line(bar.name, NAME)} {bar.figure}" for bar in bars))
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
        for index, bar in enumerate(self._bars):
            row = QRect(0, index * self._row_height(), self.width(), self._row_height())
            if row.intersects(event.rect()):
                self._paint_row(painter, row, bar, name_width, figure_width)

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
        metrics = self.fontMetrics()
        names = max((metrics.horizontalAdvance(one_line(bar.name, NAME)) for bar in self._bars), default=0)
        figures = max((metrics.horizontalAdvance(bar.figure) for bar in self._bars), default=0)
        return min(names + 2, round(self.width() * 0.42)), figures

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
