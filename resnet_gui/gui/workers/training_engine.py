"""The run under way: its engine, its state, and what it says."""

from __future__ import annotations

import time
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from resnet_gui.events import Event, Failed, JobEnded, Ready, Resumed, Started, Stopped, Waiting
from resnet_gui.gui.states import RunPhase
from resnet_gui.gui.workers.engine_process import Engine, start_engine
from resnet_gui.messages import message

SILENCE = 30.0
"""Seconds without a word after which a run is called silent; five times its longest step, where that is more."""

_NONE = -1
"""No job has this id."""

COMPUTING = ("running", "pausing", "stopping", "scoring")
"""The states in which an engine works."""


class TrainingEngine(QObject):
    """Runs one training at a time. Each has an engine of its own, which is replaced by a fresh one when it ends.

    The system then gives back all memory, on the graphics card too, and there is nothing to reset. To the engine a
    pause is an end like any other: to go on is to resume from what it has saved.
    """

    event_received = Signal(object)
    """An event of the run, `Failed` if its engine died."""
    phase_changed = Signal(str)
    engine_phase_changed = Signal(str)
    """The engine's own state: "starting", "ready" or "gone"."""
    silent = Signal(int)
    """For so many seconds the run has said nothing, which is longer than it should; 0 when it speaks again.

    It is shown and never punished: a computer that sleeps or swaps is silent, too.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.phase: RunPhase = "idle"
        self.run = ""
        """The folder of the run, "" before it has one."""
        self._engine: Engine | None = None
        self._job = _NONE
        self._ready = False
        self._is_saved = self._restarts = False
        self._last_event_at = self._longest_step = 0.0
        self._is_silent = False
        self._watch = QTimer(self, interval=1000)
        self._watch.timeout.connect(self._check_silence)

    def prepare(self) -> None:
        """Starts an engine, if there is none, so that it is warm when the person presses Start."""
        if self._engine is None:
            self._ready = False
            self._engine = start_engine("training", self, self._on_event, self._on_engine_died)
            self.engine_phase_changed.emit("starting")

    def start(self, config: dict[str, Any]) -> None:
        """Starts a run with the settings `config`, by dotted key."""
        if self.phase == "idle":
            self.run = ""
            self._begin("running", "train", config=config)

    def resume(self, run: str, epochs: int | None = None, accept: bool = False) -> None:
        """Goes on with the run in the folder `run`, to `epochs` in all if that is given.

        Where its pictures have changed it says `DatasetChanged` and ends, unless the person accepts that.
        """
        if self.phase in ("idle", "paused"):
            self.run = run
            self._begin("running", "resume", run=run, epochs=epochs, accept=accept)

    def score_test(self, run: str) -> None:
        """Scores the test pictures of the stopped run in the folder `run`."""
        if self.phase == "idle":
            self._begin("scoring", "test", run=run)

    def pause(self) -> None:
        """Asks the run to save and to give its memory back, in order to go on later."""
        if self.phase == "running":
            self._request_stop("pausing")

    def stop(self) -> None:
        """Asks the run to save and to end. One that is paused has done so already."""
        if self.phase == "paused":
            self._enter("idle")
        elif self.phase in ("running", "pausing", "scoring"):
            self._request_stop("stopping")

    def kill(self) -> None:
        """Ends a run that no longer listens; what it has saved stands."""
        if self._engine is not None:
            self._engine.kill()

    def restart(self) -> None:
        """Ends a run that no longer listens; when its engine is dead, a fresh one goes on from the last checkpoint."""
        self._restarts = self.phase == "running" and bool(self.run)
        self.kill()

    def end(self, seconds: float) -> None:
        """Ends the engine, and the one before it that may still be leaving; after `seconds` it is killed."""
        self._engine = None
        for engine in self.findChildren(Engine):
            engine.end_and_wait(seconds)

    def _begin(self, phase: RunPhase, do: str, **values: Any) -> None:
        self.prepare()
        assert self._engine is not None
        self._is_saved = self._restarts = False
        self._job = self._engine.request(do, **values)
        self._last_event_at, self._longest_step = time.monotonic(), 0.0
        self._watch.start()
        self._enter(phase)

    def _request_stop(self, phase: RunPhase) -> None:
        assert self._engine is not None
        self._engine.stop(self._job)
        self._enter(phase)

    def _enter(self, phase: RunPhase) -> None:
        self.phase = phase
        if phase not in COMPUTING:
            self._watch.stop()
            self._note_activity()
        self.phase_changed.emit(phase)

    def _on_event(self, engine: Engine, job: int, event: Event) -> None:
        if engine is not self._engine:
            return
        if isinstance(event, Ready):
            self._ready = True
            engine.request("warm_training")
            self.engine_phase_changed.emit("ready")
        if job != self._job:
            return
        self._note_activity(is_step=not isinstance(event, Waiting))
        if isinstance(event, JobEnded):
            engine.end()
            self._engine = None
            self.prepare()
            self._end_job()
            return
        if isinstance(event, Started | Resumed):
            self.run = event.run
        self._is_saved = isinstance(event, Stopped)
        self.event_received.emit(event)

    def _end_job(self) -> None:
        self._job = _NONE
        self._restarts = False
        self._enter("paused" if self.phase == "pausing" and self._is_saved else "idle")

    def _note_activity(self, is_step: bool = True) -> None:
        """Something was heard: notes how long it took to come. A silence that was shown is no measure of a step."""
        now = time.monotonic()
        if self._is_silent:
            self._is_silent = False
            self.silent.emit(0)
        elif is_step:
            self._longest_step = max(self._longest_step, now - self._last_event_at)
        self._last_event_at = now

    def _check_silence(self) -> None:
        silence = time.monotonic() - self._last_event_at
        if silence > max(SILENCE, 5 * self._longest_step):
            self._is_silent = True
            self.silent.emit(int(silence))

    def _on_engine_died(self, engine: Engine, how: str) -> None:
        """The engine died: a run is told so, or gone on with; without one, the next Start brings a new engine."""
        if engine is not self._engine:
            return
        self._engine = None
        self.engine_phase_changed.emit("gone")
        if self._restarts and self.phase == "running":
            self._begin("running", "resume", run=self.run, epochs=None, accept=False)
        elif self.phase in COMPUTING:
            if not self._is_saved:
                self.event_received.emit(Failed(message("engine_died", how=how)))
            self._end_job()
        if self._ready:  # one that dies before it is ready would die again; then Start brings the next
            self.prepare()
