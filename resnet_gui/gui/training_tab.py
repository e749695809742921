"""The tab that shows a training: how far it is, two plots, a row for each epoch, and how it ended."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QStackedWidget, QVBoxLayout, QWidget

from resnet_gui.events import (
    BestSaved,
    EpochDone,
    Event,
    Failed,
    Finished,
    Note,
    Progress,
    Skipped,
    Started,
    Stopped,
    Tested,
)
from resnet_gui.gui.durations import time_left
from resnet_gui.gui.epoch_table import EpochTable
from resnet_gui.gui.notes import Notes
from resnet_gui.gui.plots import TrainingPlots
from resnet_gui.gui.result_card import ResultCard
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.words import words


class TrainingTab(QWidget):
    """Draws what a run says. `show_event` takes every event of the run, in order."""

    # Paths travel as object: Qt's own strings would lose bytes that are not UTF-8.
    save_model_requested = Signal(object)
    """str: the model file to copy."""
    run_folder_requested = Signal(object)
    """str: the run's folder."""
    test_requested = Signal(object)
    """str: the folder of the stopped run whose test pictures should be scored."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.header = RunHeader(theme)
        self.card = ResultCard(theme)
        self.notes = Notes(theme)
        self.plots = TrainingPlots(theme)
        self.table = EpochTable()
        self._pages = QStackedWidget()
        self._lay_out()
        self.table.epoch_chosen.connect(self.plots.mark_epoch)
        self.card.save_requested.connect(lambda: self.save_model_requested.emit(self._model))
        self.card.run_folder_requested.connect(lambda: self.run_folder_requested.emit(self._run))
        self.card.test_requested.connect(lambda: self.test_requested.emit(self._run))
        self.clear()

    def clear(self) -> None:
        """Back to the empty state."""
        self._run = self._model = ""
        self._test_pictures = self._skipped = 0
        self.header.hide()
        self.card.clear()
        self.notes.clear()
        self.plots.clear()
        self.table.epochs.clear()
        self._pages.setCurrentIndex(0)

    def show_waiting(self) -> None:
        """A run was asked for and has not begun yet."""
        self.clear()
        self.header.show_waiting()
        self._pages.setCurrentIndex(1)

    def end(self) -> None:
        """Nothing computes any more: takes back what was only being waited for."""
        self.card.allow_test()
        if self._pages.currentIndex() == 1 and not self._run and self.card.isHidden():
            self.clear()

    def show_event(self, event: Event) -> None:
        """Shows one event of a run; those of other jobs are passed over."""
        match event:
            case Started():
                self._show_started(event)
            case Note():
                self.notes.add(words(event.message))
            case Skipped():
                self._count_skipped()
            case Progress():
                self._show_progress(event)
            case EpochDone():
                self.plots.add_epoch(event)
                self.table.epochs.add(event)
            case BestSaved():
                self._model = event.model
                self.header.show_best(event)
            case Stopped() | Finished() | Tested() | Failed():
                self._show_end(event)

    def _show_started(self, event: Started) -> None:
        self.clear()
        self._run, self._test_pictures = event.run, event.test
        self.header.start(event.epochs)
        self._pages.setCurrentIndex(1)

    def _show_progress(self, event: Progress) -> None:
        self.header.show_progress(event)
        if event.phase == "train" and event.loss is not None and event.accuracy is not None:
            self.plots.add_step(event.epoch - 1 + event.step / max(event.steps, 1), event.loss, event.accuracy)

    def _count_skipped(self) -> None:
        self._skipped += 1
        one = self.tr("1 picture could not be read and is left out.")
        many = self.tr("{count} pictures could not be read and are left out.").format(count=self._skipped)
        self.notes.set_first(one if self._skipped == 1 else many)

    def _show_end(self, event: Stopped | Finished | Tested | Failed) -> None:
        self.header.hide()
        if not isinstance(event, Failed):
            self._model = event.model
        match event:
            case Finished():
                self.card.show_finished(event, self.header.best_sentence, self._run)
            case Stopped():
                self.card.show_stopped(event, self.header.best_sentence, self._run, self._test_pictures)
            case Tested():
                self.card.show_score(event.test)
                self.card.show()
            case Failed():
                self.card.show_problem(
                    words(event.message), self._model, self.header.best_sentence, self._run, self._test_pictures
                )

    def _lay_out(self) -> None:
        run = QWidget()
        below = QVBoxLayout(run)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(8)
        below.addWidget(self.plots, 3)
        below.addWidget(self.table, 2)
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
        self._drawing, heading, below = QLabel(), QLabel(self.tr("Nothing has been trained yet")), QLabel()
        heading.setProperty("kind", "heading")
        below.setProperty("kind", "dim")
        below.setText(
            self.tr(
                "Press Start to train. Two lines will then grow here:\n"
                "the loss should fall, the accuracy should rise.\n"
                "Each epoch, once through all training pictures, adds a row below them."
            )
        )
        column = QVBoxLayout(page)
        column.addStretch()
        for label in (self._drawing, heading, below):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        column.addStretch()
        self._theme.changed.connect(self._tint)
        self._tint()
        return page

    def _tint(self) -> None:
        self._drawing.setPixmap(self._theme.icon("curves", "accent").pixmap(48, 48))


class RunHeader(QWidget):
    """How far a run is: “Epoch 8 of 12”, a bar over the whole run, what it does now, and the best so far."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._epochs = 1
        self._best: BestSaved | None = None
        self.heading, self.best, self.line = QLabel(), QLabel(), QLabel()
        self.heading.setProperty("kind", "title")
        self.line.setProperty("kind", "dim")
        self.bar = QProgressBar(maximum=10_000, textVisible=False)
        self.bar.setAccessibleName(self.tr("Progress of the whole run"))
        self._lay_out()
        theme.changed.connect(self._write_best)

    def show_waiting(self) -> None:
        """A run was asked for."""
        self._best = None
        self.heading.setText(self.tr("Getting ready…"))
        self._write_best()
        self.line.setText(self.tr("The engine is starting and the network is being made."))
        self.bar.setValue(0)
        self.show()

    def start(self, epochs: int) -> None:
        """A run of `epochs` begins."""
        self._epochs, self._best = epochs, None
        self._write_epoch(1)
        self._write_best()
        self.line.setText(self.tr("reading the first pictures…"))
        self.bar.setValue(0)
        self.show()

    def show_progress(self, event: Progress) -> None:
        """Moves the bar and says what is being done."""
        if event.phase == "train":
            self._write_epoch(event.epoch)
            self._move(event.epoch - 1 + event.step / max(event.steps, 1))
            step = self.tr("step {step} of {steps}").format(step=event.step, steps=event.steps)
        elif event.phase == "validate":
            self._move(event.epoch)
            step = self.tr("validating…")
        elif event.phase == "test":
            self._move(self._epochs)
            step = self.tr("testing…")
        else:
            return
        left = [] if event.seconds_left is None else [time_left(event.seconds_left)]
        self.line.setText(" · ".join([step, *left]))

    def show_best(self, event: BestSaved) -> None:
        """Names the best epoch so far."""
        self._best = event
        self._write_best()

    @property
    def best_sentence(self) -> str:
        """ "Best validation accuracy 91.9 % at epoch 7", or "" without validation."""
        return self._best_words("{}")

    def _best_words(self, figure: str) -> str:
        if self._best is None or self._best.val_accuracy is None:
            return ""
        percent = figure.format(f"{100 * self._best.val_accuracy:.1f} %")
        return self.tr("Best validation accuracy {percent} at epoch {epoch}").format(
            percent=percent, epoch=self._best.epoch
        )

    def _write_best(self) -> None:
        self.best.setText(self._best_words(f'<b style="color:{self._theme.color("good").name()}">{{}}</b>'))

    def _write_epoch(self, epoch: int) -> None:
        self.heading.setText(self.tr("Epoch {epoch} of {epochs}").format(epoch=epoch, epochs=self._epochs))

    def _move(self, done: float) -> None:
        self.bar.setValue(round(self.bar.maximum() * min(done / self._epochs, 1.0)))

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.heading, 1)
        top.addWidget(self.best, 0, Qt.AlignmentFlag.AlignBottom)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(7)
        column.addLayout(top)
        column.addWidget(self.bar)
        column.addWidget(self.line)
