"""Draws the parts of a network: boxes, arrows, paths around blocks, and the volumes between stages."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontInfo, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from resnet_gui.gui.network.diagram.block_shapes import Block, Box
from resnet_gui.gui.theme import Theme

_LINES = {
    "identity": Qt.PenStyle.SolidLine, "projection": Qt.PenStyle.DashLine, "padded": Qt.PenStyle.DotLine,
}  # fmt: skip
_BEND = 14
"""Radius of the corners of a path around a block."""


class BlockPainter(QPainter):
    """Draws in the theme's colours. All lengths are in pixels."""

    ARROW, JOIN = 12.0, 5.5
    """Length of an arrow in the list of stages; radius of the circle where a path around a block is joined."""
    _GAP, _HIGH, _STACK, _ARC = 3.0, 19.0, 34.0, 34.0
    """In the list of stages: between boxes, a box's height, that of stacked boxes, and that of the path around."""

    def __init__(self, widget: QWidget, theme: Theme, box: float = 24.0) -> None:
        """Draws on `widget`; boxes in the list of stages are at least `box` wide."""
        super().__init__(widget)
        self._theme = theme
        self._box = box
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        size = QFontInfo(widget.font()).pixelSize()
        self._font, self._tiny, self._strong = (QFont(widget.font()) for _ in range(3))
        self._font.setPixelSize(round(0.86 * size))
        self._tiny.setPixelSize(round(0.72 * size))
        self._strong.setPixelSize(round(0.92 * size))
        self._strong.setWeight(QFont.Weight.DemiBold)

    def text(self, area: QRectF, text: str, colour: str, left: bool = False, strong: bool = False) -> None:
        """One line of text in `area`, shortened where it must be."""
        font = self._strong if strong else self._font
        side = Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignHCenter
        self.setFont(font)
        self.setPen(self._theme.color(colour))
        fitting = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
        self.drawText(area, side | Qt.AlignmentFlag.AlignVCenter, fitting)

    def box(self, area: QRectF, box: Box) -> None:
        """A layer; its text is left out if there is no room."""
        edge = self._theme.color(box.colour)
        inside = QColor(edge)
        inside.setAlphaF(0.16)
        self.setPen(QPen(edge, 1))
        self.setBrush(inside)
        for part in _parts(area, box.parts):
            self.drawRoundedRect(part, 3, 3)
        font = next((font for font in (self._font, self._tiny) if _fits(font, box.text, area)), None)
        if font:
            self.setFont(font)
            self.setPen(self._theme.color("text"))
            self.drawText(area, Qt.AlignmentFlag.AlignCenter, box.text)

    def arrow(self, start: QPointF, end: QPointF) -> None:
        """A thin arrow, to the right or down."""
        self.setPen(QPen(self._theme.color("dim"), 1))
        self.drawLine(start, end)
        across = QPointF(0, 2.5) if start.y() == end.y() else QPointF(2.5, 0)
        back = QPointF(-4, 0) if start.y() == end.y() else QPointF(0, -4)
        self.setBrush(self._theme.color("dim"))
        self.drawPolygon(QPolygonF([end, end + back + across, end + back - across]))

    def length(self, block: Block) -> float:
        """How wide a block is in the list of stages."""
        steps = sum(map(self._width, block.steps)) + (len(block.steps) - 1) * self._GAP
        return steps + (self._GAP + 2 * self.JOIN if block.join else 0)

    def _width(self, step: Sequence[Box]) -> float:
        """How wide a step is in the list of stages: room for its longest text, or for its parts."""
        metrics = QFontMetricsF(self._tiny)
        return max(max(self._box, metrics.horizontalAdvance(box.text) + 5, 13 * box.parts) for box in step)

    def block(self, start: QPointF, block: Block) -> float:
        """Draws a block of the list of stages, from left to right. Returns the x where it ends."""
        x, middle = start.x(), start.y()
        for number, step in enumerate(block.steps):
            if number:
                self._link(x - self._GAP, x, middle)
            self._step(QPointF(x, middle), step)
            x += self._width(step) + self._GAP
        return self._leap(start, x, block) if block.join else x - self._GAP

    def _step(self, start: QPointF, step: Sequence[Box]) -> None:
        high = self._HIGH if len(step) == 1 else self._STACK / len(step) - 2
        top = start.y() - (len(step) * (high + 2) - 2) / 2
        for line, box in enumerate(step):
            self.box(QRectF(start.x(), top + line * (high + 2), self._width(step), high), box)

    def _leap(self, start: QPointF, x: float, block: Block) -> float:
        """Draws the path around a block, from before `start` to its join, which begins at `x`. Returns the join's end."""
        middle, end = start.y(), x + self.JOIN
        above = middle - self._ARC
        self._link(x - self._GAP, x, middle)
        path = QPainterPath(QPointF(start.x() - 4, middle))
        path.cubicTo(QPointF(start.x() - 2, above), QPointF(end, above), QPointF(end, middle - self.JOIN))
        self._around(path, block)
        self._join(QPointF(end, middle), block.join)
        return end + self.JOIN

    def way_around(self, x: float, top: float, bottom: float, width: float, block: Block) -> None:
        """Draws the path around a block that goes from `top` to `bottom` at `x`, on its right, `width` away."""
        out = x + width
        path = QPainterPath(QPointF(x, top))
        path.lineTo(out - _BEND, top)
        path.quadTo(QPointF(out, top), QPointF(out, top + _BEND))
        path.lineTo(out, bottom - _BEND)
        path.quadTo(QPointF(out, bottom), QPointF(out - _BEND, bottom))
        path.lineTo(x + self.JOIN, bottom)
        self._around(path, block)
        self._join(QPointF(x, bottom), block.join)

    def _around(self, path: QPainterPath, block: Block) -> None:
        self.setPen(QPen(self._theme.color("accent"), 1.5, _LINES.get(block.shortcut, Qt.PenStyle.SolidLine)))
        self.setBrush(Qt.BrushStyle.NoBrush)
        self.drawPath(path)

    def _link(self, start: float, end: float, middle: float) -> None:
        self.setPen(QPen(self._theme.color("dim"), 1))
        self.drawLine(QPointF(start, middle), QPointF(end, middle))

    def _join(self, centre: QPointF, join: str) -> None:
        """A circle: with a cross for an addition, two bars for a concatenation, a dot for a gate."""
        self.setPen(QPen(self._theme.color("accent"), 1.2))
        self.setBrush(self._theme.color("panel"))
        self.drawEllipse(centre, self.JOIN, self.JOIN)
        arm = self.JOIN - 2.5
        if "+" in join:
            self.drawLine(centre - QPointF(arm, 0), centre + QPointF(arm, 0))
            self.drawLine(centre - QPointF(0, arm), centre + QPointF(0, arm))
        if "c" in join:
            for side in (-1.5, 1.5):
                self.drawLine(centre + QPointF(side, -arm), centre + QPointF(side, arm))
        if "g" in join:
            self.drawEllipse(centre, 1.5, 1.5)

    def volume(self, area: QRectF, shape: tuple[int, ...]) -> None:
        """A stage's output `shape` as a solid: its face grows with the side, its depth with the channels."""
        if not shape:
            return
        is_map = len(shape) == 3
        face = max(3.0, min(area.height() - 10, 4.4 * (shape[1] if is_map else 1) ** 0.4))
        depth = min(12.0, 1.2 * max(shape[0], 1).bit_length())
        front = QRectF(0, 0, face, face if is_map else area.height() - 12)
        front.moveCenter(area.center() + QPointF(-depth / 2, depth / 4))
        self._solid(front, QPointF(depth, -depth / 2))

    def _solid(self, front: QRectF, back: QPointF) -> None:
        """The three visible faces: above, on the right, and in front."""
        colour = self._theme.color("class0")
        self.setPen(QPen(colour, 1))
        for points, shade in (
            ((front.topLeft(), front.topRight(), front.topRight() + back, front.topLeft() + back), 0.10),
            ((front.topRight(), front.bottomRight(), front.bottomRight() + back, front.topRight() + back), 0.34),
            ((front.topLeft(), front.topRight(), front.bottomRight(), front.bottomLeft()), 0.20),
        ):
            colour.setAlphaF(shade)
            self.setBrush(colour)
            self.drawPolygon(QPolygonF(points))


def _parts(area: QRectF, count: int) -> list[QRectF]:
    """`area` in `count` equal parts, one after the other."""
    wide, gap = area.width() / count, 1 if count > 1 else 0
    return [QRectF(area.left() + part * wide + gap, area.top(), wide - 2 * gap, area.height()) for part in range(count)]


def _fits(font: QFont, text: str, area: QRectF) -> bool:
    metrics = QFontMetricsF(font)
    return metrics.horizontalAdvance(text) <= area.width() - 2 and metrics.capHeight() <= area.height() - 3
