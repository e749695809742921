"""The run under way: its engine, its state, and what it says."""

from __future__ import annotations

import time
from typing import Any, Literal

from PySide6.QtCore import QObject, QTimer, Signal

from resnet_gui.events import BestSaved, Event, Failed, JobEnded, Ready, Started, Stopped
from resnet_gui.gui.worker import Engine
from resnet_gui.messages import message

SILENCE = 30.0
"""Seconds without a word after which a run is called silent; five times its longest step, where that is more."""

_NONE = -1
"""No job has this id."""

State = Literal["idle", "running", "stopping"]


class Training(QObject):
    """Runs one training at a time. Each has an engine of its own, which is replaced by a fresh one when it ends.

    The system then gives back all memory, on the graphics card too, and there is nothing to reset.
    """

    said = Signal(object)
    """An event of the run, `Failed` if its engine died."""
    state_changed = Signal(str)
    engine_said = Signal(str)
    """The engine's own state: "starting", "ready" or "gone"."""
    silent = Signal(int)
    """For so many seconds the run has said nothing, which is longer than it should; 0 when it speaks again.

    It is shown and never punished: a computer that sleeps or swaps is silent, too.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state: State = "idle"
        self.run = ""
        self.model = ""
        self._engine: Engine | None = None
        self._job = _NONE
        self._ready = False
        self._heard = self._longest = 0.0
        self._is_silent = False
        self._watch = QTimer(self, interval=1000)
        self._watch.timeout.connect(self._listen)

    def prepare(self) -> None:
        """Starts an engine, if there is none, so that it is warm when the person presses Start."""
        if self._engine is None:
            self._ready = False
            self._engine = engine = Engine("training", self)
            engine.said.connect(lambda job, event: self._hear(engine, job, event))
            engine.died.connect(lambda how: self._bury(engine, how))
            engine.finished.connect(engine.deleteLater)
            self.engine_said.emit("starting")
            engine.start()

    def start(self, config: dict[str, Any]) -> None:
        """Starts a run with the settings `config`, by dotted key."""
        self.run = self.model = ""
        self._ask("train", config=config)

    def score_test(self, run: str) -> None:
        """Scores the test pictures of the stopped run in the folder `run`."""
        self._ask("test", run=run)

    def _ask(self, do: str, **values: Any) -> None:
        if self.state == "idle":
            self.prepare()
            assert self._engine is not None
            self._job = self._engine.ask(do, **values)
            self._heard, self._longest = time.monotonic(), 0.0
            self._watch.start()
            self._enter("running")

    def stop(self) -> None:
        """Asks the run to stop and save."""
        if self.state == "running" and self._engine is not None:
            self._engine.stop(self._job)
            self._enter("stopping")

    def kill(self) -> None:
        """Ends a run that no longer listens; what it has saved stands."""
        if self._engine is not None:
            self._engine.kill()

    def end(self, seconds: float) -> None:
        """Ends the engine, and the one before it that may still be leaving; after `seconds` it is killed."""
        self._engine = None
        for engine in self.findChildren(Engine):
            engine.end_and_wait(seconds)

    def _enter(self, state: State) -> None:
        self.state = state
        if state == "idle":
            self._watch.stop()
            self._note_life()
        self.state_changed.emit(state)

    def _hear(self, engine: Engine, job: int, event: Event) -> None:
        if engine is not self._engine:
            return
        if isinstance(event, Ready):
            self._ready = True
            self.engine_said.emit("ready")
        if job != self._job:
            return
        self._note_life()
        if isinstance(event, JobEnded):
            self._job = _NONE
            engine.end()
            self._engine = None
            self.prepare()
            self._enter("idle")
            return
        if isinstance(event, Started):
            self.run = event.run
        if isinstance(event, BestSaved | Stopped):
            self.model = event.model
        self.said.emit(event)

    def _note_life(self) -> None:
        """Something was heard: notes how long it took to come. A silence that was shown is no measure of a step."""
        now = time.monotonic()
        if self._is_silent:
            self._is_silent = False
            self.silent.emit(0)
        else:
            self._longest = max(self._longest, now - self._heard)
        self._heard = now

    def _listen(self) -> None:
        silence = time.monotonic() - self._heard
        if silence > max(SILENCE, 5 * self._longest):
            self._is_silent = True
            self.silent.emit(int(silence))

    def _bury(self, engine: Engine, how: str) -> None:
        """The engine died: a run is told so; without one, the next Start brings a new engine."""
        if engine is not self._engine:
            return
        self._engine = None
        self._job = _NONE
        self.engine_said.emit("gone")
        if self.state != "idle":
            self.said.emit(Failed(message("engine_died", how=how)))
            self._enter("idle")
        if self._ready:  # one that dies before it is ready would die again; then Start brings the next
            self.prepare()
