"""Opens datasets: listing, checking, thumbnails, and the sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from resnet_gui.config import TrainConfig, settings
from resnet_gui.data.class_rows import ClassRow
from resnet_gui.data.samples import LayoutUnclear, Listing
from resnet_gui.data.split import Splits
from resnet_gui.events import Checked, Event, Failed, GreyRangeFound, Progress, SampleDrawn, SkippedMany, Thumbnails
from resnet_gui.gui.data.data_tab import DataTab
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.text import message_text
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.workers.dataset_lister import DatasetLister
from resnet_gui.gui.workers.prediction_engine import PredictionEngine
from resnet_gui.messages import Message, Problem
from resnet_gui.records import GreyRange

_THUMBNAIL_SIDE = 96
_OF_A_RUN = ("network", "data.", "start.", "training.")
_LAYOUT, _FOLD = "data.layout", "data.validation_fold"
_SPLITTING = ("data.val_fraction", "data.test_fraction", "training.seed")


class DatasetController(QObject):
    """Opens datasets and shows them in the setup pane and the data tab."""

    opened = Signal()
    """Another dataset has been opened."""
    asked = Signal()
    """The user is asked how a folder is to be read."""

    def __init__(
        self,
        dataset_lister: DatasetLister,
        prediction_engine: PredictionEngine,
        setup: SetupPane,
        tab: DataTab,
        user_settings: UserSettings,
    ) -> None:
        super().__init__(setup)
        self._dataset_lister = dataset_lister
        self._prediction_engine = prediction_engine
        self._setup = setup
        self._tab = tab
        self._user_settings = user_settings
        self._skipped: dict[str, Message] = {}
        self._check_notes: tuple[Message, ...] = ()
        self._check_job = 0
        self._sample_job = 0
        self._split_by: list[Any] = []
        self._fold = 0
        self._own_values: dict[str, Any] = {}
        """The user's values of the settings that the sample or a run has changed."""
        self._shown: Listing | None = None
        self._folder = Path()
        """The folder that was opened last; that of the dataset may lie in it."""
        self._asked: Path | None = None
        """The dataset folder that the user is asked about."""
        self._dataset_range: GreyRange | None = None
        """What a run would show as black and white in pictures of more than 8 bits; None if there are none."""
        self._drawn_range: GreyRange | None = None
        """That of the thumbnails."""
        setup.folder_requested.connect(self.choose)
        setup.sample_requested.connect(self.open_sample)
        setup.cancel_requested.connect(self._cancel)
        setup.changed.connect(self._on_settings_changed)
        tab.thumbnails_requested.connect(self._draw_thumbnails)
        prediction_engine.engine_died.connect(self._on_engine_died)
        dataset_lister.listing_began.connect(lambda: setup.show_listing(0))
        dataset_lister.found.connect(setup.show_listing)
        dataset_lister.compared.connect(setup.show_comparing)
        dataset_lister.opened.connect(self._show)
        dataset_lister.failed.connect(self._on_failed)
        dataset_lister.unclear.connect(self._ask)
        dataset_lister.listing_began.connect(tab.end_question)
        setup.layout_requested.connect(self._ask_again)
        setup.locked.connect(tab.set_locked)
        tab.layout_chosen.connect(self._on_layout_chosen)
        tab.question_cancelled.connect(tab.end_question)
        tab.question_cancelled.connect(setup.show_again)

    def choose(self) -> None:
        """Lets the user choose a folder, and opens it."""
        recent = self._user_settings.recent("datasets")
        folder = QFileDialog.getExistingDirectory(
            self._setup, self.tr("Choose the folder that holds one sub-folder of pictures for each class"),
            str(Path(recent[0]).parent) if recent else str(Path.home()),
        )  # fmt: skip
        if folder:
            self.open(Path(folder))

    def open(self, folder: Path) -> None:
        """Opens `folder` with the user's settings; those of the sample or a run are reset first."""
        self._stop_sample()
        self._setup.set_values(self._own_values)
        self._own_values = {}
        self._open(folder)

    def open_for_run(self, config: TrainConfig) -> None:
        """Shows the settings and the pictures of a resumed run; settings of the machine stay as they are."""
        keys = [setting.key for setting in settings() if setting.key.startswith(_OF_A_RUN) and setting.key != _LAYOUT]
        self._borrow({key: attrgetter(key)(config) for key in keys})
        layout = config.data.layout
        if self._shown is None or (self._shown.root, self._shown.layout) != (config.dataset, layout):
            self._open(config.dataset, layout)

    def open_sample(self) -> None:
        """Draws the sample pictures, once, and opens them with settings that suit them."""
        self._stop_sample()
        self._dataset_lister.cancel()
        self._setup.show_listing(0)
        self._sample_job = self._prediction_engine.request("sample", self._on_sample_event)

    def own_values(self) -> dict[str, Any]:
        """The settings to store: the user's, not those of the sample or a run."""
        return {**self._setup.values(), **self._own_values}

    def _borrow(self, values: Mapping[str, Any]) -> None:
        """Shows `values` until a folder is opened, and keeps the user's own."""
        now = self._setup.values()
        shown = {key: value for key, value in values.items() if key in now}  # not every setting has a field
        self._own_values = {key: now[key] for key in shown if now[key] != shown[key]} | self._own_values
        self._setup.set_values(shown)

    def add_skipped(self, path: str, message: Message) -> None:
        """Shows that the picture `path` cannot be read, as a check or a run has found; others than this dataset's are ignored."""
        inside = self._shown is not None and Path(path).is_relative_to(self._shown.root)
        if inside and path not in self._skipped:
            self._skipped[path] = message
            self._tab.add_skipped(path, message_text(message))
            self._setup.set_skipped(len(self._skipped))

    def _stop_sample(self) -> None:
        self._prediction_engine.stop(self._sample_job)
        self._sample_job = 0

    def _cancel(self) -> None:
        self._stop_sample()
        self._dataset_lister.cancel()

    def _open(self, folder: Path, layout: str = "") -> None:
        """Opens `folder` in the `layout`; "" is what the user has chosen for it, or else by its names."""
        self._folder = folder = folder.absolute()
        self._split_by, self._fold = self._splitting_values(), self._setup.values()[_FOLD]
        layout = layout or self._user_settings.layout(str(folder))
        self._dataset_lister.open(folder, {**self._setup.values(), _LAYOUT: layout})

    def _ask(self, unclear: LayoutUnclear) -> None:
        """Asks the user how the folder is to be read."""
        self._asked = unclear.root
        is_open = self._shown is not None and self._shown.root == unclear.root
        self._setup.show_question()
        self._tab.ask_for_layout(unclear, self._shown.layout if self._shown and is_open else "")
        self.asked.emit()

    def _ask_again(self) -> None:
        """Asks the user once more how the open dataset is to be read."""
        if self._shown is not None:
            self._folder = self._shown.root
            self._dataset_lister.list_readings(self._shown.root)

    def _on_layout_chosen(self, layout: str) -> None:
        """Reads the folder as the user wants, now and whenever it is opened again."""
        for folder in {self._folder, self._asked or self._folder}:
            self._user_settings.set_layout(str(folder), layout)
        self._open(self._folder, layout)

    def _on_sample_event(self, event: Event) -> None:
        match event:
            case Progress():
                self._setup.show_listing(event.step)
            case Failed():
                self._sample_job = 0
                self._setup.show_problem(message_text(event.message))
            case SampleDrawn():
                self._sample_job = 0
                self._borrow(dict(event.settings))
                self._open(Path(event.folder))

    def _show(self, listing: Listing, splits: Splits, rows: list[ClassRow]) -> None:
        """Shows a dataset. A new one is checked; one that was only split again keeps its skipped pictures."""
        self._setup.show_dataset(listing, splits)
        self._tab.show_dataset(listing, splits, rows)
        if listing is self._shown:
            known, self._skipped = self._skipped, {}
            for path, message in known.items():
                self.add_skipped(path, message)
            self._setup.add_notes(self._check_notes)
            return
        self._shown, self._check_notes = listing, ()
        self._skipped = {}
        self._dataset_range = self._drawn_range = None
        self._prediction_engine.stop(self._check_job)
        self._check_job = self._prediction_engine.request(
            "check", self._on_check_event, dataset=str(listing.root),
            config={
                **dict(zip(_SPLITTING, self._splitting_values(), strict=True)),
                "data.layout": listing.layout, "data.validation_fold": self._fold,
            },
        )  # fmt: skip
        self._user_settings.add_recent("datasets", str(listing.root))
        self.opened.emit()

    def _on_check_event(self, event: Event) -> None:
        match event:
            case Progress():
                self._setup.show_checking(event.step, event.steps)
            case SkippedMany():
                for item in event.items:
                    self.add_skipped(item.path, item.message)
            case GreyRangeFound():
                self._dataset_range = event.grey_range
                self._redraw_thumbnails()
            case Checked():
                self._setup.hide_checking()
                self._check_notes = event.notes
                self._setup.add_notes(event.notes)
            case Failed():
                self._setup.hide_checking()

    def _on_engine_died(self, how: Message) -> None:
        """The engine died: the sample fails. A check is not repeated, because a picture may have been the cause."""
        self._setup.hide_checking()
        if self._sample_job:
            self._sample_job = 0
            self._setup.show_problem(message_text(how))

    def _on_failed(self, problem: Problem) -> None:
        if problem.message.code == "layout_misfit":  # the folder is not any more what the user's answer was about
            self._user_settings.set_layout(str(self._folder), "auto")
            self._open(self._folder)
            return
        self._setup.show_problem(message_text(problem.message))

    def _on_settings_changed(self) -> None:
        self._redraw_thumbnails()
        fold = self._setup.values()[_FOLD]
        if fold != self._fold and self._shown is not None and self._shown.layout == "folds":
            self._open(self._shown.root, "folds")
        elif self._splitting_values() != self._split_by:
            self._split_by = self._splitting_values()
            self._dataset_lister.resplit(self._setup.values())

    def _splitting_values(self) -> list[Any]:
        values = self._setup.values()
        return [values[key] for key in _SPLITTING]

    def _redraw_thumbnails(self) -> None:
        """Draws the thumbnails anew, if they are to show another range of grey."""
        each = self._setup.values()["data.grey_levels"] == "picture"
        wanted = GreyRange(0.0, 0.0, stretch=True) if each and self._dataset_range else self._dataset_range
        if wanted != self._drawn_range:
            self._drawn_range = wanted
            self._tab.redraw_thumbnails()

    def _draw_thumbnails(self, paths: list[str]) -> None:
        drawn = self._drawn_range

        def show(event: Event) -> None:
            if isinstance(event, Thumbnails) and drawn == self._drawn_range:
                self._tab.show_thumbnails(event.items)

        self._prediction_engine.request(
            "thumbnails", show, paths=list(paths), side=_THUMBNAIL_SIDE, grey_range=drawn and asdict(drawn)
        )
