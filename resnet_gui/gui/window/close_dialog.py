"""The dialog that is shown when the window is closed while a run computes."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QMessageBox, QWidget

from resnet_gui.gui.widgets.labels import set_style_property

Choice = Literal["keep", "stop", "cancel"]


def ask_to_close(parent: QWidget) -> Choice:
    """Asks the user whether the run continues, stops, or the window stays open."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, "resnet-gui", f"<b>{_tr('A training is running')}</b>", parent=parent)
    box.setInformativeText(
        _tr(
            "Keep training: the window is minimised and the program ends by itself when the training is done. "
            "Start the program again to see it.\n\n"
            "Stop and save: nothing is lost, and the next start offers to go on."
        )
    )
    keep = box.addButton(_tr("Keep training"), QMessageBox.ButtonRole.AcceptRole)
    stop = box.addButton(_tr("Stop and save"), QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    set_style_property(keep, "kind", "primary")
    cancel.setIcon(QIcon())
    box.setDefaultButton(keep)
    box.setEscapeButton(cancel)
    box.exec()
    clicked = box.clickedButton()
    return "keep" if clicked is keep else "stop" if clicked is stop else "cancel"


def _tr(text: str) -> str:
    return QCoreApplication.translate("closing", text)
