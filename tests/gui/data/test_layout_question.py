"""Folders that can be read in several ways: the user is asked, and the answer is kept, for the run too."""

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from helpers.window_actions import PATIENCE, click, drop, text_of
from resnet_gui.config import make_config
from resnet_gui.data.readers.class_folders import list_folder
from resnet_gui.data.samples import LayoutUnclear
from resnet_gui.gui.data.data_tab import DataTab
from resnet_gui.gui.data.folder_drawing import FolderDrawing
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.window.main_window import MainWindow


@pytest.fixture
def both(drawn: Path, tmp_path: Path) -> Path:
    """The same classes in A and in B, and a folder beside them."""
    for name in ("A", "B"):
        shutil.copytree(drawn, tmp_path / "both" / name)
    shutil.copytree(drawn / "red", tmp_path / "both" / "docs")
    return tmp_path / "both"


def button(inside: QWidget, text: str) -> QPushButton:
    [found] = [each for each in inside.findChildren(QPushButton) if each.text() == text and each.isVisible()]
    return found


def ask(window: MainWindow, qtbot: QtBot, folder: Path) -> None:
    with qtbot.waitSignal(window.dataset_controller.asked, timeout=PATIENCE):
        drop(window.setup, folder)


def answer(window: MainWindow, qtbot: QtBot, text: str) -> None:
    with qtbot.waitSignal(window.dataset_controller.opened, timeout=PATIENCE):
        click(button(window.data_tab, text))


def test_every_reading_is_drawn_with_what_it_gives(qapp: QApplication, qtbot: QtBot, both: Path) -> None:
    tab = DataTab(Theme(qapp, "light"))
    qtbot.addWidget(tab)
    tab.show()
    with pytest.raises(LayoutUnclear) as caught:
        list_folder(both)
    tab.ask_for_layout(caught.value, "")
    assert [each.accessibleDescription() for each in tab.findChildren(FolderDrawing) if each.isVisible()] == [
        "both, A · class, B · class, and 1 more",
        "both, A, blue · class, green · class, and 1 more",
        "both, A · validation, blue · class, green · class, B · training",
    ]
    assert "3 classes: blue, green, red\nNot used: docs (10 pictures)" in text_of(tab)
    with qtbot.waitSignal(tab.question_cancelled):
        QTest.keyClick(button(tab, "Use as folds"), Qt.Key.Key_Escape)
    tab.end_question()
    assert "Your pictures, sorted into folders" in text_of(tab)


def test_the_answer_is_kept_for_the_folder_and_goes_into_the_run(
    window: MainWindow, qtbot: QtBot, both: Path, colours: Path
) -> None:
    ask(window, qtbot, both)
    assert "The folder waits for your answer" in text_of(window.setup)
    QTest.keyClick(button(window.data_tab, "Use as classes"), Qt.Key.Key_Tab)
    answer(window, qtbot, "Use as folds")
    assert "Train 30 · Validation 30 · Test 0" in text_of(window.setup)
    config = make_config(window.training_controller._pending_start._config())
    assert config.data.layout == "folds"

    with qtbot.waitSignal(window.dataset_lister.opened, timeout=PATIENCE):
        drop(window.setup, colours)
    assert not [
        each for each in window.setup.findChildren(QPushButton) if "differently" in each.text() and each.isVisible()
    ]
    with qtbot.waitSignal(window.dataset_lister.opened, timeout=PATIENCE):
        drop(window.setup, both)
    listing = window.dataset_lister.listing
    assert listing is not None
    assert listing.layout == "folds"

    with qtbot.waitSignal(window.dataset_lister.opened, timeout=PATIENCE):
        window.setup.set_values({"data.validation_fold": 2})
    splits = window.dataset_lister.splits
    assert splits is not None
    assert {sample.path[0] for sample in splits.val} == {"B"}


def test_the_answer_can_be_changed_left_and_outlived(
    window: MainWindow, qtbot: QtBot, both: Path, colours: Path
) -> None:
    ask(window, qtbot, both)
    click(button(window.data_tab, "Cancel"))
    assert "Your pictures, sorted into folders" in text_of(window.data_tab)
    assert window.setup.missing
    ask(window, qtbot, both)
    answer(window, qtbot, "Use as classes")
    with qtbot.waitSignal(window.dataset_controller.asked, timeout=PATIENCE):
        click(button(window.setup, "Read the folders differently…"))
    assert button(window.data_tab, "Keep this").isEnabled()
    answer(window, qtbot, "Use the inner folders as classes")
    assert "60 pictures · 3 classes" in text_of(window.setup)

    window._user_settings.set_layout(str(colours), "folds")  # and by now there are no folds in it
    with qtbot.waitSignal(window.dataset_lister.opened, timeout=PATIENCE):
        drop(window.setup, colours)
    assert window._user_settings.layout(str(colours)) == "auto"


def test_answers_are_stored_by_folder_and_limited(qapp: QApplication) -> None:
    settings = UserSettings()
    settings._settings.clear()
    odd = "/data/caf\udce9 : folder"
    settings.set_layout(odd, "folds")
    settings.set_layout("/data/a", "splits")
    assert (settings.layout(odd), settings.layout("/data/a"), settings.layout("/data/b")) == ("folds", "splits", "auto")
    settings.set_layout("/data/a", "auto")
    assert settings.layout("/data/a") == "auto"
    for number in range(60):
        settings.set_layout(f"/data/{number}", "classes")
    assert settings.layout(odd) == "auto"
    assert settings.layout("/data/59") == "classes"
