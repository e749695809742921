"""The table of classes: how many pictures each has in each split, and what they look like."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
)  # fmt: skip
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableView,
    QWidget,
)

from resnet_gui.data.class_rows import ClassRow
from resnet_gui.gui.data.thumbnail_delegate import SIDE, ThumbnailDelegate
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.elided_labels import one_line
from resnet_gui.gui.widgets.labels import tooltip
from resnet_gui.names import NAME as NAME_LENGTH
from resnet_gui.records import Thumbnail

NAME, STRIP, PICTURES, TRAIN, VAL, TEST, SKIPPED = range(7)
_WAIT = 60  # ms without scrolling before rows request their pictures
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
Index = QModelIndex | QPersistentModelIndex


class ClassTable(QTableView):
    """Sortable, and as quick with 1,000 classes as with two: rows request their thumbnails when they come into view."""

    thumbnails_requested = Signal(object)
    """A list of absolute paths (`str`). It is sent as an object: Qt's own strings lose bytes that are not UTF-8."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = ClassModel(self)
        self._strips = ThumbnailDelegate(theme, self._examples, self)
        self._requested: set[int] = set()
        self._wait = QTimer(self, singleShot=True, interval=_WAIT)
        self._wait.timeout.connect(self._request_thumbnails)
        self.setModel(self._model)
        self.setItemDelegateForColumn(STRIP, self._strips)
        self._arrange()
        for moved in (
            self.verticalScrollBar().valueChanged,
            self.verticalScrollBar().rangeChanged,
            self._model.layoutChanged,
        ):
            moved.connect(lambda *_: self._wait.start())  # their value is not a time
        theme.changed.connect(self.viewport().update)

    def _arrange(self) -> None:
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)  # Tab leaves the table, arrows move in it
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(SIDE + 12)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(STRIP, QHeaderView.ResizeMode.Stretch)
        header.resizeSection(NAME, 160)
        for column in range(PICTURES, SKIPPED + 1):
            title = self._model.headerData(column, Qt.Orientation.Horizontal)
            header.resizeSection(column, max(52, self.fontMetrics().horizontalAdvance(title) + 12))
        header.setSortIndicator(NAME, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)

    def show_rows(self, rows: list[ClassRow]) -> None:
        """Replaces the classes. If the pictures are the same, only split otherwise, drawn thumbnails are kept."""
        if [row.examples for row in rows] != [row.examples for row in self._model.rows]:
            self._requested.clear()
            self._strips.forget()
            self.scrollToTop()
        self._model.set_rows(rows)
        self.setColumnHidden(SKIPPED, True)
        self._wait.start()

    def count_skipped(self, label: int) -> None:
        """One more picture of class `label` could not be read."""
        self._model.count_skipped(label)
        self.setColumnHidden(SKIPPED, False)

    def show_thumbnails(self, items: Iterable[Thumbnail]) -> None:
        """Small pictures that are ready."""
        self._strips.add(items)
        self.viewport().update()

    def redraw_thumbnails(self) -> None:
        """Requests all thumbnails again, since they are to look otherwise; those drawn stay until the new ones come."""
        self._requested.clear()
        self._wait.start()

    def showEvent(self, event: Any) -> None:
        """Requests the thumbnails of the rows in view."""
        super().showEvent(event)
        self._wait.start()

    def resizeEvent(self, event: Any) -> None:
        """More rows may be in view."""
        super().resizeEvent(event)
        self._wait.start()

    def _request_thumbnails(self) -> None:
        labels = self._visible() - self._requested if self.isVisible() else set()
        self._requested |= labels
        paths = [path for label in sorted(labels) for path in self._model.rows[label].examples]
        if paths:
            self.thumbnails_requested.emit(paths)

    def _examples(self, index: Index) -> tuple[str, ...]:
        return self._model.row(index.row()).examples

    def _visible(self) -> set[int]:
        """The classes whose rows are in view."""
        first, last = self.rowAt(0), self.rowAt(self.viewport().height() - 1)
        if first < 0:
            return set()
        end = last + 1 if last >= 0 else self._model.rowCount()
        return set(self._model.order[first:end])


class ClassModel(QAbstractTableModel):
    """`rows` by class index, and the `order` in which they are shown.

    It sorts itself: a proxy would call Python for two cells at each comparison, 0.2 s for 1,000 classes.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[ClassRow] = []
        self.order: list[int] = []
        self._row_of: dict[int, int] = {}
        """The table row of each class, by class index."""
        self._sorting = (NAME, Qt.SortOrder.AscendingOrder)
        self._titles = (
            self.tr("Class"), "", self.tr("Pictures"), self.tr("Train"), self.tr("Val"), self.tr("Test"), self.tr("Skipped"),
        )  # fmt: skip

    def set_rows(self, rows: list[ClassRow]) -> None:
        """Replaces all rows."""
        self.beginResetModel()
        self.rows = rows
        self._put_in_order()
        self.endResetModel()

    def row(self, position: int) -> ClassRow:
        """The class in the table's row `position`."""
        return self.rows[self.order[position]]

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sorts by name, or by a column's figures. The selection stays on the same class."""
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        labels = [self.order[index.row()] for index in before]
        self._sorting = (column, order)
        self._put_in_order()
        after = [self.index(self._row_of[label], index.column()) for label, index in zip(labels, before, strict=True)]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _put_in_order(self) -> None:
        self.order = self._ordered()
        self._row_of = {label: row for row, label in enumerate(self.order)}

    def _ordered(self) -> list[int]:
        column, order = self._sorting
        by_name = sorted(range(len(self.rows)), key=lambda label: self.rows[label].name.casefold())
        down = order == Qt.SortOrder.DescendingOrder
        if column <= STRIP:
            return by_name[::-1] if down else by_name
        return sorted(by_name, key=lambda label: self.rows[label].figures[column - PICTURES], reverse=down)

    def count_skipped(self, label: int) -> None:
        """One more skipped picture of class `label`."""
        self.rows[label].figures[-1] += 1
        index = self.index(self._row_of[label], SKIPPED)
        self.dataChanged.emit(index, index)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """One for each class."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """The same for every dataset."""
        return 0 if parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A column's title, above its figures."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if section <= STRIP else _RIGHT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A name or a figure."""
        row, column = self.row(index.row()), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _shown(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if column <= STRIP else _RIGHT
        if role == Qt.ItemDataRole.ToolTipRole and column == NAME:
            return tooltip(one_line(row.name))
        return None


def _shown(row: ClassRow, column: int) -> str:
    if column == NAME:
        return one_line(row.name, NAME_LENGTH)
    return "" if column == STRIP else f"{row.figures[column - PICTURES]:,}"
