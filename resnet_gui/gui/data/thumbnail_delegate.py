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

    `examples` gives the pictures' paths for a cell: not through the model, for Qt would lose bytes that are not UTF-8.
    """

    def __init__(self, theme: Theme, examples: Callable[[Index], Sequence[str]], parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme
        self._examples = examples
        self._files: dict[str, str] = {}
        self._pixmaps: OrderedDict[str, QPixmap] = OrderedDict()

    def add(self, items: Iterable[Thumbnail]) -> None:
        """Where the small pictures lie."""
        self._files.update((item.path, item.png) for item in items)

    def forget(self) -> None:
        """Another dataset: the old one's pictures are no longer needed."""
        self._files.clear()
        self._pixmaps.clear()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Room for two; the column takes what is left."""
        return QSize(2 * (SIDE + GAP), SIDE)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The cell's ground, then the pictures."""
        super().paint(painter, option, index)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        top = option.rect.top() + (option.rect.height() - SIDE) / 2
        room = (option.rect.width() - GAP) // (SIDE + GAP)
        for place, path in enumerate(self._examples(index)[:room]):
            self._draw(painter, QRectF(option.rect.left() + GAP + place * (SIDE + GAP), top, SIDE, SIDE), path)
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
        """The small picture of `path`, its shorter side `side` pixels; null where there is none yet."""
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
