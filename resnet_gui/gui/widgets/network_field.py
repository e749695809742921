"""A field for one of many networks: a list by family, in which the user can also search by typing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QFont, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QCompleter, QListView

from resnet_gui.gui.widgets.fields import ChoiceBox
from resnet_gui.gui.widgets.labels import tooltip
from resnet_gui.nets.catalog import by_family, find
from resnet_gui.nets.spec import NetworkSpec

LIBRARIES = ("timm/", "torchvision/")
"""The prefixes of names of networks outside the catalogue."""
_SOUGHT = int(Qt.ItemDataRole.UserRole) + 1
"""The role of what a search looks at: title, name, family and year."""
_SHOWN_AT_ONCE = 14


class NetworkItems(QStandardItemModel):
    """The list's rows: the networks of each family below a heading that cannot be chosen."""

    def __init__(self, networks: Sequence[NetworkSpec], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bold = QFont()
        self._bold.setWeight(QFont.Weight.DemiBold)
        for family, members in by_family(networks).items():
            self.add_heading(family)
            for network in members:
                self.add(network)

    def add_heading(self, text: str) -> None:
        """Adds a line that cannot be chosen."""
        heading = QStandardItem(text)
        heading.setFlags(Qt.ItemFlag.NoItemFlags)
        heading.setFont(self._bold)
        self.appendRow(heading)

    def add(self, network: NetworkSpec) -> None:
        """Adds a network, with its name as the item's data."""
        item = QStandardItem(network.title)
        item.setData(network.name, Qt.ItemDataRole.UserRole)
        item.setData(f"{network.title} {network.name} {network.family} {network.year}", _SOUGHT)
        item.setToolTip(tooltip(network.description))
        self.appendRow(item)


class NetworkField(ChoiceBox):
    """The user chooses a network from the list, or types a part of its name. A library's network is typed in full."""

    network_changed = Signal()

    def __init__(self, networks: Sequence[NetworkSpec]) -> None:
        super().__init__()
        self._names = {key.casefold(): each.name for each in networks for key in (each.title, each.name)}
        items = NetworkItems(networks, self)
        self.setModel(items)
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setMaxVisibleItems(_SHOWN_AT_ONCE)
        self.setCompleter(_make_completer(items, self))
        self.setCurrentIndex(1)  # below the first heading
        self.editTextChanged.connect(self.network_changed)

    @property
    def network(self) -> NetworkSpec | None:
        """The spec of the network that is written in the field; None if there is none of that name."""
        text = self.currentText().strip()
        name = self._names.get(text.casefold(), text if text.startswith(LIBRARIES) else "")
        return find(name) if name else None

    def set_network(self, network: NetworkSpec) -> None:
        """Shows `network`, a library's by its whole name."""
        self.setEditText(network.title if network.name.casefold() in self._names else network.name)


class _Completer(QCompleter):
    """Searches in more than it shows."""

    def pathFromIndex(self, index: QModelIndex | QPersistentModelIndex) -> str:
        """What the field shows when the user picks the row `index`: the title."""
        return str(index.data(Qt.ItemDataRole.DisplayRole))


def _make_completer(items: NetworkItems, parent: QObject) -> QCompleter:
    completer = _Completer(items, parent)
    completer.setCompletionRole(_SOUGHT)
    completer.setFilterMode(Qt.MatchFlag.MatchContains)
    completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
    completer.setMaxVisibleItems(_SHOWN_AT_ONCE)
    popup = QListView()
    popup.setObjectName("completions")
    completer.setPopup(popup)
    return completer
