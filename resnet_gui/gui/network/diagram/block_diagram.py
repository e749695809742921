"""A drawing of a network: the list of its stages, and the block of one stage as the papers draw it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QToolTip, QWidget

from resnet_gui.events import NetworkSummary
from resnet_gui.gui.network.diagram.block_figure import BlockFigure
from resnet_gui.gui.network.diagram.block_painter import BlockPainter
from resnet_gui.gui.network.diagram.stages import (
    StageShape,
    drawn_blocks,
    folded,
    initial_row,
    stage_description,
    stage_shapes,
    stage_title,
)
from resnet_gui.gui.text import shape_text
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.labels import tooltip
from resnet_gui.nets.spec import NetworkSpec

_WIDE = 720
"""From so many pixels on, the block is beside the list of stages."""
_ROOMY = 470
"""From so many pixels on, the boxes in the list of stages are larger."""


class BlockDiagram(QWidget):
    """The list of stages, and the block of the selected stage."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stages = StageList(theme)
        self.figure = BlockFigure(theme)
        self._box = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(14)
        self._box.addWidget(self.stages, 1, Qt.AlignmentFlag.AlignTop)
        self._box.addWidget(self.figure, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter)
        self.stages.stage_selected.connect(lambda: self.figure.show_stage(self.stages.selected))

    def show_network(self, network: NetworkSpec, size: int, summarised: NetworkSummary | None = None) -> None:
        """Draws `network` for pictures of `size` pixels; `summarised`, once it is known, has the exact shapes."""
        self.stages.show_network(network, size, summarised)
        self.figure.show_stage(self.stages.selected)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Puts the block beside the list of stages where there is room, else below it."""
        super().resizeEvent(event)
        wide = event.size().width() >= _WIDE
        self._box.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)


class StageList(QWidget):
    """A row for each stage, from the picture to the prediction: its size, its depth, and its blocks.

    Blocks that are alike are folded: the first block, the second, and how often it is repeated.
    """

    stage_selected = Signal()

    _ROW, _LEFT, _NAME = 50, 44, 104

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._stage_shapes: tuple[StageShape, ...] = ()
        self._title, self._row = "", 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Stages"))
        theme.changed.connect(self.update)

    def show_network(self, network: NetworkSpec, size: int, summarised: NetworkSummary | None) -> None:
        """Draws the stages of `network`. If it is another network, its first residual block is selected."""
        if network.title != self._title:
            self._title, self._row = network.title, initial_row(network.stages)
        self._stage_shapes = stage_shapes(network, size, summarised)
        self.setVisible(bool(self._stage_shapes))
        self.setAccessibleDescription("\n".join(stage_description(each) for each in self._stage_shapes))
        self.updateGeometry()
        self.update()

    @property
    def selected(self) -> StageShape | None:
        """The stage whose block is shown."""
        return self._stage_shapes[self._row] if self._stage_shapes else None

    def sizeHint(self) -> QSize:
        """A row for each stage."""
        return QSize(380, self._ROW * len(self._stage_shapes))

    def minimumSizeHint(self) -> QSize:
        """In less width, fewer blocks are drawn one by one."""
        return QSize(330, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = BlockPainter(self, self._theme, box=24.0 if self.width() < _ROOMY else 32.0)
        for row, stage_shape in enumerate(self._stage_shapes):
            area = QRectF(0, row * self._ROW, self.width(), self._ROW)
            if row == self._row and (drawn_blocks(stage_shape) or self.hasFocus()):
                self._mark(painter, area)
            painter.volume(QRectF(6, area.top() + 6, self._LEFT - 12, self._ROW - 12), stage_shape.shape)
            self._write(painter, area, stage_shape)
            self._draw_blocks(painter, area.adjusted(self._LEFT + self._NAME, 0, -6, 0), stage_shape)

    def _mark(self, painter: BlockPainter, area: QRectF) -> None:
        painter.setPen(QPen(self._theme.color("accent"), 1) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("field" if not self.hasFocus() else "hover"))
        painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)

    def _write(self, painter: BlockPainter, area: QRectF, stage_shape: StageShape) -> None:
        upper = QRectF(self._LEFT, area.top() + 7, self._NAME - 6, 18)
        painter.text(upper, stage_title(stage_shape.stage), "text", left=True, strong=True)
        painter.text(upper.translated(0, 18), shape_text(stage_shape.shape), "dim", left=True)

    def _draw_blocks(self, painter: BlockPainter, area: QRectF, stage_shape: StageShape) -> None:
        x, middle = area.left(), area.center().y() + 4
        for block, times in folded(
            stage_shape, lambda block: painter.length(block) + BlockPainter.ARROW, area.width() + BlockPainter.ARROW
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
        if 0 <= row < len(self._stage_shapes):
            self._row = row
            self.stage_selected.emit()
            self.update()

    def event(self, event: QEvent) -> bool:
        """Shows a tooltip that describes a stage in words."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = event.pos().y() // self._ROW
            text = stage_description(self._stage_shapes[row]) if 0 <= row < len(self._stage_shapes) else ""
            QToolTip.showText(event.globalPos(), tooltip(text), self)
            return True
        return super().event(event)
