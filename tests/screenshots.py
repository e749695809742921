"""Pictures of the real window, for README.md: `python tests/screenshots.py`

The sample pictures are opened, a network is trained on them, and one of them is predicted, all by the real engines.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QBuffer, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

FOLDER = Path(__file__).resolve().parent / "screenshots"
WIDTH, HEIGHT = 1280, 800


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--all", type=Path, metavar="DIR", help="also every state of the window, into this folder")
    states = parser.parse_args().all
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as home:
        for variable in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DOCUMENTS_DIR"):
            os.environ[variable] = home
        app = QApplication(sys.argv[:1])
        Photographer(states).take()
        app.processEvents()


class Photographer:
    """Brings the window from state to state and takes a picture of each, in both themes."""

    def __init__(self, states: Path | None) -> None:
        from resnet_gui.gui.theme import Theme
        from resnet_gui.gui.user_settings import UserSettings
        from resnet_gui.gui.window.main_window import MainWindow

        self._states = states
        self._theme = Theme(QApplication.instance(), "light")
        self._window = MainWindow(self._theme, UserSettings())
        self._window.resize(WIDTH, HEIGHT)
        self._window.show()

    def take(self) -> None:
        window = self._window
        ready = []
        window.training_engine.engine_phase_changed.connect(lambda phase: ready.append(phase == "ready"))
        self._shoot("empty")
        window.open_sample()
        wait(lambda: any(ready), 120)
        QTest.qWait(2000)  # for the thumbnails
        self._shoot("dataset")
        size = window.setup.values()["data.image_size"]
        window.setup.set_values({"data.image_size": 224})
        window.tabs.setCurrentWidget(window.network_page)
        for network in ("resnet18", "densenet121", "googlenet", "resnet50"):
            self._look_inside(network, FOLDER if network == "resnet50" else None)

        window.setup.set_values({"training.epochs": 20, "data.image_size": size})
        QTest.mouseClick(window.setup.findChild(QPushButton, "start"), Qt.MouseButton.LeftButton)
        wait(lambda: window.prediction_engine.best and window.prediction_engine.best[1] > 2, 300)
        self._shoot("training")
        self._predict()
        self._shoot("training-predicted")
        wait(lambda: window.training_engine.phase == "idle", 600)
        wait(lambda: ready[-1], 120)
        self._shoot("finished")
        self._predict()
        self._shoot("predicted", FOLDER)
        window.end_engines()
        window.hide()

    def _look_inside(self, network: str, folder: Path | None = None) -> None:
        """Opens a network, and its layers."""
        tab, opened = self._window.network_tab, []
        self._window.network_controller.opened.connect(lambda summary: opened.append(summary.network))
        tab.show_network(network)
        wait(lambda: network in opened, 60)
        self._shoot(f"network-{network}", folder, "network-")
        tab.pages.setCurrentIndex(1)
        self._shoot(f"layers-{network}")
        tab.pages.setCurrentIndex(0)

    def _predict(self) -> None:
        """Predicts a picture of the test split."""
        picture = str(self._window.dataset_lister.listing.root / self._window.dataset_lister.splits.test[0].path)
        pane = self._window.predict_pane
        pane.pictures_dropped.emit([picture])
        wait(lambda: pane.view.isVisible() and pane.view.as_text().startswith(picture), 60)

    def _shoot(self, state: str, folder: Path | None = None, name: str = "") -> None:
        """Saves the window in both themes: as `state` if all states are wanted, and as the README's `name` into `folder`."""
        if focused := QApplication.focusWidget():
            focused.clearFocus()
        for mode in ("light", "dark"):
            self._theme.set_mode(mode)
            QTest.qWait(500)
            if self._states:
                save(self._window, self._states / f"{state}-{mode}.png")
            if folder:
                save(self._window, folder / f"{name}{mode}.png")
        self._theme.set_mode("light")


def save(window: object, path: Path) -> None:
    """Writes a PNG of at most 256 colours: the window has few, and the file is a quarter as large."""
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    window.grab().save(buffer, "PNG")
    image = Image.open(io.BytesIO(buffer.data().data())).convert("RGB")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path} ({path.stat().st_size // 1024} KB)")


def wait(condition: Callable[[], object], seconds: float) -> None:
    """Lets the event loop run until `condition` holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("What was waited for did not come.")
        QTest.qWait(20)


if __name__ == "__main__":
    main()
