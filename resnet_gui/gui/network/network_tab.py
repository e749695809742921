"""The Network tab: any network as a drawing, layer by layer, and compared with another."""

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
class SummaryRequest:
    """A request for a network's layers, for so many classes and channels and an image size in pixels."""

    network: str
    classes: int
    channels: int
    size: int


class NetworkTab(QWidget):
    """Shows networks. Only the button changes which one is trained.

    It requests data by signals, and receives it by methods.
    """

    chosen = Signal(str)
    """The network to be trained."""
    summary_requested = Signal(str, int, int, int)
    """Network, classes, channels, image size in pixels: its layers are wanted."""
    names_requested = Signal(str)
    """A library ("torchvision" or "timm") whose names are wanted."""
    download_requested = Signal(str)
    """The network whose weights should be downloaded, or whose download should be resumed."""
    download_paused = Signal()
    download_cancelled = Signal()

    def __init__(self, theme: Theme, networks: Sequence[NetworkSpec], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._networks = networks
        self._spec = networks[0]
        self._other: NetworkSpec | None = None
        self._chosen, self._classes, self._channels, self._setup_size = (
            "",
            networks[0].classes,
            3,
            networks[0].default_size,
        )
        self._own_size: int | None = None
        self._results: dict[SummaryRequest, NetworkSummary | str] = {}
        self._downloads: dict[str, tuple[DownloadPhase, int, int, str]] = {}
        self.list = NetworkList(theme, networks)
        self.header = NetworkHeader(theme)
        self.details = NetworkDetails(theme)
        self.diagram = BlockDiagram(theme)
        self.layers = LayerTable(theme)
        self.compare = ComparePage(networks)
        self._build_layout()
        self._connect()
        self.show_network(self._spec.name)

    def _build_layout(self) -> None:
        self._lesson = NetworkNote("lesson")
        self.pages = named(QTabBar(expanding=True), "segments")
        self.pages.setAccessibleName(self.tr("What is shown of the network"))
        for title in (self.tr("Overview"), self.tr("Layers"), self.tr("Compare")):
            self.pages.addTab(title)
        self._stack = QStackedWidget()
        # From the outside in: Qt styles a widget again, with all its children, when it gets another parent.
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
        for widget in (self.details, self.diagram, self._lesson):
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
        self.header.use_requested.connect(lambda: self.chosen.emit(self._spec.name))
        self.details.download_requested.connect(lambda: self.download_requested.emit(self._spec.name))
        self.details.download_paused.connect(self.download_paused)
        self.details.download_cancelled.connect(self.download_cancelled)
        self.pages.currentChanged.connect(self._stack.setCurrentIndex)
        self.whose.currentChanged.connect(lambda _: self._show_layers())
        self.layers.size_chosen.connect(self._try_size)
        self.compare.network_chosen.connect(self._compare)

    @property
    def summary_requests(self) -> tuple[SummaryRequest, ...]:
        """The summaries needed now: of the network shown, and of the one it is compared with."""
        return tuple(self._summary_request(spec) for spec in (self._spec, self._other) if spec)

    def show_chosen(self, name: str, image_size: int, classes: int, channels: int) -> None:
        """Sets what is to be trained. If the user has not picked another network or size, the tab follows Setup."""
        follows = self._spec.name == self._chosen or not self._chosen
        self._chosen, self._setup_size, self._classes, self._channels = name, image_size, classes, channels
        self.list.mark(name)
        if follows:
            self._select(name)
        self._refresh()

    def show_network(self, name: str) -> None:
        """Shows the network called `name`."""
        self._select(name)
        self._refresh()

    def _select(self, name: str) -> None:
        if name != self._spec.name:
            self._spec, self._own_size = find(name), None
            self._scroll.verticalScrollBar().setValue(0)
        self.list.select(name)

    def show_summary(self, summarised: NetworkSummary) -> None:
        """Shows a summary that was requested."""
        request = SummaryRequest(summarised.network, summarised.classes, summarised.channels, summarised.image_size)
        self._store_result(request, summarised)

    def show_summary_problem(self, name: str, size: int, text: str) -> None:
        """Shows why the network called `name` cannot be opened for pictures of `size` pixels."""
        self._store_result(SummaryRequest(name, self._classes, self._channels, size), text)

    def show_names(self, names: NetworkNames) -> None:
        """Adds the networks that a library has beside the catalogue."""
        self.list.show_names(names)
        self.compare.add_names(f"{names.source}/{name}" for name in names.names)

    def show_names_problem(self, source: str, text: str) -> None:
        """Shows why the names of a library are not available."""
        self.list.show_names_problem(source, text)

    def show_download(self, name: str, state: DownloadPhase, done: int = 0, total: int = 0, text: str = "") -> None:
        """Shows the download of the weights of the network called `name`.

        `done` of `total` bytes are here; `text` is the progress in words, or why it failed.
        """
        self._downloads[name] = state, done, total, text
        if name == self._spec.name:
            self.details.weights.show_download(state, done, total, text)

    def set_locked(self, reason: str) -> None:
        """Disables choosing and shows `reason`; "" enables it. Looking at networks is always possible."""
        self.header.set_locked(reason)

    def showEvent(self, event: QShowEvent) -> None:
        """Requests the summaries of what is shown."""
        super().showEvent(event)
        self._request_summary()

    def _summary_request(self, spec: NetworkSpec) -> SummaryRequest:
        """Uses the size that the user tries, else that of Setup, or the network's default if it refuses that."""
        fitting = self._setup_size if spec.takes(self._setup_size) else spec.default_size
        return SummaryRequest(spec.name, self._classes, self._channels, self._own_size or fitting)

    def _summary(self, spec: NetworkSpec) -> NetworkSummary | None:
        result = self._results.get(self._summary_request(spec))
        return result if isinstance(result, NetworkSummary) else None

    def _store_result(self, request: SummaryRequest, result: NetworkSummary | str) -> None:
        if request in self.summary_requests:
            self._results[request] = result
            self._refresh()

    def _request_summary(self) -> None:
        wanted = [request for request in self.summary_requests if request not in self._results]
        for request in wanted if self.isVisible() else ():
            self.summary_requested.emit(request.network, request.classes, request.channels, request.size)

    def _refresh(self) -> None:
        """Shows what is known of the network, and requests the rest."""
        self._results = {
            request: result for request, result in self._results.items() if request in self.summary_requests
        }
        spec, summarised = self._spec, self._summary(self._spec)
        self.header.show_network(spec, chosen=spec.name == self._chosen)
        self.details.show_network(spec, summarised, self._setup_size)
        self.details.weights.show_download(*self._downloads.get(spec.name, ("none", 0, 0, "")))
        self.diagram.show_network(spec, self._summary_request(spec).size, summarised)
        self._lesson.set_text(spec.lesson)
        self._show_whose()
        self._show_layers()
        self._show_comparison()
        self._request_summary()

    def _show_whose(self) -> None:
        """Shows the switch between two networks' layers while two are compared."""
        self.whose.blockSignals(True)
        both = [spec for spec in (self._spec, self._other) if spec]
        while self.whose.count() > len(both):
            self.whose.removeTab(self.whose.count() - 1)
        for index, spec in enumerate(both):
            if index >= self.whose.count():
                self.whose.addTab("")
            self.whose.setTabText(index, spec.title)
        self.whose.setVisible(len(both) > 1)
        self.whose.blockSignals(False)

    def _show_layers(self) -> None:
        spec = self._other if self._other and self.whose.currentIndex() == 1 else self._spec
        request = self._summary_request(spec)
        self.layers.set_size(request.size)
        match self._results.get(request):
            case NetworkSummary() as summarised:
                self.layers.show_summary(spec, summarised)
            case str(text):
                self.layers.show_problem(text)
            case _:
                self.layers.show_waiting()

    def _show_comparison(self) -> None:
        if self._other:
            self.compare.show_both((self._spec, self._summary(self._spec)), (self._other, self._summary(self._other)))
        else:
            self.compare.show_none()

    def _try_size(self, size: int) -> None:
        self._own_size = size
        self._refresh()

    def _compare(self, name: str) -> None:
        """Compares with the network called `name`; "" ends the comparison."""
        self._other = find(name) if name else None
        self._refresh()
