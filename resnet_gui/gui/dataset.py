"""Opening a folder of pictures: listed and split in a thread, by name only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

from resnet_gui.config import make_config
from resnet_gui.data.folder import Listing, list_folder
from resnet_gui.data.split import Splits, split_samples
from resnet_gui.messages import Problem
from resnet_gui.pace import Pace


class Dataset(QObject):
    """The folder that is open. `listing` and `splits` are None while there is none."""

    listing_began = Signal()
    found = Signal(int)
    """Pictures found so far."""
    opened = Signal(object, object)
    """A `Listing` and its `Splits`. `resplit` says them again with other splits."""
    failed = Signal(object)
    """A `Problem`: the folder cannot be used; the one that was open before stays open."""
    cancelled = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.listing: Listing | None = None
        self.splits: Splits | None = None
        self._lister: Lister | None = None

    def open(self, folder: Path, settings: dict[str, Any]) -> None:
        """Lists `folder` and splits it by `settings`, dotted keys as the form gives them."""
        self.cancel()
        self.listing_began.emit()
        self._start(Lister(folder, None, settings, self))

    def resplit(self, settings: dict[str, Any]) -> None:
        """Splits the open folder anew, when a setting that matters for it has changed."""
        if self.listing is not None and not self.listing_is_running:
            self._start(Lister(self.listing.root, self.listing, settings, self))

    @property
    def listing_is_running(self) -> bool:
        """Whether a folder is being read now."""
        return self._lister is not None

    def cancel(self) -> None:
        """Stops listing; what was open before stays open."""
        if self._lister is not None:
            self._lister.requestInterruption()
            self._lister.wait()
            self._lister.deleteLater()
            self._lister = None

    def _start(self, lister: Lister) -> None:
        self._lister = lister
        lister.found.connect(self.found)
        lister.finished.connect(lambda: self._take(lister))
        lister.start()

    def _take(self, lister: Lister) -> None:
        if lister is not self._lister:
            return  # cancelled since
        self._lister = None
        lister.deleteLater()
        if isinstance(lister.result, Problem):
            self.failed.emit(lister.result)
        elif lister.result is None:
            self.cancelled.emit()
        else:
            self.listing, self.splits = lister.result
            self.opened.emit(self.listing, self.splits)


class Lister(QThread):
    """Lists and splits one folder. `result` is what came of it, None when interrupted."""

    found = Signal(int)

    def __init__(self, folder: Path, listing: Listing | None, settings: dict[str, Any], parent: QObject) -> None:
        super().__init__(parent)
        self._folder = folder
        self._listing = listing
        self._settings = settings
        self.result: tuple[Listing, Splits] | Problem | None = None

    def run(self) -> None:
        """The thread."""
        pace = Pace(0.1)
        try:
            config = make_config(self._settings)
            listing = self._listing or list_folder(
                self._folder, self.isInterruptionRequested, lambda count: pace.due() and self.found.emit(count)
            )
            if listing is not None:
                splits = split_samples(
                    listing, config.data.val_fraction, config.data.test_fraction, config.training.seed
                )
                self.result = listing, splits
        except Problem as problem:
            self.result = problem
