"""The tab that shows a training run: its progress, two plots, a row for each epoch, and how it ended."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QStackedWidget, QVBoxLayout, QWidget

from resnet_gui.events import (
    BestSaved,
    CheckpointSaved,
    EpochDone,
    Event,
    Failed,
    Finished,
    Note,
    Planned,
    Progress,
    Resumed,
    Skipped,
    Started,
    Stopped,
    TestScored,
    Waiting,
    WeightsLoaded,
)
from resnet_gui.gui.text import message_text
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.training.epoch_table import EpochTable
from resnet_gui.gui.training.progress_header import ProgressHeader
from resnet_gui.gui.training.result_card import ResultCard
from resnet_gui.gui.training.run_notes import RunNotes
from resnet_gui.gui.widgets.labels import label
from resnet_gui.runs.history import End, RunHistory

if TYPE_CHECKING:
    from resnet_gui.gui.training.training_plots import TrainingPlots
    from resnet_gui.runs.run_status import RunStatus


class TrainingTab(QWidget):
    """Shows a run. `show_event` handles each event of the run, in order; `show_history` shows many at once."""

    # Paths are sent as objects: Qt's own strings lose bytes that are not UTF-8.
    save_model_requested = Signal(object)
    """str: the model file to copy."""
    run_folder_requested = Signal(object)
    """str: the run's folder."""
    test_requested = Signal(object)
    """str: the folder of the stopped run whose test pictures should be scored."""
    resume_requested = Signal(object)
    """str: the folder of the run to resume."""
    history_requested = Signal(object)
    """str: the folder of a resumed run. Its new events are held until `show_history` has shown the earlier ones."""
    further_requested = Signal(object)
    """str: the folder of the finished run that should have more epochs."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.history = RunHistory()
        self._held: list[tuple[Event, bool]] | None = None
        self._status: RunStatus | None = None
        self.header = ProgressHeader(theme)
        self.card = ResultCard(theme)
        self.notes = RunNotes(theme)
        self.table = EpochTable()
        self._pages = QStackedWidget()
        self._build_layout()
        self.card.save_requested.connect(lambda: self.save_model_requested.emit(self.history.model))
        self.card.run_folder_requested.connect(lambda: self.run_folder_requested.emit(self.history.run))
        self.card.test_requested.connect(lambda: self.test_requested.emit(self.history.run))
        self.card.resume_requested.connect(lambda: self.resume_requested.emit(self.history.run))
        self.card.further_requested.connect(lambda: self.further_requested.emit(self.history.run))
        self.header.hide()

    @cached_property
    def plots(self) -> TrainingPlots:
        """Made on first use, with the import of pyqtgraph: the program's start should not wait for that."""
        from resnet_gui.gui.training.training_plots import TrainingPlots

        plots = TrainingPlots(self._theme)
        plots.show_curves(self.history.curves)
        self._run.insertWidget(0, plots, 3)
        self.table.epoch_chosen.connect(plots.mark_epoch)
        return plots

    def clear(self) -> None:
        """Back to the empty state."""
        self._show_all(RunHistory())
        self.header.hide()
        self._pages.setCurrentIndex(0)

    def show_waiting(self) -> None:
        """Shows that a run has been requested and has not begun yet."""
        self.clear()
        self.header.show_waiting()
        self._pages.setCurrentIndex(1)

    def show_resuming(self) -> None:
        """Shows that the run is being resumed. Its plots and table stay until it is."""
        self.card.hide()
        self.header.show_resuming()

    def show_history(self, history: RunHistory | None, elsewhere: bool = False) -> None:
        """Shows a run's history, and then the events that were held. With None, only the latter.

        `elsewhere` if another program trains it.
        """
        held, self._held = self._held or [], None
        if history is not None:
            self._show_all(history)
            self.header.show_history(history, elsewhere)
            self._show_ends()
        for event, paused in held:
            self.show_event(event, paused)

    def show_status(self, status: RunStatus | None) -> None:
        """Sets from where the run that is shown can be resumed, None if it cannot."""
        self._status = status
        if status is not None and not self.history.ends:
            self.header.hide()
            self.card.show_interrupted(
                status, self.history.model, self.header.best_sentence, self.history.test_pictures
            )
        self._update_choices()

    def _update_choices(self) -> None:
        finished = any(isinstance(end, Finished) for end in self.history.ends)
        self.card.offer(resume=self._status is not None and not finished, further=self._status is not None and finished)

    def end(self) -> None:
        """Called when no job runs: re-enables the score link and shows how the run ended."""
        self.card.allow_test()
        if self._held is not None or not self.card.isHidden():
            return
        if self.history.run:
            self._show_ends()
        else:
            self.clear()

    def show_event(self, event: Event, paused: bool = False) -> None:
        """Shows one event of a run; events of other jobs are ignored. `paused` if the run will be resumed later."""
        if self._held is not None:
            self._held.append((event, paused))
            return
        if isinstance(event, Started):
            self._show_all(RunHistory(event.run))
        self.history.add(event)
        match event:
            case Started():
                self.header.show_history(self.history)
            case Resumed():
                self.card.clear()
                self.header.show_history(self.history)
                self._held = []
                self.history_requested.emit(event.run)
            case Note() | Planned():
                self.notes.add(message_text(event.message))
            case WeightsLoaded():
                for each in reversed([*event.messages]):  # the newest note is on top
                    self.notes.add(message_text(each))
            case Skipped():
                self._show_skipped()
            case Waiting():
                self.header.show_wait(event)
            case Progress():
                self.header.show_progress(event)
                self.plots.follow()
            case EpochDone():
                self.table.epochs.add(event)
                self.plots.follow()
            case CheckpointSaved():
                self.header.show_saved(event)
            case BestSaved():
                self.header.show_best(event)
            case Stopped() if paused:
                self.header.show_paused(event)
            case Stopped() | Finished() | TestScored() | Failed():
                self._show_ends()

    def _show_all(self, history: RunHistory) -> None:
        """Shows everything of `history` but the header and the card."""
        self.history, self._status = history, None
        self.card.clear()
        self.notes.set_all([message_text(note) for note in history.notes])
        self._show_skipped()
        self.plots.show_curves(history.curves)
        self.table.epochs.set_all(history.curves.epochs)
        self._pages.setCurrentIndex(1)

    def _show_skipped(self) -> None:
        count = len(self.history.skipped)
        one = self.tr("1 picture could not be read and is left out.")
        many = self.tr("{count} pictures could not be read and are left out.").format(count=count)
        self.notes.set_first(one if count == 1 else many if count else "")

    def _show_ends(self) -> None:
        """Shows how the run ended, and the jobs after it."""
        if not self.history.ends:
            return
        self.header.hide()
        self.card.clear()
        for end in self.history.ends:
            self._show_end(end)
        self._update_choices()

    def _show_end(self, event: End) -> None:
        history, best = self.history, self.header.best_sentence
        match event:
            case Finished():
                self.card.show_finished(event, best, history.run)
            case Stopped():
                self.card.show_stopped(event, best, history.run, history.test_pictures)
            case TestScored():
                self.card.show_score(event.test)
                self.card.show()
            case Failed():
                run = history.run if Path(history.run).is_dir() else ""  # it is removed if nothing was learned
                self.card.show_problem(message_text(event.message), history.model, best, run, history.test_pictures)

    def _build_layout(self) -> None:
        run = QWidget()
        self._run = QVBoxLayout(run)
        self._run.setContentsMargins(0, 0, 0, 0)
        self._run.setSpacing(8)
        self._run.addWidget(self.table, 2)
        self._pages.addWidget(self._make_empty_page())
        self._pages.addWidget(run)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 10)
        column.setSpacing(10)
        for widget in (self.header, self.card, self.notes):
            column.addWidget(widget)
        column.addWidget(self._pages, 1)

    def _make_empty_page(self) -> QWidget:
        page = QWidget()
        self._drawing, heading = QLabel(), label("heading", self.tr("Nothing has been trained yet"))
        below = label(
            "dim",
            self.tr(
                "Press Start to train. Two lines will then grow here:\n"
                "the loss should fall, the accuracy should rise.\n"
                "Each epoch, once through all training pictures, adds a row below them."
            ),
        )
        column = QVBoxLayout(page)
        column.addStretch()
        for widget in (self._drawing, heading, below):
            widget.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(widget)
        column.addStretch()
        self._theme.changed.connect(self._update_icons)
        self._update_icons()
        return page

    def _update_icons(self) -> None:
        self._drawing.setPixmap(self._theme.icon("curves", "accent").pixmap(48, 48))
