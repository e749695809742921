"""The list of networks: families that unfold, further networks of the libraries, and a search through all of them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHeaderView, QLineEdit, QTreeView, QVBoxLayout, QWidget

from resnet_gui.events import NetworkNames
from resnet_gui.gui.network.network_list_model import MARK, TITLE, Entry, Group, NetworkListModel
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.two_level_tree import TwoLevelView
from resnet_gui.nets.spec import NetworkSpec

_MARK_WIDTH = 26


class NetworkList(QWidget):
    """Every network by family. The selected one is shown; the one chosen for training is only marked."""

    picked = Signal(str)
    """The network that the user wants to look at."""
    names_requested = Signal(str)
    """A library ("torchvision" or "timm") whose names are wanted."""

    def __init__(self, theme: Theme, networks: Sequence[NetworkSpec], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = NetworkListModel(theme, networks, self)
        self._current = ""
        self._unfolded = {self._model.groups[0].title}
        self._settles = False
        self._search = _Search(placeholderText=self.tr("Search"), clearButtonEnabled=True)
        self._search.setAccessibleName(self.tr("Search networks"))
        self._search.setToolTip(self.tr("Finds names, families, papers and years."))
        self.tree = TwoLevelView()
        self._arrange()
        self._search.textChanged.connect(self._filter)
        self._search.returnPressed.connect(self._take_first)
        self._search.left.connect(self.tree.setFocus)
        self.tree.selectionModel().currentChanged.connect(self._pick)
        self.tree.clicked.connect(self._fold)
        self.tree.expanded.connect(lambda index: self._remember(index, True))
        self.tree.collapsed.connect(lambda index: self._remember(index, False))
        theme.changed.connect(self.tree.viewport().update)
        self._settle()

    def _arrange(self) -> None:
        tree = self.tree
        tree.setModel(self._model)
        tree.setObjectName("networks")
        tree.setAccessibleName(self.tr("Networks"))
        tree.setHeaderHidden(True)
        tree.setUniformRowHeights(True)
        tree.setIndentation(11)
        tree.setExpandsOnDoubleClick(False)
        tree.setIconSize(QSize(14, 14))
        tree.setVerticalScrollMode(QTreeView.ScrollMode.ScrollPerPixel)
        tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = tree.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(20)
        header.setSectionResizeMode(TITLE, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(MARK, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(MARK, _MARK_WIDTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._search)
        column.addWidget(tree, 1)

    def select(self, name: str) -> None:
        """Selects the network called `name`, if the list has it, and unfolds its family."""
        self._current = name
        if group := self._model.group_of(name):
            self._unfolded.add(group.title)
        self._settle()
        self.tree.scrollTo(self.tree.currentIndex())

    def mark(self, name: str) -> None:
        """Marks the network called `name` as chosen for training."""
        self._model.mark(name)

    def show_names(self, names: NetworkNames) -> None:
        """Adds the networks that a library has beside the catalogue."""
        entries = [Entry(f"{names.source}/{name}", name, name.casefold()) for name in names.names]
        nothing = [Entry("", self.tr("Nothing else"))]
        self._model.set_entries(names.source, entries or nothing)
        self._settle()

    def show_names_problem(self, source: str, text: str) -> None:
        """Shows why the names of a library are not available; unfolding requests them again."""
        self._model.set_entries(source, [Entry("", text, hint=text)], requested=False)
        self._unfolded -= {group.title for group in self._model.groups if group.source == source}
        self._settle()

    def _filter(self, text: str) -> None:
        self._model.search(text)
        if text.strip() and not self._model.hits:
            for group in self._model.groups:
                self._request(group)
        self._settle()

    def _request(self, group: Group) -> None:
        if group.awaits_names:
            self._model.set_entries(group.source, [Entry("", self.tr("Asking…"))])
            self.names_requested.emit(group.source)

    def _settle(self) -> None:
        """After a model reset: unfolds what was unfolded, or all groups with hits, and restores the selection."""
        self._settles = True
        for row, group in enumerate(self._model.visible):
            found = self._model.words and not group.awaits_names
            self.tree.setExpanded(self._model.index(row, 0), bool(found) or group.title in self._unfolded)
        self.tree.setCurrentIndex(self._model.index_of(self._current))
        self._settles = False

    def _pick(self, index: QModelIndex) -> None:
        entry = self._model.entry(index)
        if entry and entry.name and not self._settles and entry.name != self._current:
            self._current = entry.name
            self.picked.emit(entry.name)

    def _take_first(self) -> None:
        if self._model.first.isValid():
            self.tree.setCurrentIndex(self._model.first)
            self.tree.setFocus()

    def _fold(self, index: QModelIndex) -> None:
        heading = index.siblingAtColumn(TITLE)
        if self._model.entry(index) is None:
            self.tree.setExpanded(heading, not self.tree.isExpanded(heading))

    def _remember(self, index: QModelIndex, unfolded: bool) -> None:
        if self._settles:
            return
        group = self._model.visible[index.row()]
        if not self._model.words:
            (self._unfolded.add if unfolded else self._unfolded.discard)(group.title)
        if unfolded and group.awaits_names:
            self._unfolded.add(group.title)
            self._request(group)
            self._settle()


class _Search(QLineEdit):
    """A search field. The arrow down moves to the list, Escape clears the field."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down:
            self.left.emit()
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)
