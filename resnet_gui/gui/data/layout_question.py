"""Asks the user what the folders in a dataset folder are, with a drawing of each way to read them."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from resnet_gui.data.samples import FolderUse, LayoutUnclear, Reading
from resnet_gui.gui.data.folder_drawing import Entry, FolderDrawing
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.elided_labels import one_line
from resnet_gui.gui.widgets.labels import breakable, label, named, tooltip
from resnet_gui.messages import first_names
from resnet_gui.names import NAME

_FOLDERS_DRAWN = 2
_LETTERS = 26
"""How much of a name is drawn."""


class LayoutQuestion(QScrollArea):
    """The readings of a folder, one below the other, each with a button."""

    chosen = Signal(str)
    """The layout that the user has chosen."""
    cancelled = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._buttons: list[QPushButton] = []
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def ask(self, unclear: LayoutUnclear, current: str) -> None:
        """Shows the readings. `current` is the layout in which the folder is open, "" if it is not."""
        content = named(QWidget(), "content")
        column = QVBoxLayout(content)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(8)
        root = unclear.root
        title = label(
            "title", breakable(self.tr("What are the folders in “{name}”?").format(name=one_line(root.name, NAME)))
        )
        title.setToolTip(tooltip(one_line(str(root))))
        column.addWidget(title)
        column.addWidget(label("dim", self._explanation(current)))
        grid = QGridLayout()
        grid.setHorizontalSpacing(32)
        grid.setVerticalSpacing(14)
        grid.setColumnStretch(1, 1)
        self._buttons = []
        for reading in unclear.readings:
            self._add(grid, reading, root.name, current)
        column.addLayout(grid)
        column.addSpacing(6)
        self._cancel = QPushButton(self.tr("Cancel"))
        self._cancel.clicked.connect(self.cancelled)
        column.addWidget(self._cancel, alignment=Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        self.setWidget(content)

    def set_locked(self, reason: str) -> None:
        """Disables the answers and shows `reason` in their tooltips; "" enables them."""
        for button in self._buttons:
            button.setEnabled(not reason)
            button.setToolTip(tooltip(reason))

    def focus(self) -> None:
        """Gives the first answer the keyboard focus."""
        if self._buttons:
            self._buttons[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape cancels."""
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)

    def _explanation(self, current: str) -> str:
        if current:
            return self.tr("The answer is kept for this folder. One of the folders alone can be opened as well.")
        return self.tr(
            "Their names do not say it. The answer is kept for this folder and can be changed later. "
            "One of the folders alone can be opened as well."
        )

    def _add(self, grid: QGridLayout, reading: Reading, root: str, current: str) -> None:
        row = grid.rowCount()
        line = QFrame()
        line.setFixedHeight(1)
        line.setProperty("kind", "line")
        grid.addWidget(line, row, 0, 1, 2)
        name, action = self._words(reading)
        drawing = FolderDrawing(self._theme, [*self._entries(reading, root)], name)
        grid.addWidget(drawing, row + 1, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(6)
        button = QPushButton(self.tr("Keep this") if reading.layout == current else action)
        button.setAccessibleDescription(name)
        button.clicked.connect(lambda: self.chosen.emit(reading.layout))
        self._buttons.append(button)
        for text in (label("strong", name), *self._details(reading)):
            words.addWidget(text)
        words.addSpacing(4)
        words.addWidget(button, alignment=Qt.AlignmentFlag.AlignLeft)
        words.addStretch(1)
        grid.addLayout(words, row + 1, 1)

    def _words(self, reading: Reading) -> tuple[str, str]:
        """What the reading says, and what its button does."""
        return {
            "classes": (self.tr("Each folder is a class"), self.tr("Use as classes")),
            "subclasses": (self.tr("Each folder inside them is a class"), self.tr("Use the inner folders as classes")),
            "splits": (self.tr("The folders are splits of one dataset"), self.tr("Use as splits")),
            "folds": (self.tr("The folders are folds of one dataset"), self.tr("Use as folds")),
        }[reading.layout]

    def _details(self, reading: Reading) -> Iterator[QLabel]:
        count, names = len(reading.classes), one_line(first_names(reading.classes))
        yield label("dim", breakable(self.tr("{count} classes: {names}").format(count=f"{count:,}", names=names)))
        if reading.layout == "folds":
            yield label("dim", self.tr("Which of them is for validation is set by “Validation fold”."))
        if reading.left_out:
            pictures = sum(use.pictures for use in reading.left_out)
            names = one_line(first_names([use.path for use in reading.left_out]))
            one, many = self.tr("Not used: {names} (1 picture)"), self.tr("Not used: {names} ({count} pictures)")
            yield label("dim", breakable((one if pictures == 1 else many).format(names=names, count=f"{pictures:,}")))

    def _entries(self, reading: Reading, root: str) -> Iterator[Entry]:
        """The root, its first folders and what they are, and the first classes in the first of them."""
        folder, more = "folder-open", self.tr("and {count} more")
        drawn = 1 if reading.layout == "subclasses" else _FOLDERS_DRAWN
        yield 0, folder, _short(root)
        for index, use in enumerate(reading.folders[:drawn]):
            yield 1, folder, self._folder_text(reading, use)
            if index == 0 and reading.layout != "classes":
                yield from ((2, folder, self._named(name, self.tr("class"))) for name in use.folders[:2])
        if (left := len(reading.folders) - drawn) > 0:
            yield 1, folder, more.format(count=f"{left:,}")

    def _folder_text(self, reading: Reading, use: FolderUse) -> str:
        splits = {"train": self.tr("training"), "val": self.tr("validation"), "test": self.tr("test")}
        if use.split:
            return self._named(use.path, splits[use.split])
        return self._named(use.path, self.tr("class")) if reading.layout == "classes" else _short(use.path)

    def _named(self, name: str, what: str) -> str:
        return f"{_short(name)} · {what}"


def _short(name: str) -> str:
    return one_line(name, _LETTERS)
