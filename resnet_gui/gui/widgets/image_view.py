"""A view of a picture, scaled to the widget, with round corners."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_gui.gui.thread_pool import run_in_thread
from resnet_gui.gui.widgets.elided_labels import one_line

PREVIEW_SIDE = 640
"""Pixels: the longest side of the PNG preview, which an engine decodes from the picture's file."""

_RADIUS = 8

_MIN_ENLARGEMENT = 3
"""A picture is enlarged, by a whole factor, if it fits at least so many times into the widget."""


class ImageView(QWidget):
    """A picture as large as it fits, with round corners; enlarged only by whole factors, so that it is not blurred."""

    _decoded = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pixmap = QPixmap()
        self._path, self._size, self._png = "", QSize(), ""
        self._decoded.connect(self._show)
        self.hide()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_picture(self, path: str, size: QSize, png: str) -> None:
        """Shows the preview `png` of the picture `path` as soon as it is decoded.

        Without a `png`, keeps the preview shown, or reserves space for `size` pixels if the picture is another one.
        """
        is_another = (path, size) != (self._path, self._size)
        self._path, self._size = path, size
        self.setAccessibleName(one_line(Path(path).name))
        if png:
            self._png = png
            run_in_thread(lambda: (png, QImage(png)), self._decoded)
        elif is_another:
            self._png = ""
            self._show(("", _empty(size)))

    def _show(self, decoded: tuple[str, QImage]) -> None:
        png, image = decoded
        if png != self._png:
            return  # another picture has been set meanwhile
        self._pixmap = QPixmap.fromImage(image)
        self.setVisible(not self._pixmap.isNull())
        self._limit_height()
        self.update()

    def sizeHint(self) -> QSize:
        """A square of the pane's width."""
        return QSize(260, 260)

    def minimumSizeHint(self) -> QSize:
        """Large enough to recognise the picture."""
        return QSize(80, 72)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Limits the height for the new width."""
        super().resizeEvent(event)
        self._limit_height()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paints the picture."""
        if self._pixmap.isNull():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._scale(QSize(self.size())) <= 1)
        rectangle = self._image_rect()
        corners = QPainterPath()
        corners.addRoundedRect(rectangle, _RADIUS, _RADIUS)
        painter.setClipPath(corners)
        painter.drawPixmap(rectangle, self._pixmap, QRectF(self._pixmap.rect()))

    def _scale(self, size: QSize) -> float:
        """The factor by which the picture is scaled to fit in `size`: at most 1, or a whole number."""
        fit = min(size.width() / self._pixmap.width(), size.height() / self._pixmap.height())
        return int(fit) if fit >= _MIN_ENLARGEMENT else min(fit, 1.0)

    def _image_rect(self) -> QRectF:
        scale = self._scale(self.size())
        width, height = self._pixmap.width() * scale, self._pixmap.height() * scale
        return QRectF((self.width() - width) / 2, 0, width, height)

    def _limit_height(self) -> None:
        """Limits the height to the picture's at this width, so that no gap is left below it."""
        if not self._pixmap.isNull():
            scale = self._scale(QSize(max(self.width(), 1), 320))
            self.setMaximumHeight(max(round(self._pixmap.height() * scale), 72))


def _empty(size: QSize) -> QImage:
    """A transparent image that is shown for a picture of `size` until its preview is decoded."""
    largest = QSize(PREVIEW_SIDE, PREVIEW_SIDE)
    image = QImage(
        size.scaled(largest, Qt.AspectRatioMode.KeepAspectRatio).boundedTo(size), QImage.Format.Format_ARGB32
    )
    image.fill(Qt.GlobalColor.transparent)
    return image
