"""The second card of the setup pane: which network, what it costs, and from which weights it starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QComboBox, QPushButton

from resnet_gui.gui.widgets.card import Card
from resnet_gui.gui.widgets.fields import ChoiceBox
from resnet_gui.gui.widgets.labels import label, named, tooltip
from resnet_gui.gui.widgets.network_field import LIBRARIES, NetworkItems
from resnet_gui.nets.catalog import find
from resnet_gui.nets.spec import NetworkSpec
from resnet_gui.nets.tables import short_count
from resnet_gui.records import Weights

_COMMON_SMALLEST = 64
_SHOWN_AT_ONCE = 18
"""Entries of the open list; the others scroll."""


class NetworkPicker(Card):
    """A list of networks by family, and below it the facts of the chosen one."""

    changed = Signal()
    inspect_requested = Signal(str)
    """The name of the network that the user wants to look into."""

    def __init__(self, networks: Sequence[NetworkSpec]) -> None:
        super().__init__(2, QCoreApplication.translate("NetworkChoice", "Network"))
        self._networks = {network.name: network for network in networks}
        self._library_weights: dict[str, Weights | None] = {}
        """The weights that libraries have reported for their networks, by network name; None for none."""
        self._list = NetworkItems(networks, self)
        self._choice = self._make_choice()
        self._facts, self._note = label("dim"), label("dim")
        self._inside = named(QPushButton(self.tr("Look inside…")), "inspect")
        self._inside.setProperty("kind", "link")
        self._inside.setToolTip(tooltip(self.tr("Shows the network layer by layer, in the Network tab.")))
        for widget in (self._choice, self._facts, self._note):
            self.body.addWidget(widget)
        self.heading.addWidget(self._inside)
        self._choice.currentIndexChanged.connect(self._chosen)
        self._inside.clicked.connect(lambda: self.inspect_requested.emit(self.network.name))
        self.show_note("")
        self._update_text()

    @property
    def network(self) -> NetworkSpec:
        """The spec of the chosen network."""
        return self._networks[self._choice.currentData()]

    @property
    def knows_weights(self) -> bool:
        """Whether `network.weights` is complete: a library's spec has no weights until the library reports them."""
        return self.network.is_curated or self.network.name in self._library_weights

    def choose(self, name: object) -> None:
        """Chooses the network called `name`, if there is one. A library's network is added to the list."""
        if isinstance(name, str) and name not in self._networks and name.startswith(LIBRARIES):
            self._add_from_library(name)
        if name in self._networks:
            self._choice.setCurrentIndex(self._choice.findData(name))

    def add_weights(self, name: str, weights: Weights | None) -> None:
        """Stores the `weights` that a library reported for its network `name`, or none."""
        self._library_weights[name] = weights
        if name in self._networks and not self._networks[name].is_curated:
            self._networks[name] = dataclasses.replace(find(name), weights=weights)
            if name == self.network.name:
                self.changed.emit()

    def show_note(self, note: str) -> None:
        """Shows a note about the choice, "" for none."""
        self._note.setText(note)
        self._note.setVisible(bool(note))

    def set_locked(self, reason: str) -> None:
        """Disables the list and shows `reason` in its tooltip; "" enables it."""
        self._choice.setEnabled(not reason)
        self._choice.setToolTip(tooltip(reason or self.network.description))

    def _add_from_library(self, name: str) -> None:
        if all(network.is_curated for network in self._networks.values()):
            self._list.add_heading(self.tr("From the libraries"))
        self._networks[name] = dataclasses.replace(find(name), weights=self._library_weights.get(name))
        self._list.add(self._networks[name])

    def _make_choice(self) -> QComboBox:
        choice = named(ChoiceBox(), "network")
        choice.setMaxVisibleItems(_SHOWN_AT_ONCE)
        choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        choice.setMinimumContentsLength(8)
        choice.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        choice.setAccessibleName(self.tr("Network"))
        choice.setModel(self._list)
        choice.setCurrentIndex(1)  # below the first heading
        return choice

    def _chosen(self) -> None:
        self._update_text()
        self.changed.emit()

    def _update_text(self) -> None:
        network = self.network
        self._facts.setText("\n".join(facts(network)))
        self._facts.setToolTip(tooltip(network.description))
        self._choice.setToolTip(tooltip(network.description))


def facts(network: NetworkSpec) -> list[str]:
    """Lines about `network`: paper, size and cost. A figure that is not known is left out."""
    paper = network.paper or _tr("From {library}").format(library=network.source)
    layers = _tr("{count} layers").format(count=network.depth) if network.depth else ""
    lines = [" · ".join(filter(None, (paper, layers)))]
    if network.parameters:
        lines.append(_tr("{count} parameters").format(count=short_count(network.parameters)))
    if network.multiply_adds:
        count, side = short_count(network.multiply_adds), network.default_size
        lines.append(_tr("{count} multiply-adds at {side} × {side}").format(count=count, side=side))
    return [line for line in (*lines, sizes(network), network.note) if line]


def sizes(network: NetworkSpec) -> str:
    """Which picture sizes it takes, "" if nothing is unusual about them."""
    if network.largest == network.smallest:
        return _tr("Takes pictures of {size} px only").format(size=network.smallest)
    if network.largest is not None:
        return _tr("Takes pictures from {low} to {high} px").format(low=network.smallest, high=network.largest)
    return (
        _tr("Takes pictures from {low} px").format(low=network.smallest) if network.smallest > _COMMON_SMALLEST else ""
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("NetworkChoice", text)
