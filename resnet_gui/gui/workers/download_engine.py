"""A download under way: its engine, its state, and how far it is."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QObject, Signal

from resnet_gui.events import Downloaded, Downloading, Event, Failed, JobEnded
from resnet_gui.gui.states import State
from resnet_gui.gui.text import megabytes, words
from resnet_gui.gui.workers.engine_process import Engine, start_engine
from resnet_gui.messages import message
from resnet_gui.records import Weights
from resnet_gui.weights import weight_cache


class Fetching(QObject):
    """Downloads the weights of one network at a time, in an engine that lives as long as that takes.

    What has come stays when a download is paused, fails, or its window is closed: the next one goes on from there.
    """

    changed = Signal(str, str, object, object, str)
    """The network, its state, how many bytes are here and how many it will be (0: not known), and that in words."""
    finished = Signal(str)
    """The weights of this network are here."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.network = ""
        """Whose weights are, or were, downloaded."""
        self.state: State = "none"
        self._weights: Weights | None = None
        self._done = self._total = 0
        self._engine: Engine | None = None
        self._job = 0
        self._is_asked_to_stop = False

    def is_here(self, weights: Weights) -> bool:
        """Whether `weights` lie on this machine, whole."""
        return weight_cache.cached(weights)

    def start(self, network: str, weights: Weights) -> None:
        """Downloads the `weights` of `network`. Another download gives way, and goes on when it is asked for again."""
        if self.state == "running":
            if network == self.network:
                return
            self.pause()
        self.network, self._weights = network, weights
        self._done, self._total = 0, round(weights.megabytes * 1e6)
        self._run()

    def pause(self) -> None:
        """Stops for now."""
        if self.state == "running":
            self._ask_to_stop()
            self._enter("paused", self._far(self.tr("paused")))

    def resume(self) -> None:
        """Goes on, after a pause or a failure."""
        if self.state in ("paused", "failed"):
            self._run()

    def cancel(self) -> None:
        """Stops for good; what has come is deleted."""
        if self.state in ("running", "paused", "failed"):
            self._ask_to_stop()
            self._enter("none")
            if self._engine is None:
                self._forget()

    def end(self, seconds: float) -> None:
        """Ends the engine; after `seconds` it is killed. What has come stays."""
        self._engine = None
        for engine in self.findChildren(Engine):
            engine.end_and_wait(seconds)

    def _run(self) -> None:
        """One that has been asked to stop, and has not yet, is waited for: two must not write to the same file."""
        self._enter("running", self._far())
        if self._engine is None:
            self._is_asked_to_stop = False
            self._engine = start_engine("download", self, self._hear, self._bury)
            self._job = self._engine.ask("fetch", network=self.network)

    def _ask_to_stop(self) -> None:
        if self._engine is not None:
            self._engine.stop(self._job)
            self._is_asked_to_stop = True

    def _enter(self, state: State, text: str = "") -> None:
        self.state = state
        self.changed.emit(self.network, state, self._done, self._total, text)

    def _hear(self, engine: Engine, job: int, event: Event) -> None:
        if engine is not self._engine or job != self._job:
            return
        if isinstance(event, JobEnded):
            self._leave(engine)
        elif not self._is_asked_to_stop:
            self._follow(event)

    def _follow(self, event: Event) -> None:
        match event:
            case Downloading():
                self._done, self._total = event.done, event.total or self._total
                self._enter("running", self._far(_speed(event.bytes_per_second)))
            case Downloaded():
                self._enter("here")
                self.finished.emit(self.network)
            case Failed():
                self._enter("failed", words(event.message))

    def _leave(self, engine: Engine) -> None:
        """The job has ended: as was asked, or by itself. It may be wanted again by now, or forgotten."""
        engine.end()
        self._engine = None
        if self.state == "running":
            self._run()
        elif self.state == "none":
            self._forget()

    def _forget(self) -> None:
        """Deletes what has come."""
        if self._weights is not None:
            weight_cache.forget(self._weights)

    def _bury(self, engine: Engine, how: str) -> None:
        if engine is self._engine:
            self._engine = None
            if self.state == "running":
                self._enter("failed", words(message("engine_cannot_start", how=how, log=str(engine.log))))

    def _far(self, *facts: str) -> str:
        """ "12.3 of 44.7 MB", and `facts`."""
        done, total = megabytes(self._done), megabytes(self._total)
        far = self.tr("{done} of {total}").format(done=done.removesuffix(" MB"), total=total)
        return " · ".join(filter(None, (far, *facts)))


def _speed(bytes_per_second: float) -> str:
    if bytes_per_second <= 0:
        return ""
    return QCoreApplication.translate("Fetching", "{size} a second").format(size=megabytes(bytes_per_second))
