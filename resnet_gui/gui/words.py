"""Messages in the person's language."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from resnet_gui.messages import Message, sentence


def words(message: Message) -> str:
    """The translated sentence of `message`."""
    return sentence(message, lambda text: QCoreApplication.translate("messages", text))
