"""The list of networks as a tree for Qt: groups, and below each the networks that match the search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, Qt
from PySide6.QtGui import QFont

from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.labels import tooltip
from resnet_gui.gui.widgets.two_level_tree import Index, TwoLevelModel
from resnet_gui.nets.catalog import by_family
from resnet_gui.nets.spec import NetworkSpec

TITLE, MARK = range(2)
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_HEADING = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
_NETWORK = _HEADING | Qt.ItemFlag.ItemNeverHasChildren


@dataclass(frozen=True, slots=True)
class Entry:
    """A network in the list. A search looks at `sought`. Without a `name` the entry is only a note."""

    name: str
    title: str
    sought: str = ""
    hint: str = ""


@dataclass(slots=True)
class Group:
    """A heading and its entries; a search leaves `shown`, `found` of them networks.

    With a `source` it is a library, and its names have been `requested` or not.
    """

    title: str
    entries: list[Entry]
    source: str = ""
    requested: bool = False
    shown: list[Entry] = field(default_factory=list)
    found: int = 0

    def select(self, words: Iterable[str]) -> None:
        """Shows the networks that have all `words`, and the notes."""
        self.shown = [entry for entry in self.entries if not entry.name or _has(entry, words)]
        self.found = sum(1 for entry in self.shown if entry.name)

    @property
    def awaits_names(self) -> bool:
        """Whether its names still have to be requested from the library."""
        return bool(self.source) and not self.requested


class NetworkListModel(TwoLevelModel):
    """Groups of entries. It filters itself: a proxy would call Python for each of thousands of rows."""

    def __init__(self, theme: Theme, networks: Sequence[NetworkSpec], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._marked = ""
        self._bold = QFont()
        self._bold.setWeight(QFont.Weight.DemiBold)
        self.words: tuple[str, ...] = ()
        """The words of the search; an entry must have all of them."""
        families = by_family(networks).items()
        self.groups = [Group(family, [_entry(network) for network in members]) for family, members in families]
        self.groups += self._libraries()
        self.visible: list[Group] = []
        self._select()

    def _libraries(self) -> list[Group]:
        more = (("torchvision", self.tr("torchvision: more")), ("timm", self.tr("timm: 1,000+ more")))
        return [Group(title, [Entry("", self.tr("Asking…"))], source) for source, title in more]

    def search(self, text: str) -> None:
        """Shows only the networks that have all words of `text`."""
        self.beginResetModel()
        self.words = tuple(text.casefold().split())
        self._select()
        self.endResetModel()

    def set_entries(self, source: str, entries: list[Entry], requested: bool = True) -> None:
        """Puts `entries` below the heading of the library `source`. If not `requested`, it can be requested again."""
        self.beginResetModel()
        for group in self.groups:
            if group.source == source:
                group.entries, group.requested = entries, requested
        self._select()
        self.endResetModel()

    def mark(self, name: str) -> None:
        """Marks the network called `name` as chosen for training."""
        before, self._marked = self._marked, name
        for index in (self.index_of(before), self.index_of(name)):
            if index.isValid():
                self.dataChanged.emit(index, index.siblingAtColumn(MARK))

    def _select(self) -> None:
        for group in self.groups:
            group.select(self.words)
        self.visible = [group for group in self.groups if group.shown]

    @property
    def hits(self) -> int:
        """How many networks are shown."""
        return sum(group.found for group in self.visible)

    @property
    def first(self) -> QModelIndex:
        """The first network that is shown."""
        names = (entry.name for group in self.visible for entry in group.shown if entry.name)
        return self.index_of(next(names, ""))

    def group_of(self, name: str) -> Group | None:
        """The group that the network called `name` is in."""
        return next((group for group in self.groups if any(entry.name == name for entry in group.entries)), None)

    def index_of(self, name: str) -> QModelIndex:
        """The index of the network called `name`; invalid if it is not shown."""
        for row, group in enumerate(self.visible if name else ()):
            for inside, entry in enumerate(group.shown):
                if entry.name == name:
                    return self.createIndex(inside, TITLE, row + 1)
        return QModelIndex()

    def entry(self, index: Index) -> Entry | None:
        """The entry at `index`, None for a heading."""
        if not index.isValid() or not index.internalId():
            return None
        return self.visible[index.internalId() - 1].shown[index.row()]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Headings, and the entries below each."""
        if not parent.isValid():
            return len(self.visible)
        return 0 if parent.internalId() or parent.column() else len(self.visible[parent.row()].shown)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """The title, and a count or a mark."""
        return 2

    def flags(self, index: Index) -> Qt.ItemFlag:
        """A note cannot be selected."""
        entry = self.entry(index)
        if entry is None:
            return _HEADING
        return _NETWORK if entry.name else Qt.ItemFlag.ItemNeverHasChildren

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A heading with its count, or a network with its mark."""
        entry = self.entry(index)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if index.column() == MARK else None
        if entry is None:
            return self._heading(self.visible[index.row()], index.column(), role)
        if role == Qt.ItemDataRole.DisplayRole and index.column() == TITLE:
            return entry.title
        if role == Qt.ItemDataRole.DecorationRole and index.column() == MARK and entry.name == self._marked != "":
            return self._theme.icon("check", "accent")
        if role == Qt.ItemDataRole.AccessibleTextRole and index.column() == TITLE and entry.name == self._marked != "":
            return self.tr("{network}, chosen for training").format(network=entry.title)
        return tooltip(entry.hint) if role == Qt.ItemDataRole.ToolTipRole else None

    def _heading(self, group: Group, column: int, role: int) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            of_library = bool(group.source and group.found)
            if column == TITLE:
                return f"{group.source}: {group.found:,}" if of_library else group.title
            return "" if of_library or not group.found else str(group.found)
        if role == Qt.ItemDataRole.FontRole and column == TITLE:
            return self._bold
        if role == Qt.ItemDataRole.ForegroundRole and column == MARK:
            return self._theme.color("dim")
        return tooltip(group.title) if role == Qt.ItemDataRole.ToolTipRole else None


def _entry(network: NetworkSpec) -> Entry:
    sought = (network.name, network.title, network.family, network.paper, str(network.year))
    return Entry(network.name, network.title, " ".join(sought).casefold(), network.description)


def _has(entry: Entry, words: Iterable[str]) -> bool:
    return all(word in entry.sought for word in words)
