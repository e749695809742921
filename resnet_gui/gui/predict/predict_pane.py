"""The pane that answers: drop pictures on it, see what the model thinks of them."""

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
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from resnet_gui.gui.predict.drop_zone import DropZone
from resnet_gui.gui.predict.prediction_view import PredictionView
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.elided_labels import ElidedLabel
from resnet_gui.gui.widgets.labels import breakable, label, named, set_style_property, tooltip
from resnet_gui.gui.widgets.mime_data import may_hold_something, sort_out
from resnet_gui.records import Prediction


class PredictPane(QWidget):
    """Takes pictures and models in, hands them on as signals, and shows the answers one at a time."""

    # Paths travel as object: Qt's own strings would lose bytes that are not UTF-8.
    pictures_dropped = Signal(object)
    """list[str]: picture files and folders."""
    pictures_requested = Signal()
    model_dropped = Signal(object)
    """str: a model file."""
    model_requested = Signal()
    offered_model_requested = Signal()
    image_pasted = Signal(QImage)
    preview_requested = Signal(object)
    """str: the path of a picture whose answer came without a small PNG of it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._answers: list[Prediction] = []
        self._asked = self._shown = 0
        self._make_widgets()
        self._make_actions()
        self._build_layout()
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        theme.changed.connect(self._update_icons)
        self._update_icons()
        self.set_answering(self.tr("no model yet"))
        self.offer_model(None)
        self.start_batch(0)
        self.show_message(self.tr("Train a model or drop a model file (.safetensors) here."))

    def set_answering(self, text: str, tooltip: str = "") -> None:
        """Names what answers: "best model so far · epoch 7", a model's file name, "no model yet"."""
        self.answering.set_name(text, hint=tooltip)

    def offer_model(self, text: str | None, name: str = "") -> None:
        """Offers another model, called `name`, on a link that says `text`; None takes the link away."""
        self.offer.setText(text or "")
        self.offer.setToolTip(tooltip(name))
        self.offer.setVisible(text is not None)

    def show_waiting(self, text: str) -> None:
        """Says what is being waited for: "Looking…"."""
        self._say(text, "dim")

    def show_message(self, text: str, bad: bool = False) -> None:
        """Says `text` above the answers there are; `bad` for what went wrong."""
        self._say(text, "bad" if bad else "dim")

    def start_batch(self, count: int) -> None:
        """A new question about `count` pictures, 0 if not known yet. The old answers go with the next word or answer."""
        self._answers.clear()
        self._asked, self._shown = count, 0

    def show_predictions(self, items: Iterable[Prediction]) -> None:
        """Adds answers to the question. The first is shown at once, the others when the person steps to them."""
        first = not self._answers
        self._answers.extend(items)
        if not self._answers:
            return
        if first:
            self.message.hide()
            self._show_answer()
        self._refresh()

    def show_preview(self, path: str, png: str) -> None:
        """A small PNG of the picture `path` has been drawn."""
        for index, answer in enumerate(self._answers):
            if answer.path == path:
                self._answers[index] = replace(answer, png=png)
                if index == self._shown:
                    self.answer.set_prediction(self._answers[index])

    def show_no_preview(self, path: str) -> None:
        """Unless a small PNG of the picture `path` has come, there will be none: no room is kept for it."""
        shown = self._answers[self._shown] if self._answers else None
        if shown and shown.path == path and not shown.png:
            self.answer.picture.hide()

    def _show_answer(self) -> None:
        shown = self._answers[self._shown]
        self.answer.set_prediction(shown)
        if not shown.png and shown.labels:
            self.preview_requested.emit(shown.path)

    def paste(self) -> None:
        """Takes files or a bitmap from the clipboard."""
        if not self._take(QGuiApplication.clipboard().mimeData()):
            self.show_message(self.tr("There is no picture in the clipboard. Copy a picture or a picture file first."))

    def copy(self) -> None:
        """Copies the answer shown, as text."""
        if self._answers:
            QGuiApplication.clipboard().setText(self.answer.as_text())

    def step(self, by: int) -> None:
        """Goes `by` pictures on, or back if negative, as far as there are answers."""
        target = min(max(self._shown + by, 0), len(self._answers) - 1)
        if self._answers and target != self._shown:
            self._shown = target
            self._show_answer()
            self._refresh()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Lights up for what can be dropped."""
        if may_hold_something(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.drop_zone.set_over(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Goes out again."""
        self.drop_zone.set_over(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Takes what was let go."""
        self.drop_zone.set_over(False)
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self._take(event.mimeData())

    def _take(self, mime: QMimeData) -> bool:
        """Hands on what `mime` holds; False if there is nothing to look at."""
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

    def _say(self, text: str, kind: str) -> None:
        set_style_property(self.message, "kind", kind)
        self.message.setText(breakable(text))
        self.message.setVisible(bool(text))
        self._refresh()

    def _refresh(self) -> None:
        """Brings the buttons and the room in line with the answers there are."""
        count, total = len(self._answers), max(self._asked, len(self._answers))
        self.answer.setVisible(count > 0)
        self.copy_button.setVisible(count > 0)
        self.copy_action.setEnabled(count > 0)
        for widget in (self.back, self.place, self.on):
            widget.setVisible(count > 0 and total > 1)
        self.place.setText(self.tr("{number} of {total}").format(number=self._shown + 1, total=total))
        for button, action, possible in (
            (self.back, self.back_action, self._shown > 0),
            (self.on, self.on_action, self._shown + 1 < count),
        ):
            button.setEnabled(possible)
            action.setEnabled(possible)
        self._room.setVisible(count == 0 and total > 0)
        self.drop_zone.set_large(total == 0)

    def _make_widgets(self) -> None:
        self.answering, self.message = ElidedLabel("dim"), label("dim")
        self.message.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.offer = self._make_link(self.offered_model_requested)
        self.open_link = self._make_link(self.model_requested)
        self.open_link.setText(self.tr("Open model…"))
        self.open_link.setToolTip(self.tr("Choose a model file (.safetensors) to answer with."))
        self.answer = PredictionView(self._theme)
        self.place, self.back, self.on = QLabel(), QToolButton(), QToolButton()
        self.place.setProperty("kind", "dim")
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
        """Copy and paste can stand in a menu too; all four work while the focus is in the pane."""
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
        top = _row(heading, None, self.answering)
        top.setStretchFactor(self.answering, 1)
        self.answering.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._column = QVBoxLayout(card)
        self._column.setContentsMargins(14, 10, 14, 14)
        self._column.setSpacing(8)
        self._column.addLayout(top)
        self._column.addLayout(_row(self.open_link, None, self.offer))
        self._column.addWidget(self.message)
        self._column.addWidget(self.answer, 1)
        self._room = QWidget()  # of the answer, until it comes
        self._column.addWidget(self._room, 1)
        self._column.addLayout(_row(self.back, self.place, self.on, None, self.copy_button))
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
