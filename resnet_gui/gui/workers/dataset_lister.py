"""Opening a folder of pictures: listed and split in a thread, by name only."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

from resnet_gui.config import make_config
from resnet_gui.data.class_rows import ClassRow, class_rows
from resnet_gui.data.readers.class_folders import list_folder
from resnet_gui.data.samples import Listing
from resnet_gui.data.split import Splits, split_samples
from resnet_gui.messages import Problem
from resnet_gui.throttle import Throttle


class DatasetLister(QObject):
    """The folder that is open. `listing` and `splits` are None while there is none."""

    listing_began = Signal()
    found = Signal(int)
    """Pictures found so far."""
    opened = Signal(object, object, object)
    """A `Listing`, its `Splits`, and a `ClassRow` for each class. `resplit` says them again with other splits."""
    failed = Signal(object)
    """A `Problem`: the folder cannot be used; the one that was open before stays open."""
    cancelled = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.listing: Listing | None = None
        self.splits: Splits | None = None
        self._lister: ListingThread | None = None

    def open(self, folder: Path, settings: dict[str, Any]) -> None:
        """Lists `folder` and splits it by `settings`, dotted keys as the form gives them."""
        self.cancel()
        self._start(ListingThread(folder, None, settings, self))
        self.listing_began.emit()

    def resplit(self, settings: dict[str, Any]) -> None:
        """Splits the open folder anew, when a setting that matters for it has changed.

        One that is being listed is split anew as soon as that is done.
        """
        if self._lister is not None and self._lister.listing is None:
            self._lister.settings = settings
        elif self.listing is not None:
            self.cancel()
            self._start(ListingThread(self.listing.root, self.listing, settings, self))

    @property
    def is_listing(self) -> bool:
        """Whether a folder is being read now."""
        return self._lister is not None and self._lister.listing is None

    def cancel(self) -> None:
        """Stops listing; what was open before stays open. A thread that waits for a slow disk leaves when it can."""
        if self._lister is not None:
            self._lister.requestInterruption()
            self._lister = None
            self.cancelled.emit()

    def end(self) -> None:
        """Waits for every thread."""
        self.cancel()
        for lister in self.findChildren(ListingThread):
            lister.requestInterruption()
            lister.wait()

    def _start(self, lister: ListingThread) -> None:
        self._lister = lister
        lister.found.connect(lambda count: self._count(lister, count))
        lister.finished.connect(lambda: self._take(lister))
        lister.finished.connect(lister.deleteLater)
        lister.start()

    def _count(self, lister: ListingThread, count: int) -> None:
        if lister is self._lister:
            self.found.emit(count)

    def _take(self, lister: ListingThread) -> None:
        if lister is not self._lister:
            return  # cancelled since
        self._lister = None
        if isinstance(lister.result, Problem):
            self.failed.emit(lister.result)
        elif lister.result is not None:
            self.listing, self.splits, rows = lister.result
            self.opened.emit(self.listing, self.splits, rows)
            if lister.settings is not lister.used:  # changed in the last moment
                self.resplit(lister.settings)


class ListingThread(QThread):
    """Lists and splits one folder. `result` is what came of it, None when interrupted."""

    found = Signal(int)

    def __init__(self, folder: Path, listing: Listing | None, settings: dict[str, Any], parent: QObject) -> None:
        super().__init__(parent)
        self._folder = folder
        self.listing = listing
        self.settings = self.used = settings
        self.result: tuple[Listing, Splits, list[ClassRow]] | Problem | None = None

    def run(self) -> None:
        """The thread."""
        pace = Throttle(0.1)

        def tell(count: int) -> None:
            if pace.ready():
                self.found.emit(count)

        try:
            listing = self.listing or list_folder(self._folder, self.isInterruptionRequested, tell)
            if listing is not None:
                self.used = self.settings
                config = make_config(self.used)
                splits = split_samples(
                    listing, config.data.val_fraction, config.data.test_fraction, config.training.seed
                )
                self.result = listing, splits, class_rows(listing, splits)
        except Problem as problem:
            self.result = problem
        except Exception as error:  # a thread that dies in silence would leave the window waiting
            traceback.print_exc()
            self.result = Problem("internal_error", error=f"{type(error).__name__}: {error}")
