"""What a network starts from: the choices offered, their explanations, and the values they give."""

import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QFileDialog, QMenu, QPushButton

from helpers.window_actions import click, text_of
from resnet_gui.config import make_config, settings
from resnet_gui.gui.setup.initial_weights import FILE_PART, FROM, PART, PATH, InitialWeightsPicker, from_scratch
from resnet_gui.gui.theme import Theme
from resnet_gui.records import Weights
from resnet_gui.weights.weight_cache import weights_path

WEIGHTS = Weights("https://download.pytorch.org/models/net-01234567.pth", 44.7, "BSD-3-Clause", sha256="01234567")
AUTO = {FROM: "auto", PATH: None, PART: "everything"}


@pytest.fixture
def choice(qtbot, qapp, tmp_path):
    Theme(qapp, "light")
    choice = InitialWeightsPicker(tuple(settings()), lambda: tmp_path / "runs")
    qtbot.addWidget(choice)
    choice.resize(270, 200)
    with qtbot.waitActive(choice):
        choice.show()
        choice.activateWindow()
    return choice


def offered(choice):
    box = choice.findChild(QComboBox, FROM)
    return [box.itemText(row) for row in range(box.count())]


def shown(choice):
    return choice.findChild(QComboBox, FROM).currentText()


def take(choice, text):
    """Chooses `text` by keyboard."""
    box = choice.findChild(QComboBox, FROM)
    wanted = box.findText(text)
    while box.currentIndex() != wanted:
        QTest.keyClick(box, Qt.Key.Key_Down if wanted > box.currentIndex() else Qt.Key.Key_Up)


def make_run(folder: Path, name: str, model: bool = True) -> Path:
    run = folder / name
    run.mkdir(parents=True)
    (run / "config.toml").touch()
    if model:
        (run / "model.safetensors").touch()
    return run


def test_pretrained_is_offered_and_taken_only_where_there_are_weights(choice):
    assert offered(choice) == ["Random weights", "A file…", "An earlier run…"]
    assert (shown(choice), choice.start, choice.weights) == ("Random weights", "random", None)
    choice.set_weights(WEIGHTS)
    assert offered(choice)[0] == shown(choice) == "Pretrained weights"
    assert (choice.start, choice.weights) == ("pretrained", WEIGHTS)
    assert choice.values() == AUTO


def test_a_choice_stays_while_networks_change(choice):
    choice.set_weights(WEIGHTS)
    take(choice, "Random weights")
    assert choice.values()[FROM] == "random"
    choice.set_weights(None)
    choice.set_weights(WEIGHTS)
    assert choice.values()[FROM] == "random"
    take(choice, "Pretrained weights")
    assert choice.values()[FROM] == "pretrained"
    choice.set_weights(None)
    assert (choice.values()[FROM], choice.start) == ("auto", "random")


def test_while_weights_are_not_known_the_choice_is_automatic(choice):
    choice.set_weights(None, known=False)
    assert (shown(choice), choice.values()) == ("Automatic", AUTO)
    assert choice.weights is None


def test_pretrained_weights_are_shown_with_size_licence_and_location(choice):
    choice.set_weights(WEIGHTS)
    assert "ImageNet-1k · 44.7 MB · BSD-3-Clause · will be downloaded from download.pytorch.org" in text_of(choice)
    weights_path(WEIGHTS).parent.mkdir(parents=True, exist_ok=True)
    weights_path(WEIGHTS).touch()
    choice.look_again()
    weights_path(WEIGHTS).unlink()
    assert "BSD-3-Clause · on this machine" in text_of(choice)


@pytest.mark.parametrize(
    ("pictures", "has_weights", "words"),
    [
        (800, True, "From scratch: expect much less with 800 pictures."),
        (4_999, False, "From scratch: 4,999 pictures are few for that, so do not expect too much."),
        (5_000, True, "From scratch: it takes longer, and wants many pictures."),
        (0, True, "From scratch: it takes longer, and wants many pictures."),
        (5_000, False, ""),
    ],
)
def test_what_to_expect_of_random_weights(pictures, has_weights, words):
    assert from_scratch(pictures, has_weights) == words


def test_random_weights_below_a_head_are_warned_of(choice):
    part = choice.findChild(QComboBox, PART)
    QTest.keyClicks(part, "Head")
    assert choice.values()[PART] == "head"
    assert "the head alone learns little" in text_of(choice)
    choice.set_weights(WEIGHTS)
    assert "the head alone learns little" not in text_of(choice)


