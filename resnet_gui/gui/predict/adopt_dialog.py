"""Makes a model of a file of weights, without training."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from resnet_gui.gui.predict.adopt_form import AdoptForm
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.elided_labels import PathLine
from resnet_gui.gui.widgets.fitting_scroll_area import FittingScrollArea
from resnet_gui.gui.widgets.labels import breakable, label, named, set_style_property
from resnet_gui.gui.widgets.mime_data import sort_out
from resnet_gui.nets.spec import NetworkSpec

_WIDTH = 560
_LONGEST_NOTES = 240
"""Pixels; beyond that they scroll."""
_FRAME = 60
"""Pixels that are left to the window's frame and title."""


class AdoptDialog(QDialog):
    """A form, then a bar while the engine works, and last what was made. Problems are shown below the form.

    The dialog decides nothing: it emits signals, and methods set its state. What is typed stays when it is closed.
    """

    make_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, theme: Theme, networks: Sequence[NetworkSpec], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("resnet-gui")
        self.setAcceptDrops(True)
        self._is_working = False
        self.form = AdoptForm(theme, networks)
        self._heading, self._intro = label("heading"), label("dim")
        self._make_state_widgets()
        self._build_layout()
        self.form.changed.connect(self._show_missing)
        self.form.weights_changed.connect(lambda: self._problem.hide())
        self.show_form()

    def sizeHint(self) -> QSize:
        """Room for lines that are comfortable to read."""
        layout = self.layout()
        return QSize(_WIDTH, layout.totalHeightForWidth(_WIDTH) if layout else 0)

    def event(self, event: QEvent) -> bool:
        """Grows with its content, as far as the screen has room; what is higher scrolls."""
        handled = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest and self.isVisible():
            self._grow()
        return handled

    def show_form(self) -> None:
        """Shows the fields, as they were filled in."""
        self._heading.setText(self.tr("Make a model from weights"))
        self._intro.setText(self.tr("Weights trained elsewhere become a model for your pictures. Nothing is trained."))
        self._problem.hide()
        self._show_state()

    def show_working(self) -> None:
        """Shows that the model is being made."""
        self._problem.hide()
        self._is_working = True
        self._show_state()
        self._cancel.setFocus()

    def show_problem(self, text: str) -> None:
        """Shows why no model was made. The form is as it was."""
        self._is_working = False
        self._show_state()
        self._problem.setText(breakable(text))
        self._problem.show()
        self._make.setFocus()

    def show_parts(self, text: str, parts: Sequence[str]) -> None:
        """Lets the user choose one of `parts` of the file, of which `text` says why."""
        self.show_problem(text)
        set_style_property(self._problem, "kind", "plain")
        self.form.settings.set_parts(parts)
        self._show_missing()

    def show_done(self, path: str, facts: str, notes: Sequence[str]) -> None:
        """Shows the model that was made, and what was assumed for it."""
        self._is_working = False
        self._heading.setText(self.tr("The model is ready"))
        self._intro.setText(facts)
        self._path.set_path(path)
        self._notes.setText(breakable("\n\n".join(notes)))
        self._problem.hide()
        self._show_state(done=True)
        self._close.setFocus()
        self.resize(self.sizeHint())

    def reject(self) -> None:
        """Cancels the work if there is any; else closes the dialog."""
        if self._is_working:
            self.cancel_requested.emit()
            self._is_working = False
            self._show_state()
        else:
            super().reject()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accepts a file of weights anywhere on the dialog."""
        if self.form.isEnabled() and self.form.isVisible() and sort_out(event.mimeData()).models:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Takes the file of weights."""
        event.acceptProposedAction()
        self.form.set_weights(sort_out(event.mimeData()).models[0])

    def _grow(self) -> None:
        layout = self.layout()
        needed = layout.totalHeightForWidth(self.width()) if layout else 0
        if needed > self.height():
            room = self.screen().availableGeometry()
            self.resize(self.width(), min(needed, room.height() - _FRAME))
            lowest = room.bottom() - self.height() - _FRAME // 2
            self.move(self.x(), max(room.top(), min(self.y(), lowest)))

    def _make_state_widgets(self) -> None:
        self._bar = QProgressBar(maximum=0, textVisible=False)
        self._bar.setAccessibleName(self.tr("Making the model"))
        self._problem, self._missing, self._notes = label("bad"), label("dim"), label("dim")
        self._path = PathLine()
        self._path.setTextMargins(-3, 0, 0, 0)  # its letters begin where those of the labels do
        self._path.setAccessibleName(self.tr("The file of the model"))
        self._make = named(QPushButton(self.tr("Make the model")), "make_model")
        self._make.setProperty("kind", "primary")
        self._cancel = named(QPushButton(self.tr("Cancel")), "cancel_adopt")
        self._close = named(QPushButton(self.tr("Close")), "close_adopt")
        self._close.setProperty("kind", "primary")
        self._again = named(QPushButton(self.tr("Change settings")), "adopt_again")
        self._make.clicked.connect(self.make_requested)
        self._cancel.clicked.connect(self.reject)
        self._close.clicked.connect(self.accept)
        self._again.clicked.connect(self.show_form)

    def _build_layout(self) -> None:
        buttons = QDialogButtonBox()
        for button in (self._make, self._close, self._again, self._cancel):
            buttons.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
        self._scrolled = FittingScrollArea(self.form)
        self._scrolled.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)  # for the classes
        self._scrolled_notes = FittingScrollArea(self._notes, _LONGEST_NOTES)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        above: tuple[QWidget, ...] = (self._heading, self._intro, self._path, self._scrolled_notes)
        for widget in above:
            column.addWidget(widget)
        column.addWidget(self._scrolled, 1)
        column.addWidget(self._bar)
        column.addWidget(self._problem)
        column.addWidget(self._missing)
        column.addStretch()
        column.addWidget(buttons)
        for button in self.form.findChildren(QPushButton):
            button.setAutoDefault(False)  # else Enter in a field would press the nearest

    def _show_state(self, done: bool = False) -> None:
        self.form.setEnabled(not self._is_working)
        shown = {
            self._scrolled: not done, self._bar: self._is_working, self._path: done,
            self._scrolled_notes: done and bool(self._notes.text()), self._make: not done, self._cancel: not done,
            self._close: done, self._again: done,
        }  # fmt: skip
        for widget, visible in shown.items():
            widget.setVisible(visible)
        (self._close if done else self._make).setDefault(True)  # for Enter in a field
        set_style_property(self._problem, "kind", "bad")
        self._show_missing()

    def _show_missing(self) -> None:
        missing = "" if self._is_working else self.form.missing
        self._missing.setText(breakable(missing))
        self._missing.setVisible(bool(missing) and self._scrolled.isVisibleTo(self))
        self._make.setEnabled(self.form.is_complete and not self._is_working)
