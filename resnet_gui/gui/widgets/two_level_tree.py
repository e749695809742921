"""A tree of two levels that stays fast with thousands of rows."""

from __future__ import annotations

from typing import overload

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QTreeView

Index = QModelIndex | QPersistentModelIndex


class TwoLevelModel(QAbstractItemModel):
    """Branches, and below each its leaves. A leaf's id is the row of its branch plus 1; the id of a branch is 0."""

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        """The index of a branch or a leaf."""
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else 0)

    @overload
    def parent(self) -> QObject | None: ...

    @overload
    def parent(self, index: Index, /) -> QModelIndex: ...

    def parent(self, index: Index | None = None) -> QModelIndex | QObject | None:
        """The branch of a leaf; without `index` the model's own parent, because Qt has both under one name."""
        if index is None:
            return QObject.parent(self)
        return self.createIndex(index.internalId() - 1, 0, 0) if index.internalId() else QModelIndex()


class TwoLevelView(QTreeView):
    """The asterisk expands one branch, as the plus does. Qt would expand each row below it, one by one."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Asterisk:
            self.expand(self.currentIndex())
        else:
            super().keyPressEvent(event)
