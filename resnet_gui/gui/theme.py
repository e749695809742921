"""The light and the dark theme: colours by name, icons in these colours, and the stylesheet filled in with them."""

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
    """Applies light or dark colours to `app`, and follows the system while `mode` is "system".

    Colours are the names in `resources/theme.toml`; `class0` to `class7` distinguish classes.
    """

    changed = Signal()
    """The colours have changed: repaint, redraw icons, restyle plots."""

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
        self._apply()
        app.styleHints().colorSchemeChanged.connect(self._on_scheme_changed)

    @property
    def mode(self) -> str:
        """What the user chose: "system", "light" or "dark"."""
        return self._mode

    def set_mode(self, mode: str) -> None:
        """Changes to "system", "light" or "dark"."""
        self._mode = mode
        self._on_scheme_changed()

    @property
    def dark(self) -> bool:
        """Whether the colours are the dark ones."""
        return self._dark

    def color(self, token: str) -> QColor:
        """The colour called `token`. Raises `KeyError` if there is none."""
        return QColor(self._now[token])

    def icon(self, name: str, token: str = "text") -> QIcon:
        """The icon `resources/icons/<name>.svg` with its `currentColor` set to the colour called `token`."""
        return _icon(name, self._now[token])

    @contextmanager
    def without_stylesheet(self) -> Iterator[None]:
        """Removes the stylesheet while many widgets are made, so that each is styled once, at the end.

        Otherwise Qt would style a widget and its children again each time it gets a new parent.
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
            self._apply()
            self.changed.emit()

    def _apply(self) -> None:
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
        values = {name: f"{round(self._base_size * scale)}px" for name, scale in sizes.items()}
        values |= self._now | {"mode": "dark" if self._dark else "light"}
        return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], self._style)


@cache
def _icon(name: str, colour: str) -> QIcon:
    svg = resource(f"icons/{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
    renderer = QSvgRenderer(QByteArray(svg.encode()))
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
