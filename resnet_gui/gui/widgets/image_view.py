"""A picture, scaled to the room there is, with round corners."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from resnet_gui.gui.thread_pool import run_in_thread

PREVIEW_SIDE = 640
"""Pixels: the longest side of the small PNG by which a picture is shown that the window must not decode itself."""


_RADIUS = 8


_TINY = 3
"""A picture that fits this often into its place is enlarged, pixel by pixel."""


class ImageView(QWidget):
    """A picture as large as there is room, never blurred by enlarging, with round corners."""

    _decoded = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pixmap = QPixmap()
        self._path, self._size, self._png = "", QSize(), ""
        self._decoded.connect(self._show)
        self.hide()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def set_picture(self, path: str, size: QSize, png: str) -> None:
        """Shows the picture `path` as soon as its small `png` is decoded; without one, keeps room for its `size`, if it
        has any, or what is seen of it already.
        """
        is_another = (path, size) != (self._path, self._size)
        self._path, self._size = path, size
        self.setAccessibleName(Path(path).name)
        if png:
            self._png = png
            run_in_thread(lambda: (png, QImage(png)), self._decoded)
        elif is_another:
            self._png = ""
            self._show(("", _empty(size)))

    def _show(self, decoded: tuple[str, QImage]) -> None:
        png, image = decoded
        if png != self._png:
            return  # another one is wanted by now
        self._pixmap = QPixmap.fromImage(image)
        self.setVisible(not self._pixmap.isNull())
        self._limit_height()
        self.update()

    def sizeHint(self) -> QSize:
        """A square of the pane's width."""
        return QSize(260, 260)

    def minimumSizeHint(self) -> QSize:
        """Still to be recognised."""
        return QSize(80, 72)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width allows another height."""
        super().resizeEvent(event)
        self._limit_height()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paints the picture."""
        if self._pixmap.isNull():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._enlargement(QSize(self.size())) <= 1)
        place = self._image_rect()
        corners = QPainterPath()
        corners.addRoundedRect(place, _RADIUS, _RADIUS)
        painter.setClipPath(corners)
        painter.drawPixmap(place, self._pixmap, QRectF(self._pixmap.rect()))

    def _enlargement(self, room: QSize) -> float:
        """How many times larger than it is the picture is shown in `room`."""
        fit = min(room.width() / self._pixmap.width(), room.height() / self._pixmap.height())
        return int(fit) if fit >= _TINY else min(fit, 1.0)

    def _image_rect(self) -> QRectF:
        scale = self._enlargement(self.size())
        width, height = self._pixmap.width() * scale, self._pixmap.height() * scale
        return QRectF((self.width() - width) / 2, 0, width, height)

    def _limit_height(self) -> None:
        """No taller than the picture at this width, so that no gap is left below it."""
        if not self._pixmap.isNull():
            scale = self._enlargement(QSize(max(self.width(), 1), 320))
            self.setMaximumHeight(max(round(self._pixmap.height() * scale), 72))


def _empty(size: QSize) -> QImage:
    """What stands for a picture of `size` until there is one."""
    most = QSize(PREVIEW_SIDE, PREVIEW_SIDE)
    image = QImage(size.scaled(most, Qt.AspectRatioMode.KeepAspectRatio).boundedTo(size), QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    return image
