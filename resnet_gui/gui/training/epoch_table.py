"""A row for each epoch, newest on top."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from resnet_gui.events import EpochDone
from resnet_gui.gui.text import loss_text, percent_text, scientific, time_taken
from resnet_gui.gui.widgets.two_level_tree import Index

_NUMBERS_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_MEASURED = 12
"""When a whole run is shown at once, only so many rows are measured for the column widths: each takes a moment."""
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
            (self.tr("Train loss"), lambda done: loss_text(done.train_loss)),
            (self.tr("Train accuracy"), lambda done: percent_text(done.train_accuracy)),
            (self.tr("Val loss"), lambda done: loss_text(done.val_loss)),
            (self.tr("Val accuracy"), lambda done: percent_text(done.val_accuracy)),
            (self.tr("Learning rate"), lambda done: scientific(done.learning_rate)),
            (self.tr("Time"), lambda done: time_taken(done.seconds)),
        )

    def set_all(self, epochs: Sequence[EpochDone]) -> None:
        """Replaces all epochs by `epochs`, the oldest first."""
        self.beginResetModel()
        self._epochs = list(epochs)
        self._best = next((done for done in reversed(epochs) if _is_best(done)), None)
        self.endResetModel()

    def add(self, done: EpochDone) -> None:
        """Adds an epoch on top."""
        self.beginInsertRows(QModelIndex(), 0, 0)
        self._epochs.append(done)
        self.endInsertRows()
        if _is_best(done):
            self._best = done
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._epochs) - 1, 0))

    def epoch(self, row: int) -> int:
        """The number of the epoch in `row`."""
        return self._at(row).epoch

    @property
    def titles(self) -> list[str]:
        """The names of the columns."""
        return [title for title, _ in self._columns]

    def as_text(self, rows: list[int]) -> str:
        """`rows` with the header above them, as tab-separated lines."""
        lines = [self.titles]
        lines += [[write(self._at(row)) for _, write in self._columns] for row in rows]
        return "\n".join("\t".join(line) for line in lines)

    def rowCount(self, parent: Index | None = None) -> int:
        """One for each epoch."""
        return 0 if parent is not None and parent.isValid() else len(self._epochs)

    def columnCount(self, parent: Index | None = None) -> int:
        """Epoch, losses, accuracies, learning rate, time."""
        return len(self._columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The text of a cell; numbers are right-aligned."""
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
        copy = QAction(self.tr("Copy"), self, shortcut=QKeySequence(QKeySequence.StandardKey.Copy))
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
        """Shares the new width among the columns."""
        super().resizeEvent(event)
        self._share_width()

    def _size_columns(self) -> None:
        header = self.horizontalHeader()
        header.setSectionsClickable(False)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._needed = [0] * self.epochs.columnCount()
        self.epochs.rowsInserted.connect(lambda _, first, last: self._measure(range(first, last + 1)))
        self.epochs.modelReset.connect(self._measure_anew)

    def _measure_anew(self) -> None:
        self._needed = [0] * self.epochs.columnCount()
        self._measure(range(min(self.epochs.rowCount(), _MEASURED)))

    def _measure(self, rows: range) -> None:
        """Widens the columns to the texts in `rows`."""
        for column, width in enumerate(self._needed):
            widths = (self.sizeHintForIndex(self.epochs.index(row, column)).width() for row in rows)
            self._needed[column] = max(width, *widths, 0)
        self._share_width()

    def _share_width(self) -> None:
        """Each column gets what its name and figures need, and an equal share of the rest."""
        header, count = self.horizontalHeader(), self.epochs.columnCount()
        metrics = header.fontMetrics()
        names = map(metrics.horizontalAdvance, self.epochs.titles)
        needed = [max(name + _PADDING, width) for name, width in zip(names, self._needed, strict=True)]
        rest = (self.viewport().width() - sum(needed)) // count
        for column, width in enumerate(needed):
            header.resizeSection(column, max(width + rest, 30))

    def _choose(self, current: QModelIndex) -> None:
        if current.isValid():
            self.epoch_chosen.emit(self.epochs.epoch(current.row()))


def _is_best(done: EpochDone) -> bool:
    return done.best and done.val_accuracy is not None
