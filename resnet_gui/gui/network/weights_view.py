"""The trained weights that are shared for a network, and the progress of their download."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from resnet_gui.events import NetworkSummary
from resnet_gui.gui.states import DownloadPhase
from resnet_gui.gui.text import megabytes, weights_text
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.labels import label, named
from resnet_gui.nets.spec import NetworkSpec
from resnet_gui.records import Weights


class WeightsView(QWidget):
    """Whether trained weights are shared for the network, and the progress of their download."""

    download_requested = Signal()
    paused = Signal()
    cancelled = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._weights: Weights | None = None
        self._words = label("dim")
        self._problem = label("bad")
        self._here, self._tick = label("good", self.tr("Weights are on this machine")), QLabel()
        self._bar = QProgressBar(textVisible=False)
        self._bar.setAccessibleName(self.tr("Download"))
        self._figures = label("dim")
        self._get = self._button("download", self.download_requested)
        self._pause = self._button("pause", self.paused, self.tr("Pause"))
        self._resume = self._button("resume", self.download_requested, self.tr("Resume"))
        self._cancel = self._button("cancel", self.cancelled, self.tr("Cancel"))
        self._build_layout()
        theme.changed.connect(self._update_icons)
        self._update_icons()

    def _button(self, name: str, signal: object, text: str = "") -> QPushButton:
        button = named(QPushButton(text), name)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(signal)
        return button

    def _build_layout(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._tick)
        row.addWidget(self._here)
        row.addWidget(self._bar, 1)
        for widget in (self._get, self._pause, self._resume, self._cancel):
            row.addWidget(widget)
        row.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._words)
        column.addWidget(self._problem)
        column.addLayout(row)
        column.addWidget(self._figures)

    def show_weights(self, weights: Weights | None, known: bool) -> None:
        """Shows facts about `weights`; None if none are shared, or if that is not `known` yet."""
        self._weights = weights
        none = self.tr("No trained weights are shared for it: it starts from random ones.") if known else ""
        shared = self.tr("Trained weights: {facts}")
        self._words.setText(
            shared.format(facts=weights_text(weights, weights.licence, weights.host)) if weights else none
        )
        self._words.setVisible(bool(self._words.text()))
        self.show_download("none")

    def show_download(self, state: DownloadPhase, done: int = 0, total: int = 0, text: str = "") -> None:
        """Shows a download: `done` of `total` bytes (0: not known yet); `text` is its progress, or why it failed."""
        state = state if self._weights else "none"
        running, halfway = state == "running", state in ("running", "paused")
        shown = {
            self._tick: state == "here", self._here: state == "here", self._bar: halfway, self._figures: halfway,
            self._pause: running, self._resume: state == "paused", self._cancel: halfway,
            self._get: self._weights is not None and state in ("none", "failed"), self._problem: state == "failed",
        }  # fmt: skip
        for widget, visible in shown.items():
            widget.setVisible(visible)
        self._problem.setText(text)
        self._bar.setRange(0, 1000 if total else 0)
        self._bar.setValue(1000 * done // total if total else 0)
        self._figures.setText(text)
        if self._weights:
            size = megabytes(1e6 * self._weights.megabytes)
            download = self.tr("Download weights ({size})").format(size=size)
            self._get.setText(self.tr("Try again") if state == "failed" else download)

    def _update_icons(self) -> None:
        self._tick.setPixmap(self._theme.icon("check", "good").pixmap(16, 16))


def weights_of(network: NetworkSpec, summarised: NetworkSummary | None) -> Weights | None:
    """The weights that `network` can start from: those of its spec, or those of the library that opened it."""
    return network.weights or (summarised.weights if summarised else None)
