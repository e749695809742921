"""The menus and the toolbar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QToolBar

from resnet_gui.gui.theme import MODES, Theme
from resnet_gui.gui.widgets.elided_labels import one_line
from resnet_gui.gui.widgets.labels import named
from resnet_gui.names import LIST


class MenuBar:
    """Makes actions for a window. Each is in a menu, some are also in the toolbar; their icons follow the theme."""

    def __init__(self, window: QMainWindow, theme: Theme) -> None:
        self._window = window
        self._theme = theme
        self._icons: list[tuple[QAction, str]] = []
        self._toolbar = named(QToolBar(window.tr("Toolbar"), window, movable=False), "toolbar")
        self._toolbar.setIconSize(QSize(18, 18))
        self._toolbar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        window.addToolBar(self._toolbar)
        theme.changed.connect(self._update_icons)

    def menu(self, title: str) -> QMenu:
        """A new menu in the menu bar."""
        return self._window.menuBar().addMenu(title)

    def add(
        self, menu: QMenu, text: str, done: Callable[[], object], shortcut: QKeySequence.StandardKey | str | None = None,
        icon: str = "", in_toolbar: str = "",
    ) -> QAction:  # fmt: skip
        """Adds an action to `menu`, and to the toolbar if `in_toolbar` is its short text. `done` is called when triggered."""
        action = QAction(text, self._window)
        action.triggered.connect(lambda: done())
        if shortcut is not None:
            action.setShortcut(QKeySequence(shortcut))
        if icon:
            self._icons.append((action, icon))
            action.setIcon(self._theme.icon(icon))
        menu.addAction(action)
        if in_toolbar:
            action.setIconText(in_toolbar)
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            action.setToolTip(f"{text.replace('&', '')} ({keys})" if keys else text.replace("&", ""))
            self._toolbar.addAction(action)
        return action

    def set_icon(self, action: QAction, icon: str) -> None:
        """Sets another icon for `action`."""
        self._icons = [(each, icon if each is action else name) for each, name in self._icons]
        action.setIcon(self._theme.icon(icon))

    def add_themes(self, menu: QMenu, chosen: Callable[[str], None]) -> None:
        """Adds the choice between the system's, the light and the dark theme."""
        texts = {
            "system": self._window.tr("Look like the system"),
            "light": self._window.tr("Light"),
            "dark": self._window.tr("Dark"),
        }
        self.add_choice(menu, {mode: texts[mode] for mode in MODES}, self._theme.mode, chosen)

    def add_choice(self, menu: QMenu, texts: Mapping[str, str], current: str, chosen: Callable[[str], None]) -> None:
        """Adds the choice of one of `texts`, by its key."""
        group = QActionGroup(menu)
        for key, text in texts.items():
            action = QAction(text, group, checkable=True, checked=key == current)
            action.triggered.connect(lambda _, key=key: chosen(key))
            menu.addAction(action)

    def add_recent(
        self, menu: QMenu, title: str, paths: Callable[[], list[str]], chosen: Callable[[str], None]
    ) -> QAction:
        """Adds a sub-menu with the paths used last, read again each time it opens. Returns its action."""
        recent = menu.addMenu(title)

        def fill() -> None:
            recent.clear()
            for path in paths():
                name = one_line(path, LIST).replace("&", "&&")
                recent.addAction(
                    name if Path(path).exists() else name + self._window.tr(" (not there)")
                ).triggered.connect(lambda _, path=path: chosen(path))
            if recent.isEmpty():
                recent.addAction(self._window.tr("Nothing yet")).setEnabled(False)

        recent.aboutToShow.connect(fill)
        return recent.menuAction()

    def _update_icons(self) -> None:
        for action, name in self._icons:
            action.setIcon(self._theme.icon(name))
