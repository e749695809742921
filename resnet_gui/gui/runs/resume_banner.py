"""A banner at the top of the window that offers to resume an unfinished run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from resnet_gui.gui.text import position_text
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.elided_labels import one_line
from resnet_gui.gui.widgets.labels import breakable, label
from resnet_gui.names import NAME
from resnet_gui.nets.catalog import NETWORKS

if TYPE_CHECKING:
    from resnet_gui.runs.run_status import RunStatus


class ResumeBanner(QFrame):
    """Shows in a sentence which run stopped where, with buttons. It is hidden until there is a run to offer."""

    # Paths are sent as objects: Qt's own strings lose bytes that are not UTF-8.
    resume_requested = Signal(object)
    """str: the run's folder."""
    look_requested = Signal(object)
    """str: the run's folder."""
    dismissed = Signal(object)
    """str: the folder of the run that is not to be offered again."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._run = ""
        self.setProperty("kind", "card")
        self.setObjectName("banner")
        self._icon, self.sentence = QLabel(), label("plain")
        self.resume = self._button(self.tr("Resume"), "primary", lambda: self.resume_requested.emit(self._run))
        self.look = self._button(self.tr("Look at it"), "beside", lambda: self.look_requested.emit(self._run))
        self.not_now = self._button(self.tr("Not now"), "link", lambda: self.dismissed.emit(self._run))
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 10, 8)
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self.sentence, 1)
        for button in (self.resume, self.look, self.not_now):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        theme.changed.connect(self._update_icons)
        self._update_icons()
        self.hide()

    def offer(self, status: RunStatus) -> None:
        """Offers to resume the run that `status` describes."""
        self._run = status.run
        titles = {network.name: network.title for network in NETWORKS}
        text = self.tr("The training of {network} on “{dataset}” stopped at {place}.").format(
            network=one_line(titles.get(status.network, status.network), NAME), dataset=one_line(Path(status.dataset).name, NAME),
            place=position_text(status.epoch, status.step),
        )  # fmt: skip
        self.sentence.setText(breakable(text))
        self.show()

    def _button(self, text: str, kind: str, slot: object) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("kind", kind)
        button.clicked.connect(self.hide)
        button.clicked.connect(slot)
        return button

    def _update_icons(self) -> None:
        self._icon.setPixmap(self._theme.icon("pause", "accent").pixmap(20, 20))
