"""Offers to choose the folder to which the pictures of a run were moved."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPushButton, QVBoxLayout, QWidget

from resnet_gui.gui.widgets.labels import breakable, label, set_style_property


class MovedDatasetDialog(QDialog):
    """Shows `problem`, the sentence on where the pictures are not. It is accepted to choose a folder."""

    def __init__(self, problem: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("resnet-gui")
        self.facts = label("plain", breakable(problem))
        self.consequence = label(
            "dim",
            self.tr(
                "If the folder was moved, choose where it is now. Every picture is compared with the one that the run "
                "began with, and the run goes on as if nothing had happened."
            ),
        )
        self.choose = QPushButton(self.tr("Choose the folder…"))
        self._build_layout()

    def sizeHint(self) -> QSize:
        """Room for lines that are comfortable to read."""
        return QSize(500, super().sizeHint().height())

    def _build_layout(self) -> None:
        buttons = QDialogButtonBox()
        buttons.addButton(self.choose, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(QPushButton(self.tr("Cancel")), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        set_style_property(self.choose, "kind", "primary")
        self.choose.setDefault(True)
        self.choose.setFocus()
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        for widget in (
            label("heading", self.tr("The pictures of this run are not there")), self.facts, self.consequence,
        ):  # fmt: skip
            column.addWidget(widget)
        column.addStretch()
        column.addWidget(buttons)
