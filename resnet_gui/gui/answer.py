"""One picture and what the model thinks of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from resnet_gui.events import Prediction
from resnet_gui.gui.background import in_background
from resnet_gui.gui.bars import Bar, Bars
from resnet_gui.gui.elided import ElidedLabel
from resnet_gui.gui.labels import label
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.words import words

TOP = 5
PREVIEW_SIDE = 640
"""Pixels: the longest side of the small PNG by which a picture is shown that the window must not decode itself."""
_RADIUS = 8
_TINY = 3
"""A picture that fits this often into its place is enlarged, pixel by pixel."""


class PictureView(QWidget):
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
            in_background(lambda: (png, QImage(png)), self._decoded)
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
        place = self._place()
        corners = QPainterPath()
        corners.addRoundedRect(place, _RADIUS, _RADIUS)
        painter.setClipPath(corners)
        painter.drawPixmap(place, self._pixmap, QRectF(self._pixmap.rect()))

    def _enlargement(self, room: QSize) -> float:
        """How many times larger than it is the picture is shown in `room`."""
        fit = min(room.width() / self._pixmap.width(), room.height() / self._pixmap.height())
        return int(fit) if fit >= _TINY else min(fit, 1.0)

    def _place(self) -> QRectF:
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


class Answer(QWidget):
    """A `Prediction`: the picture, its name, the answer in words, the most probable classes as bars."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prediction: Prediction | None = None
        self.picture = PictureView()
        self.caption, self.headline = ElidedLabel("dim"), ElidedLabel("title")
        self.problem = label("bad")
        self.problem.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.bars = Bars(theme)
        self.bars.setAccessibleName(self.tr("Probabilities"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.picture, 1)
        for widget in (self.caption, self.headline, self.problem, self.bars):
            column.addWidget(widget)
        column.addStretch()

    def set_prediction(self, prediction: Prediction) -> None:
        """Shows `prediction`, or the sentence on why there is none."""
        self._prediction = prediction
        name = Path(prediction.path).name
        self.picture.set_picture(prediction.path, QSize(prediction.width, prediction.height), prediction.png)
        self.caption.set_name(name, "{name}" + _facts(prediction), hint=prediction.path)
        answered = prediction.problem is None and bool(prediction.labels)
        self.problem.setVisible(not answered)
        self.headline.setVisible(answered)
        self.bars.setVisible(answered)
        if answered:
            self.headline.set_name(prediction.labels[0], self._template(prediction.probabilities[0]))
            self.bars.set_bars(_bars(prediction))
        elif prediction.problem is not None:
            self.problem.setText(words(prediction.problem))

    def as_text(self) -> str:
        """The answer as lines of plain text, name and figure separated by a tab; "" without an answer."""
        if self._prediction is None:
            return ""
        shown = self._prediction
        if shown.problem is not None:
            return f"{shown.path}\n{words(shown.problem)}"
        return "\n".join([shown.path, *(f"{bar.name}\t{bar.figure}" for bar in _bars(shown))])

    def _template(self, probability: float) -> str:
        """The answer's words around the class name, by how probable it is."""
        if probability >= 0.95:
            return self.tr("{name}, very sure")
        if probability >= 0.8:
            return self.tr("{name}, fairly sure")
        if probability >= 0.5:
            return self.tr("{name}, probably")
        return self.tr("Perhaps {name}?")


def per_cent(probabilities: Sequence[float]) -> list[str]:
    """Each as "87.1 %". They are rounded together, so that the figures one sees never add up to more than 100."""
    tenths = [1000 * probability for probability in probabilities]
    rounded = [int(each) for each in tenths]
    short = min(round(sum(tenths)), 1000) - sum(rounded)
    by_remainder = sorted(range(len(tenths)), key=lambda index: rounded[index] - tenths[index])
    for index in by_remainder[: max(short, 0)]:
        rounded[index] += 1
    return [f"{each / 10:.1f} %" for each in rounded]


def _bars(prediction: Prediction) -> list[Bar]:
    labels, probabilities = prediction.labels[:TOP], prediction.probabilities[:TOP]
    figures = per_cent(probabilities)
    rows = zip(labels, probabilities, figures, strict=True)
    return [Bar(name, share, figure, "dim" if index else "accent") for index, (name, share, figure) in enumerate(rows)]


def _facts(prediction: Prediction) -> str:
    if not prediction.labels:
        return ""
    return f" · {prediction.width} × {prediction.height} · {prediction.milliseconds:.0f} ms"
