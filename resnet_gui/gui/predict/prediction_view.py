"""One picture and the model's prediction for it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QVBoxLayout, QWidget

from resnet_gui.gui.text import message_text, per_cent
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.bar_chart import Bar, BarChart
from resnet_gui.gui.widgets.elided_labels import ElidedLabel, one_line
from resnet_gui.gui.widgets.image_view import ImageView
from resnet_gui.gui.widgets.labels import breakable, label
from resnet_gui.records import Prediction

TOP = 5


class PredictionView(QWidget):
    """A `Prediction`: the picture, its name, the result in words, the most probable classes as bars."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prediction: Prediction | None = None
        self.picture = ImageView()
        self.caption, self.headline = ElidedLabel("dim"), ElidedLabel("title")
        self.problem = label("bad")
        self.notes = label("dim")
        self.bars = BarChart(theme)
        self.bars.setAccessibleName(self.tr("Probabilities"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.picture, 1)
        for widget in (self.caption, self.headline, self.problem, self.bars, self.notes):
            column.addWidget(widget)
        column.addStretch()

    def set_prediction(self, prediction: Prediction) -> None:
        """Shows `prediction`, or the sentence of its problem."""
        self._prediction = prediction
        name = Path(prediction.path).name
        self.picture.set_picture(prediction.path, QSize(prediction.width, prediction.height), prediction.png)
        self.caption.set_name(name, "{name}" + _facts(prediction), hint=prediction.path)
        answered = prediction.problem is None and bool(prediction.labels)
        self.problem.setVisible(not answered)
        self.headline.setVisible(answered)
        self.bars.setVisible(answered)
        self.notes.setText(breakable("\n".join(map(message_text, prediction.notes))))
        self.notes.setVisible(bool(prediction.notes))
        if answered:
            self.headline.set_name(prediction.labels[0], self._template(prediction.probabilities[0]))
            self.bars.set_bars(_bars(prediction))
        elif prediction.problem is not None:
            self.problem.setText(breakable(message_text(prediction.problem)))

    def as_text(self) -> str:
        """The prediction as lines of plain text, name and figure separated by a tab; "" without a prediction."""
        if self._prediction is None:
            return ""
        shown = self._prediction
        if shown.problem is not None:
            return f"{one_line(shown.path)}\n{message_text(shown.problem)}"
        bars = (f"{one_line(bar.name)}\t{bar.figure}" for bar in _bars(shown))
        return "\n".join([one_line(shown.path), *bars, *map(message_text, shown.notes)])

    def _template(self, probability: float) -> str:
        """The words around the class name, by its probability."""
        if probability >= 0.95:
            return self.tr("{name}, very sure")
        if probability >= 0.8:
            return self.tr("{name}, fairly sure")
        if probability >= 0.5:
            return self.tr("{name}, probably")
        return self.tr("Perhaps {name}?")


def _bars(prediction: Prediction) -> list[Bar]:
    labels, probabilities = prediction.labels[:TOP], prediction.probabilities[:TOP]
    figures = per_cent(probabilities)
    rows = zip(labels, probabilities, figures, strict=True)
    return [Bar(name, share, figure, "dim" if index else "accent") for index, (name, share, figure) in enumerate(rows)]


def _facts(prediction: Prediction) -> str:
    if not prediction.labels:
        return ""
    facts = f" · {prediction.width} × {prediction.height} · {prediction.milliseconds:.0f} ms"
    return facts if prediction.precision in ("", "float32") else f"{facts} · {prediction.precision}"
