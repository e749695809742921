"""Setup and the Network tab agree on the network, its weights and its downloads: one real window for all tests."""

import dataclasses
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QProgressBar, QPushButton
from pytestqt.qtbot import QtBot

from helpers.download_engine import engine_command_with
from helpers.http_server import Answer, Loopback
from helpers.window_actions import PATIENCE, click, open_colours, press, text_of
from resnet_gui.gui.controllers import network_choice_controller
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.window import main_window
from resnet_gui.gui.window.main_window import MainWindow
from resnet_gui.gui.workers import engine_process
from resnet_gui.nets import catalog
from resnet_gui.records import Weights

CONTENT = random.Random(7).randbytes(10 * (1 << 16))


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with Loopback(CONTENT) as server:
        yield server


@pytest.fixture(scope="module")
def weights(server: Loopback) -> Weights:
    """The weights of ResNet-18 in these tests: a small file from a server on this machine."""
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    return Weights(f"{server.origin}/net-{sha256[:8]}.pth", len(CONTENT) / 1e6, "BSD-3-Clause", sha256=sha256)


@pytest.fixture(scope="module")
def one_window(qapp: QApplication, weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MainWindow]:
    networks = tuple(
        dataclasses.replace(network, weights=weights) if network.name == "resnet18" else network
        for network in catalog.NETWORKS
    )
    user_settings = UserSettings()
    user_settings._settings.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalog._BY_NAME, "resnet18", networks[[each.name for each in networks].index("resnet18")])
        patch.setattr(main_window, "NETWORKS", networks)
        patch.setattr(network_choice_controller, "NETWORKS", networks)
        window = MainWindow(Theme(qapp, "light"), user_settings)
        window.show()
        window.setup.set_values({"out": str(tmp_path_factory.mktemp("runs"))})
        yield window
        window.hide()
        window.end_engines()
        window.deleteLater()


@pytest.fixture
def window(one_window: MainWindow) -> MainWindow:
    """ResNet-18 is chosen, and the Network tab open on it."""
    one_window.setup.choose_network("resnet18")
    one_window.network_tab.show_network("resnet18")
    one_window.tabs.setCurrentWidget(one_window.network_page)
    return one_window


def button(widget: object, text: str) -> QPushButton:
    return next(found for found in widget.findChildren(QPushButton) if found.text() == text and found.isVisible())


def shown_network(window: MainWindow) -> str:
    """The network that the tab shows."""
    return window.network_tab.summary_requests[0].network


def test_both_begin_with_the_same_network(window: MainWindow) -> None:
    assert (window.setup.network.name, shown_network(window)) == ("resnet18", "resnet18")
    assert not button(window.network_tab, "Chosen for training").isEnabled()


def test_choosing_in_the_tab_changes_the_setup(window: MainWindow) -> None:
    window.network_tab.show_network("resnet34")
    assert window.setup.network.name == "resnet18"
    click(button(window.network_tab, "Use this network"))
    assert window.setup.network.name == "resnet34"
    assert window.setup.findChild(QComboBox, "network").currentText() == "ResNet-34"
    assert not button(window.network_tab, "Chosen for training").isEnabled()


def test_the_network_tab_follows_setup_unless_it_shows_another_network(window: MainWindow) -> None:
    QTest.keyClick(window.setup.findChild(QComboBox, "network"), Qt.Key.Key_Down)
    assert shown_network(window) == window.setup.network.name != "resnet18"
    window.network_tab.show_network("lenet5")
    window.setup.choose_network("resnet50")
    assert shown_network(window) == "lenet5"


def test_look_inside_raises_the_tab_on_that_network(window: MainWindow) -> None:
    window.setup.choose_network("resnet50")
    window.network_tab.show_network("lenet5")
    window.tabs.setCurrentWidget(window.data_tab)
    click(window.setup.findChild(QPushButton, "inspect"))
    assert window.tabs.currentWidget() is window.network_page
    assert "ResNet-50" in text_of(window.network_tab.header)


def test_a_download_from_the_network_tab_shows_progress_and_reaches_setup(
    window: MainWindow, qtbot: QtBot, server: Loopback, weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(engine_process, "engine_command", lambda: engine_command_with(weights))
    server.answers.append(Answer(pause=0.1))
    details = window.network_tab.details
    assert "will be downloaded from 127.0.0.1" in text_of(window.setup)
    click(button(details, "Download weights (0.7 MB)"))
    qtbot.waitUntil(lambda: details.findChild(QProgressBar).value() > 0, timeout=PATIENCE)
    assert "of 0.7 MB" in text_of(details)
    assert button(details, "Pause").isEnabled()
    qtbot.waitUntil(lambda: "Weights are on this machine" in text_of(details), timeout=PATIENCE)
    assert "BSD-3-Clause · on this machine" in text_of(window.setup)
    window.network_tab.show_network("resnet34")
    assert "Weights are on this machine" not in text_of(details)


def test_setup_learns_which_weights_a_library_has_for_its_network(window: MainWindow, qtbot: QtBot) -> None:
    window.network_tab.show_network("timm/resnet18")
    click(button(window.network_tab, "Use this network"))
    assert "Pretrained weights if the library shares any" in text_of(window.setup)
    qtbot.waitUntil(lambda: window.setup.weights is not None, timeout=PATIENCE)
    assert "ImageNet-1k" in text_of(window.setup)
    assert window.setup.weights.host in text_of(window.network_tab.details)


def test_the_tab_counts_for_the_classes_channels_and_size_of_the_setup(
    window: MainWindow, qtbot: QtBot, colours: Path
) -> None:
    open_colours(window, qtbot, colours, epochs=500)
    window.tabs.setCurrentWidget(window.network_page)
    window.setup.set_values({"data.colour": "grey"})
    (request,) = window.network_tab.summary_requests
    assert (request.network, request.classes, request.channels, request.size) == ("resnet20", 3, 1, 32)
    qtbot.waitUntil(lambda: "Parameters, 3 classes" in text_of(window.network_tab.details), timeout=PATIENCE)


def test_while_a_training_runs_no_other_network_can_be_chosen(window: MainWindow, qtbot: QtBot, colours: Path) -> None:
    open_colours(window, qtbot, colours, epochs=500)
    press(window, "start")
    window.tabs.setCurrentWidget(window.network_page)
    window.network_tab.show_network("resnet34")
    use = button(window.network_tab, "Use this network")
    assert not use.isEnabled()
    assert "A training is running" in use.toolTip()
    press(window, "stop")
    qtbot.waitUntil(use.isEnabled, timeout=PATIENCE)
    assert window.setup.network.name == "resnet20"
