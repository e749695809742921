"""The table of files that cannot be read."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)  # fmt: skip

from resnet_gui.gui.widgets.elided_labels import one_line
from resnet_gui.gui.widgets.labels import tooltip
from resnet_gui.names import LIST, WHOLE, shown

_HEIGHT = 170
Index = QModelIndex | QPersistentModelIndex


class SkippedTable(QTableView):
    """Files that cannot be read and why. Ctrl+C copies the chosen rows."""

    def __init__(self) -> None:
        super().__init__()
        self._model = SkippedModel(self)
        self.setModel(self._model)
        self.setItemDelegateForColumn(0, _ElideMiddle(self))
        self.setAccessibleName(self.tr("Skipped files"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(28)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setStretchLastSection(True)
        self.horizontalHeader().resizeSection(0, 180)
        copy = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        copy.activated.connect(self.copy)

    def show_files(self, files: list[tuple[str, str, str]]) -> None:
        """Replaces all files. Each is its path in the dataset, its absolute path, and the reason."""
        self._model.set_files(files)
        self.updateGeometry()

    def add(self, inside: str, path: str, reason: str) -> None:
        """One more file."""
        self._model.add((inside, path, reason))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """As high as its rows, up to a limit."""
        rows = self.verticalHeader().defaultSectionSize() * self._model.rowCount()
        return QSize(300, min(_HEIGHT, self.horizontalHeader().height() + rows + 4))

    def copy(self) -> None:
        """Puts the chosen rows on the clipboard, a tab between path and reason."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        QGuiApplication.clipboard().setText("\n".join(map(self._model.line, rows)))


class SkippedModel(QAbstractTableModel):
    """`files` as a table of two columns."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.files: list[tuple[str, str, str]] = []
        self._titles = (self.tr("File"), self.tr("Reason"))

    def set_files(self, files: list[tuple[str, str, str]]) -> None:
        """Replaces all files."""
        self.beginResetModel()
        self.files = files
        self.endResetModel()

    def add(self, file: tuple[str, str, str]) -> None:
        """Appends `file`."""
        self.beginInsertRows(QModelIndex(), len(self.files), len(self.files))
        self.files.append(file)
        self.endInsertRows()

    def line(self, row: int) -> str:
        """The absolute path and the reason, with a tab between them. A path with a tab or a line break is no other row."""
        return "\t".join(map(one_line, self.files[row][1:]))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """One for each file."""
        return 0 if parent.isValid() else len(self.files)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """File and reason."""
        return 0 if parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A column's title."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The path in the dataset, or the reason; the tooltip has the whole path."""
        inside, path, reason = self.files[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return one_line(reason.removeprefix(shown(path, WHOLE)).strip() if index.column() else inside, LIST)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(one_line(reason if index.column() else path))
        return None


class _ElideMiddle(QStyledItemDelegate):
    """Shortens a long path in the middle: its beginning and its end are most useful."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """As the view draws it, but elided in the middle."""
        super().initStyleOption(option, index)
        option.textElideMode = Qt.TextElideMode.ElideMiddle
