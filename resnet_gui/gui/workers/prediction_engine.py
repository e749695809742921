"""Requests to the prediction engine, and the choice of the model that answers them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QObject, Signal

from resnet_gui.events import Event, JobEnded, Ready
from resnet_gui.gui.workers.engine_process import Engine, start_engine
from resnet_gui.messages import message
from resnet_gui.records import ModelInfo


class PredictionEngine(QObject):
    """Keeps one engine, which predicts, checks, and draws thumbnails and the sample. A dead one is replaced.

    A model that the user loaded answers until the user chooses another: a run never displaces it.
    """

    engine_phase_changed = Signal(str)
    """The phase of the engine: "starting", "ready" or "gone"."""
    ready = Signal(object)
    """The event `Ready`, with the device and the number of threads."""
    engine_died = Signal(object)
    """A `Message` about the cause. Open requests get no more events."""
    model_changed = Signal()
    """Another model answers, or another one can be offered."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.loaded: ModelInfo | None = None
        """The model that the user loaded."""
        self.best: tuple[str, int, bool] | None = None
        """The best model of the newest run, its epoch, and whether it was validated."""
        self.prefers_best = True
        """Whether `best` answers if both models are there."""
        self.busy = False
        """Whether a run computes: predictions then use one thread of the processor."""
        self.precision = "auto"
        """How exactly predictions are computed."""
        self._engine: Engine | None = None
        self._ready = False
        self._listeners: dict[int, Callable[[Event], None]] = {}
        self._prediction = 0

    @property
    def model(self) -> str:
        """The file of the model that answers, "" if there is none."""
        if self.best and (self.prefers_best or not self.loaded):
            return self.best[0]
        return self.loaded.path if self.loaded else ""

    def start(self) -> None:
        """Starts the engine, if there is none."""
        if self._engine is None:
            self._ready = False
            self._engine = start_engine("prediction", self, self._on_event, self._on_engine_died)
            self.engine_phase_changed.emit("starting")

    def end(self, seconds: float) -> None:
        """Ends the engine; after `seconds` it is killed."""
        self._engine = None
        for engine in self.findChildren(Engine):
            engine.end_and_wait(seconds)

    def load(self, model: str, on_event: Callable[[Event], None]) -> None:
        """Loads the file `model`, which the user chose. If it is a valid model, it answers from then on."""

        def on_model_event(event: Event) -> None:
            if isinstance(event, ModelInfo):
                self.loaded, self.prefers_best = event, False
                self.model_changed.emit()
            on_event(event)

        self._cancel_prediction()  # else its answers would be shown under the new model's name
        self.request("model", on_model_event, model=model, **self._how())

    def set_best(self, model: str, epoch: int, validated: bool) -> None:
        """Sets the best model of a run, which has just been saved, its epoch, and whether it was validated."""
        self.best = model, epoch, validated
        self.model_changed.emit()

    def prefer_best(self, best: bool) -> None:
        """Chooses the run's best model, or else the one that the user loaded."""
        self.prefers_best = best
        self.model_changed.emit()

    def preload(self) -> None:
        """Loads the model that answers, if there is one, so that the first prediction need not wait for it."""
        if self.model and self._engine is not None:
            self.request("model", lambda _: None, model=self.model, **self._how())

    def predict(self, paths: Sequence[str], on_event: Callable[[Event], None]) -> None:
        """Predicts pictures and folders with the model that answers. Cancels the prediction before, if it still runs."""
        self._cancel_prediction()
        self._prediction = self.request("predict", on_event, model=self.model, paths=list(paths), **self._how())

    def _how(self) -> dict[str, Any]:
        return {"busy": self.busy, "precision": self.precision}

    def _cancel_prediction(self) -> None:
        self.stop(self._prediction)
        self._prediction = 0

    def request(self, do: str, on_event: Callable[[Event], None], **values: Any) -> int:
        """Starts the job `do`; `on_event` gets its events. Returns its id."""
        self.start()
        assert self._engine is not None
        job = self._engine.request(do, **values)
        self._listeners[job] = on_event
        return job

    def stop(self, job: int) -> None:
        """Stops a job. Its listener gets no more events."""
        if self._listeners.pop(job, None) and self._engine is not None:
            self._engine.stop(job)

    def _on_event(self, engine: Engine, job: int, event: Event) -> None:
        if engine is not self._engine:
            return
        if isinstance(event, Ready):
            self._ready = True
            self.engine_phase_changed.emit("ready")
            self.ready.emit(event)
        if listener := self._listeners.get(job):
            listener(event)
        if isinstance(event, JobEnded):
            self._listeners.pop(job, None)

    def _on_engine_died(self, engine: Engine, how: str) -> None:
        if engine is not self._engine:
            return
        self._engine = None
        self._listeners.clear()
        self.engine_phase_changed.emit("gone")
        if self._ready:
            self.engine_died.emit(message("engine_died", how=how))
            self.start()
        else:  # it would die again
            self.engine_died.emit(message("engine_cannot_start", how=how, log=str(engine.log)))
