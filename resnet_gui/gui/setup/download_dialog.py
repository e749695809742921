"""Asks the user before anything is downloaded."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPushButton, QVBoxLayout, QWidget

from resnet_gui.gui.setup.initial_weights import from_scratch
from resnet_gui.gui.text import megabytes
from resnet_gui.gui.widgets.labels import label, set_style_property
from resnet_gui.records import Weights


class DownloadDialog(QDialog):
    """Describes the weights of a network, and what it means to start without them."""

    download_chosen = Signal()
    scratch_chosen = Signal()

    def __init__(self, title: str, weights: Weights, pictures: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("resnet-gui")
        self.facts = label("plain", self._facts(title, weights))
        self.facts.setMinimumWidth(420)
        self.consequence = label("dim", from_scratch(pictures, has_weights=True))
        self.download = QPushButton(self.tr("Download and start"))
        self.scratch = QPushButton(self.tr("Start from scratch"))
        cancel = QPushButton(self.tr("Cancel"))
        self.download.clicked.connect(self.download_chosen)
        self.scratch.clicked.connect(self.scratch_chosen)
        for button in (self.download, self.scratch, cancel):
            button.clicked.connect(self.close)
        buttons = QDialogButtonBox()
        buttons.addButton(self.download, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(self.scratch, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(cancel, QDialogButtonBox.ButtonRole.RejectRole)
        set_style_property(self.download, "kind", "primary")
        self.download.setDefault(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        column.addWidget(label("heading", self.tr("Download trained weights?")))
        column.addWidget(self.facts)
        column.addWidget(self.consequence)
        column.addStretch()
        column.addWidget(buttons, 0, Qt.AlignmentFlag.AlignBottom)

    def _facts(self, title: str, weights: Weights) -> str:
        first = self.tr("{network} can start from weights that were trained on {pictures}.")
        about = [megabytes(weights.megabytes * 1e6)]
        if weights.licence:
            about.append(self.tr("licence {licence}").format(licence=weights.licence))
        about.append(self.tr("from {host}").format(host=weights.host))
        second = self.tr("They are {facts}, and are kept for next time.").format(facts=", ".join(about))
        return f"{first.format(network=title, pictures=weights.trained_on)} {second}"
