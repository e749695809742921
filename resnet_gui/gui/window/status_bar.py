"""The status bar: engine, device, speed, and progress."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton, QStatusBar

from resnet_gui.events import (
    Event,
    Failed,
    Finished,
    Planned,
    Progress,
    Ready,
    Resumed,
    Started,
    Stopped,
    TestScored,
    Waiting,
)
from resnet_gui.gui.text import message_text, time_left
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.labels import named, tooltip

_COMPUTING = ("training", "waiting", "saving")
"""The phases in which the device shown is that of a run."""


class StatusBar(QStatusBar):
    """Left the engine's phase, the device and the speed; right the step, the time left and a bar."""

    restart_requested = Signal()
    """The user wants a silent run to be resumed by a new engine."""
    end_requested = Signal()
    """The user wants to end a silent run that should stop."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._phase, self._token = "", "dim"
        self._epochs = 0
        self._dot, self._engine, self._device, self._speed, self._left = (
            QLabel(textFormat=Qt.TextFormat.PlainText) for _ in range(5)
        )
        self._bar = QProgressBar(textVisible=False)
        self._bar.setFixedWidth(120)
        self._bar.setAccessibleName(self.tr("Progress of the run"))
        for widget in (self._dot, self._engine, self._device, self._speed):
            self.addWidget(widget)
        self._restart = self._link(
            self.tr("Restart from the last checkpoint"), self.restart_requested,
            self.tr(
                "Ends the engine, which does not answer, and goes on from what was saved last. To wait, do nothing. "
                "To end the run, press Stop and then “End the run”."
            ),
        )  # fmt: skip
        self._end = self._link(
            self.tr("End the run"), self.end_requested,
            self.tr("Ends the engine, which does not answer. What the run has saved is kept."),
        )  # fmt: skip
        for part in (self._left, self._restart, self._end, self._bar):
            self.addPermanentWidget(part)
        self._bar.hide()
        self.setSizeGripEnabled(False)
        self.setContentsMargins(12, 0, 8, 0)
        self.show_engine("starting")
        theme.changed.connect(self._update_icons)

    def show_engine(self, phase: str) -> None:
        """Shows the phase: "starting", "ready", "training", "waiting", "saving", "paused" or "gone"."""
        if phase == self._phase:
            return
        self._phase = phase
        texts = {
            "starting": self.tr("Engine is starting…"),
            "ready": self.tr("Engine ready"),
            "training": self.tr("Training"),
            "waiting": self.tr("Waiting…"),
            "paused": self.tr("Paused"),
            "saving": self.tr("Saving…"),
            "gone": self.tr("Engine stopped"),
        }
        self._engine.setText(texts[phase])
        self._engine.setToolTip("")
        self._token = {"ready": "good", "training": "accent", "waiting": "warning", "gone": "bad"}.get(phase, "dim")
        self._update_icons()

    def show_silence(self, seconds: int, running: bool) -> None:
        """Shows that the run has been silent for `seconds`; 0 hides it. Offers a restart if it is `running`, else its end."""
        self._restart.setVisible(seconds > 0 and running)
        self._end.setVisible(seconds > 0 and not running)
        if seconds:
            self._left.setText(self.tr("No news from the engine for {count} s").format(count=seconds))
        else:
            self._left.clear()

    def show_event(self, event: Event) -> None:
        """Shows the device, speed, progress and time left that an event of a run reports."""
        match event:
            case Ready() if self._phase not in _COMPUTING:
                self._show_device(event.device, event.threads)
                self._device.setToolTip(f"PyTorch {event.torch}")
            case Started() | Resumed():
                self._epochs = event.epochs
                self._show_device(event.device, event.threads)
            case Planned():
                self._show_plan(event)
            case Waiting():
                self.show_engine("waiting")
                self._engine.setToolTip(tooltip(message_text(event.message)))
                self._speed.clear()
                self._left.clear()
            case Progress(phase="features"):
                self._show_progress(event, self.tr("picture {step} of {steps}"))
            case Progress(phase="survey"):
                step = self.tr("picture {step} of {steps}").format(step=event.step, steps=event.steps)
                self._left.setText(self.tr("Looking at the pictures' sizes · {step}").format(step=step))
            case Progress(phase="train"):
                self._show_progress(event, self.tr("step {step} of {steps}"))
                self._bar.setRange(0, self._epochs * event.steps)
                self._bar.setValue((event.epoch - 1) * event.steps + event.step)
                self._bar.show()
            case Finished() | Stopped() | Failed() | TestScored():
                self._bar.hide()
                self._left.clear()
                self._speed.clear()

    def _show_device(self, device: str, threads: int) -> None:
        kind, _, number = device.partition(":")
        name = {"cpu": "CPU", "cuda": "GPU", "mps": "Apple GPU"}.get(kind, kind) + f" {number}".rstrip()
        count = self.tr("1 thread") if threads == 1 else self.tr("{count} threads").format(count=threads)
        self._device.setText(f"{name} · {count}")
        self._device.setToolTip("")

    def _show_plan(self, plan: Planned) -> None:
        self._device.setText(f"{self._device.text()} · {plan.precision}")
        facts = [self.tr("Batch size: {count}").format(count=plan.batch_size)]
        if plan.images_per_second is not None:
            facts.append(self.tr("Speed when tried: {count} images/s").format(count=f"{plan.images_per_second:.1f}"))
        if plan.memory is not None:
            facts.append(self.tr("Expected memory: {count} GB").format(count=f"{plan.memory / 1e9:.1f}"))
        self._device.setToolTip(tooltip("\n".join([message_text(plan.message), *facts])))

    def _show_progress(self, event: Progress, template: str) -> None:
        if event.images_per_second is not None and event.seconds_left is not None:
            self._speed.setText(self.tr("{count} images/s").format(count=f"{event.images_per_second:.1f}"))
            step = template.format(step=event.step, steps=event.steps)
            self._left.setText(f"{step} · {time_left(event.seconds_left)}")

    def _link(self, text: str, signal: object, hint: str) -> QPushButton:
        link = named(QPushButton(text), "small")
        link.setProperty("kind", "link")
        link.setToolTip(tooltip(hint))
        link.clicked.connect(signal)
        link.hide()
        return link

    def _update_icons(self) -> None:
        self._dot.setPixmap(self._theme.icon("dot", self._token).pixmap(9, 9))
