"""What the Network tab wants to know, asked of the prediction engine and remembered."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from resnet_gui.events import Event, Failed, JobEnded, NetworkNames, NetworkSummary
from resnet_gui.gui.network.network_tab import NetworkTab, Question
from resnet_gui.gui.text import message_text
from resnet_gui.gui.workers.prediction_engine import PredictionEngine
from resnet_gui.messages import Message

_REMEMBERED = 64


class NetworkController(QObject):
    """Asks once for what is seen, gives up what nobody waits for any more, and answers from memory what it was told."""

    opened = Signal(object)
    """A network that was asked for, as `Summarised`."""
    refused = Signal(str)
    """This network was asked for and cannot be opened."""

    def __init__(self, prediction_engine: PredictionEngine, tab: NetworkTab, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._prediction_engine = prediction_engine
        self._tab = tab
        self._open: dict[Question, int] = {}
        self._needed = ""
        self._known: dict[Question, NetworkSummary] = {}
        self._listing: list[str] = []
        """Libraries whose names are wanted; the first is being asked. One by one: each import is heavy."""
        tab.summary_requested.connect(self.open)
        tab.names_requested.connect(self._list)
        prediction_engine.engine_died.connect(self._on_engine_died)

    def open(self, network: str, classes: int, channels: int, size: int) -> None:
        """Asks for a network layer by layer, with so many classes, for a picture of `channels` x `size` x `size`."""
        question = Question(network, classes, channels, size)
        if question in self._known:
            self._tab.show_summary(self._known[question])
            return
        self._give_up(keep=self._tab.questions)
        if question not in self._open:
            self._open[question] = self._prediction_engine.request(
                "summary", lambda event: self._on_summary_event(question, event),
                network=network, classes=classes, channels=channels, size=size,
            )  # fmt: skip

    def need(self, network: str, classes: int, channels: int, size: int) -> None:
        """Asks as `open` does, and does not give up whatever else is looked at meanwhile."""
        self._needed = network
        self.open(network, classes, channels, size)

    def _give_up(self, keep: tuple[Question, ...]) -> None:
        for question in [each for each in self._open if each not in keep and each.network != self._needed]:
            self._prediction_engine.stop(self._open.pop(question))

    def _on_summary_event(self, question: Question, event: Event) -> None:
        match event:
            case NetworkSummary():
                self._open.pop(question, None)
                self._remember(question, event)
                self.opened.emit(event)
                self._tab.show_summary(event)
            case Failed():
                self._open.pop(question, None)
                self._refuse(question, event.message)

    def _refuse(self, question: Question, why: Message) -> None:
        self._tab.show_summary_problem(question.network, question.size, message_text(why))
        self.refused.emit(question.network)

    def _remember(self, question: Question, summarised: NetworkSummary) -> None:
        self._known[question] = summarised
        while len(self._known) > _REMEMBERED:
            self._known.pop(next(iter(self._known)))

    def _list(self, source: str) -> None:
        self._listing.append(source)
        if len(self._listing) == 1:
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
                self._listing.remove(source)
                if self._listing:
                    self._request_names(self._listing[0])

    def _on_engine_died(self, how: Message) -> None:
        """Open questions will not be answered. They are not asked again by themselves: one of them may have killed it."""
        questions, listing = list(self._open), list(self._listing)
        self._open.clear()
        self._listing.clear()
        for question in questions:
            self._refuse(question, how)
        for source in listing:
            self._tab.show_names_problem(source, message_text(how))
