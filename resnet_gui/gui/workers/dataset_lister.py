"""Lists and splits a folder of pictures in a thread, by file names and by which files are equal."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

from resnet_gui.config import make_config
from resnet_gui.data.checks.duplicates import with_duplicates
from resnet_gui.data.class_rows import ClassRow, class_rows
from resnet_gui.data.readers.class_folders import list_folder, list_readings
from resnet_gui.data.samples import LayoutUnclear, Listing
from resnet_gui.data.split import Splits, split_samples
from resnet_gui.messages import Problem
from resnet_gui.throttle import Throttle


class DatasetLister(QObject):
    """The open folder. `listing` and `splits` are None while none is open."""

    listing_began = Signal()
    found = Signal(int)
    """Pictures found so far."""
    compared = Signal(int, int)
    """Of the pictures whose files may be equal, how many have been compared, and how many there are."""
    opened = Signal(object, object, object)
    """A `Listing`, its `Splits`, and a `ClassRow` for each class. `resplit` emits them again with other splits."""
    failed = Signal(object)
    """A `Problem`: the folder cannot be used; the one that was open before stays open."""
    unclear = Signal(object)
    """A `LayoutUnclear`: the user must choose how the folder is read; the one that was open before stays open."""
    cancelled = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.listing: Listing | None = None
        self.splits: Splits | None = None
        self._thread: ListingThread | None = None

    def open(self, folder: Path, settings: dict[str, Any]) -> None:
        """Lists `folder` and splits it by `settings`, which have dotted keys."""
        self.cancel()
        self._start(ListingThread(folder, None, settings, self))
        self.listing_began.emit()

    def list_readings(self, folder: Path) -> None:
        """Lists `folder` in every way it can be read, and emits `unclear` for the user to choose again."""
        self.cancel()
        self._start(ListingThread(folder, None, {}, self, readings=True))
        self.listing_began.emit()

    def resplit(self, settings: dict[str, Any]) -> None:
        """Splits the open folder again, by changed `settings`.

        A folder that is being listed is split by them when its listing is done.
        """
        if self._thread is not None and self._thread.listing is None:
            self._thread.settings = settings
        elif self.listing is not None:
            self.cancel()
            self._start(ListingThread(self.listing.root, self.listing, settings, self))

    @property
    def is_listing(self) -> bool:
        """Whether a folder is being listed."""
        return self._thread is not None and self._thread.listing is None

    def cancel(self) -> None:
        """Stops listing; the folder that was open stays open. A thread that waits for a slow disk ends later."""
        if self._thread is not None:
            self._thread.requestInterruption()
            self._thread = None
            self.cancelled.emit()

    def end(self) -> None:
        """Cancels, and waits until every thread has ended."""
        self.cancel()
        for thread in self.findChildren(ListingThread):
            thread.requestInterruption()
            thread.wait()

    def _start(self, thread: ListingThread) -> None:
        self._thread = thread
        thread.found.connect(lambda count: self._on_found(thread, count))
        thread.compared.connect(lambda step, steps: self._on_compared(thread, step, steps))
        thread.finished.connect(lambda: self._on_finished(thread))
        thread.finished.connect(thread.deleteLater)
        thread.start()

    def _on_found(self, thread: ListingThread, count: int) -> None:
        if thread is self._thread:
            self.found.emit(count)

    def _on_compared(self, thread: ListingThread, step: int, steps: int) -> None:
        if thread is self._thread:
            self.compared.emit(step, steps)

    def _on_finished(self, thread: ListingThread) -> None:
        if thread is not self._thread:
            return  # cancelled meanwhile
        self._thread = None
        if isinstance(thread.result, LayoutUnclear):
            self.unclear.emit(thread.result)
            if thread.settings is not thread.used:  # changed meanwhile: they are those of the folder that is open
                self.resplit(thread.settings)
        elif isinstance(thread.result, Problem):
            self.failed.emit(thread.result)
        elif thread.result is not None:
            self.listing, self.splits, rows = thread.result
            self.opened.emit(self.listing, self.splits, rows)
            if thread.settings is not thread.used:  # changed after the thread had read them
                self.resplit(thread.settings)


class ListingThread(QThread):
    """Lists and splits one folder, or lists its `readings`. `result` is None if the thread was interrupted."""

    found = Signal(int)
    compared = Signal(int, int)

    def __init__(
        self, folder: Path, listing: Listing | None, settings: dict[str, Any], parent: QObject, readings: bool = False
    ) -> None:
        super().__init__(parent)
        self._readings = readings
        self._folder = folder
        self.listing = listing
        self.settings = self.used = settings
        self.result: tuple[Listing, Splits, list[ClassRow]] | Problem | None = None

    def run(self) -> None:
        """Runs in the thread: lists, splits, and sets `result`."""
        try:
            self.result = list_readings(self._folder, *self._watched()) if self._readings else self._split()
        except Problem as problem:
            self.result = problem
        except Exception as error:  # without a result the window would wait for ever
            traceback.print_exc()
            self.result = Problem("internal_error", error=f"{type(error).__name__}: {error}")

    def _list(self) -> Listing | None:
        """The folder's listing with its groups of equal files; None if the thread was interrupted."""
        data, throttle = make_config(self.settings).data, Throttle(0.1)

        def compare(step: int, steps: int) -> None:
            if throttle.ready():
                self.compared.emit(step, steps)

        listing = list_folder(self._folder, *self._watched(), data.layout, data.validation_fold)
        return listing and with_duplicates(listing, self.isInterruptionRequested, compare)

    def _watched(self) -> tuple[Callable[[], bool], Callable[[int], None]]:
        """Whether listing is interrupted, and what reports how many pictures have been found."""
        throttle = Throttle(0.1)

        def report(count: int) -> None:
            if throttle.ready():
                self.found.emit(count)

        return self.isInterruptionRequested, report

    def _split(self) -> tuple[Listing, Splits, list[ClassRow]] | None:
        listing = self.listing or self._list()
        if listing is None:
            return None
        self.used = self.settings
        config = make_config(self.used)
        splits = split_samples(listing, config.data.val_fraction, config.data.test_fraction, config.training.seed)
        return listing, splits, class_rows(listing, splits)
