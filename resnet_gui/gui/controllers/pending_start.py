"""The start of a run whose weights may have to be downloaded first."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal

from resnet_gui.data.samples import Listing
from resnet_gui.gui.setup.download_dialog import DownloadDialog
from resnet_gui.gui.setup.initial_weights import FROM
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.workers.dataset_lister import DatasetLister
from resnet_gui.gui.workers.download_engine import DownloadEngine
from resnet_gui.gui.workers.training_engine import TrainingEngine
from resnet_gui.records import Weights


class PendingStart(QObject):
    """Checks whether a run can start. If its weights are missing, offers to download them and lets the run wait."""

    ready = Signal(object)
    """The settings, by dotted key, of a run that can start now."""

    def __init__(
        self, training_engine: TrainingEngine, dataset_lister: DatasetLister, setup: SetupPane, download_engine: DownloadEngine,
        parent: QObject,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._training_engine = training_engine
        self._dataset_lister = dataset_lister
        self._setup = setup
        self._download_engine = download_engine
        self._pending_config: dict[str, Any] | None = None
        """The settings of the run that starts when its weights are downloaded."""
        download_engine.changed.connect(self._show_download)
        download_engine.finished.connect(setup.look_for_weights)
        download_engine.finished.connect(self._start_pending)
        setup.download.pause_requested.connect(download_engine.pause)
        setup.download.resume_requested.connect(download_engine.resume)
        setup.download.cancel_requested.connect(download_engine.cancel)
        setup.download.again_requested.connect(self._download)
        setup.download.scratch_requested.connect(self._start_from_scratch)
        setup.changed.connect(self._forget_failure)

    def start(self) -> None:
        """Starts a run on the open dataset with the settings chosen. If weights are missing, offers to download them first."""
        if self._can_start():
            weights = self._setup.weights
            if weights is None or self._download_engine.is_here(weights):
                self._begin(self._config())
            elif (self._download_engine.network, self._download_engine.phase) == (self._setup.network.name, "running"):
                self._download()  # it runs already, so there is nothing to ask the user
            else:
                self._ask_to_download(weights)

    def _can_start(self) -> bool:
        is_open = self._dataset_lister.listing is not None and not self._dataset_lister.is_listing
        is_free = self._training_engine.phase == "idle" and not self._is_waiting()
        return is_open and is_free and not self._setup.missing

    def _is_waiting(self) -> bool:
        """Whether a run waits for its weights."""
        return self._pending_config is not None and self._download_engine.phase in ("running", "paused")

    @property
    def _listing(self) -> Listing:
        """The open dataset; there is one whenever a run can start."""
        assert self._dataset_lister.listing is not None
        return self._dataset_lister.listing

    def _config(self) -> dict[str, Any]:
        return {**self._setup.values(), "dataset": str(self._listing.root), "data.layout": self._listing.layout}

    def _begin(self, config: dict[str, Any]) -> None:
        self._drop_pending()
        self.ready.emit(config)

    def _ask_to_download(self, weights: Weights) -> None:
        pictures = len(self._listing.samples)
        dialog = DownloadDialog(self._setup.network.title, weights, pictures, self._setup)
        dialog.download_chosen.connect(self._download)
        dialog.scratch_chosen.connect(self._start_from_scratch)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _start_from_scratch(self) -> None:
        if self._can_start():
            self._begin({**self._config(), FROM: "random"})

    def _download(self) -> None:
        """The user has agreed: the run starts when the weights are downloaded."""
        if self._can_start() and (weights := self._setup.weights):
            self._pending_config = self._config()
            self._download_engine.start(self._setup.network.name, weights)
            self._setup.set_downloading(True)

    def _show_download(self, network: str, phase: str, done: int, total: int, text: str) -> None:
        """Shows the download that a run waits for. If another download has replaced it, the run is dropped."""
        if self._pending_config is None:
            return
        if phase == "none" or self._pending_config["network"] != network:
            self._drop_pending()
            return
        self._setup.download.show_download(self._setup.network.title, phase, done, total, text)
        self._setup.set_downloading(phase != "failed")

    def _start_pending(self, network: str) -> None:
        """The weights are downloaded: starts the run, unless the user has opened another dataset meanwhile."""
        pending = self._pending_config
        if pending and pending["network"] == network:
            self._drop_pending()
            if self._can_start() and pending["dataset"] == self._config()["dataset"]:
                self._begin(pending)

    def _drop_pending(self) -> None:
        self._pending_config = None
        self._setup.download.hide()
        self._setup.set_downloading(False)

    def _forget_failure(self) -> None:
        """Hides a failed download once another setting is chosen."""
        if self._pending_config is not None and self._download_engine.phase == "failed":
            self._drop_pending()