def test_a_file_is_chosen(choice, monkeypatch, tmp_path, qtbot):
    file = tmp_path / "the weights.pth"
    file.touch()
    calls = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *values: (calls.append(values), (str(file), ""))[1])
    take(choice, "A file…")
    assert choice.missing == "Choose a file of weights."
    assert choice.values() == AUTO
    with qtbot.waitSignal(choice.changed):
        click(choice.findChild(QPushButton, "choose_start"))
    assert "*.safetensors *.pth *.pt *.th" in calls[0][-1]
    assert choice.values() == {**AUTO, FROM: "file", PATH: str(file)}
    assert choice.missing == ""
    assert make_config(choice.values()).start.start_path == file
    take(choice, "Random weights")
    assert choice.values()[PATH] is None


def test_the_part_of_a_file_is_forgotten_with_it(choice, monkeypatch, tmp_path):
    for name in ("a.pth", "b.pth"):
        (tmp_path / name).touch()
    choice.set_values({FROM: "file", PATH: str(tmp_path / "a.pth")})
    choice.set_file_part("model_b")
    values = choice.values()
    assert values[FILE_PART] == "model_b"
    assert "is taken from “model_b” in the file" in text_of(choice)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "b.pth"), ""))
    click(choice.findChild(QPushButton, "choose_start"))
    assert FILE_PART not in choice.values()
    assert "model_b" not in text_of(choice)
    choice.set_values(values)
    assert choice.values() == values
    choice.set_values({FROM: "random"})
    assert FILE_PART not in choice.values()


def test_a_cancelled_file_dialog_changes_nothing(choice, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    take(choice, "A file…")
    click(choice.findChild(QPushButton, "choose_start"))
    assert choice.values() == AUTO


def test_the_newest_runs_that_have_a_model_are_offered(choice, tmp_path, qtbot):
    old, new = (make_run(tmp_path / "runs", f"2026-03-0{day}-120000-a&b") for day in (1, 2))
    make_run(tmp_path / "runs", "2026-03-03-120000-stopped", model=False)
    take(choice, "An earlier run…")
    click(choice.findChild(QPushButton, "choose_start"))
    qtbot.waitUntil(lambda: choice.findChild(QMenu, "runs") is not None)
    actions = choice.findChild(QMenu, "runs").actions()
    assert [each.text().replace("&&", "&") for each in actions if each.text()] == [new.name, old.name, "Other…"]
    actions[1].trigger()
    assert choice.values() == {**AUTO, FROM: "run", PATH: str(old)}
    choice.findChild(QMenu, "runs").close()


def test_another_folder_can_be_named_as_a_run(choice, tmp_path, monkeypatch, qtbot):
    run = make_run(tmp_path / "elsewhere", "mine")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(run))
    take(choice, "An earlier run…")
    click(choice.findChild(QPushButton, "choose_start"))
    qtbot.waitUntil(lambda: choice.findChild(QMenu, "runs") is not None)
    choice.findChild(QMenu, "runs").actions()[-1].trigger()
    choice.findChild(QMenu, "runs").close()
    assert choice.values()[PATH] == str(run)


def test_remembered_values_come_back_and_a_lost_file_is_reported(choice, tmp_path, qtbot):
    file = tmp_path / os.fsdecode(b"not-utf8-\xff.pth") if os.name != "nt" else tmp_path / "some.pth"
    file.touch()
    remembered = {FROM: "file", PATH: str(file), PART: "head"}
    choice.set_values(remembered)
    assert choice.values() == remembered
    assert choice.missing == ""
    file.unlink()
    choice.set_values(remembered)
    qtbot.waitUntil(lambda: "It is no longer there." in text_of(choice))
    assert choice.missing == "Choose a file of weights."
    choice.reset()
    assert choice.values() == AUTO


@pytest.mark.parametrize("wrong", [{FROM: "moon"}, {FROM: 3}, {PART: None}, {PART: "tail"}, {PATH: 7}])
def test_values_that_do_not_fit_are_passed_over(choice, wrong):
    choice.set_values(wrong)
    assert choice.values() == AUTO


def test_a_locked_choice_shows_why(choice):
    choice.set_locked("A training is running.")
    box = choice.findChild(QComboBox, FROM)
    assert not box.isEnabled()
    assert "A training is running." in box.toolTip()
    choice.set_locked("")
    assert box.isEnabled()
    assert "The first weights" in box.toolTip()
