"""The page of the Network tab that puts a second network beside the first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QCompleter, QHBoxLayout, QVBoxLayout, QWidget

from resnet_gui.events import NetworkSummary
from resnet_gui.gui.network.comparison_table import ComparisonTable
from resnet_gui.gui.widgets.labels import label
from resnet_gui.nets.spec import NetworkSpec


class ComparePage(QWidget):
    """Lets the user choose a second network, and shows both."""

    network_chosen = Signal(str)
    """The second network; "" when the comparison ends."""

    def __init__(self, networks: Sequence[NetworkSpec], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.other = _NetworkBox(networks)
        self.other.setAccessibleName(self.tr("Compare with"))
        self.other.set_placeholder(self.tr("Type or choose a network"))
        self.comparison = ComparisonTable()
        self._invitation = label(
            "dim", self.tr("Choose a second network: its figures stand beside those of the first.")
        )
        caption = label("dim", self.tr("Compare with"))
        caption.setWordWrap(False)
        row = QHBoxLayout()
        row.addWidget(caption)
        row.addWidget(self.other, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        column.addLayout(row)
        column.addWidget(self._invitation)
        column.addWidget(self.comparison, 1)
        column.addStretch()
        self.other.network_chosen.connect(self.network_chosen)
        self.comparison.ended.connect(self._end)
        self.show_none()

    def add_names(self, names: Iterable[str]) -> None:
        """Adds networks of a library to the list."""
        for name in names:
            self.other.addItem(name, name)

    def show_both(
        self, one: tuple[NetworkSpec, NetworkSummary | None], other: tuple[NetworkSpec, NetworkSummary | None]
    ) -> None:
        """Shows `one` beside `other`, each with its summary once that is known."""
        self.comparison.show_both(one, other)
        self._show_comparison(True)

    def show_none(self) -> None:
        """There is no second network."""
        self._show_comparison(False)

    def _show_comparison(self, shown: bool) -> None:
        self._invitation.setVisible(not shown)
        self.comparison.setVisible(shown)

    def _end(self) -> None:
        self.other.clear_choice()
        self.network_chosen.emit("")


class _NetworkBox(QComboBox):
    """A list of every network; the user chooses one, or types a part of its name."""

    network_chosen = Signal(str)

    def __init__(self, networks: Sequence[NetworkSpec]) -> None:
        super().__init__(editable=True, insertPolicy=QComboBox.InsertPolicy.NoInsert)
        for network in networks:
            self.addItem(network.title, network.name)
        self.setMinimumContentsLength(12)
        completer = self.completer()
        assert completer is not None  # a list that can be edited has one
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.clear_choice()
        self.activated.connect(lambda row: self.network_chosen.emit(self.itemData(row)))

    def set_placeholder(self, text: str) -> None:
        """The text that the line shows while it is empty."""
        line = self.lineEdit()
        assert line is not None  # a list that can be edited has one
        line.setPlaceholderText(text)

    def clear_choice(self) -> None:
        """Clears the line, with no network chosen."""
        self.setCurrentIndex(-1)
        self.clearEditText()
