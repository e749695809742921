"""The left pane: three steps, pictures, network and training, and the buttons that start, pause and stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QCoreApplication, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from resnet_gui.config import Setting
from resnet_gui.data.folder import Listing
from resnet_gui.data.split import Splits
from resnet_gui.gui.dropped import local_path
from resnet_gui.gui.form import SettingsForm
from resnet_gui.gui.labels import Card, FittingScrollArea, label, set_look, tooltip
from resnet_gui.gui.pictures_card import PicturesCard
from resnet_gui.gui.theme import Theme
from resnet_gui.nets.catalog import Network

RunState = Literal["idle", "running", "pausing", "stopping", "paused", "scoring"]


class SetupPane(QWidget):
    """Asks for what a run needs. It decides nothing: each wish is a signal, each state is shown by a method."""

    folder_requested = Signal()
    folder_dropped = Signal(object)
    """The folder's path as `str`; sent as an object, for Qt would lose bytes of it that are not UTF-8."""
    sample_requested = Signal()
    cancel_requested = Signal()
    start_requested = Signal()
    pause_requested = Signal()
    resume_requested = Signal()
    stop_requested = Signal()
    changed = Signal()
    """A setting or the network is another now."""

    def __init__(
        self, theme: Theme, networks: Sequence[Network], settings: Sequence[Setting], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._state: RunState = "idle"
        self._build(networks, settings)
        self._connect()
        self._show_state()

    def _build(self, networks: Sequence[Network], settings: Sequence[Setting]) -> None:
        """From the outside in: a widget that moves into another is dressed once more, with all it holds."""
        cards = QWidget()
        outer, inner = _column(self), _column(cards)
        outer.addWidget(FittingScrollArea(cards))
        self._pictures = PicturesCard(self._theme)
        self._network = NetworkCard(networks)
        self._training = Card(3, self.tr("Training"))
        for card in (self._pictures, self._network, self._training):
            inner.addWidget(card)
        inner.addStretch(1)
        self._form = SettingsForm(self._theme, settings)
        self._training.body.addWidget(self._form)
        self._start = QPushButton(iconSize=QSize(16, 16), objectName="start")
        self._start.setProperty("kind", "primary")
        self._stop = QPushButton(self.tr("Stop"), objectName="stop")
        self._stop.setProperty("kind", "beside")  # as high as the primary one
        self._stop.setToolTip(self.tr("Saves, and ends the run."))
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._start, 1)
        buttons.addWidget(self._stop)
        for button in (self._start, self._stop):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click needs no ring around it
        self._missing = label("dim")
        self._missing.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        outer.addLayout(buttons)
        outer.addWidget(self._missing)
        outer.addStretch(1)
        self.setAcceptDrops(True)

    def _connect(self) -> None:
        self._pictures.folder_requested.connect(self.folder_requested)
        self._pictures.sample_requested.connect(self.sample_requested)
        self._pictures.cancel_requested.connect(self.cancel_requested)
        self._pictures.state_changed.connect(self._show_state)
        self._network.changed.connect(self.changed)
        self._form.changed.connect(self.changed)
        self._start.clicked.connect(self._ask)
        self._stop.clicked.connect(self.stop_requested)
        self._theme.changed.connect(self._show_state)

    def show_empty(self) -> None:
        """There is no dataset."""
        self._pictures.show_empty()

    def show_listing(self, count: int) -> None:
        """A folder is being read; `count` pictures found so far."""
        self._pictures.show_listing(count)

    def show_dataset(self, listing: Listing, splits: Splits) -> None:
        """The dataset is ready to train on."""
        self._pictures.show_dataset(listing, splits)

    def show_problem(self, text: str) -> None:
        """A folder cannot be used, for the reason in `text`; a dataset that was there before stays."""
        self._pictures.show_problem(text)

    def set_skipped(self, count: int) -> None:
        """How many pictures could not be read so far."""
        self._pictures.set_skipped(count)

    def show_checking(self, step: int, steps: int) -> None:
        """Picture `step` of `steps` has been checked."""
        self._pictures.show_checking(step, steps)

    def hide_checking(self) -> None:
        """No check is going on."""
        self._pictures.hide_checking()

    def set_running(self, state: RunState) -> None:
        """Shows what the run does: unless there is none, settings are locked, and it can be paused or gone on with."""
        self._state = state
        self._show_state()

    def reset(self) -> None:
        """Every setting as it is at the first start, unless a run computes."""
        if self._state == "idle":
            self._form.reset()

    def values(self) -> dict[str, Any]:
        """The form's values by dotted key, and the network's name under `network`."""
        return {**self._form.values(), "network": self._network.name()}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Fills in what it knows of `values` and passes over the rest."""
        self._form.set_values(values)
        self._network.choose(values.get("network"))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders are welcome anywhere on the pane, unless a run computes."""
        if self._state == "idle" and _first_path(event.mimeData()):
            event.acceptProposedAction()
            set_look(self._pictures, "dropping", True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """They went elsewhere."""
        set_look(self._pictures, "dropping", False)

    def dropEvent(self, event: QDropEvent) -> None:
        """A folder is asked for; a file is told what it is not."""
        set_look(self._pictures, "dropping", False)
        event.acceptProposedAction()
        path = _first_path(event.mimeData())
        if Path(path).is_dir():
            self.folder_dropped.emit(path)
        else:
            self._pictures.show_remark(self.tr("That is a file. Drop the folder that holds the class folders."))

    def _ask(self) -> None:
        wishes = {
            "idle": self.start_requested, "running": self.pause_requested, "paused": self.resume_requested,
            "scoring": self.stop_requested,
        }  # fmt: skip
        wishes[self._state].emit()

    def _show_state(self) -> None:
        idle = self._state == "idle"
        text, icon = {
            "idle": (self.tr("Start training"), "play"),
            "running": (self.tr("Pause"), "pause"),
            "pausing": (self.tr("Saving…"), "pause"),
            "stopping": (self.tr("Saving…"), "stop"),
            "paused": (self.tr("Resume"), "play"),
            "scoring": (self.tr("Stop"), "stop"),
        }[self._state]
        self._start.setText(text)
        self._start.setEnabled(self._pictures.is_ready if idle else self._state in ("running", "paused", "scoring"))
        self._start.setIcon(self._theme.icon(icon, "on_accent" if self._start.isEnabled() else "dim"))
        self._stop.setVisible(self._state in ("running", "pausing", "stopping", "paused"))
        self._stop.setEnabled(self._state != "stopping")
        listing = self._pictures.is_listing
        self._missing.setText(self.tr("The folder is being read.") if listing else self.tr("Choose pictures first."))
        self._missing.setVisible(idle and not self._pictures.is_ready)
        for part in (self._pictures, self._network, self._form):
            part.set_locked(self._reason())

    def _reason(self) -> str:
        """Why nothing can be changed now, "" if it can."""
        if self._state == "idle":
            return ""
        if self._state == "paused":
            return self.tr("A training is paused. Stop it, or let it go on to its end, to change this.")
        return self.tr("A training is running. Stop it, or wait for its end, to change this.")


class NetworkCard(Card):
    """Which network, and what it costs."""

    changed = Signal()

    def __init__(self, networks: Sequence[Network]) -> None:
        super().__init__(2, QCoreApplication.translate("NetworkCard", "Network"))
        self._networks = {network.name: network for network in networks}
        self._choice = QComboBox(objectName="network")
        self._choice.setAccessibleName(self.tr("Network"))
        self._choice.setMinimumContentsLength(8)
        for network in networks:
            self._choice.addItem(network.title, network.name)
            self._choice.setItemData(self._choice.count() - 1, tooltip(network.story), Qt.ItemDataRole.ToolTipRole)
        self._facts = label("dim")
        self.body.addWidget(self._choice)
        self.body.addWidget(self._facts)
        self._choice.currentIndexChanged.connect(self._chosen)
        self._tell()

    def name(self) -> str:
        """The chosen network's name, such as resnet18."""
        return self._choice.currentData()

    def choose(self, name: object) -> None:
        """Chooses the network called `name`, if there is one."""
        if name in self._networks:
            self._choice.setCurrentIndex(self._choice.findData(name))

    def set_locked(self, reason: str) -> None:
        """Keeps the network as it is, for `reason`; an empty one frees it."""
        self._choice.setEnabled(not reason)
        self._choice.setToolTip(tooltip(reason or self._networks[self.name()].story))

    def _chosen(self) -> None:
        self._tell()
        self.changed.emit()

    def _tell(self) -> None:
        network = self._networks[self.name()]
        lines = (
            f"{network.paper} · {self.tr('{count} layers').format(count=network.depth)}",
            self.tr("{count} M parameters").format(count=f"{network.parameters / 1e6:.1f}"),
            self.tr("{count} G multiply-adds at 224 × 224").format(count=f"{network.multiply_adds / 1e9:.1f}"),
        )
        self._facts.setText("\n".join(lines))
        self._facts.setToolTip(tooltip(network.story))
        self._choice.setToolTip(tooltip(network.story))


def _column(inside: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(inside)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(12)
    return column


def _first_path(dropped: QMimeData) -> str:
    """The first file or folder of this machine that is dropped, or ""."""
    return next((local_path(url) for url in dropped.urls() if url.isLocalFile()), "")
