"""Keeps the Setup pane and the Network tab at one about which network is chosen, and downloads what either asks for."""

from __future__ import annotations

from PySide6.QtCore import QObject

from resnet_gui.gui.controllers.network_controller import NetworkController
from resnet_gui.gui.network.network_tab import NetworkTab
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.workers.dataset_lister import DatasetLister
from resnet_gui.gui.workers.download_engine import DownloadEngine
from resnet_gui.nets.catalog import NETWORKS
from resnet_gui.nets.spec import NetworkSpec
from resnet_gui.records import Weights


class NetworkChoiceController(QObject):
    """Setup decides what is trained; the tab shows it, and may ask Setup for another network."""

    def __init__(
        self,
        setup: SetupPane,
        tab: NetworkTab,
        exploring: NetworkController,
        fetching: DownloadEngine,
        dataset: DatasetLister,
    ) -> None:
        super().__init__(tab)
        self._setup = setup
        self._tab = tab
        self._exploring = exploring
        self._fetching = fetching
        self._dataset = dataset
        self._shown: tuple[str, int, int, int] | None = None
        self._weights = {network.name: network.weights for network in NETWORKS}
        """By network; those of a library's networks once they are known."""
        setup.changed.connect(self._show_chosen)
        setup.locked.connect(tab.set_locked)
        dataset.opened.connect(lambda *_: self._show_chosen())
        tab.chosen.connect(setup.choose_network)
        tab.download_requested.connect(self._download)
        tab.download_paused.connect(fetching.pause)
        tab.download_cancelled.connect(fetching.cancel)
        fetching.changed.connect(tab.show_download)
        exploring.opened.connect(lambda opened: self._learn_weights(opened.network, opened.weights))
        exploring.refused.connect(lambda name: self._learn_weights(name, None))
        for network in NETWORKS:
            self._look_for_weights(network.name)
        if fetching.network:
            tab.show_download(fetching.network, fetching.phase)
        tab.set_locked(setup.reason())
        self._show_chosen()

    def _show_chosen(self) -> None:
        network, values = self._setup.network, self._setup.values()
        size, classes = values["data.image_size"], self._classes(network)
        channels = network.channels_for(values["data.colour"])
        if self._shown == (network.name, size, classes, channels):
            return
        self._shown = network.name, size, classes, channels
        self._tab.show_chosen(*self._shown)
        if network.name not in self._weights:  # a library's: Setup must know whether it has weights
            self._exploring.need(network.name, classes, channels, size)

    def _classes(self, network: NetworkSpec) -> int:
        splits = self._dataset.splits
        return len(splits.classes) if splits else network.classes

    def _learn_weights(self, name: str, weights: Weights | None) -> None:
        """What a library says of its network; one that cannot be opened has none."""
        if name not in self._weights:
            self._weights[name] = weights
            self._setup.add_weights(name, weights)
            self._look_for_weights(name)

    def _look_for_weights(self, name: str) -> None:
        weights = self._weights[name]
        if weights and self._fetching.is_here(weights):
            self._tab.show_download(name, "here")

    def _download(self, name: str) -> None:
        if weights := self._weights.get(name):
            self._fetching.start(name, weights)
