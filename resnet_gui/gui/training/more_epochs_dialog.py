"""Asks the user how many more epochs a finished run should have."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from resnet_gui.config import settings
from resnet_gui.gui.text import time_taken
from resnet_gui.gui.widgets.labels import label, set_style_property
from resnet_gui.runs.history import RunHistory


class MoreEpochsDialog(QDialog):
    """`more` is the number chosen, once the dialog is accepted."""

    def __init__(self, history: RunHistory, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("resnet-gui")
        self._history = history
        most = next(int(setting.high or 1) for setting in settings() if setting.name == "epochs")
        self.box = QSpinBox(minimum=1, maximum=max(1, most - history.epochs), value=max(1, history.epochs // 2))
        self.box.setAccessibleName(self.tr("More epochs"))
        self.box.setFixedWidth(90)
        self.box.valueChanged.connect(self._update_text)
        self.facts = label("dim")
        self.facts.setMinimumWidth(400)
        self.train = QPushButton(self.tr("Train further"))
        self._build_layout()
        self._update_text()
        self.box.selectAll()

    @property
    def more(self) -> int:
        """How many more epochs the run should have."""
        return self.box.value()

    def _update_text(self) -> None:
        epochs = self._history.curves.epochs
        lines = [
            self.tr(
                "The run goes on where it ended and has {total} epochs then. The learning rate follows its schedule "
                "over all of them, so it may rise again at first."
            ).format(total=self._history.epochs + self.more)
        ]
        if epochs:
            seconds = self.more * sum(done.seconds for done in epochs) / len(epochs)
            lines.append(self.tr("That takes about {time}.").format(time=time_taken(seconds)))
        self.facts.setText(" ".join(lines))

    def _build_layout(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(label("plain", self.tr("More epochs")))
        row.addWidget(self.box)
        row.addStretch()
        buttons = QDialogButtonBox()
        buttons.addButton(self.train, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(QPushButton(self.tr("Cancel")), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        set_style_property(self.train, "kind", "primary")
        self.train.setDefault(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        column.addWidget(label("heading", self.tr("Train further")))
        column.addLayout(row)
        column.addWidget(self.facts)
        column.addStretch()
        column.addWidget(buttons, 0, Qt.AlignmentFlag.AlignBottom)
