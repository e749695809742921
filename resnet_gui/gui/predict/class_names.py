"""The names of a model's classes: typed one on each line, or taken from a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMimeData, QSignalBlocker, QSize, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from resnet_gui.data.readers.class_names import IMAGENET, check_names, class_names_in
from resnet_gui.gui.text import message_text
from resnet_gui.gui.thread_pool import run_in_thread
from resnet_gui.gui.widgets.elided_labels import one_line
from resnet_gui.gui.widgets.file_filters import class_name_filter
from resnet_gui.gui.widgets.labels import breakable, label, named, set_style_property, tooltip
from resnet_gui.gui.widgets.mime_data import sort_out
from resnet_gui.messages import Message, Problem

_EDITED = 5_000
"""Names. With more of them, each change would hold the window up: they are shown in part, and cannot be edited."""
_SHOWN = 1_000
"""Of so many names."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What a file holds: the names, those that are shown, and how it was read; or else a problem."""

    names: tuple[str, ...] = ()
    text: str = ""
    note: Message | None = None
    problem: Message | None = None


class ClassNames(QWidget):
    """An editor with a name on each line, and below it how many there are, or what is wrong with them."""

    changed = Signal()
    _file_read = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.names: tuple[str, ...] = ()
        """The class names in the order of the lines, or as a file has them."""
        self.problem = ""
        """What is wrong with them, "" if nothing is. None at all is right: the file of weights may hold them."""
        self.editor = named(_Editor(), "classes")
        self.editor.setAccessibleName(self.tr("Classes, one name on each line"))
        self.editor.setPlaceholderText(self.tr("One name on each line, in the order the network learned them"))
        self._count = label("dim")
        self._clear = self._make_link("classes_clear", self.tr("Clear"))
        self._imagenet = self._make_link("classes_imagenet", self.tr("ImageNet's 1,000"))
        self._imagenet.setToolTip(self.tr("Takes the 1,000 classes of ImageNet, which most shared weights know."))
        self._from_file = self._make_link("classes_file", self.tr("From a file…"))
        self._from_file.setToolTip(
            self.tr("Takes the names from a text file with one name on each line, or JSON, or CSV.")
        )
        self._build_layout()
        self.editor.textChanged.connect(self._take_text)
        self.editor.file_dropped.connect(self.read_file)
        self._clear.clicked.connect(lambda: self._set_text(""))
        self._imagenet.clicked.connect(lambda: self._set_text(IMAGENET))
        self._from_file.clicked.connect(self._choose_file)
        self._file_read.connect(self._on_file_read)
        self._set_text("")

    def read_file(self, path: str) -> None:
        """Reads the names in a file, in a thread, and puts them in place of those in the editor."""
        run_in_thread(lambda: _read(path), self._file_read)

    def _make_link(self, name: str, text: str) -> QPushButton:
        link = named(QPushButton(text), name)
        link.setProperty("kind", "link")
        return link

    def _build_layout(self) -> None:
        below = QHBoxLayout()
        below.setSpacing(14)
        below.addWidget(self._count, 1)
        for link in (self._clear, self._imagenet, self._from_file):
            below.addWidget(link)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.editor, 1)
        column.addLayout(below)

    def _choose_file(self) -> None:
        title = self.tr("Choose a file with the names of the classes")
        path, _ = QFileDialog.getOpenFileName(self, title, str(Path.home()), class_name_filter())
        if path:
            self.read_file(path)

    def _on_file_read(self, read: _Read) -> None:
        """Shows the names, or why the file gave none; then those in the editor stay."""
        if read.problem is not None:
            self._show(message_text(read.problem), "warning")
            return
        self._set_text(read.text, can_edit=len(read.names) <= _EDITED)
        self.names, self.problem = read.names, ""  # as the file has them, not as they can be shown
        how = dict(read.note.values)["how"] if read.note else ""
        self._show(self.tr("{count}, read as: {how}").format(count=self._count_text(), how=how), "dim")
        self._count.setToolTip(tooltip(message_text(read.note)) if read.note else "")
        self.changed.emit()

    def _set_text(self, text: str, can_edit: bool = True) -> None:
        """Replaces what is in the editor."""
        with QSignalBlocker(self.editor):
            self.editor.setPlainText(text)
        self.editor.setReadOnly(not can_edit)
        self._clear.setVisible(not can_edit)
        if can_edit:
            self._take_text()

    def _take_text(self) -> None:
        lines = tuple(line.strip() for line in self.editor.toPlainText().strip().split("\n"))
        self.names = lines if any(lines) else ()
        self.problem = _problem_with(self.names)
        self._show(self.problem or self._count_text(), "warning" if self.problem else "dim")
        self.changed.emit()

    def _count_text(self) -> str:
        if not self.names:
            return self.tr("Empty: as the file names them")
        if self.names == (IMAGENET,):
            return self.tr("The 1,000 classes of ImageNet")
        if len(self.names) > 1:
            return self.tr("{count} classes").format(count=f"{len(self.names):,}")
        lines = "," in self.names[0]
        return self.tr("1 class. Write each name on a line of its own.") if lines else self.tr("1 class")

    def _show(self, text: str, kind: str) -> None:
        set_style_property(self._count, "kind", kind)
        self._count.setText(breakable(text))
        self._count.setToolTip("")


class _Editor(QPlainTextEdit):
    """Takes the content of a file that is dropped on it, and leaves the tab key to the dialog."""

    file_dropped = Signal(object)
    """str: the path of the file. It is sent as an object: Qt's own strings lose bytes that are not UTF-8."""

    def __init__(self) -> None:
        super().__init__()
        self.setTabChangesFocus(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setMinimumHeight(74)

    def sizeHint(self) -> QSize:
        """Room for half a dozen names."""
        return QSize(super().sizeHint().width(), 118)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Files that are no weights: those are for the dialog."""
        return bool(sort_out(source).pictures) if source.hasUrls() else super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Takes text, or the path of a file."""
        if not source.hasUrls():
            super().insertFromMimeData(source)
        elif others := sort_out(source).pictures:
            self.file_dropped.emit(others[0])


def _read(path: str) -> _Read:
    """Reads the file `path`, or the folders of classes in it."""
    try:
        found = class_names_in(Path(path))
    except Problem as problem:
        return _Read(problem=problem.message)
    in_part = len(found.names) > _EDITED
    lines = [one_line(name) for name in found.names[: _SHOWN if in_part else _EDITED]]
    return _Read(found.names, "\n".join([*lines, *(["…"] if in_part else [])]), *found.notes)


def _problem_with(names: tuple[str, ...]) -> str:
    try:
        check_names(names)
    except Problem as problem:
        return message_text(problem.message)
    return ""
