"""The Predict pane: the user drops pictures on it and sees the model's predictions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QImage,
    QKeySequence,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from resnet_gui.gui.predict.drop_zone import DropZone
from resnet_gui.gui.predict.prediction_view import PredictionView
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.elided_labels import ElidedLabel
from resnet_gui.gui.widgets.labels import breakable, label, named, set_style_property, tooltip
from resnet_gui.gui.widgets.mime_data import may_hold_something, sort_out
from resnet_gui.records import Prediction


class PredictPane(QWidget):
    """Emits dropped pictures and models as signals, and shows the predictions one at a time."""

    # Paths are sent as objects: Qt's own strings lose bytes that are not UTF-8.
    pictures_dropped = Signal(object)
    """list[str]: picture files and folders."""
    pictures_requested = Signal()
    model_dropped = Signal(object)
    """str: a model file."""
    model_requested = Signal()
    offered_model_requested = Signal()
    adoption_requested = Signal()
    """The user wants a model to be made of the file that is none."""
    image_pasted = Signal(QImage)
    preview_requested = Signal(object)
    """str: the path of a picture whose prediction came without a small PNG of it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._predictions: list[Prediction] = []
        self._requested = self._shown = 0
        self._make_widgets()
        self._make_actions()
        self._build_layout()
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        theme.changed.connect(self._update_icons)
        self._update_icons()
        self.set_model_name(self.tr("no model yet"))
        self.offer_model(None)
        self.start_batch(0)
        self.show_message(self.tr("Train a model or drop a model file (.safetensors) here."))

    def set_model_name(self, text: str, tooltip: str = "") -> None:
        """Names the model: "best model so far · epoch 7", a model's file name, "no model yet"."""
        self.model_label.set_name(text, hint=tooltip)

    def offer_model(self, text: str | None, name: str = "") -> None:
        """Offers another model, called `name`, by a link with `text`; None hides the link."""
        self.offer.setText(text or "")
        self.offer.setToolTip(tooltip(name))
        self.offer.setVisible(text is not None)

    def show_waiting(self, text: str) -> None:
        """Shows what the pane waits for: "Looking…"."""
        self._set_message(text, "dim")

    def show_message(self, text: str, bad: bool = False) -> None:
        """Shows `text` above the predictions; `bad` for a problem."""
        self._set_message(text, "bad" if bad else "dim")

    def offer_adoption(self) -> None:
        """Offers below the message, until the next one, to make a model of the file that it is about."""
        self.adopt_link.show()

    def start_batch(self, count: int) -> None:
        """Starts a batch of `count` pictures, 0 if not known yet. Old predictions stay until the next message or result."""
        self._predictions.clear()
        self._requested, self._shown = count, 0

    def show_predictions(self, items: Iterable[Prediction]) -> None:
        """Adds predictions to the batch. The first is shown at once, the others when the user steps to them."""
        first = not self._predictions
        self._predictions.extend(items)
        if not self._predictions:
            return
        if first:
            self.message.hide()
            self.adopt_link.hide()
            self._show_prediction()
        self._refresh()

    def show_preview(self, path: str, png: str) -> None:
        """Shows `png`, the file of a small copy of the picture `path`."""
        for index, prediction in enumerate(self._predictions):
            if prediction.path == path:
                self._predictions[index] = replace(prediction, png=png)
                if index == self._shown:
                    self.view.set_prediction(self._predictions[index])

    def show_no_preview(self, path: str) -> None:
        """Keeps no room for the picture `path`: no small PNG of it will come. One that is already shown stays."""
        shown = self._predictions[self._shown] if self._predictions else None
        if shown and shown.path == path and not shown.png:
            self.view.picture.hide()

    def _show_prediction(self) -> None:
        shown = self._predictions[self._shown]
        self.view.set_prediction(shown)
        if not shown.png and shown.labels:
            self.preview_requested.emit(shown.path)

    def paste(self) -> None:
        """Takes files or a bitmap from the clipboard."""
        if not self._take(QGuiApplication.clipboard().mimeData()):
            self.show_message(self.tr("There is no picture in the clipboard. Copy a picture or a picture file first."))

    def copy(self) -> None:
        """Copies the prediction that is shown, as text."""
        if self._predictions:
            QGuiApplication.clipboard().setText(self.view.as_text())

    def step(self, by: int) -> None:
        """Steps `by` pictures forward, or back if negative, as far as there are predictions."""
        target = min(max(self._shown + by, 0), len(self._predictions) - 1)
        if self._predictions and target != self._shown:
            self._shown = target
            self._show_prediction()
            self._refresh()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Highlights the drop zone if the drag can be dropped."""
        if may_hold_something(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.drop_zone.set_over(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Ends the highlight."""
        self.drop_zone.set_over(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Takes what was dropped."""
        self.drop_zone.set_over(False)
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._take(event.mimeData())

    def _take(self, mime: QMimeData) -> bool:
        """Emits what `mime` holds. Returns False if it holds nothing of use."""
        dropped = sort_out(mime)
        if dropped.models:
            self.model_dropped.emit(dropped.models[0])
        if dropped.pictures:
            self.pictures_dropped.emit(list(dropped.pictures))
        if dropped.image is not None:
            self.image_pasted.emit(dropped.image)
        if dropped.elsewhere:
            self.show_message(
                self.tr("That is only a link to a web page. Save the picture first, then drop the file here.")
            )
        return bool(dropped.models or dropped.pictures or dropped.image is not None or dropped.elsewhere)

    def _set_message(self, text: str, kind: str) -> None:
        self.adopt_link.hide()
        set_style_property(self.message, "kind", kind)
        self.message.setText(breakable(text))
        self.message.setVisible(bool(text))
        self._refresh()

    def _refresh(self) -> None:
        """Updates the buttons and the layout to the predictions there are."""
        count, total = len(self._predictions), max(self._requested, len(self._predictions))
        self.view.setVisible(count > 0)
        self.copy_button.setVisible(count > 0)
        self.copy_action.setEnabled(count > 0)
        for widget in (self.back, self.position, self.on):
            widget.setVisible(count > 0 and total > 1)
        self.position.setText(self.tr("{number} of {total}").format(number=self._shown + 1, total=total))
        for button, action, possible in (
            (self.back, self.back_action, self._shown > 0),
            (self.on, self.on_action, self._shown + 1 < count),
        ):
            button.setEnabled(possible)
            action.setEnabled(possible)
        self._room.setVisible(count == 0 and total > 0)
        self.drop_zone.set_large(total == 0)

    def _make_widgets(self) -> None:
        self.model_label, self.message = ElidedLabel("dim"), label("dim")
        self.offer = self._make_link(self.offered_model_requested)
        self.open_link = self._make_link(self.model_requested)
        self.open_link.setText(self.tr("Open model…"))
        self.open_link.setToolTip(self.tr("Choose a model file (.safetensors) to answer with."))
        self.adopt_link = self._make_link(self.adoption_requested)
        self.adopt_link.setText(self.tr("Make a model from it…"))
        self.adopt_link.setToolTip(self.tr("Asks for the network and the names of the classes. Nothing is trained."))
        self.view = PredictionView(self._theme)
        self.position, self.back, self.on = QLabel(), QToolButton(), QToolButton()
        self.position.setProperty("kind", "dim")
        self.copy_button = QPushButton(self.tr("Copy"))
        self.copy_button.setToolTip(self.tr("Copies the classes and their per cent as text."))
        self.copy_button.clicked.connect(self.copy)
        self.drop_zone = DropZone(self.tr("Drop pictures or a folder here\nor click to choose · Ctrl+V to paste"))
        self.drop_zone.setAccessibleName(self.tr("Choose pictures to predict"))
        self.drop_zone.clicked.connect(self.pictures_requested)

    def _make_link(self, signal: object) -> QPushButton:
        link = named(QPushButton(), "small")
        link.setProperty("kind", "link")
        link.clicked.connect(signal)
        return link

    def _make_actions(self) -> None:
        """Copy and paste can be in a menu too. All four actions work while the focus is in the pane."""
        self.copy_action = self._make_action(self.tr("Copy answer"), QKeySequence.StandardKey.Copy, self.copy)
        self.paste_action = self._make_action(self.tr("Paste picture"), QKeySequence.StandardKey.Paste, self.paste)
        self.back_action = self._make_action(self.tr("Previous picture"), Qt.Key.Key_Left, lambda: self.step(-1))
        self.on_action = self._make_action(self.tr("Next picture"), Qt.Key.Key_Right, lambda: self.step(1))
        for button, action in ((self.back, self.back_action), (self.on, self.on_action)):
            button.setAccessibleName(action.text())
            button.setToolTip(action.text())
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.clicked.connect(action.trigger)

    def _make_action(self, text: str, keys: QKeySequence.StandardKey | Qt.Key, slot: object) -> QAction:
        action = QAction(text, self, shortcut=QKeySequence(keys))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(slot)
        self.addAction(action)
        return action

    def _build_layout(self) -> None:
        card = QFrame()
        card.setProperty("kind", "card")
        heading = QLabel(self.tr("Predict"))
        heading.setProperty("kind", "heading")
        top = _row(heading, None, self.model_label)
        top.setStretchFactor(self.model_label, 1)
        self.model_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._column = QVBoxLayout(card)
        self._column.setContentsMargins(14, 10, 14, 14)
        self._column.setSpacing(8)
        self._column.addLayout(top)
        self._column.addLayout(_row(self.open_link, None, self.offer))
        self._column.addWidget(self.message)
        self._column.addLayout(_row(self.adopt_link, None))
        self._column.addWidget(self.view, 1)
        self._room = QWidget()  # takes the prediction's room until it comes
        self._column.addWidget(self._room, 1)
        self._column.addLayout(_row(self.back, self.position, self.on, None, self.copy_button))
        self._column.addWidget(self.drop_zone, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(card)

    def _update_icons(self) -> None:
        self.back.setIcon(self._theme.icon("chevron-left"))
        self.on.setIcon(self._theme.icon("chevron-right"))


def _row(*widgets: QWidget | None) -> QHBoxLayout:
    """Widgets side by side; None is a space that gives way."""
    row = QHBoxLayout()
    row.setSpacing(6)
    for widget in widgets:
        row.addWidget(widget) if widget else row.addStretch()
    return row
