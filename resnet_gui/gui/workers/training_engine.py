"""The current run: its engine, its phase, and its events."""

from __future__ import annotations

import time
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from resnet_gui.events import Event, Failed, JobEnded, Ready, Resumed, Started, Stopped, Waiting
from resnet_gui.gui.states import RunPhase
from resnet_gui.gui.workers.engine_process import Engine, start_engine
from resnet_gui.messages import message

SILENCE = 30.0
"""Seconds without an event after which a run counts as silent, or five times its longest step if that is more."""

_NONE = -1
"""No job has this id."""

COMPUTING = ("running", "pausing", "stopping", "scoring")
"""The phases in which an engine works."""


class TrainingEngine(QObject):
    """Runs one training at a time. Each run has an engine of its own, which is replaced by a new one when the run ends.

    The system then frees all memory, also on the graphics card, and there is nothing to reset. A pause ends the engine
    as well: the run resumes from its last checkpoint.
    """

    event_received = Signal(object)
    """An event of the run; `Failed` if its engine died."""
    phase_changed = Signal(str)
    """The new `RunPhase`."""
    engine_phase_changed = Signal(str)
    """The phase of the engine: "starting", "ready" or "gone"."""
    silent = Signal(int)
    """Seconds for which the run has emitted no event, if they are too many; 0 at the next event.

    The silence is shown, but the engine is left alone: a computer that sleeps or swaps is silent, too.
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
        """Starts an engine, if there is none, so that it is ready when the user presses Start."""
        if self._engine is None:
            self._ready = False
            self._engine = start_engine("training", self, self._on_event, self._on_engine_died)
            self.engine_phase_changed.emit("starting")

    def start(self, config: dict[str, Any]) -> None:
        """Starts a run with the settings `config`, by dotted key."""
        if self.phase == "idle":
            self.run = ""
            self._begin("running", "train", config=config)

    def resume(self, run: str, epochs: int | None = None, accept: bool = False, dataset: str = "") -> None:
        """Resumes the run in the folder `run`, up to `epochs` epochs in all if given.

        If its pictures have changed, the run emits `DatasetChanged` and ends, unless `accept` is true. `dataset` is the
        folder where they are now, if they were moved.
        """
        if self.phase in ("idle", "paused"):
            self.run = run
            self._begin("running", "resume", run=run, epochs=epochs, accept=accept, dataset=dataset)

    def score_test(self, run: str) -> None:
        """Evaluates the stopped run in the folder `run` on its test split."""
        if self.phase == "idle":
            self._begin("scoring", "test", run=run)

    def pause(self) -> None:
        """Requests that the run saves a checkpoint and frees its memory, to be resumed later."""
        if self.phase == "running":
            self._request_stop("pausing")

    def stop(self) -> None:
        """Requests that the run saves and ends. A paused run has done so already."""
        if self.phase == "paused":
            self._enter("idle")
        elif self.phase in ("running", "pausing", "scoring"):
            self._request_stop("stopping")

    def kill(self) -> None:
        """Kills the engine of a run that does not respond; what the run has saved stays."""
        if self._engine is not None:
            self._engine.kill()

    def restart(self) -> None:
        """Kills the engine of a run that does not respond; a new engine then resumes from the last checkpoint."""
        self._restarts = self.phase == "running" and bool(self.run)
        self.kill()

    def end(self, seconds: float) -> None:
        """Ends the engine, and an earlier one that may still be exiting; after `seconds` they are killed."""
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
        """Notes that an event came, and how long it took. A silence that was shown is not counted as a step."""
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
        """The engine died: the run fails, or is resumed if `restart` was called. Then a new engine is started."""
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
        if self._ready:  # one that dies before it is ready would die again; the next Start tries once more
            self.prepare()
