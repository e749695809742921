"""The block of one stage, drawn large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, QSize
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_gui.gui.network.diagram.block_painter import BlockPainter
from resnet_gui.gui.network.diagram.block_shapes import Block, Box
from resnet_gui.gui.network.diagram.stages import DrawnBlock, StageShape, drawn_blocks, stage_description
from resnet_gui.gui.theme import Theme

_WIDTH, _BOX, _GAP, _HEAD, _FOOT = 176, 24, 22, 44, 46
"""In pixels: a block's width, a box's height, the gap to the next box, the space above the first and below the last."""
_WAYS = {
    "identity": "identity", "projection": "projection 1×1", "padded": "zero-padded", "g": "let through", "c": "put beside",
    "+c": "added, put beside",
}  # fmt: skip
"""The text beside the path around a block: by how it is joined, or else by its shortcut."""


class BlockFigure(QWidget):
    """A stage's first block and, where they differ, those after it, drawn from top to bottom with their channels."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._blocks: tuple[DrawnBlock, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Block"))
        theme.changed.connect(self.update)

    def show_stage(self, stage_shape: StageShape | None) -> None:
        """Draws the blocks of a stage. The figure hides if the stage has single layers only."""
        self._blocks = drawn_blocks(stage_shape) if stage_shape else ()
        self.setVisible(bool(self._blocks))
        self.setAccessibleDescription(stage_description(stage_shape) if stage_shape else "")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Room for the blocks beside each other."""
        steps = max((len(each.block.steps) for each in self._blocks), default=0)
        return QSize(_WIDTH * len(self._blocks), _HEAD + steps * (_BOX + _GAP) + _FOOT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = BlockPainter(self, self._theme)
        for column, each in enumerate(self._blocks):
            area = QRectF(column * _WIDTH, 0, _WIDTH, self.height())
            painter.text(QRectF(area.left(), 0, area.width(), 18), each.caption, "text", strong=True)
            self._draw(painter, area.center().x(), each)

    def _draw(self, painter: BlockPainter, x: float, each: DrawnBlock) -> None:
        if each.incoming:
            painter.text(QRectF(x + 8, 20, 70, 16), f"{each.incoming:,}-d", "dim", left=True)
        painter.arrow(QPointF(x, 20), QPointF(x, _HEAD))
        y = float(_HEAD)
        *before, last = each.block.steps
        for step in before:
            y = self._draw_step(painter, QPointF(x, y), step)
            between = "BN, ReLU" if each.block.norm_first else "ReLU"
            painter.text(QRectF(x + 8, y - _GAP, 70, _GAP), between, "dim", left=True)
        y = self._draw_step(painter, QPointF(x, y), last, short=6 if each.block.join else 0)
        if each.block.join:
            self._draw_way_around(painter, QPointF(x, y), each.block)

    def _draw_step(self, painter: BlockPainter, top: QPointF, step: Sequence[Box], short: float = 0) -> float:
        """Draws boxes side by side and the arrow below them, `short` pixels too short. Returns the next step's y."""
        whole = 104.0 if len(step) == 1 else _WIDTH - 16.0
        width = (whole - 4 * (len(step) - 1)) / len(step)
        for number, box in enumerate(step):
            area = QRectF(top.x() - whole / 2 + number * (width + 4), top.y(), width, _BOX)
            text = f"{box.text}, {box.channels:,}" if box.channels and len(step) == 1 else box.text
            painter.box(area, replace(box, text=text))
        end = top + QPointF(0, _BOX + _GAP)
        painter.arrow(top + QPointF(0, _BOX), end - QPointF(0, short))
        return end.y()

    def _draw_way_around(self, painter: BlockPainter, join: QPointF, block: Block) -> None:
        """Draws the path from above the first box to `join`, its name, and what follows."""
        x, y = join.x(), join.y()
        painter.way_around(x, _HEAD - 8, y, _WIDTH / 2 - 16, block)
        painter.arrow(QPointF(x, y + 6), QPointF(x, y + 40))
        way = _WAYS.get(block.join) or _WAYS[block.shortcut]
        painter.text(
            QRectF(x + 10, y + 5, 76, 16), QCoreApplication.translate("block_figure", way), "accent", left=True
        )
        after = "" if block.norm_first or block.join != "+" else "ReLU"
        painter.text(QRectF(x + 8, y + 22, 70, 16), after, "dim", left=True)
