"""The Network tab: every network to look at, drawn, layer by layer, and beside another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from resnet_gui.events import NetworkNames, NetworkSummary
from resnet_gui.gui.network.compare_page import ComparePage
from resnet_gui.gui.network.diagram.block_diagram import BlockDiagram
from resnet_gui.gui.network.layer_table import LayerTable
from resnet_gui.gui.network.network_details import NetworkDetails, NetworkHeader, NetworkNote
from resnet_gui.gui.network.network_list import NetworkList
from resnet_gui.gui.states import DownloadPhase
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.labels import named
from resnet_gui.nets.catalog import find
from resnet_gui.nets.spec import NetworkSpec

OVERVIEW, LAYERS, COMPARE = range(3)
_LIST_WIDTH = 188


@dataclass(frozen=True, slots=True)
class Question:
    """A network to be opened layer by layer, for so many classes and channels and an image size in pixels."""

    network: str
    classes: int
    channels: int
    size: int


class NetworkTab(QWidget):
    """Looks at networks; which one is trained only changes by its button. It asks by signals, and is told by methods."""

    chosen = Signal(str)
    """The network to be trained."""
    summary_requested = Signal(str, int, int, int)
    """Network, classes, channels, image size: wanted layer by layer."""
    names_requested = Signal(str)
    """A library ("torchvision" or "timm") whose names are wanted."""
    download_requested = Signal(str)
    """The network whose weights are wanted, or wanted on."""
    download_paused = Signal()
    download_cancelled = Signal()

    def __init__(self, theme: Theme, networks: Sequence[NetworkSpec], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._networks = networks
        self._card = networks[0]
        self._other: NetworkSpec | None = None
        self._chosen, self._classes, self._channels, self._setup_size = (
            "",
            networks[0].classes,
            3,
            networks[0].default_size,
        )
        self._own_size: int | None = None
        self._answers: dict[Question, NetworkSummary | str] = {}
        self._downloads: dict[str, tuple[DownloadPhase, int, int, str]] = {}
        self.list = NetworkList(theme, networks)
        self.header = NetworkHeader(theme)
        self.card = NetworkDetails(theme)
        self.diagram = BlockDiagram(theme)
        self.layers = LayerTable(theme)
        self.compare = ComparePage(networks)
        self._build_layout()
        self._connect()
        self.show_network(self._card.name)

    def _build_layout(self) -> None:
        self._lesson = NetworkNote("lesson")
        self.pages = named(QTabBar(expanding=True), "segments")
        self.pages.setAccessibleName(self.tr("What is shown of the network"))
        for title in (self.tr("Overview"), self.tr("Layers"), self.tr("Compare")):
            self.pages.addTab(title)
        self._stack = QStackedWidget()
        # From the outside in: a widget that moves into another is dressed once more, with all it holds.
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 12, 14, 10)
        splitter = QSplitter(childrenCollapsible=False, handleWidth=6)
        row.addWidget(splitter)
        detail = QWidget()
        splitter.addWidget(self.list)
        splitter.addWidget(detail)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([_LIST_WIDTH, 10 * _LIST_WIDTH])
        self.list.setMinimumWidth(140)
        column = QVBoxLayout(detail)
        column.setContentsMargins(10, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self.header)
        column.addWidget(self.pages)
        column.addWidget(self._stack, 1)
        for page in (self._overview(), self._layers_page(), self.compare):
            self._stack.addWidget(page)

    def _overview(self) -> QWidget:
        inside = named(QWidget(), "content")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(12)
        for widget in (self.card, self.diagram, self._lesson):
            column.addWidget(widget)
        column.addStretch()
        self._scroll = QScrollArea(widgetResizable=True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(inside)
        return self._scroll

    def _layers_page(self) -> QWidget:
        self.whose = named(QTabBar(expanding=True), "segments")
        self.whose.setAccessibleName(self.tr("Whose layers"))
        self.whose.setElideMode(Qt.TextElideMode.ElideRight)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.whose)
        column.addWidget(self.layers, 1)
        return page

    def _connect(self) -> None:
        self.list.picked.connect(self.show_network)
        self.list.names_requested.connect(self.names_requested)
        self.header.use_requested.connect(lambda: self.chosen.emit(self._card.name))
        self.card.download_requested.connect(lambda: self.download_requested.emit(self._card.name))
        self.card.download_paused.connect(self.download_paused)
        self.card.download_cancelled.connect(self.download_cancelled)
        self.pages.currentChanged.connect(self._stack.setCurrentIndex)
        self.whose.currentChanged.connect(lambda _: self._show_layers())
        self.layers.size_chosen.connect(self._try_size)
        self.compare.network_chosen.connect(self._compare)

    @property
    def questions(self) -> tuple[Question, ...]:
        """What has to be known for what is shown now: the network's layers, and those of the one beside it."""
        return tuple(self._question(card) for card in (self._card, self._other) if card)

    def show_chosen(self, name: str, image_size: int, classes: int, channels: int) -> None:
        """What is to be trained. Who has not turned to another network, or tried a size, sees this one."""
        follows = self._card.name == self._chosen or not self._chosen
        self._chosen, self._setup_size, self._classes, self._channels = name, image_size, classes, channels
        self.list.mark(name)
        if follows:
            self._turn_to(name)
        self._refresh()

    def show_network(self, name: str) -> None:
        """Turns to the network called `name`."""
        self._turn_to(name)
        self._refresh()

    def _turn_to(self, name: str) -> None:
        if name != self._card.name:
            self._card, self._own_size = find(name), None
            self._scroll.verticalScrollBar().setValue(0)
        self.list.turn_to(name)

    def show_summary(self, summarised: NetworkSummary) -> None:
        """A network that was asked for, layer by layer."""
        question = Question(summarised.network, summarised.classes, summarised.channels, summarised.image_size)
        self._answer(question, summarised)

    def show_summary_problem(self, name: str, size: int, text: str) -> None:
        """Why the network called `name` cannot be opened for pictures of `size` pixels."""
        self._answer(Question(name, self._classes, self._channels, size), text)

    def show_names(self, names: NetworkNames) -> None:
        """What a library has beside the catalogue."""
        self.list.show_names(names)
        self.compare.add_names(f"{names.source}/{name}" for name in names.names)

    def show_names_problem(self, source: str, text: str) -> None:
        """Why the names of a library cannot be had."""
        self.list.show_names_problem(source, text)

    def show_download(self, name: str, state: DownloadPhase, done: int = 0, total: int = 0, text: str = "") -> None:
        """How far the download of the weights of the network called `name` is: bytes, and `text` says it, or why it failed."""
        self._downloads[name] = state, done, total, text
        if name == self._card.name:
            self.card.weights.show_download(state, done, total, text)

    def set_locked(self, reason: str) -> None:
        """Nothing can be chosen now, for `reason`; "" frees it. Looking is always free."""
        self.header.set_locked(reason)

    def showEvent(self, event: QShowEvent) -> None:
        """In view at last: ask for what is to be seen."""
        super().showEvent(event)
        self._request_summary()

    def _question(self, card: NetworkSpec) -> Question:
        """The size that is tried, or else that of the setup, or where the network refuses that, its usual one."""
        fitting = self._setup_size if card.takes(self._setup_size) else card.default_size
        return Question(card.name, self._classes, self._channels, self._own_size or fitting)

    def _summary(self, card: NetworkSpec) -> NetworkSummary | None:
        answer = self._answers.get(self._question(card))
        return answer if isinstance(answer, NetworkSummary) else None

    def _answer(self, question: Question, answer: NetworkSummary | str) -> None:
        if question in self.questions:
            self._answers[question] = answer
            self._refresh()

    def _request_summary(self) -> None:
        wanted = [question for question in self.questions if question not in self._answers]
        for question in wanted if self.isVisible() else ():
            self.summary_requested.emit(question.network, question.classes, question.channels, question.size)

    def _refresh(self) -> None:
        """Shows what is known of the network, and asks for what is not."""
        self._answers = {question: answer for question, answer in self._answers.items() if question in self.questions}
        card, summarised = self._card, self._summary(self._card)
        self.header.show_network(card, chosen=card.name == self._chosen)
        self.card.show_network(card, summarised, self._setup_size)
        self.card.weights.show_download(*self._downloads.get(card.name, ("none", 0, 0, "")))
        self.diagram.show_network(card, self._question(card).size, summarised)
        self._lesson.set_text(card.lesson)
        self._show_whose()
        self._show_layers()
        self._show_comparison()
        self._request_summary()

    def _show_whose(self) -> None:
        """The switch between two networks' layers is there while two are compared."""
        self.whose.blockSignals(True)
        both = [card for card in (self._card, self._other) if card]
        while self.whose.count() > len(both):
            self.whose.removeTab(self.whose.count() - 1)
        for place, card in enumerate(both):
            if place >= self.whose.count():
                self.whose.addTab("")
            self.whose.setTabText(place, card.title)
        self.whose.setVisible(len(both) > 1)
        self.whose.blockSignals(False)

    def _show_layers(self) -> None:
        card = self._other if self._other and self.whose.currentIndex() == 1 else self._card
        question = self._question(card)
        self.layers.set_size(question.size)
        match self._answers.get(question):
            case NetworkSummary() as summarised:
                self.layers.show_summary(card, summarised)
            case str(text):
                self.layers.show_problem(text)
            case _:
                self.layers.show_waiting()

    def _show_comparison(self) -> None:
        if self._other:
            self.compare.show_both((self._card, self._summary(self._card)), (self._other, self._summary(self._other)))
        else:
            self.compare.show_none()

    def _try_size(self, size: int) -> None:
        self._own_size = size
        self._refresh()

    def _compare(self, name: str) -> None:
        """Puts the network called `name` beside the first; "" ends it."""
        self._other = find(name) if name else None
        self._refresh()
