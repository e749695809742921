"""Fixtures: the whole window with real engines, and the training tab alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from resnet_gui.gui.theme import Theme
from resnet_gui.gui.training.training_tab import TrainingTab
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.window.main_window import MainWindow
from resnet_gui.gui.workers.engine_process import Engine


@pytest.fixture
def window(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    user_settings = UserSettings()
    user_settings._settings.clear()
    window = MainWindow(Theme(qapp, "light"), user_settings)
    window.show()
    window.setup.set_values({"out": str(tmp_path / "runs")})
    yield window
    window.hide()
    window.end_engines()
    assert not [engine for engine in window.findChildren(Engine) if engine.isRunning()]
    window.deleteLater()


@pytest.fixture(scope="module")
def lone_tab(qapp: QApplication) -> Iterator[TrainingTab]:
    """One tab for all tests: it takes longer to build than most of them."""
    tab = TrainingTab(Theme(qapp, "light"))
    tab.resize(600, 640)
    yield tab
    tab.close()


@pytest.fixture
def tab(qtbot: QtBot, lone_tab: TrainingTab) -> TrainingTab:
    lone_tab.clear()
    with qtbot.waitActive(lone_tab):
        lone_tab.show()
    return lone_tab
