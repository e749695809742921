"""A network in words and figures: its name, its facts, and the weights it can start from."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from resnet_gui.events import NetworkSummary
from resnet_gui.gui.network.weights_view import WeightsView, weights_of
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.elided_labels import ElidedLabel
from resnet_gui.gui.widgets.labels import label, named, tooltip
from resnet_gui.nets.spec import NetworkSpec
from resnet_gui.nets.tables import short_count

_COLUMNS = 3


class NetworkHeader(QWidget):
    """The network's name, its origin, and the button that chooses it for training."""

    use_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._chosen, self._locked = False, ""
        self._title = ElidedLabel("title")
        self._origin = label("dim")
        self._use = named(QPushButton(), "use")
        self._use.setProperty("kind", "primary")
        self._use.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._use.clicked.connect(self.use_requested)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self._title, 1)
        row.addWidget(self._use)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self._origin)
        theme.changed.connect(self._refresh)

    def show_network(self, network: NetworkSpec, chosen: bool) -> None:
        """Shows which network this is, and whether it is the `chosen` one."""
        self._title.set_name(network.title)
        self._origin.setText(_origin(network))
        self._chosen = chosen
        self._refresh()

    def set_locked(self, reason: str) -> None:
        """Disables the button and shows `reason` in its tooltip; "" enables it."""
        self._locked = reason
        self._refresh()

    def _refresh(self) -> None:
        self._use.setText(self.tr("Chosen for training") if self._chosen else self.tr("Use this network"))
        self._use.setEnabled(not self._chosen and not self._locked)
        self._use.setIcon(self._theme.icon("check", "dim") if self._chosen else QIcon())
        self._use.setToolTip(tooltip("" if self._chosen else self._locked))


class NetworkDetails(QWidget):
    """A sentence about a network, its facts, and the weights it can start from."""

    download_requested = Signal()
    download_paused = Signal()
    download_cancelled = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._description = label("plain")
        self._note = NetworkNote("warning")
        self._facts = _Facts()
        self.weights = WeightsView(theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        for widget in (self._description, self._note, self._facts, self.weights):
            column.addWidget(widget)
        self.weights.download_requested.connect(self.download_requested)
        self.weights.paused.connect(self.download_paused)
        self.weights.cancelled.connect(self.download_cancelled)

    def show_network(self, network: NetworkSpec, summarised: NetworkSummary | None, setup_size: int) -> None:
        """Shows `network`; `summarised`, once it is known, has the figures for the user's own classes and image size.

        `setup_size` is the image size in Setup, in pixels.
        """
        self._description.setText(network.description or self.tr("A network of a library, which says little about it."))
        refused = self.tr(
            "It takes pictures of {sizes} pixels, and Setup has {size}: the figures here are for {usual}."
        )
        unfit = refused.format(sizes=network.sizes, size=setup_size, usual=network.default_size)
        self._note.set_text("\n".join(filter(None, (network.note, "" if network.takes(setup_size) else unfit))))
        self._facts.show_facts(_facts(network, summarised))
        self.weights.show_weights(weights_of(network, summarised), known=bool(network.depth or summarised))


class NetworkNote(QFrame):
    """A highlighted sentence; `tone` is "warning" or "lesson". Without text it hides."""

    def __init__(self, tone: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "remark")
        self.setProperty("tone", tone)
        self._label = label("small")
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 7, 10, 7)
        column.addWidget(self._label)

    def set_text(self, text: str) -> None:
        """Shows `text`."""
        self._label.setText(text)
        self.setVisible(bool(text))


class _Facts(QWidget):
    """Captions with a figure below each, in columns."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(14)
        self._grid.setVerticalSpacing(0)
        self._pairs: list[tuple[QLabel, QLabel]] = []
        for column in range(_COLUMNS):
            self._grid.setColumnStretch(column, 1)

    def show_facts(self, facts: Iterable[tuple[str, str, str]]) -> None:
        """Shows `facts`: caption, figure, and tooltip of each."""
        for index, (caption, figure, hint) in enumerate(facts):
            while index >= len(self._pairs):
                self._add_pair(index)
            above, below = self._pairs[index]
            above.setText(caption)
            below.setText(figure)
            below.setAccessibleName(f"{caption}: {figure}")
            for part in (above, below):
                part.setToolTip(tooltip(hint))

    def _add_pair(self, index: int) -> None:
        above, below = label("dim"), label("strong")
        row, column = divmod(index, _COLUMNS)
        self._grid.addWidget(above, 3 * row, column, Qt.AlignmentFlag.AlignBottom)
        self._grid.addWidget(below, 3 * row + 1, column, Qt.AlignmentFlag.AlignTop)
        self._grid.setRowMinimumHeight(3 * row + 2, 8 if row == 0 else 0)
        self._pairs.append((above, below))


def _origin(network: NetworkSpec) -> str:
    year = str(network.year) if network.year and str(network.year) not in network.paper else ""
    layers = _tr("{count} layers").format(count=f"{network.depth:,}") if network.depth else ""
    home = "" if network.source == "ours" else _tr("from {library}").format(library=network.source)
    return " · ".join(part for part in (network.paper, year, layers, home) if part)


def _facts(network: NetworkSpec, summarised: NetworkSummary | None) -> list[tuple[str, str, str]]:
    parameters, classes = network.parameters, network.classes
    multiply_adds, size = network.multiply_adds, network.default_size
    if summarised:
        parameters, classes = summarised.parameters, summarised.classes
        multiply_adds, size = summarised.multiply_adds, summarised.image_size
    return [
        (_tr("Parameters, {count} classes").format(count=f"{classes:,}"), short_count(parameters), f"{parameters:,}"),
        (_tr("Multiply-adds, {size} px").format(size=size), short_count(multiply_adds), f"{multiply_adds:,}"),
        (_tr("Usual picture"), f"{network.default_size} × {network.default_size}", _tr("The size, in pixels, that its paper or its library uses.")),
        (_tr("Layers"), f"{network.depth:,}" if network.depth else "–", _tr("Those with weights on the longest way through, as papers count them.")),
        (_tr("Sides it takes"), network.sizes, _tr("Sides of the pictures, in pixels.")),
        (_tr("Channels"), _tr("grey") if network.channels == 1 else _tr("colour or grey"), _tr("What its first layer is made for. It can be built for the other, too.")),
    ]  # fmt: skip


def _tr(text: str) -> str:
    return QCoreApplication.translate("network_card", text)
