"""The window's look, light and dark: colours by name, icons in these colours, and the stylesheet made of them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from PySide6.QtCore import QByteArray, QDir, QObject, Qt, Signal
from PySide6.QtGui import QColor, QFontInfo, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from resnet_gui.paths import resource

MODES = ("system", "light", "dark")
CLASS_COLOURS = 8
_ICON_SIZES = (16, 20, 24, 32, 40, 48, 64, 128)
_ROLES = {
    "background": ("Window",),
    "panel": ("Base", "ToolTipBase"),
    "field": ("AlternateBase", "Button"),
    "hover": ("Midlight", "Light"),
    "line": ("Mid", "Dark"),
    "text": ("WindowText", "Text", "ButtonText", "BrightText", "ToolTipText"),
    "dim": ("PlaceholderText",),
    "accent": ("Highlight", "Link", "LinkVisited", "Accent"),
    "on_accent": ("HighlightedText",),
}


class Theme(QObject):
    """Dresses `app` in light or dark colours, and follows the system while `mode` is "system".

    Colours are the names in `resources/theme.toml`; `class0` to `class7` tell classes apart.
    """

    changed = Signal()
    """The colours are others now: repaint, tint icons again, restyle plots."""

    def __init__(self, app: QApplication, mode: str = "system") -> None:
        super().__init__(app)
        self._app = app
        self._mode = mode if mode in MODES else "system"
        self._colours: dict[str, dict[str, str]] = tomllib.loads(resource("theme.toml").read_text(encoding="utf-8"))
        self._style = resource("style.qss").read_text(encoding="utf-8")
        self._base_size = QFontInfo(app.font()).pixelSize()
        QDir.setSearchPaths("icons", [str(resource("icons"))])
        app.setStyle("Fusion")
        self._dark = self._wants_dark()
        self._dress()
        app.styleHints().colorSchemeChanged.connect(self._on_scheme_changed)

    @property
    def mode(self) -> str:
        """What the person chose: "system", "light" or "dark"."""
        return self._mode

    def set_mode(self, mode: str) -> None:
        """Changes to "system", "light" or "dark"."""
        self._mode = mode
        self._on_scheme_changed()

    @property
    def dark(self) -> bool:
        """Whether the colours are the dark ones now."""
        return self._dark

    def color(self, token: str) -> QColor:
        """The colour called `token`. Raises `KeyError` if there is none."""
        return QColor(self._now[token])

    def icon(self, name: str, token: str = "text") -> QIcon:
        """The drawing `resources/icons/<name>.svg`, its `currentColor` being the colour called `token`."""
        return _drawn(name, self._now[token])

    @contextmanager
    def without_stylesheet(self) -> Iterator[None]:
        """No stylesheet for as long as many widgets are made: then each is dressed once, at the end.

        Otherwise it would be dressed, with all that it holds, whenever it moves into another.
        """
        self._app.setStyleSheet("")
        try:
            yield
        finally:
            self._app.setStyleSheet(self._stylesheet())

    @property
    def _now(self) -> dict[str, str]:
        return self._colours["dark" if self._dark else "light"]

    def _wants_dark(self) -> bool:
        if self._mode == "system":
            return self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self._mode == "dark"

    def _on_scheme_changed(self) -> None:
        if self._wants_dark() != self._dark:
            self._dark = not self._dark
            self._dress()
            self.changed.emit()

    def _dress(self) -> None:
        self._app.setPalette(self._palette())
        self._app.setStyleSheet(self._stylesheet())

    def _palette(self) -> QPalette:
        palette = QPalette()
        for token, roles in _ROLES.items():
            for role in roles:
                palette.setColor(QPalette.ColorRole[role], self.color(token))
        for role in ("WindowText", "Text", "ButtonText"):
            palette.setColor(QPalette.ColorGroup.Disabled, QPalette.ColorRole[role], self.color("dim"))
        return palette

    def _stylesheet(self) -> str:
        """The stylesheet with its {names} filled in. Sizes follow the system's own font."""
        sizes = {"small": 0.92, "heading": 1.08, "title": 1.45}
        words = {name: f"{round(self._base_size * scale)}px" for name, scale in sizes.items()}
        words |= self._now | {"mode": "dark" if self._dark else "light"}
        return re.sub(r"\{(\w+)\}", lambda found: words[found[1]], self._style)


@cache
def _drawn(name: str, colour: str) -> QIcon:
    drawing = resource(f"icons/{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
    renderer = QSvgRenderer(QByteArray(drawing.encode()))
    icon = QIcon()
    for size in _ICON_SIZES:
        icon.addPixmap(_rendered(renderer, size))
    return icon


def _rendered(renderer: QSvgRenderer, size: int) -> QPixmap:
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter)
    painter.end()
    return pixmap
