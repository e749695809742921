"""Notes about a run: a few lines that fold."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.fitting_scroll_area import FittingScrollArea
from resnet_gui.gui.widgets.labels import breakable, label

_SHOWN = 2
_MOST_HEIGHT = 110


class RunNotes(QWidget):
    """Sentences, the newest on top. Two are visible, the others on a click."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._sentences: list[str] = []
        self._icon, self._label = QLabel(), label("dim")
        self._label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._area = FittingScrollArea(self._label, _MOST_HEIGHT)
        self._more = QPushButton()
        self._more.setCheckable(True)
        self._more.setProperty("kind", "link")
        self._more.toggled.connect(self._refresh)
        self._build_layout()
        theme.changed.connect(self._update_icons)
        self._update_icons()
        self.set_all([])

    def set_all(self, sentences: list[str]) -> None:
        """Replaces all notes; without any the widget hides."""
        self._first: list[str] = []
        self._sentences = list(sentences)
        self._more.setChecked(False)
        self._refresh()

    def add(self, sentence: str) -> None:
        """Adds a note, unless it is there already."""
        if sentence not in self._sentences:
            self._sentences.append(sentence)
            self._refresh()

    def set_first(self, sentence: str) -> None:
        """Sets the note above all others; "" removes it."""
        self._first = [sentence] if sentence else []
        self._refresh()

    @property
    def text(self) -> str:
        """The text that is shown."""
        return self._label.text()

    def _build_layout(self) -> None:
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self._area)
        column.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeft)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)

    def _update_icons(self) -> None:
        self._icon.setPixmap(self._theme.icon("info", "dim").pixmap(16, 16))

    def _refresh(self) -> None:
        sentences = self._first + self._sentences[::-1]
        hidden = len(sentences) - _SHOWN
        shown = sentences if self._more.isChecked() else sentences[:_SHOWN]
        self._label.setText(breakable("\n".join(shown)))
        self._more.setVisible(hidden > 0)
        more = self.tr("Show 1 more note") if hidden == 1 else self.tr("Show {count} more notes").format(count=hidden)
        self._more.setText(self.tr("Show fewer notes") if self._more.isChecked() else more)
        self.setVisible(bool(sentences))
