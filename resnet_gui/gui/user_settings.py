"""What the window stores from one start to the next."""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from PySide6.QtCore import QByteArray, QSettings

_RECENT = 8
_DISMISSED = 50
_LAYOUTS = 50


class UserSettings:
    """A thin layer over `QSettings`. Paths are stored percent-encoded: their bytes need not be UTF-8."""

    def __init__(self) -> None:
        self._settings = QSettings("resnet-gui", "resnet-gui")

    def theme(self) -> str:
        """ "system", "light" or "dark"."""
        return str(self._settings.value("theme", "system"))

    def set_theme(self, mode: str) -> None:
        """Stores the theme."""
        self._settings.setValue("theme", mode)

    def precision(self) -> str:
        """That of predictions: "auto" or another choice of the setting."""
        return str(self._settings.value("precision", "auto"))

    def set_precision(self, precision: str) -> None:
        """Stores the precision of predictions."""
        self._settings.setValue("precision", precision)

    def values(self) -> dict[str, Any]:
        """The settings and the network chosen last, by dotted key."""
        try:
            values = json.loads(str(self._settings.value("values", "{}")))
        except ValueError:
            return {}
        return values if isinstance(values, dict) else {}

    def set_values(self, values: dict[str, Any]) -> None:
        """Stores the settings and the network."""
        self._settings.setValue("values", json.dumps(values))

    def window(self) -> tuple[QByteArray, QByteArray]:
        """The window's geometry and the layout of its docks, empty at the first start."""
        found = (self._settings.value(name, QByteArray()) for name in ("geometry", "layout"))
        geometry, layout = (each if isinstance(each, QByteArray) else QByteArray() for each in found)
        return geometry, layout

    def set_window(self, geometry: QByteArray, layout: QByteArray) -> None:
        """Stores the window's geometry and layout."""
        self._settings.setValue("geometry", geometry)
        self._settings.setValue("layout", layout)

    def recent(self, kind: str) -> list[str]:
        """The paths of `kind`, "datasets", "models" or "runs", the newest first."""
        return self._paths(f"recent/{kind}")

    def add_recent(self, kind: str, path: str) -> None:
        """Puts `path` in front of the recent paths of `kind`."""
        paths = [path, *(each for each in self.recent(kind) if each != path)][:_RECENT]
        self._set_paths(f"recent/{kind}", paths)

    def is_dismissed(self, run: str) -> bool:
        """Whether the user does not want to be asked again about resuming `run`."""
        return run in self._paths("put_aside")

    def dismiss(self, run: str, dismissed: bool = True) -> None:
        """Stores that `run` is not to be offered again, or that it is."""
        others = [each for each in self._paths("put_aside") if each != run]
        self._set_paths("put_aside", [run, *others][:_DISMISSED] if dismissed else others)

    def layout(self, folder: str) -> str:
        """How the user wants `folder` to be read; "auto" if the user was not asked."""
        for layout, path in self._layouts():
            if path == folder:
                return layout
        return "auto"

    def set_layout(self, folder: str, layout: str) -> None:
        """Stores how the user wants `folder` to be read; "auto" forgets it."""
        others = [each for each in self._layouts() if each[1] != folder]
        kept = [(layout, folder), *others][:_LAYOUTS] if layout != "auto" else others
        self._set_paths("layouts", [f"{layout}:{path}" for layout, path in kept])

    def _layouts(self) -> list[tuple[str, str]]:
        return [(layout, path) for layout, _, path in (each.partition(":") for each in self._paths("layouts"))]

    def _paths(self, name: str) -> list[str]:
        text = str(self._settings.value(name, ""))
        return [os.fsdecode(unquote_to_bytes(each)) for each in text.split() if each]

    def _set_paths(self, name: str, paths: list[str]) -> None:
        self._settings.setValue(name, " ".join(quote(os.fsencode(each)) for each in paths))
