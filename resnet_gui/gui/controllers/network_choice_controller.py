"""Keeps the chosen network the same in the Setup pane and the Network tab, and starts downloads for the tab."""

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
    """Setup decides which network is trained. The tab shows it, and can choose another one in Setup."""

    def __init__(
        self,
        setup: SetupPane,
        tab: NetworkTab,
        network_controller: NetworkController,
        download_engine: DownloadEngine,
        dataset_lister: DatasetLister,
    ) -> None:
        super().__init__(tab)
        self._setup = setup
        self._tab = tab
        self._network_controller = network_controller
        self._download_engine = download_engine
        self._dataset_lister = dataset_lister
        self._shown: tuple[str, int, int, int] | None = None
        self._weights = {network.name: network.weights for network in NETWORKS}
        """The weights by network; for networks of a library once they are known."""
        setup.changed.connect(self._show_chosen)
        setup.locked.connect(tab.set_locked)
        dataset_lister.opened.connect(lambda *_: self._show_chosen())
        tab.chosen.connect(setup.choose_network)
        tab.download_requested.connect(self._download)
        tab.download_paused.connect(download_engine.pause)
        tab.download_cancelled.connect(download_engine.cancel)
        download_engine.changed.connect(tab.show_download)
        network_controller.opened.connect(lambda opened: self._add_weights(opened.network, opened.weights))
        network_controller.refused.connect(lambda name: self._add_weights(name, None))
        for network in NETWORKS:
            self._look_for_weights(network.name)
        if download_engine.network:
            tab.show_download(download_engine.network, download_engine.phase)
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
        if network.name not in self._weights:  # of a library: Setup needs to know whether it has weights
            self._network_controller.need(network.name, classes, channels, size)

    def _classes(self, network: NetworkSpec) -> int:
        splits = self._dataset_lister.splits
        return len(splits.classes) if splits else network.classes

    def _add_weights(self, name: str, weights: Weights | None) -> None:
        """Adds the weights of a library's network; None if it has none or cannot be opened."""
        if name not in self._weights:
            self._weights[name] = weights
            self._setup.add_weights(name, weights)
            self._look_for_weights(name)

    def _look_for_weights(self, name: str) -> None:
        weights = self._weights[name]
        if weights and self._download_engine.is_here(weights):
            self._tab.show_download(name, "here")

    def _download(self, name: str) -> None:
        if weights := self._weights.get(name):
            self._download_engine.start(name, weights)
