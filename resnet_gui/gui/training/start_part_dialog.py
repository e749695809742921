"""Asks the user which part of a file of weights a run starts from, where several fit equally well."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from resnet_gui.gui.widgets.elided_labels import one_line
from resnet_gui.gui.widgets.labels import breakable, label, named, set_style_property
from resnet_gui.names import LIST

_SHOWN_AT_ONCE = 6
_ROW = 30
"""Pixels."""


class StartPartDialog(QDialog):
    """Shows `problem`, the sentence on the file, and its `parts`. `part` is the one chosen, once it is accepted."""

    def __init__(self, problem: str, parts: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("resnet-gui")
        self._parts = parts
        self.facts = label("plain", breakable(problem))
        self.list = named(QListWidget(), "parts")
        for part in parts:
            item = QListWidgetItem(one_line(part, LIST), self.list)
            item.setSizeHint(QSize(0, _ROW))
        self.list.setAccessibleName(self.tr("Parts of the file"))
        self.list.setCurrentRow(0)
        self.list.itemActivated.connect(self.accept)
        self.start = QPushButton(self.tr("Start training"))
        self._build_layout()
        self.list.setFocus()

    @property
    def part(self) -> str:
        """The name of the chosen part."""
        return self._parts[self.list.currentRow()]

    def sizeHint(self) -> QSize:
        """Room for lines that are comfortable to read."""
        return QSize(500, super().sizeHint().height())

    def _build_layout(self) -> None:
        self.list.setFixedHeight(min(len(self._parts), _SHOWN_AT_ONCE) * _ROW + 2 * self.list.frameWidth())
        buttons = QDialogButtonBox()
        buttons.addButton(self.start, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(QPushButton(self.tr("Cancel")), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        set_style_property(self.start, "kind", "primary")
        self.start.setDefault(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        column.addWidget(label("heading", self.tr("Which weights of the file?")))
        column.addWidget(self.facts)
        column.addWidget(self.list)
        column.addStretch()
        column.addWidget(buttons)
