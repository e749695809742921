"""The left pane: three steps, pictures, network and training, and the buttons that start, pause and stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from resnet_gui.config import RATE_FROM_RANDOM, RATE_FROM_TRAINED, Setting
from resnet_gui.data.samples import Listing
from resnet_gui.data.split import Splits
from resnet_gui.gui.setup.dataset_card import DatasetCard
from resnet_gui.gui.setup.download_bar import DownloadBar
from resnet_gui.gui.setup.initial_weights import InitialWeightsPicker
from resnet_gui.gui.setup.network_picker import NetworkPicker
from resnet_gui.gui.setup.settings_form import SettingsForm
from resnet_gui.gui.states import RunPhase
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.card import Card
from resnet_gui.gui.widgets.fitting_scroll_area import FittingScrollArea
from resnet_gui.gui.widgets.labels import label, named, set_style_property
from resnet_gui.gui.widgets.mime_data import local_path
from resnet_gui.messages import Message
from resnet_gui.nets.spec import NetworkSpec
from resnet_gui.paths import runs_folder
from resnet_gui.records import Weights

_SIZE, _RATE, _DEVICE = "data.image_size", "training.learning_rate", "machine.device"
_RATES = {"random": RATE_FROM_RANDOM, "auto": None}
"""The learning rate by what a run starts from. Whatever is not here is trained already."""


class SetupPane(QWidget):
    """The user chooses here what a run needs. The pane decides nothing: it emits signals, and methods set its state."""

    folder_requested = Signal()
    folder_dropped = Signal(object)
    """The folder's path as `str`. It is sent as an object: Qt's own strings lose bytes that are not UTF-8."""
    sample_requested = Signal()
    cancel_requested = Signal()
    layout_requested = Signal()
    """The user wants the folders of the dataset to be read differently."""
    start_requested = Signal()
    pause_requested = Signal()
    resume_requested = Signal()
    stop_requested = Signal()
    inspect_requested = Signal(str)
    """The name of the network that the user wants to look into."""
    locked = Signal(str)
    """Why nothing can be changed now, "" if it can."""
    changed = Signal()
    """A setting or the network has changed."""

    def __init__(
        self, theme: Theme, networks: Sequence[NetworkSpec], settings: Sequence[Setting], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._state: RunPhase = "idle"
        self._is_downloading = False
        self._build(networks, settings)
        self._default_size = self._wanted_size = self._shown_size = self._form.values()[_SIZE]
        self._connect()
        self._on_network_changed()
        self._show_state()

    def _build(self, networks: Sequence[NetworkSpec], settings: Sequence[Setting]) -> None:
        """From the outside in: Qt styles a widget again, with all its children, when it gets another parent."""
        cards = QWidget()
        outer, inner = _column(self), _column(cards)
        outer.addWidget(FittingScrollArea(cards))
        self._pictures = DatasetCard(self._theme)
        self._network = NetworkPicker(networks)
        self._training = Card(3, self.tr("Training"))
        for card in (self._pictures, self._network, self._training):
            inner.addWidget(card)
        inner.addStretch(1)
        self._form = SettingsForm(self._theme, settings)
        self._training.body.addWidget(self._form)
        self._initial_weights = InitialWeightsPicker(settings, self._runs_folder)
        self._network.body.addWidget(self._initial_weights)
        self.download = DownloadBar()
        self._start = named(QPushButton(), "start")
        self._start.setIconSize(QSize(16, 16))
        self._start.setProperty("kind", "primary")
        self._stop = named(QPushButton(self.tr("Stop")), "stop")
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
        outer.addWidget(self.download)
        outer.addLayout(buttons)
        outer.addWidget(self._missing)
        outer.addStretch(1)
        self.setAcceptDrops(True)

    def _connect(self) -> None:
        self._pictures.folder_requested.connect(self.folder_requested)
        self._pictures.sample_requested.connect(self.sample_requested)
        self._pictures.cancel_requested.connect(self.cancel_requested)
        self._pictures.layout_requested.connect(self.layout_requested)
        self._pictures.state_changed.connect(self._show_state)
        self._network.changed.connect(self._on_network_changed)
        self._network.inspect_requested.connect(self.inspect_requested)
        self._initial_weights.changed.connect(self._on_initial_weights_changed)
        self._form.changed.connect(self._on_form_changed)
        self._start.clicked.connect(self._on_start_clicked)
        self._stop.clicked.connect(self.stop_requested)
        self._theme.changed.connect(self._show_state)

    def show_empty(self) -> None:
        """Shows that there is no dataset."""
        self._pictures.show_empty()

    def show_listing(self, count: int) -> None:
        """Shows that a folder is being read, and that `count` pictures have been found so far."""
        self._pictures.show_listing(count)

    def show_comparing(self, step: int, steps: int) -> None:
        """Shows that `step` of `steps` pictures have been compared with one another."""
        self._pictures.show_comparing(step, steps)

    def show_dataset(self, listing: Listing, splits: Splits) -> None:
        """Shows a dataset that is ready to train on."""
        self._pictures.show_dataset(listing, splits)
        self._initial_weights.set_pictures(len(listing.samples))

    def show_problem(self, text: str) -> None:
        """Shows in `text` why a folder cannot be used; a dataset that was there before stays."""
        self._pictures.show_problem(text)

    def show_question(self) -> None:
        """Shows that a folder waits for the user's answer in the Data tab; a dataset that was there before stays."""
        self._pictures.show_again()
        self._pictures.show_hint(
            self.tr("The folder waits for your answer in the Data tab: what are the folders in it?")
        )

    def show_again(self) -> None:
        """Shows the dataset that was there before, if there was one."""
        self._pictures.show_again()

    def set_skipped(self, count: int) -> None:
        """Shows how many pictures could not be read so far."""
        self._pictures.set_skipped(count)

    def show_checking(self, step: int, steps: int) -> None:
        """Shows that picture `step` of `steps` has been checked."""
        self._pictures.show_checking(step, steps)

    def add_notes(self, notes: Sequence[Message]) -> None:
        """Shows what the check has found about the pictures that can be read."""
        self._pictures.add_notes(notes)

    def hide_checking(self) -> None:
        """Hides the line about the check."""
        self._pictures.hide_checking()

    def set_running(self, state: RunPhase) -> None:
        """Shows the run's phase. Unless it is idle, settings are locked, and the run can be paused or resumed."""
        self._state = state
        self._show_state()

    def set_downloading(self, downloading: bool) -> None:
        """Sets whether a start waits for weights. Until they are here, or cancelled, everything is locked."""
        if downloading != self._is_downloading:
            self._is_downloading = downloading
            self._show_state()

    def look_for_weights(self) -> None:
        """Updates the line on the weights, after weights have come to this machine."""
        self._initial_weights.look_again()

    def choose_network(self, name: str) -> None:
        """Chooses the network `name`, of the catalogue or a library's, unless a run computes."""
        if not self.reason():
            self._network.choose(name)

    def add_weights(self, name: str, weights: Weights | None) -> None:
        """Stores the `weights` that a library reported for its network `name`, or none."""
        self._network.add_weights(name, weights)

    def set_start_part(self, part: str) -> None:
        """Sets the part of the file of weights to start from, which the user was asked for."""
        self._initial_weights.set_file_part(part)

    @property
    def network(self) -> NetworkSpec:
        """The spec of the chosen network."""
        return self._network.network

    @property
    def weights(self) -> Weights | None:
        """The pretrained weights that a run would start from; None if it would start from something else."""
        return self._initial_weights.weights

    @property
    def missing(self) -> str:
        """A sentence on what a start waits for, "" if for nothing."""
        if self._pictures.is_ready:
            return self._initial_weights.missing
        return self.tr("The folder is being read.") if self._pictures.is_listing else self.tr("Choose pictures first.")

    def reset(self) -> None:
        """Sets every setting to its default, unless a run computes."""
        if not self.reason():
            self._form.reset()
            self._initial_weights.reset()
            self._wanted_size = self._default_size
            self._fit_size()
            self._on_initial_weights_changed()

    def add_devices(self, devices: Sequence[str]) -> None:
        """Offers each graphics card of `devices`, all that the machine has, if there are several."""
        cards = [each for each in devices if each.startswith("cuda:")]
        if len(cards) > 1:
            self._form.add_choices(_DEVICE, cards)

    def values(self) -> dict[str, Any]:
        """Every setting by dotted key, and the network's name under `network`."""
        return {**self._form.values(), **self._initial_weights.values(), "network": self._network.network.name}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Fills in the known keys of `values` and ignores the rest."""
        self._network.choose(values.get("network"))
        self._form.set_limits(_SIZE, 1, None)  # until it is known which size is wanted
        self._form.set_values(values)
        if _SIZE in values:
            self._wanted_size = self._form.values()[_SIZE]
        self._initial_weights.set_values(values)
        self._fit_size()
        self._on_initial_weights_changed()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accepts files and folders anywhere on the pane, unless a run computes."""
        if not self.reason() and _first_path(event.mimeData()):
            event.acceptProposedAction()
            set_style_property(self._pictures, "dropping", True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Ends the highlight."""
        set_style_property(self._pictures, "dropping", False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Emits a folder; for a file, shows that a folder is needed."""
        set_style_property(self._pictures, "dropping", False)
        event.acceptProposedAction()
        path = _first_path(event.mimeData())
        if Path(path).is_dir():
            self.folder_dropped.emit(path)
        else:
            self._pictures.show_hint(self.tr("That is a file. Drop the folder that holds the class folders."))

    def _on_start_clicked(self) -> None:
        signals = {
            "idle": self.start_requested, "running": self.pause_requested, "paused": self.resume_requested,
            "scoring": self.stop_requested,
        }  # fmt: skip
        signals[self._state].emit()

    def _on_network_changed(self) -> None:
        network = self._network.network
        self._initial_weights.set_weights(network.weights, self._network.knows_weights)
        self._fit_size()
        self._on_initial_weights_changed()

    def _on_initial_weights_changed(self) -> None:
        head_only = self._initial_weights.values()["start.train_part"] == "head"
        trained = RATE_FROM_RANDOM if head_only else RATE_FROM_TRAINED
        self._form.set_automatic(_RATE, _RATES.get(self._initial_weights.start, trained))
        self._show_state()
        self.changed.emit()

    def _on_form_changed(self) -> None:
        size = self._form.values()[_SIZE]
        if size != self._shown_size:  # the user has set it
            self._wanted_size = self._shown_size = size
            self._network.show_note("")
        self.changed.emit()

    def _fit_size(self) -> None:
        """Sets the wanted image size, or the nearest that the network takes. The wanted size is kept."""
        network, wanted = self._network.network, self._wanted_size
        size = max(network.smallest, wanted if network.largest is None else min(wanted, network.largest))
        with QSignalBlocker(self._form):
            self._form.set_limits(_SIZE, network.smallest, network.largest)
            self._form.set_values({_SIZE: size})
        self._shown_size = size
        note = self.tr("It does not take pictures of {wanted} px, so the image size is {size} px now.")
        self._network.show_note("" if size == wanted else note.format(wanted=wanted, size=size))

    def _runs_folder(self) -> Path:
        return Path(self._form.values()["out"] or runs_folder())

    def _show_state(self) -> None:
        idle = self._state == "idle"
        downloading, missing = self._is_downloading, self.missing
        text, icon = {
            "idle": (self.tr("Downloading…") if downloading else self.tr("Start training"), "play"),
            "running": (self.tr("Pause"), "pause"),
            "pausing": (self.tr("Saving…"), "pause"),
            "stopping": (self.tr("Saving…"), "stop"),
            "paused": (self.tr("Resume"), "play"),
            "scoring": (self.tr("Stop"), "stop"),
        }[self._state]
        self._start.setText(text)
        self._start.setEnabled(
            not (missing or downloading) if idle else self._state in ("running", "paused", "scoring")
        )
        self._start.setIcon(self._theme.icon(icon, "on_accent" if self._start.isEnabled() else "dim"))
        self._stop.setVisible(self._state in ("running", "pausing", "stopping", "paused"))
        self._stop.setEnabled(self._state != "stopping")
        self._missing.setText(missing)
        self._missing.setVisible(idle and bool(missing))
        for part in (self._pictures, self._network, self._initial_weights, self._form):
            part.set_locked(self.reason())
        self.locked.emit(self.reason())

    def reason(self) -> str:
        """Why nothing can be changed now, "" if it can."""
        if self._is_downloading:
            return self.tr("The weights to start from are being downloaded. Cancel that to change this.")
        if self._state == "idle":
            return ""
        if self._state == "paused":
            return self.tr("A training is paused. Stop it, or let it go on to its end, to change this.")
        return self.tr("A training is running. Stop it, or wait for its end, to change this.")


def _column(inside: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(inside)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(12)
    return column


def _first_path(dropped: QMimeData) -> str:
    """The path of the first local file or folder that is dropped, or ""."""
    return next((local_path(url) for url in dropped.urls() if url.isLocalFile()), "")
