"""A row for each epoch, newest on top."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from resnet_gui.events import EpochDone
from resnet_gui.gui.durations import time_taken

_NUMBERS_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_PADDING = 14
"""Left and right of a column's name together, as in the stylesheet."""


class EpochModel(QAbstractTableModel):
    """The epochs of a run as the table shows them. The best one is starred."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._epochs: list[EpochDone] = []
        self._best: EpochDone | None = None
        self._columns: tuple[tuple[str, Callable[[EpochDone], str]], ...] = (
            (self.tr("Epoch"), lambda done: f"★  {done.epoch}" if done is self._best else str(done.epoch)),
            (self.tr("Train loss"), lambda done: _loss(done.train_loss)),
            (self.tr("Train accuracy"), lambda done: _percent(done.train_accuracy)),
            (self.tr("Val loss"), lambda done: _loss(done.val_loss)),
            (self.tr("Val accuracy"), lambda done: _percent(done.val_accuracy)),
            (self.tr("Learning rate"), lambda done: scientific(done.learning_rate)),
            (self.tr("Time"), lambda done: time_taken(done.seconds)),
        )

    def clear(self) -> None:
        """Forgets all epochs."""
        self.beginResetModel()
        self._epochs.clear()
        self._best = None
        self.endResetModel()

    def add(self, done: EpochDone) -> None:
        """Puts an epoch on top."""
        self.beginInsertRows(QModelIndex(), 0, 0)
        self._epochs.append(done)
        self.endInsertRows()
        if done.best and done.val_accuracy is not None:
            self._best = done
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._epochs) - 1, 0))

    def epoch(self, row: int) -> int:
        """The number of the epoch in `row`."""
        return self._at(row).epoch

    def as_text(self, rows: list[int]) -> str:
        """`rows` with the header above them, as tab-separated lines."""
        lines = [[name for name, _ in self._columns]]
        lines += [[write(self._at(row)) for _, write in self._columns] for row in rows]
        return "\n".join("\t".join(line) for line in lines)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """One for each epoch."""
        return 0 if parent is not None and parent.isValid() else len(self._epochs)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Epoch, losses, accuracies, learning rate, time."""
        return len(self._columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The text of a cell; numbers stand on the right."""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _NUMBERS_RIGHT
        if role == Qt.ItemDataRole.DisplayRole:
            return self._columns[index.column()][1](self._at(index.row()))
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == 0 and self._at(index.row()) is self._best:
            return self.tr("The best epoch so far, by validation accuracy.")
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The names of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section][0]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _NUMBERS_RIGHT
        return None

    def _at(self, row: int) -> EpochDone:
        return self._epochs[-1 - row]


class EpochTable(QTableView):
    """The table. Ctrl+C copies the chosen rows, or all, for a spreadsheet."""

    epoch_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.epochs = EpochModel(self)
        self.setModel(self.epochs)
        self.setObjectName("epochs")
        self.setAccessibleName(self.tr("Epochs"))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(28)
        self._size_columns()
        copy = QAction(self.tr("Copy"), self, shortcut=QKeySequence.StandardKey.Copy)
        copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        copy.triggered.connect(self.copy)
        self.addAction(copy)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.selectionModel().currentRowChanged.connect(self._choose)

    def copy(self) -> None:
        """Copies the chosen rows, or all if none is chosen, as tab-separated text."""
        chosen = sorted(index.row() for index in self.selectionModel().selectedRows())
        QGuiApplication.clipboard().setText(self.epochs.as_text(chosen or list(range(self.epochs.rowCount()))))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width, other columns."""
        super().resizeEvent(event)
        self._share_width()

    def _size_columns(self) -> None:
        header = self.horizontalHeader()
        header.setSectionsClickable(False)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.epochs.rowsInserted.connect(self._share_width)

    def _share_width(self) -> None:
        """Each column gets what its name and figures need, and an equal share of the rest."""
        header, count = self.horizontalHeader(), self.epochs.columnCount()
        names = [
            header.fontMetrics().horizontalAdvance(self.epochs.headerData(column, header.orientation()))
            for column in range(count)
        ]
        needed = [max(name + _PADDING, self.sizeHintForColumn(column)) for column, name in enumerate(names)]
        rest = (self.viewport().width() - sum(needed)) // count
        for column, width in enumerate(needed):
            header.resizeSection(column, max(width + rest, 30))

    def _choose(self, current: QModelIndex) -> None:
        if current.isValid():
            self.epoch_chosen.emit(self.epochs.epoch(current.row()))


def scientific(value: float) -> str:
    """ "4.1e-4" """
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _loss(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
