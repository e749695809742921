"""Requests what the Network tab shows from the prediction engine, and caches it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from resnet_gui.events import Event, Failed, JobEnded, NetworkNames, NetworkSummary
from resnet_gui.gui.network.network_tab import NetworkTab, SummaryRequest
from resnet_gui.gui.text import message_text
from resnet_gui.gui.workers.prediction_engine import PredictionEngine
from resnet_gui.messages import Message

_CACHED = 64


class NetworkController(QObject):
    """Requests each summary once, cancels requests for what is no longer shown, and caches 64 answers."""

    opened = Signal(object)
    """The `NetworkSummary` of a network that was requested."""
    refused = Signal(str)
    """The name of a network that was requested and cannot be opened."""

    def __init__(self, prediction_engine: PredictionEngine, tab: NetworkTab, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._prediction_engine = prediction_engine
        self._tab = tab
        self._requested: dict[SummaryRequest, int] = {}
        self._needed = ""
        self._summaries: dict[SummaryRequest, NetworkSummary] = {}
        self._sources: list[str] = []
        """Libraries whose names are requested, the first of them now: one by one, because each import is slow."""
        tab.summary_requested.connect(self.open)
        tab.names_requested.connect(self._on_names_requested)
        prediction_engine.engine_died.connect(self._on_engine_died)

    def open(self, network: str, classes: int, channels: int, size: int) -> None:
        """Requests the summary of `network` with `classes` outputs and an input of `channels` x `size` x `size`."""
        request = SummaryRequest(network, classes, channels, size)
        if request in self._summaries:
            self._tab.show_summary(self._summaries[request])
            return
        self._cancel_others(keep=self._tab.summary_requests)
        if request not in self._requested:
            self._requested[request] = self._prediction_engine.request(
                "summary", lambda event: self._on_summary_event(request, event),
                network=network, classes=classes, channels=channels, size=size,
            )  # fmt: skip

    def need(self, network: str, classes: int, channels: int, size: int) -> None:
        """Like `open`, but the request is not cancelled when the tab shows another network."""
        self._needed = network
        self.open(network, classes, channels, size)

    def _cancel_others(self, keep: tuple[SummaryRequest, ...]) -> None:
        for request in [each for each in self._requested if each not in keep and each.network != self._needed]:
            self._prediction_engine.stop(self._requested.pop(request))

    def _on_summary_event(self, request: SummaryRequest, event: Event) -> None:
        match event:
            case NetworkSummary():
                self._requested.pop(request, None)
                self._cache(request, event)
                self.opened.emit(event)
                self._tab.show_summary(event)
            case Failed():
                self._requested.pop(request, None)
                self._refuse(request, event.message)

    def _refuse(self, request: SummaryRequest, why: Message) -> None:
        self._tab.show_summary_problem(request.network, request.size, message_text(why))
        self.refused.emit(request.network)

    def _cache(self, request: SummaryRequest, summary: NetworkSummary) -> None:
        self._summaries[request] = summary
        while len(self._summaries) > _CACHED:
            self._summaries.pop(next(iter(self._summaries)))

    def _on_names_requested(self, source: str) -> None:
        self._sources.append(source)
        if len(self._sources) == 1:
            self._request_names(source)

    def _request_names(self, source: str) -> None:
        self._prediction_engine.request("networks", lambda event: self._on_names_event(source, event), source=source)

    def _on_names_event(self, source: str, event: Event) -> None:
        match event:
            case NetworkNames():
                self._tab.show_names(event)
            case Failed():
                self._tab.show_names_problem(source, message_text(event.message))
            case JobEnded():
                self._sources.remove(source)
                if self._sources:
                    self._request_names(self._sources[0])

    def _on_engine_died(self, how: Message) -> None:
        """Open requests fail. They are not repeated, because one of them may have killed the engine."""
        requests, sources = list(self._requested), list(self._sources)
        self._requested.clear()
        self._sources.clear()
        for request in requests:
            self._refuse(request, how)
        for source in sources:
            self._tab.show_names_problem(source, message_text(how))
