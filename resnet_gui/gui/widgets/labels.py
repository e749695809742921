"""Labels, object names, tooltips, and style properties."""

from __future__ import annotations

import html
import re
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

_Widget = TypeVar("_Widget", bound=QWidget)


def label(kind: str, text: str = "") -> QLabel:
    """A label with plain text and word wrap. The stylesheet styles it by its `kind`."""
    created = QLabel(text, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
    created.setProperty("kind", kind)
    return created


def named(widget: _Widget, name: str) -> _Widget:
    """Sets the object name of `widget`, by which the stylesheet and the tests find it. Returns `widget`."""
    widget.setObjectName(name)
    return widget


def tooltip(text: str) -> str:
    """`text` as HTML for a tooltip: shown as plain text, with long lines wrapped."""
    return f"<p>{html.escape(text).replace(chr(10), '<br>')}</p>" if text else ""


def breakable(text: str) -> str:
    """`text` with zero-width spaces in long words such as paths; else they would widen the pane."""
    return re.sub(r"([/\\]|[^\s/\\]{16}(?=[^\s/\\]{4}))", "\\1\u200b", text)


def set_style_property(widget: QWidget, name: str, value: object) -> None:
    """Sets a property that the stylesheet depends on, and applies the stylesheet again."""
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
