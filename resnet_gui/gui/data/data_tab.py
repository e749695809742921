"""The Data tab: what the chosen folder holds, class by class, and which of its files cannot be read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from operator import attrgetter
from pathlib import PurePath

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from resnet_gui.data.class_rows import ClassRow
from resnet_gui.data.samples import LayoutUnclear, Listing, Sample, Unread
from resnet_gui.data.split import Splits
from resnet_gui.gui.data.class_table import ClassTable
from resnet_gui.gui.data.folder_drawing import FolderDrawing
from resnet_gui.gui.data.layout_question import LayoutQuestion
from resnet_gui.gui.data.skipped_table import SkippedTable
from resnet_gui.gui.text import message_text, shares, totals
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.elided_labels import ElidedLabel
from resnet_gui.gui.widgets.labels import label
from resnet_gui.records import Thumbnail


class DataTab(QWidget):
    """Without a dataset, the tab shows how a folder should look; with one, its classes and its skipped files."""

    thumbnails_requested = Signal(object)
    """A list of absolute paths (`str`) whose rows have come into view; each is requested once."""
    layout_chosen = Signal(str)
    """The user's answer to the question what the folders are."""
    question_cancelled = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._listing: Listing | None = None
        self._unread = self._rows_of_unread = 0
        self._empty = _Layouts(theme)
        self._loaded = QWidget()
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self._loaded)
        self._question = LayoutQuestion(theme)
        self._question.chosen.connect(self.layout_chosen)
        self._question.cancelled.connect(self.question_cancelled)
        self._pages.addWidget(self._question)
        self._build(theme)

    def _build(self, theme: Theme) -> None:
        self._folder = ElidedLabel("title")
        self._totals = label("dim")
        self._table = ClassTable(theme)
        self._table.setAccessibleName(self.tr("Classes"))
        self._table.thumbnails_requested.connect(self.thumbnails_requested)
        self._skipped_title = label("heading")
        self._skipped = SkippedTable()
        column = QVBoxLayout(self._loaded)
        column.setContentsMargins(14, 10, 14, 12)
        column.setSpacing(6)
        for widget in (self._folder, self._totals, self._table, self._skipped_title, self._skipped):
            column.addWidget(widget, 1 if widget is self._table else 0)

    def show_empty(self) -> None:
        """There is no dataset."""
        self._listing = None
        self._pages.setCurrentWidget(self._empty)

    def show_dataset(self, listing: Listing, splits: Splits, rows: list[ClassRow]) -> None:
        """Shows the classes of `listing`, in `rows`, and how many pictures each split has. No file is skipped yet."""
        self._listing = listing
        self._folder.set_name(listing.root.name or str(listing.root), hint=str(listing.root))
        self._all = f"{totals(listing)} · {shares(splits)}"
        self._table.show_rows(rows)
        self._skipped.show_files([_unread_row(each) for each in listing.unread])
        self._unread = sum(each.count for each in listing.unread)
        self._rows_of_unread = len(listing.unread)
        self._show_skipped()
        self._pages.setCurrentWidget(self._loaded)

    def ask_for_layout(self, unclear: LayoutUnclear, current: str) -> None:
        """Asks what the folders are. `current` is the layout in which they are open, "" if they are not."""
        self._question.ask(unclear, current)
        self._pages.setCurrentWidget(self._question)
        self._question.focus()

    def set_locked(self, reason: str) -> None:
        """Lets no question be answered, and shows `reason` in the tooltips; "" lets it."""
        self._question.set_locked(reason)

    def end_question(self) -> None:
        """Shows again what was there before the question."""
        self._pages.setCurrentWidget(self._loaded if self._listing else self._empty)

    def add_skipped(self, path: str, reason: str) -> None:
        """The file at `path` (absolute) cannot be read; `reason` is a sentence."""
        if self._listing is None:
            return
        file, root = PurePath(path), self._listing.root
        inside = file.relative_to(root) if file.is_relative_to(root) else file
        self._skipped.add(str(inside), path, reason)
        if sample := _sample(self._listing, inside.as_posix()):
            self._table.count_skipped(sample.label)
        self._show_skipped()

    def redraw_thumbnails(self) -> None:
        """Requests all thumbnails again."""
        self._table.redraw_thumbnails()

    def show_thumbnails(self, items: Iterable[Thumbnail]) -> None:
        """Small pictures that are ready."""
        self._table.show_thumbnails(items)

    def _show_skipped(self) -> None:
        skipped = self._skipped.model().rowCount() - self._rows_of_unread
        count = skipped + self._unread
        one, many = self.tr("1 file was skipped"), self.tr("{count} files were skipped")
        self._skipped_title.setText(one if count == 1 else many.format(count=f"{count:,}"))
        of_them = self.tr(" · {count} of them cannot be used").format(count=f"{skipped:,}")
        others = self.tr(" · {count} other files skipped").format(count=f"{self._unread:,}")
        self._totals.setText(self._all + (of_them if skipped else "") + (others if self._unread else ""))
        self._skipped_title.setVisible(count > 0)
        self._skipped.setVisible(count > 0)


