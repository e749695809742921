"""Cells of a table with small pictures side by side."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QImageReader, QPainter, QPainterPath, QPixmap
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from resnet_gui.gui.theme import Theme
from resnet_gui.records import Thumbnail

SIDE, GAP = 56, 5
_KEPT = 600  # pixmaps: some 50 KB each
Index = QModelIndex | QPersistentModelIndex


class ThumbnailDelegate(QStyledItemDelegate):
    """Draws pictures side by side, as many as there is room for. Their pixmaps are loaded when they are drawn.

    `examples` returns the pictures' paths for a cell. They do not come through the model: Qt's own strings lose bytes
    that are not UTF-8.
    """

    def __init__(self, theme: Theme, examples: Callable[[Index], Sequence[str]], parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme
        self._examples = examples
        self._files: dict[str, str] = {}
        self._pixmaps: OrderedDict[str, QPixmap] = OrderedDict()

    def add(self, items: Iterable[Thumbnail]) -> None:
        """Adds the files of the small pictures."""
        self._files.update((item.path, item.png) for item in items)

    def forget(self) -> None:
        """Drops all pictures, when another dataset is shown."""
        self._files.clear()
        self._pixmaps.clear()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Room for two pictures; the column stretches to the rest of the table's width."""
        return QSize(2 * (SIDE + GAP), SIDE)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draws the cell's background, then the pictures."""
        super().paint(painter, option, index)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        top = option.rect.top() + (option.rect.height() - SIDE) / 2
        room = (option.rect.width() - GAP) // (SIDE + GAP)
        for position, path in enumerate(self._examples(index)[:room]):
            self._draw(painter, QRectF(option.rect.left() + GAP + position * (SIDE + GAP), top, SIDE, SIDE), path)
        painter.restore()

    def _draw(self, painter: QPainter, square: QRectF, path: str) -> None:
        outline = QPainterPath()
        outline.addRoundedRect(square, 4, 4)
        pixmap = self._pixmap(path, round(SIDE * painter.device().devicePixelRatioF()))
        if pixmap.isNull():
            painter.fillPath(outline, self._theme.color("hover"))
            return
        side = min(pixmap.width(), pixmap.height())
        middle = QRectF((pixmap.width() - side) / 2, (pixmap.height() - side) / 2, side, side)
        painter.setClipPath(outline)
        painter.drawPixmap(square, pixmap, middle)
        painter.setClipping(False)

    def _pixmap(self, path: str, side: int) -> QPixmap:
        """The small picture of `path`, its shorter side `side` pixels; a null pixmap if there is none yet."""
        file = self._files.get(path)
        if file is None:
            return QPixmap()
        if file not in self._pixmaps:
            self._pixmaps[file] = _loaded(file, side)
            if len(self._pixmaps) > _KEPT:
                self._pixmaps.popitem(last=False)
        self._pixmaps.move_to_end(file)
        return self._pixmaps[file]


def _loaded(file: str, side: int) -> QPixmap:
    reader = QImageReader(file)
    size = reader.size()
    if size.isValid():
        reader.setScaledSize(size.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatioByExpanding))
    return QPixmap.fromImage(reader.read())
