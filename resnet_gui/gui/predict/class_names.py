"""The names of a model's classes: typed one on each line, or taken from a text file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QSize, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from resnet_gui.gui.thread_pool import run_in_thread
from resnet_gui.gui.widgets.elided_labels import one_line
from resnet_gui.gui.widgets.file_filters import text_filter
from resnet_gui.gui.widgets.labels import breakable, label, named, set_style_property
from resnet_gui.gui.widgets.mime_data import sort_out
from resnet_gui.messages import reason

IMAGENET = "imagenet"
"""In place of names: the engine knows those of ImageNet's 1,000 classes."""
_LARGEST = 4_000_000
"""Bytes of a text file: more than the 21,841 names of ImageNet-21k have, and the editor still takes them at once."""
_LETTERS = 40
"""Of a class's name in a sentence."""


class ClassNames(QWidget):
    """An editor with a name on each line, and below it how many there are, or what is wrong with them."""

    changed = Signal()
    _file_read = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.names: tuple[str, ...] = ()
        """The class names in the order of their lines."""
        self.problem = ""
        """What is wrong with them, "" if nothing is. None at all is right: the file of weights may hold them."""
        self.editor = named(_Editor(), "classes")
        self.editor.setAccessibleName(self.tr("Classes, one name on each line"))
        self.editor.setPlaceholderText(self.tr("One name on each line, in the order the network learned them"))
        self._count = label("dim")
        self._imagenet = self._make_link("classes_imagenet", self.tr("ImageNet's 1,000"))
        self._imagenet.setToolTip(self.tr("Takes the 1,000 classes of ImageNet, which most shared weights know."))
        self._from_file = self._make_link("classes_file", self.tr("From a file…"))
        self._from_file.setToolTip(self.tr("Takes the names from a text file with one name on each line."))
        self._build_layout()
        self.editor.textChanged.connect(self._take_text)
        self.editor.file_dropped.connect(self.read_file)
        self._imagenet.clicked.connect(lambda: self.editor.setPlainText(IMAGENET))
        self._from_file.clicked.connect(self._choose_file)
        self._file_read.connect(self._on_file_read)
        self._show_count()

    def read_file(self, path: str) -> None:
        """Reads the names in a text file, in a thread, and puts them in place of those in the editor."""
        run_in_thread(lambda: _read(Path(path)), self._file_read)

    def _make_link(self, name: str, text: str) -> QPushButton:
        link = named(QPushButton(text), name)
        link.setProperty("kind", "link")
        return link

    def _build_layout(self) -> None:
        below = QHBoxLayout()
        below.setSpacing(14)
        below.addWidget(self._count, 1)
        below.addWidget(self._imagenet)
        below.addWidget(self._from_file)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.editor, 1)
        column.addLayout(below)

    def _choose_file(self) -> None:
        title = self.tr("Choose a text file with the names of the classes")
        path, _ = QFileDialog.getOpenFileName(self, title, str(Path.home()), text_filter())
        if path:
            self.read_file(path)

    def _on_file_read(self, found: tuple[str, str]) -> None:
        """Shows the names, or why the file gave none; then those in the editor stay."""
        text, problem = found
        if problem:
            self._show(self.tr("The file gave no names: {reason}.").format(reason=problem), "warning")
        else:
            self.editor.setPlainText(text)

    def _take_text(self) -> None:
        lines = [line.strip() for line in self.editor.toPlainText().strip().split("\n")]
        self.names = tuple(lines) if any(lines) else ()
        self.problem = self._problem()
        self._show_count()
        self.changed.emit()

    def _problem(self) -> str:
        """The first thing that is wrong with the names, "" if nothing is."""
        seen: dict[str, int] = {}
        for number, name in enumerate(self.names, start=1):
            if not name:
                return self.tr("Line {number} is empty: every class needs a name.").format(number=number)
            if name in seen:
                twice = self.tr("“{name}” is in lines {first} and {second}.")
                return twice.format(name=one_line(name, _LETTERS), first=seen[name], second=number)
            seen[name] = number
        return ""

    def _show_count(self) -> None:
        self._show(self.problem or self._count_text(), "warning" if self.problem else "dim")

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


class _Editor(QPlainTextEdit):
    """Takes the content of a text file that is dropped on it, and leaves the tab key to the dialog."""

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
        dropped = sort_out(source)
        if dropped.pictures:  # any file that is no model
            self.file_dropped.emit(dropped.pictures[0])
        elif not source.hasUrls():
            super().insertFromMimeData(source)


def _read(path: Path) -> tuple[str, str]:
    """The text in the file `path`, and "", or "" and why it cannot be used."""
    try:
        if not path.is_file():
            return "", "it is not a file"
        if path.stat().st_size > _LARGEST:
            return "", "it is too large to be a list of names"
        return path.read_bytes().decode("utf-8-sig"), ""
    except OSError as error:
        return "", reason(error)
    except UnicodeDecodeError:
        return "", "it is not text in UTF-8"
