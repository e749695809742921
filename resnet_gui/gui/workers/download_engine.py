"""The current download: its engine, its phase, and its progress."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QObject, Signal

from resnet_gui.events import Downloaded, Downloading, Event, Failed, JobEnded
from resnet_gui.gui.states import DownloadPhase
from resnet_gui.gui.text import megabytes, message_text
from resnet_gui.gui.workers.engine_process import Engine, start_engine
from resnet_gui.messages import message
from resnet_gui.records import Weights
from resnet_gui.weights import weight_cache


class DownloadEngine(QObject):
    """Downloads the weights of one network at a time, in an engine that is ended afterwards.

    The bytes received stay when a download is paused, fails, or the window is closed: the next one continues from there.
    """

    changed = Signal(str, str, object, object, str)
    """The network, the phase, the bytes received, the bytes in all (0: not known), and the progress as text."""
    finished = Signal(str)
    """The weights of this network are here."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.network = ""
        """The network whose weights are, or were, downloaded."""
        self.phase: DownloadPhase = "none"
        self._weights: Weights | None = None
        self._done = self._total = 0
        self._engine: Engine | None = None
        self._job = 0
        self._is_stopping = False

    def is_here(self, weights: Weights) -> bool:
        """Whether `weights` are complete in the cache of this machine."""
        return weight_cache.cached(weights)

    def start(self, network: str, weights: Weights) -> None:
        """Downloads the `weights` of `network`. Another download is paused; starting it again resumes it."""
        if self.phase == "running":
            if network == self.network:
                return
            self.pause()
        self.network, self._weights = network, weights
        self._done, self._total = 0, round(weights.megabytes * 1e6)
        self._run()

    def pause(self) -> None:
        """Stops, and keeps the bytes received."""
        if self.phase == "running":
            self._request_stop()
            self._enter("paused", self._progress_text(self.tr("paused")))

    def resume(self) -> None:
        """Continues after a pause or a failure."""
        if self.phase in ("paused", "failed"):
            self._run()

    def cancel(self) -> None:
        """Stops, and deletes the bytes received."""
        if self.phase in ("running", "paused", "failed"):
            self._request_stop()
            self._enter("none")
            if self._engine is None:
                self._delete_partial()

    def end(self, seconds: float) -> None:
        """Ends the engine; after `seconds` it is killed. The bytes received stay."""
        self._engine = None
        for engine in self.findChildren(Engine):
            engine.end_and_wait(seconds)

    def _run(self) -> None:
        """Starts an engine unless one is still stopping: two must not write to the same file. `_on_job_ended` calls again."""
        self._enter("running", self._progress_text())
        if self._engine is None:
            self._is_stopping = False
            self._engine = start_engine("download", self, self._on_event, self._on_engine_died)
            self._job = self._engine.request("fetch", network=self.network)

    def _request_stop(self) -> None:
        if self._engine is not None:
            self._engine.stop(self._job)
            self._is_stopping = True

    def _enter(self, phase: DownloadPhase, text: str = "") -> None:
        self.phase = phase
        self.changed.emit(self.network, phase, self._done, self._total, text)

    def _on_event(self, engine: Engine, job: int, event: Event) -> None:
        if engine is not self._engine or job != self._job:
            return
        if isinstance(event, JobEnded):
            self._on_job_ended(engine)
        elif not self._is_stopping:
            self._show_progress(event)

    def _show_progress(self, event: Event) -> None:
        match event:
            case Downloading():
                self._done, self._total = event.done, event.total or self._total
                self._enter("running", self._progress_text(_speed_text(event.bytes_per_second)))
            case Downloaded():
                self._enter("here")
                self.finished.emit(self.network)
            case Failed():
                self._enter("failed", message_text(event.message))

    def _on_job_ended(self, engine: Engine) -> None:
        """The job has ended. Meanwhile the download may have been resumed or cancelled."""
        engine.end()
        self._engine = None
        if self.phase == "running":
            self._run()
        elif self.phase == "none":
            self._delete_partial()

    def _delete_partial(self) -> None:
        """Deletes the bytes received."""
        if self._weights is not None:
            weight_cache.forget(self._weights)

    def _on_engine_died(self, engine: Engine, how: str) -> None:
        if engine is self._engine:
            self._engine = None
            if self.phase == "running":
                self._enter("failed", message_text(message("engine_cannot_start", how=how, log=str(engine.log))))

    def _progress_text(self, *facts: str) -> str:
        """ "12.3 of 44.7 MB", and `facts`."""
        done, total = megabytes(self._done), megabytes(self._total)
        progress = self.tr("{done} of {total}").format(done=done.removesuffix(" MB"), total=total)
        return " · ".join(filter(None, (progress, *facts)))


def _speed_text(bytes_per_second: float) -> str:
    if bytes_per_second <= 0:
        return ""
    return QCoreApplication.translate("DownloadEngine", "{size} a second").format(size=megabytes(bytes_per_second))
