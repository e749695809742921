"""Messages and places in the person's language."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from resnet_gui.messages import Message, sentence


def words(message: Message) -> str:
    """The translated sentence of `message`."""
    return sentence(message, lambda text: QCoreApplication.translate("messages", text))


def place_words(epoch: int, step: int) -> str:
    """ "epoch 7, step 40" for the place after `step` steps of `epoch`; without steps it is the end of the one before."""
    if step:
        return _tr("epoch {epoch}, step {step}").format(epoch=epoch, step=step)
    return _tr("the end of epoch {epoch}").format(epoch=epoch - 1) if epoch > 1 else _tr("the beginning")


def _tr(text: str) -> str:
    return QCoreApplication.translate("words", text)
