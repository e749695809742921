"""The dialog that makes a model of weights, with real keys, clicks and drops, and without an engine."""

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog, QPushButton, QWidget

from helpers.window_actions import PATIENCE, click, drop, text_of
from resnet_gui.gui.predict.adopt_dialog import AdoptDialog
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.network_field import NetworkField
from resnet_gui.nets.catalog import NETWORKS, find
from resnet_gui.paths import models_folder


@pytest.fixture(scope="module")
def theme(qapp):
    return Theme(qapp, "light")


@pytest.fixture
def dialog(qtbot, theme):
    dialog = AdoptDialog(theme, NETWORKS)
    qtbot.addWidget(dialog)
    with qtbot.waitActive(dialog):
        dialog.show()
        dialog.activateWindow()
    return dialog


@pytest.fixture
def weights(dialog, qtbot, tmp_path):
    """A file that was dropped on the dialog."""
    path = tmp_path / "resnet.pth.tar"
    path.touch()
    drop(dialog, path)
    qtbot.waitUntil(lambda: bool(dialog.form.values()["out"]), timeout=PATIENCE)
    return path


def button(dialog, name) -> QPushButton:
    return dialog.findChild(QPushButton, name)


def type_classes(dialog, *names):
    dialog.form.classes.editor.setFocus()
    for name in names:
        QTest.keyClicks(dialog.form.classes.editor, name)
        QTest.keyClick(dialog.form.classes.editor, Qt.Key.Key_Return)


def field(dialog, name):
    return next(each for each in dialog.findChildren(QWidget) if each.accessibleName() == name)


def test_what_is_missing_is_told_until_a_model_can_be_made(dialog, qtbot, tmp_path):
    make = button(dialog, "make_model")
    assert "Choose a file of weights first." in text_of(dialog)
    assert not make.isEnabled()
    dialog.form.set_weights(str(tmp_path / "a.pth"))
    assert make.isEnabled()  # the file may name its classes
    network = dialog.findChild(QComboBox, "adopt_network")
    network.setEditText("resnet1")
    assert "There is no network of this name" in text_of(dialog)
    assert not make.isEnabled()
    network.setEditText("ResNet-18")
    assert make.isEnabled()


def test_a_network_is_found_by_a_part_of_its_name(dialog, qtbot):
    network = dialog.findChild(QComboBox, "adopt_network")
    network.lineEdit().selectAll()
    network.setFocus()
    QTest.keyClicks(network.lineEdit(), "googlenet")
    popup = network.completer().popup()
    qtbot.waitUntil(popup.isVisible, timeout=PATIENCE)
    QTest.keyClick(popup, Qt.Key.Key_Down)
    QTest.keyClick(popup, Qt.Key.Key_Return)
    assert network.currentText().startswith("GoogLeNet")
    assert network.network.name == "googlenet"
    assert dialog.isVisible()
    network.setEditText("RESNET20")
    assert network.network.title == "ResNet-20"


def test_a_library_s_network_is_taken_by_its_whole_name(dialog):
    dialog.form.set_network(find("timm/convnext_tiny"))
    assert dialog.form.values()["network"] == "timm/convnext_tiny"
    assert "From timm" in text_of(dialog)


@pytest.mark.parametrize(
    ("typed", "words", "complete"),
    [
        (("cat", "dog", "cow"), "3 classes", True),
        (("cat",), "1 class", True),
        (("cat, dog",), "1 class. Write each name on a line of its own.", True),
        (("cat", "dog", "cat"), "The class names number 1 and 3 are both “cat”.", False),
        (("cat", "", "dog"), "Of the 3 class names, number 2 is empty.", False),
        ((), "Empty: as the file names them", True),
    ],
)
def test_the_classes_are_counted_while_they_are_typed(dialog, weights, typed, words, complete):
    type_classes(dialog, *typed)
    assert words in text_of(dialog)
    assert button(dialog, "make_model").isEnabled() is complete


def test_classes_come_from_a_file_with_the_way_it_was_read(dialog, weights, qtbot, tmp_path):
    (tmp_path / "names.json").write_text(json.dumps({"1": "dog", "0": "cat\u202e"}))
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "names.json"))])
    dialog.form.classes.editor.insertFromMimeData(mime)
    qtbot.waitUntil(lambda: "2 classes, read as: " in text_of(dialog), timeout=PATIENCE)
    assert dialog.form.values()["classes"] == ["cat\u202e", "dog"]  # the true name
    assert dialog.form.classes.editor.toPlainText() == "cat\\u202e\ndog"
    dialog.form.classes.read_file(str(tmp_path / "gone.txt"))
    qtbot.waitUntil(lambda: "No class names can be read" in text_of(dialog), timeout=PATIENCE)
    assert len(dialog.form.values()["classes"]) == 2


def test_a_great_many_classes_are_shown_in_part_and_kept_whole(dialog, qtbot, tmp_path):
    (tmp_path / "names.txt").write_text("\n".join(f"class {number}" for number in range(21_841)))
    dialog.form.classes.read_file(str(tmp_path / "names.txt"))
    qtbot.waitUntil(lambda: "21,841 classes" in text_of(dialog), timeout=PATIENCE)
    assert len(dialog.form.values()["classes"]) == 21_841
    assert dialog.form.classes.editor.isReadOnly()
    click(button(dialog, "classes_clear"))
    assert not dialog.form.classes.editor.isReadOnly()
    assert dialog.form.values()["classes"] == []


