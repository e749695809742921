"""A drawing of a network: its stages as a chain, and the block of one stage as the papers draw it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QToolTip, QWidget

from resnet_gui.events import NetworkSummary
from resnet_gui.gui.network.diagram.block_figure import BlockFigure
from resnet_gui.gui.network.diagram.block_painter import BlockPainter
from resnet_gui.gui.network.diagram.stages import (
    StageShape,
    described,
    drawn_blocks,
    folded,
    most_telling,
    stage_shapes,
    stage_title,
)
from resnet_gui.gui.text import shape_text
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.labels import tooltip
from resnet_gui.nets.spec import NetworkSpec

_WIDE = 720
"""From so many pixels on, the block stands beside the chain."""
_ROOMY = 470
"""From so many pixels on, the boxes of the chain are larger."""


class BlockDiagram(QWidget):
    """The chain of stages and, of the stage that is selected in it, the block."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chain = StageList(theme)
        self.figure = BlockFigure(theme)
        self._box = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(14)
        self._box.addWidget(self.chain, 1, Qt.AlignmentFlag.AlignTop)
        self._box.addWidget(self.figure, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter)
        self.chain.stage_selected.connect(lambda: self.figure.show_stage(self.chain.selected))

    def show_network(self, network: NetworkSpec, size: int, summarised: NetworkSummary | None = None) -> None:
        """Draws `network` for pictures of `size` pixels; `summarised`, once it is known, has the exact shapes."""
        self.chain.show_network(network, size, summarised)
        self.figure.show_stage(self.chain.selected)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The block goes beside the chain where there is room."""
        super().resizeEvent(event)
        wide = event.size().width() >= _WIDE
        self._box.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)


class StageList(QWidget):
    """A row for each stage, from the picture to the answer: how large, how deep, and of which blocks.

    What is alike is folded: the first block, the second, and how often it comes again.
    """

    stage_selected = Signal()

    _ROW, _LEFT, _NAME = 50, 44, 104

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._places: tuple[StageShape, ...] = ()
        self._title, self._row = "", 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Stages"))
        theme.changed.connect(self.update)

    def show_network(self, network: NetworkSpec, size: int, summarised: NetworkSummary | None) -> None:
        """Draws the stages of `network`; another network is shown from its most telling block."""
        if network.title != self._title:
            self._title, self._row = network.title, most_telling(network.stages)
        self._places = stage_shapes(network, size, summarised)
        self.setVisible(bool(self._places))
        self.setAccessibleDescription("\n".join(described(place) for place in self._places))
        self.updateGeometry()
        self.update()

    @property
    def selected(self) -> StageShape | None:
        """The stage whose block is shown."""
        return self._places[self._row] if self._places else None

    def sizeHint(self) -> QSize:
        """A row for each stage."""
        return QSize(380, self._ROW * len(self._places))

    def minimumSizeHint(self) -> QSize:
        """Narrower, fewer blocks are drawn out."""
        return QSize(330, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = BlockPainter(self, self._theme, box=24.0 if self.width() < _ROOMY else 32.0)
        for row, place in enumerate(self._places):
            area = QRectF(0, row * self._ROW, self.width(), self._ROW)
            if row == self._row and (drawn_blocks(place) or self.hasFocus()):
                self._mark(painter, area)
            painter.volume(QRectF(6, area.top() + 6, self._LEFT - 12, self._ROW - 12), place.shape)
            self._write(painter, area, place)
            self._draw_blocks(painter, area.adjusted(self._LEFT + self._NAME, 0, -6, 0), place)

    def _mark(self, painter: BlockPainter, area: QRectF) -> None:
        painter.setPen(QPen(self._theme.color("accent"), 1) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("field" if not self.hasFocus() else "hover"))
        painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)

    def _write(self, painter: BlockPainter, area: QRectF, place: StageShape) -> None:
        upper = QRectF(self._LEFT, area.top() + 7, self._NAME - 6, 18)
        painter.text(upper, stage_title(place.stage), "text", left=True, strong=True)
        painter.text(upper.translated(0, 18), shape_text(place.shape), "dim", left=True)

    def _draw_blocks(self, painter: BlockPainter, area: QRectF, place: StageShape) -> None:
        x, middle = area.left(), area.center().y() + 4
        for block, times in folded(
            place, lambda block: painter.length(block) + BlockPainter.ARROW, area.width() + BlockPainter.ARROW
        ):
            if x > area.left():
                painter.arrow(QPointF(x, middle), QPointF(x + BlockPainter.ARROW - 2, middle))
                x += BlockPainter.ARROW
            x = painter.block(QPointF(x, middle), block)
            if times > 1:
                painter.text(QRectF(x + 5, middle - 10, 60, 20), f"× {times}", "text", left=True)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._select(int(event.position().y()) // self._ROW)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if step:
            self._select(self._row + step)
        else:
            super().keyPressEvent(event)

    def _select(self, row: int) -> None:
        if 0 <= row < len(self._places):
            self._row = row
            self.stage_selected.emit()
            self.update()

    def event(self, event: QEvent) -> bool:
        """What a stage is made of, in words."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = event.pos().y() // self._ROW
            text = described(self._places[row]) if 0 <= row < len(self._places) else ""
            QToolTip.showText(event.globalPos(), tooltip(text), self)
            return True
        return super().event(event)
