"""Labels, object names, tooltips, and style properties."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QStyleOption, QWidget

from resnet_gui.names import WHOLE, elided, plain

_Widget = TypeVar("_Widget", bound=QWidget)


class PlainLabel(QLabel):
    """A label with word wrap that takes its text for nothing but text: no markup, and no character that deceives.

    A sentence runs from left to right even if it begins with an Arabic or a Hebrew name.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Shows `text`, with its line breaks, and with the places at which `breakable` lets it break."""
        super().setText(drawable(plain(text, "\n\u200b")))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paints the text. Qt itself would turn the whole of it around by its first letter."""
        is_selectable = Qt.TextInteractionFlag.TextSelectableByMouse in self.textInteractionFlags()
        if is_selectable or self.layoutDirection() != Qt.LayoutDirection.LeftToRight or not _is_turned(self.text()):
            super().paintEvent(event)
            return
        painter, option, margin = QPainter(self), QStyleOption(), self.margin()
        self.drawFrame(painter)
        option.initFrom(self)
        wrap = Qt.TextFlag.TextWordWrap if self.wordWrap() else Qt.TextFlag.TextSingleLine
        flags = self.alignment().value | wrap.value | Qt.TextFlag.TextForceLeftToRight.value
        room = self.contentsRect().adjusted(margin, margin, -margin, -margin)
        role, is_on = self.foregroundRole(), self.isEnabled()
        self.style().drawItemText(painter, room, flags, option.palette, is_on, self.text(), role)


def _is_turned(text: str) -> bool:
    """Whether Qt takes `text` for one that runs from right to left."""
    directions = (unicodedata.bidirectional(character) for character in text)
    return next((each for each in directions if each in ("L", "R", "AL")), "L") != "L"


def label(kind: str, text: str = "") -> QLabel:
    """A `PlainLabel`. The stylesheet styles it by its `kind`."""
    created = PlainLabel(text)
    created.setProperty("kind", kind)
    return created


def named(widget: _Widget, name: str) -> _Widget:
    """Sets the object name of `widget`, by which the stylesheet and the tests find it. Returns `widget`."""
    widget.setObjectName(name)
    return widget


def tooltip(text: str) -> str:
    """`text` as HTML for a tooltip: shown as plain text, with long lines and long words wrapped, and the end of it cut."""
    words = re.sub(r"(\S{60})(?=\S)", "\\1\u200b", drawable(plain(elided(text, 2 * WHOLE))))
    return f"<p>{html.escape(words).replace(chr(10), '<br>')}</p>" if text else ""


def drawable(text: str) -> str:
    """`text` for Qt, whose strings cannot hold bytes that are not UTF-8: these become “?”."""
    return text.encode("utf-8", "replace").decode()


def breakable(text: str) -> str:
    """`text` with zero-width spaces in long words such as paths; else they would widen the pane."""
    return re.sub(r"([/\\]|[^\s/\\]{16}(?=[^\s/\\]{4}))", "\\1\u200b", text)


def set_style_property(widget: QWidget, name: str, value: object) -> None:
    """Sets a property that the stylesheet depends on, and applies the stylesheet again."""
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