def test_the_classes_of_imagenet_are_one_click(dialog):
    click(button(dialog, "classes_imagenet"))
    assert dialog.form.values()["classes"] == ["imagenet"]
    assert "The 1,000 classes of ImageNet" in text_of(dialog)


def test_further_settings_say_what_is_automatic(dialog):
    dialog.form.set_network(find("resnet20"))
    assert not field(dialog, "Mean").isVisible()
    click(button(dialog, "more_adopt"))
    assert field(dialog, "Mean").placeholderText() == "automatic (0.485, 0.456, 0.406)"
    size, share = field(dialog, "Image size").lineEdit(), field(dialog, "Middle share").lineEdit()
    assert size.text() == "automatic (32 px)"
    assert share.placeholderText() == "automatic (1)"
    dialog.form.set_network(find("resnet50"))
    assert size.text() == f"automatic ({find('resnet50').weights.image_size} px)"


def test_numbers_that_cannot_be_right_are_told_while_typed(dialog, weights):
    click(button(dialog, "more_adopt"))
    for mean, std, words in (
        ("0.5 0.5 0.5", "0.2;0.2;0.2", ""), ("[0.1307]", "0.3081", ""), ("0.5, 0.5", "", "“Mean” is one number"),
        ("half", "", "“Mean” is one number"), ("", "0, 0, 0", "“Std” is one number above 0"),
        ("", "nan", "“Std” is one number above 0"),
    ):  # fmt: skip
        for name, text in (("Mean", mean), ("Std", std)):
            field(dialog, name).clear()
            QTest.keyClicks(field(dialog, name), text)
        assert words in text_of(dialog)
        assert button(dialog, "make_model").isEnabled() is not bool(words)


def test_the_model_is_proposed_under_a_name_that_is_free(dialog, weights, qtbot, tmp_path):
    assert dialog.form.values()["out"] == str(models_folder() / "resnet.safetensors")
    models_folder().mkdir(parents=True, exist_ok=True)
    (models_folder() / "other.safetensors").touch()
    dialog.form.set_weights(str(tmp_path / "other.ckpt"))
    qtbot.waitUntil(lambda: Path(dialog.form.values()["out"]).name == "other-2.safetensors", timeout=PATIENCE)


def test_a_choice_of_part_is_asked_for_and_forgotten_with_the_file(dialog, weights, tmp_path):
    dialog.show_parts("Which?", ("model_a", "model_b"))
    part = next(each for each in dialog.findChildren(QComboBox) if each.accessibleName() == "Part of the file")
    assert part.isVisible()
    assert part.hasFocus()
    assert not button(dialog, "make_model").isEnabled()
    QTest.keyClick(part, Qt.Key.Key_Down)
    QTest.keyClick(part, Qt.Key.Key_Down)
    assert dialog.form.values()["part"] == "model_b"
    assert button(dialog, "make_model").isEnabled()
    dialog.form.set_weights(str(tmp_path / "b.pth"))
    assert dialog.form.values()["part"] == ""
    assert not part.isVisible()
    click(button(dialog, "more_adopt"))
    QTest.keyClicks(field(dialog, "Part of the file"), " ema ")
    assert dialog.form.values()["part"] == "ema"


def test_escape_cancels_the_work_first_and_closes_then(dialog, weights, qtbot):
    type_classes(dialog, "cat", "dog")
    dialog.show_working()
    assert not button(dialog, "make_model").isEnabled()
    with qtbot.waitSignal(dialog.cancel_requested):
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    dialog.show_working()
    dialog.show_problem("It did not work.")
    assert "It did not work." in text_of(dialog)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert dialog.form.values()["classes"] == ["cat", "dog"]


def test_enter_in_the_network_field_makes_the_model(dialog, weights, qtbot, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))  # "Choose…" must not be pressed
    network = dialog.findChild(NetworkField)
    dialog.show_problem("It did not work.")
    network.setFocus()
    with qtbot.waitSignal(dialog.make_requested, timeout=PATIENCE):
        QTest.keyClick(network.lineEdit(), Qt.Key.Key_Return)


def test_weights_dropped_on_the_editor_are_for_the_dialog(dialog, tmp_path):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.PTH"))])
    assert not dialog.form.classes.editor.canInsertFromMimeData(mime)
    drop(dialog, tmp_path / "a.PTH")
    assert dialog.form.weights == str(tmp_path / "a.PTH")


def test_every_field_can_be_reached_by_tab_in_the_order_of_the_eye(dialog, weights):
    click(button(dialog, "more_adopt"))
    dialog.form.set_focus()
    seen = []
    for _ in range(15):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        seen.append(focused.accessibleName() or focused.objectName() or focused.text())
    assert seen == [
        "classes_imagenet", "classes_file", "Choose where the model is saved", "more_adopt", "Image size", "Middle share",
        "Mean", "Std", "Colour", "Part of the file", "make_model", "cancel_adopt", "Choose a file of weights", "Network",
        "Classes, one name on each line",
    ]  # fmt: skip
