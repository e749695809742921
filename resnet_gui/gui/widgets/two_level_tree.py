"""A tree of two floors, with thousands of rows, that stays quick."""

from __future__ import annotations

from typing import overload

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QTreeView

Index = QModelIndex | QPersistentModelIndex


class TwoLevelModel(QAbstractItemModel):
    """Branches, and below each its leaves. A leaf's id is the place of its branch, from 1; that of a branch is 0."""

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        """Where a branch or a leaf stands."""
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else 0)

    @overload
    def parent(self) -> QObject | None: ...

    @overload
    def parent(self, index: Index, /) -> QModelIndex: ...

    def parent(self, index: Index | None = None) -> QModelIndex | QObject | None:
        """The branch that a leaf is on; without `index` the model's own parent: Qt has both under one name."""
        if index is None:
            return QObject.parent(self)
        return self.createIndex(index.internalId() - 1, 0, 0) if index.internalId() else QModelIndex()


class TwoLevelView(QTreeView):
    """The asterisk unfolds one branch, as the plus does: Qt would unfold each row below it, one by one."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Asterisk:
            self.expand(self.currentIndex())
        else:
            super().keyPressEvent(event)