def _sample(listing: Listing, path: str) -> Sample | None:
    """The sample at `path`, relative to the listing's root."""
    index = bisect_left(listing.samples, path, key=attrgetter("path"))
    found = listing.samples[index] if index < len(listing.samples) else None
    return found if found and found.path == path else None


class _Layouts(QWidget):
    """What a folder of pictures may look like."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(12)
        column.addStretch(1)
        self._add_words(column)
        trees = QHBoxLayout()
        trees.setSpacing(56)
        trees.addStretch(1)
        trees.addLayout(_captioned(self._sorted(theme), self.tr("One folder for each class")))
        trees.addLayout(_captioned(self._split(theme), self.tr("Or already split")))
        trees.addStretch(1)
        column.addLayout(trees)
        column.addStretch(2)

    def _add_words(self, column: QVBoxLayout) -> None:
        title = label("title", self.tr("Your pictures, sorted into folders"))
        words = label(
            "dim",
            self.tr("Choose or drop a folder on the left. The name of each folder inside becomes the name of a class."),
        )
        for widget in (title, words):
            widget.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(widget)
        column.addSpacing(14)

    def _sorted(self, theme: Theme) -> FolderDrawing:
        folder, picture = "folder-open", "picture"
        entries = (
            (0, folder, self.tr("flowers")), (1, folder, self.tr("daisy")), (2, picture, "IMG_0001.jpg"), (2, picture, "IMG_0002.jpg"),
            (1, folder, self.tr("rose")), (2, picture, "IMG_0107.png"),
        )  # fmt: skip
        return FolderDrawing(theme, entries, self.tr("One folder for each class"))

    def _split(self, theme: Theme) -> FolderDrawing:
        folder = "folder-open"
        daisy, rose = self.tr("daisy"), self.tr("rose")
        entries = (
            (0, folder, self.tr("flowers")), (1, folder, "train"), (2, folder, daisy), (2, folder, rose),
            (1, folder, "val"), (2, folder, daisy), (2, folder, rose),
        )  # fmt: skip
        return FolderDrawing(theme, entries, self.tr("Folders that are already split"))


def _unread_row(unread: Unread) -> tuple[str, str, str]:
    """The row of the skipped files for all of one kind in one class: “cat: IMG_1.HEIC, IMG_2.HEIC, …”, and the reason."""
    more = ", …" if unread.count > len(unread.names) else ""
    files = f"{unread.folder}: {', '.join(unread.names)}{more}"
    return files, files, message_text(unread.message)


def _captioned(tree: FolderDrawing, caption: str) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(10)
    words = label("strong", caption)
    words.setWordWrap(False)
    column.addWidget(words)
    column.addWidget(tree)
    column.addStretch(1)
    return column
