"""Small pieces of text, and the two boxes that every pane is made of."""

from __future__ import annotations

import html
import re
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

_Widget = TypeVar("_Widget", bound=QWidget)


def label(kind: str, text: str = "") -> QLabel:
    """Plain text that breaks its lines, in the look that the stylesheet has for `kind`."""
    made = QLabel(text, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
    made.setProperty("kind", kind)
    return made


def named(widget: _Widget, name: str) -> _Widget:
    """`widget`, called `name` from now on: the stylesheet and the tests know it by that."""
    widget.setObjectName(name)
    return widget


def tooltip(text: str) -> str:
    """`text` for a tooltip: plain whatever it holds, its lines broken where they get long."""
    return f"<p>{html.escape(text).replace(chr(10), '<br>')}</p>" if text else ""


def breakable(text: str) -> str:
    """`text` with places to break its longest words, such as paths; else they would widen the pane."""
    return re.sub(r"([/\\]|[^\s/\\]{16}(?=[^\s/\\]{4}))", "\\1\u200b", text)


def set_style_property(widget: QWidget, name: str, value: object) -> None:
    """Sets a property that the stylesheet looks at, and lets it look again."""
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
