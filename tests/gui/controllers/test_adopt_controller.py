"""A file of weights becomes a model in the window, made by a real engine."""

from pathlib import Path

import pytest
import torch
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from helpers.window_actions import PATIENCE, answered, click, drop, text_of
from resnet_gui.gui.predict.adopt_dialog import AdoptDialog
from resnet_gui.gui.window.main_window import MainWindow
from resnet_gui.model_file import load_model
from resnet_gui.nets.build import build


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "trained.pth"
    torch.save(build("resnet20", 3, 3).state_dict(), path)
    return path


def test_a_dropped_file_of_weights_becomes_a_model_that_answers(
    window: MainWindow, qtbot: QtBot, weights: Path, colours: Path
) -> None:
    pane = window.predict_pane
    window.setup.choose_network("resnet20")
    drop(pane, weights, colours / "red" / "0.png")
    qtbot.waitUntil(pane.adopt_link.isVisible, timeout=PATIENCE)
    assert "trained.pth is not a model made by this program" in text_of(pane)
    click(pane.adopt_link)
    dialog = window.findChild(AdoptDialog)
    make = dialog.findChild(QPushButton, "make_model")
    qtbot.waitUntil(lambda: bool(dialog.form.values()["out"]), timeout=PATIENCE)
    QTest.keyClicks(dialog.form.classes.editor, "only one")
    click(make)
    qtbot.waitUntil(lambda: "3 classes" in text_of(dialog), timeout=PATIENCE)
    assert not answered(window)

    dialog.form.classes.editor.setPlainText("a\nb\nc")
    click(make)
    qtbot.waitUntil(lambda: "The model is ready" in text_of(dialog), timeout=PATIENCE)
    assert "mean 0.485" in text_of(dialog)
    assert "“More settings”" in text_of(dialog)
    qtbot.waitUntil(lambda: answered(window), timeout=PATIENCE)
    assert set(pane.view.as_text().split()[1::3]) <= {"a", "b", "c"}
    made = Path(window.prediction_engine.loaded.path)
    assert made.name == "trained.safetensors"
    assert torch.equal(load_model(made)[0].state_dict()["conv1.weight"], torch.load(weights)["conv1.weight"])
    qtbot.waitUntil(lambda: Path(dialog.form.values()["out"]).name == "trained-2.safetensors", timeout=PATIENCE)

    window.open_path(weights)  # as the program's argument
    qtbot.waitUntil(pane.adopt_link.isVisible, timeout=PATIENCE)
    assert pane.model_label.whole == "trained.safetensors"
