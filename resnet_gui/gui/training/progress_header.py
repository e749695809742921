"""The progress of a run, above its plots."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from resnet_gui.events import BestSaved, CheckpointSaved, Progress, Resumed, Stopped, Waiting
from resnet_gui.gui.text import message_text, position_text, time_left
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.labels import breakable, label, set_style_property
from resnet_gui.runs.history import RunHistory


class ProgressHeader(QWidget):
    """ "Epoch 8 of 12", a bar over the whole run, the current step, the last checkpoint, and the best so far."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._epochs = 1
        self._best: BestSaved | None = None
        self._elsewhere = False
        self.heading, self.best, self.saved, self.line = QLabel(), QLabel(), QLabel(), label("dim")
        self.heading.setProperty("kind", "title")
        self.saved.setProperty("kind", "dim")
        self.saved.setToolTip(self.tr("Whatever happens now, the run can go on from there."))
        self.bar = QProgressBar(maximum=10_000, textVisible=False)
        self.bar.setAccessibleName(self.tr("Progress of the whole run"))
        self._build_layout()
        theme.changed.connect(self._write_best)

    def show_waiting(self) -> None:
        """Shows that a run has been requested."""
        self.show_history(RunHistory())
        self.heading.setText(self.tr("Getting ready…"))
        self._set_line(self.tr("The engine is starting and the network is being made."))

    def show_resuming(self) -> None:
        """Shows that the run is being resumed."""
        self.heading.setText(self.tr("Getting ready…"))
        self._set_line(self.tr("Reading what was saved, and whether the pictures are as they were."))
        self.show()

    def show_history(self, history: RunHistory, elsewhere: bool = False) -> None:
        """Shows the state of a run that goes on; `elsewhere` if another program trains it."""
        self._epochs, self._best, self._elsewhere = history.epochs, history.best, elsewhere
        self._write_best()
        self.saved.clear()
        self._write_epoch(1)
        self._move(0)
        elsewhere_words = self.tr("another program trains this run")
        self._set_line(elsewhere_words if elsewhere else self.tr("reading the first pictures…"))
        match history.position:
            case Progress():
                self.show_progress(history.position)
            case Resumed():
                self._show_resumed(history.position)
        if history.saved:
            self.show_saved(history.saved)
        self.show()

    def show_progress(self, event: Progress) -> None:
        """Moves the bar and shows the current step."""
        if event.phase == "features":
            self.heading.setText(self.tr("Looking at the pictures, once for all epochs"))
            step = self.tr("picture {step} of {steps}").format(step=event.step, steps=event.steps)
        elif event.phase == "train":
            self._write_epoch(event.epoch)
            self._move(event.epoch - 1 + event.step / max(event.steps, 1))
            step = self.tr("step {step} of {steps}").format(step=event.step, steps=event.steps)
        elif event.phase == "validate":
            self._write_epoch(event.epoch)
            self._move(event.epoch)
            step = self.tr("validating…")
        elif event.phase == "test":
            self._write_epoch(self._epochs)
            self._move(self._epochs)
            step = self.tr("testing…")
        else:
            return
        who = [self.tr("another program trains this run")] if self._elsewhere else []
        left = [] if event.seconds_left is None else [time_left(event.seconds_left)]
        self._set_line(" · ".join([*who, step, *left]))

    def show_wait(self, event: Waiting) -> None:
        """Shows as a warning what the run waits for. The message itself states that the run is saved."""
        self.saved.clear()
        self._set_line(message_text(event.message), "warning")

    def show_saved(self, event: CheckpointSaved) -> None:
        """Shows the last checkpoint. One at epoch 1, step 0 is not shown."""
        if (event.epoch, event.step) > (1, 0):
            self.saved.setText(self.tr("saved at {place}").format(place=position_text(event.epoch, event.step)))

    def show_paused(self, event: Stopped) -> None:
        """Shows that the run is saved and can be resumed."""
        self.heading.setText(self.tr("Paused at {place}").format(place=position_text(event.epoch, event.step)))
        self._set_line(
            self.tr("Everything is saved, and the memory is free again. Resume when you like, even tomorrow.")
        )
        self.saved.clear()

    def show_best(self, event: BestSaved) -> None:
        """Shows the best epoch so far."""
        self._best = event
        self._write_best()

    @property
    def best_sentence(self) -> str:
        """ "Best validation accuracy 91.9 % at epoch 7", or "" without validation."""
        return self._best_text("{}")

    def _best_text(self, figure: str) -> str:
        if self._best is None or self._best.val_accuracy is None:
            return ""
        percent = figure.format(f"{100 * self._best.val_accuracy:.1f} %")
        text = self.tr("Best validation accuracy {percent} at epoch {epoch}")
        if self._best.val_leaked:
            text = self.tr(
                "Best validation accuracy {percent} at epoch {epoch}; training pictures among the validation pictures: {count}"
            )
        return text.format(percent=percent, epoch=self._best.epoch, count=self._best.val_leaked)

    def _write_best(self) -> None:
        self.best.setText(self._best_text(f'<b style="color:{self._theme.color("good").name()}">{{}}</b>'))

    def _write_epoch(self, epoch: int) -> None:
        self.heading.setText(self.tr("Epoch {epoch} of {epochs}").format(epoch=epoch, epochs=self._epochs))

    def _show_resumed(self, event: Resumed) -> None:
        self._write_epoch(min(event.epoch, event.epochs))
        self._move(event.epoch - 1)
        self._set_line(self.tr("going on from {place}…").format(place=position_text(event.epoch, event.step)))

    def _set_line(self, text: str, kind: str = "dim") -> None:
        if self.line.property("kind") != kind:
            set_style_property(self.line, "kind", kind)
        self.line.setText(breakable(text))

    def _move(self, done: float) -> None:
        self.bar.setValue(round(self.bar.maximum() * min(done / self._epochs, 1.0)))

    def _build_layout(self) -> None:
        top, below = QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.heading, 1)
        top.addWidget(self.best, 0, Qt.AlignmentFlag.AlignBottom)
        below.setSpacing(18)
        below.addWidget(self.line, 1)
        below.addWidget(self.saved, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(7)
        column.addLayout(top)
        column.addWidget(self.bar)
        column.addLayout(below)
