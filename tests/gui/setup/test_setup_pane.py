"""The Setup pane: its states, its signals, and what may be dropped on it; with real clicks, keys and drops."""

import os
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QPushButton, QScrollArea, QWidget

from resnet_gui.config import make_config, settings
from resnet_gui.data.samples import Listing, Sample
from resnet_gui.data.split import split_samples
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.theme import Theme
from resnet_gui.messages import message
from resnet_gui.nets.catalog import NETWORKS
from resnet_gui.records import Weights


@pytest.fixture
def pane(qtbot, qapp):
    pane = SetupPane(Theme(qapp, "light"), NETWORKS, tuple(settings()))
    qtbot.addWidget(pane)
    pane.resize(280, 700)
    with qtbot.waitActive(pane):
        pane.show()
        pane.activateWindow()
    return pane


@pytest.fixture
def emitted(pane):
    """Every signal that the pane emits, in order."""
    signals = []
    names = ("folder", "sample", "cancel", "start", "pause", "resume", "stop")
    for name in (f"{each}_requested" for each in names):
        getattr(pane, name).connect(lambda name=name: signals.append(name))
    pane.folder_dropped.connect(lambda path: signals.append(("folder_dropped", path)))
    return signals


def listing(classes=("daisy", "rose"), each=10, root=Path("/photos/flowers"), notes=()):
    samples = tuple(Sample(f"{name}/{n}.jpg", label) for label, name in enumerate(classes) for n in range(each))
    return Listing(root, tuple(classes), samples, (), tuple(notes))


def show(pane, found, test_fraction=0.2):
    pane.show_dataset(found, split_samples(found, 0.2, test_fraction, 0))
    QApplication.processEvents()


def texts(pane, kind=QLabel):
    return [
        widget.text().replace("\u200b", "")
        for widget in pane.findChildren(kind)
        if widget.isVisible() and widget.text()
    ]


def button(pane, text):
    return next(each for each in pane.findChildren(QPushButton) if each.text() == text and each.isVisible())


def click(qtbot, pane, text):
    qtbot.mouseClick(button(pane, text), Qt.MouseButton.LeftButton)


def drag_over(pane, mime):
    rest = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    try:
        event = QDragEnterEvent(QPointF(50, 400), *rest)
    except TypeError:  # PySide6 before 6.12
        event = QDragEnterEvent(QPoint(50, 400), *rest)
    event.ignore()
    QApplication.sendEvent(pane, event)
    return event.isAccepted()


def drop(pane, mime):
    rest = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    if drag_over(pane, mime):
        QApplication.sendEvent(pane, QDropEvent(QPointF(50, 400), *rest))


def mime_of(path):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    return mime


def test_empty_pane_explains_what_to_do(pane, emitted, qtbot):
    start = pane.findChild(QPushButton, "start")
    assert not start.isEnabled()
    assert "Choose pictures first." in texts(pane)
    assert "A folder with one sub-folder of pictures for each class." in texts(pane)
    qtbot.mouseClick(start, Qt.MouseButton.LeftButton)
    click(qtbot, pane, "Choose folder…")
    click(qtbot, pane, "Try the sample pictures")
    assert emitted == ["folder_requested", "sample_requested"]


def test_listing_counts_and_can_be_cancelled(pane, emitted, qtbot):
    pane.show_listing(0)
    pane.show_listing(1234)
    assert "1,234 pictures found…" in texts(pane)
    click(qtbot, pane, "Cancel")
    assert emitted == ["cancel_requested"]
    assert "Cancel" not in texts(pane, QPushButton)


def test_dataset_is_summed_up_and_ready(pane, emitted, qtbot):
    show(pane, listing(("daisy", "rose"), each=600))
    assert {"flowers", "1,200 pictures · 2 classes", "Train 720 · Validation 240 · Test 240"} <= set(texts(pane))
    assert "Choose pictures first." not in texts(pane)
    click(qtbot, pane, "Start training")
    click(qtbot, pane, "Choose another folder…")
    assert emitted == ["start_requested", "folder_requested"]


def test_skipped_pictures_are_counted_until_the_next_folder(pane):
    show(pane, listing())
    pane.set_skipped(3)
    assert "20 pictures · 2 classes · 3 skipped" in texts(pane)
    show(pane, listing())
    assert "20 pictures · 2 classes" in texts(pane)


def test_a_late_count_of_skipped_pictures_does_not_bring_a_dataset_back(pane):
    pane.set_skipped(3)
    assert not any("skipped" in text for text in texts(pane))


def test_checking_is_shown(pane):
    show(pane, listing())
    pane.show_checking(5, 1000)
    assert "Checking pictures: 5 of 1,000" in texts(pane)
    pane.hide_checking()
    assert not any("Checking" in text for text in texts(pane))


def test_notes_are_sentences(pane):
    show(pane, listing(notes=[message("loose_pictures", count=4)]), test_fraction=0.0)
    assert "4 pictures lie outside every class folder and are not used." in texts(pane)
    assert "There are no test pictures, so there will be no test score." in texts(pane)
    show(pane, listing())
    assert not any("class folder" in text for text in texts(pane))


def test_notes_of_the_check_come_below_those_of_the_folder(pane):
    found = message("first_frame_only", count=2, names="a.gif, b.gif")
    pane.add_notes([found])  # of a dataset that is gone
    show(pane, listing(notes=[message("loose_pictures", count=4)]))
    pane.add_notes([found])
    pane.add_notes([found])  # once is enough
    QApplication.processEvents()
    shown = [text for text in texts(pane) if text.startswith(("4 pictures lie", "Pictures with several frames"))]
    assert [text[:22] for text in shown] == ["4 pictures lie outside", "Pictures with several "]
    show(pane, listing())
    assert not any("frames" in text for text in texts(pane))


def test_a_thousand_notes_are_not_a_thousand_widgets(pane):
    show(pane, listing(notes=[message("loose_pictures", count=n) for n in range(1000)]))
    assert "And 950 more." in texts(pane)
    assert len(pane.findChildren(QLabel)) < 250


def test_problem_is_shown_and_start_waits(pane, emitted, qtbot):
    pane.show_listing(0)
    pane.show_problem("There are no pictures in /photos/<b>empty</b>.")
    assert "There are no pictures in /photos/<b>empty</b>." in texts(pane)
    assert not pane.findChild(QPushButton, "start").isEnabled()
    click(qtbot, pane, "Choose folder…")
    assert emitted == ["folder_requested"]


def test_after_a_problem_the_dataset_before_is_still_there(pane, emitted, qtbot):
    show(pane, listing())
    pane.show_listing(0)
    assert not pane.findChild(QPushButton, "start").isEnabled()
    pane.show_problem("There are no pictures in /photos/empty.")
    assert {"There are no pictures in /photos/empty.", "flowers", "20 pictures · 2 classes"} <= set(texts(pane))
    click(qtbot, pane, "Start training")
    assert emitted == ["start_requested"]
    show(pane, listing())
    assert not any("no pictures" in text for text in texts(pane))


def test_after_a_cancel_the_dataset_before_is_still_there(pane, emitted, qtbot):
    show(pane, listing())
    pane.show_listing(7)
    assert "flowers" not in texts(pane)
    assert "The folder is being read." in texts(pane)
    click(qtbot, pane, "Cancel")
    assert "flowers" in texts(pane)
    assert button(pane, "Start training").isEnabled()


@pytest.mark.parametrize("name", ["<b>bold</b> & co", "two\nlines", "a" * 200, "日本の花", "not-utf8-\udcff", " "])
def test_names_from_the_disk_are_shown_as_they_are(pane, qtbot, name):
    show(pane, listing((name, "rose"), root=Path("/photos") / name, notes=[message("class_small", name=name, count=1)]))
    assert pane.width() == 280
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in pane.findChildren(QLabel) if label.text())
    scroll = pane.findChild(QScrollArea)
    qtbot.waitUntil(lambda: scroll.widget().width() <= scroll.viewport().width())  # nothing is cut off at the side


def test_running_locks_everything_but_pause_and_stop(pane, emitted, qtbot):
    show(pane, listing())
    pane.set_running("running")
    assert not pane.findChild(QComboBox, "network").isEnabled()
    assert not pane.findChild(QWidget, "training.epochs").isEnabled()
    assert not button(pane, "Choose another folder…").isEnabled()
    assert "A training is running" in pane.findChild(QComboBox, "network").toolTip()
    click(qtbot, pane, "Pause")
    click(qtbot, pane, "Stop")
    assert emitted == ["pause_requested", "stop_requested"]
    pane.set_running("stopping")
    qtbot.mouseClick(button(pane, "Saving…"), Qt.MouseButton.LeftButton)
    qtbot.mouseClick(button(pane, "Stop"), Qt.MouseButton.LeftButton)
    assert emitted == ["pause_requested", "stop_requested"]
    pane.set_running("idle")
    assert button(pane, "Start training").isEnabled()
    assert pane.findChild(QComboBox, "network").isEnabled()
    assert "A training is running" not in pane.findChild(QComboBox, "network").toolTip()


def test_a_pause_that_is_being_saved_can_still_become_the_end(pane, emitted, qtbot):
    pane.set_running("pausing")
    qtbot.mouseClick(button(pane, "Saving…"), Qt.MouseButton.LeftButton)
    click(qtbot, pane, "Stop")
    assert emitted == ["stop_requested"]


def test_a_paused_run_is_resumed_or_stopped_and_nothing_else(pane, emitted, qtbot):
    show(pane, listing())
    pane.set_running("paused")
    assert not pane.findChild(QWidget, "training.epochs").isEnabled()
    assert "A training is paused" in pane.findChild(QComboBox, "network").toolTip()
    click(qtbot, pane, "Resume")
    click(qtbot, pane, "Stop")
    assert emitted == ["resume_requested", "stop_requested"]


def test_scoring_can_be_stopped(pane, emitted, qtbot):
    pane.set_running("scoring")
    click(qtbot, pane, "Stop")
    assert emitted == ["stop_requested"]


def test_pause_works_without_a_dataset(pane, emitted, qtbot):
    pane.set_running("running")  # of a run whose pictures are not open
    click(qtbot, pane, "Pause")
    assert emitted == ["pause_requested"]


def test_network_is_chosen_by_keyboard_and_its_facts_change(pane, qtbot):
    choice = pane.findChild(QComboBox, "network")
    before = pane.values()["network"]
    with qtbot.waitSignal(pane.changed):
        QTest.keyClick(choice, Qt.Key.Key_Down)
    assert (before, pane.values()["network"]) == ("resnet18", "resnet34")
    assert any("34 layers" in text and "21.8 M parameters" in text for text in texts(pane))


def size_of(pane):
    return pane.values()["data.image_size"]


def test_the_image_size_follows_what_the_network_takes_and_comes_back(pane):
    pane.set_values({"network": "resnet18", "data.image_size": 224})
    pane.choose_network("inception_v3")
    fixed = next(network for network in NETWORKS if network.name == "inception_v3")
    assert fixed.takes(size_of(pane))
    for network in (each for each in NETWORKS if not each.takes(224)):
        pane.choose_network(network.name)
        assert network.takes(size_of(pane))
        assert any("does not take pictures of 224 px" in text for text in texts(pane)), network.name
    pane.choose_network("resnet18")
    assert size_of(pane) == 224
    assert not any("does not take" in text for text in texts(pane))


def test_a_size_that_the_user_sets_stays(pane):
    small = next(network for network in NETWORKS if network.largest is not None and network.largest < 200)
    pane.choose_network(small.name)
    QTest.keyClick(pane.findChild(QWidget, "data.image_size"), Qt.Key.Key_Down)
    chosen = size_of(pane)
    pane.choose_network("resnet18")
    assert size_of(pane) == max(chosen, 32)


def test_a_remembered_size_is_kept_for_its_network(pane):
    small = next(network for network in NETWORKS if network.largest is not None and network.smallest < network.largest)
    pane.set_values({"data.image_size": small.smallest, "network": small.name})
    assert (pane.network, size_of(pane)) == (small, small.smallest)


def test_headings_cannot_be_chosen_and_letters_lead_to_a_network(pane):
    choice = pane.findChild(QComboBox, "network")
    headings = {network.family for network in NETWORKS}
    rows = [choice.model().index(row, 0) for row in range(choice.count())]
    assert {row.data() for row in rows if not row.flags() & Qt.ItemFlag.ItemIsSelectable} == headings
    assert len(rows) == len(headings) + len(NETWORKS)
    QTest.keyClicks(choice, "DenseNet")
    assert pane.network.title.startswith("DenseNet-")
    seen = set()
    for _ in range(choice.count()):
        QTest.keyClick(choice, Qt.Key.Key_Up)
        seen.add(pane.network.name)
    assert pane.network == NETWORKS[0]
    assert len(seen) > 50


def test_a_network_of_a_library_is_added_once(pane):
    choice = pane.findChild(QComboBox, "network")
    before = choice.count()
    pane.choose_network("timm/convnext_tiny")
    pane.choose_network("resnet18")
    pane.choose_network("timm/convnext_tiny")
    assert choice.count() == before + 2  # and a heading
    assert pane.values()["network"] == "timm/convnext_tiny"
    pane.set_values({"network": "torchvision/regnet_y_400mf"})
    assert choice.count() == before + 3


def test_weights_of_a_library_are_offered_once_it_has_reported_them(pane):
    pane.choose_network("timm/convnext_tiny")
    assert pane.weights is None
    weights = Weights("https://host/file.safetensors", 100.0, "apache-2.0")
    pane.add_weights("timm/convnext_tiny", weights)
    assert pane.weights == weights
    assert any("apache-2.0 · will be downloaded from host" in text for text in texts(pane))


def test_one_may_look_inside(pane, qtbot):
    pane.choose_network("resnet34")
    with qtbot.waitSignal(pane.inspect_requested) as requested:
        click(qtbot, pane, "Look inside…")
    assert requested.args == ["resnet34"]


def test_the_learning_rate_follows_the_weights(pane, qtbot):
    pane.choose_network("resnet18")
    click(qtbot, pane, "More settings")
    rate = pane.findChild(QWidget, "training.learning_rate").lineEdit()
    assert rate.placeholderText() == "automatic (0.0001)"
    pane.set_values({"start.start_from": "random"})
    assert rate.placeholderText() == "automatic (0.001)"
    assert pane.values()["training.learning_rate"] is None


def test_a_start_waits_for_the_file_that_is_to_be_chosen(pane, tmp_path, qtbot):
    show(pane, listing())
    pane.set_values({"start.start_from": "file"})
    assert not pane.findChild(QPushButton, "start").isEnabled()
    assert "Choose a file of weights." in texts(pane)
    weights = tmp_path / "some.pth"
    weights.touch()
    pane.set_values({"start.start_path": str(weights)})
    assert pane.findChild(QPushButton, "start").isEnabled()
    weights.unlink()
    pane.set_values({"start.start_path": str(weights)})
    qtbot.waitUntil(lambda: "It is no longer there." in texts(pane))
    assert not pane.findChild(QPushButton, "start").isEnabled()


def test_reset_brings_everything_back_but_the_network(pane):
    first = pane.values()
    pane.set_values(
        {"network": "resnet34", "start.start_from": "random", "start.train_part": "head", "data.image_size": 64}
    )
    pane.reset()
    assert pane.values() == {**first, "network": "resnet34"}


def test_while_weights_come_everything_is_locked(pane, tmp_path):
    show(pane, listing())
    pane.set_downloading(True)
    for name in ("network", "start.start_from", "start.train_part", "training.epochs"):
        widget = pane.findChild(QWidget, name)
        assert not widget.isEnabled()
        assert "being downloaded" in widget.toolTip()
    assert not drag_over(pane, mime_of(tmp_path))
    pane.set_downloading(False)
    assert pane.findChild(QWidget, "start.start_from").isEnabled()


def test_nothing_is_cut_off_at_300_pixels(pane, qtbot):
    pane.resize(300, 1600)
    show(pane, listing())
    click(qtbot, pane, "More settings")
    scroll = pane.findChild(QScrollArea)
    pane.set_values({"start.start_from": "file", "start.start_path": "/nowhere/" + "long" * 40 + ".pth"})
    pane.download.show_download("ResNet-18", "failed", 1, 2, "The file /" + "cache/" * 30 + " could not be written.")
    QApplication.processEvents()
    for network in NETWORKS:
        pane.choose_network(network.name)
        QApplication.processEvents()
        assert scroll.widget().minimumSizeHint().width() <= scroll.viewport().width(), network.name
    assert pane.width() == 300


def test_values_make_a_config_and_come_back(pane):
    make_config(pane.values())
    pane.set_values({"network": "resnet50", "training.epochs": 3, "unknown": 1})
    assert pane.values()["network"] == "resnet50"
    assert pane.values()["training.epochs"] == 3
    pane.set_values({"network": "resnet51"})
    assert pane.values()["network"] == "resnet50"


def test_settings_emit_changed(pane, qtbot):
    with qtbot.waitSignal(pane.changed):
        QTest.keyClick(pane.findChild(QWidget, "training.epochs"), Qt.Key.Key_Up)


def test_dropped_folder_is_emitted(pane, emitted, tmp_path):
    drop(pane, mime_of(tmp_path))
    assert emitted == [("folder_dropped", str(tmp_path))]


@pytest.mark.skipif(os.name == "nt", reason="names are always Unicode there")
def test_dropped_folder_keeps_bytes_that_are_not_utf8(pane, emitted, tmp_path):
    folder = tmp_path / os.fsdecode(b"photos-\xff")
    folder.mkdir()
    mime = QMimeData()
    mime.setUrls([QUrl.fromEncoded(f"file://{tmp_path}/photos-%FF".encode())])
    drop(pane, mime)
    assert emitted == [("folder_dropped", str(folder))]


def test_dropped_file_is_refused_with_a_hint(pane, emitted, tmp_path):
    picture = tmp_path / "rose.jpg"
    picture.write_bytes(b"x")
    drop(pane, mime_of(picture))
    assert emitted == []
    assert "That is a file. Drop the folder that holds the class folders." in texts(pane)
    pane.show_listing(0)
    assert not any("That is a file" in text for text in texts(pane))


def test_drag_is_seen_while_it_is_over_the_pane(pane, tmp_path):
    before = pane.grab().toImage()
    mime = mime_of(tmp_path)
    drag_over(pane, mime)
    assert pane.grab().toImage() != before
    QApplication.sendEvent(pane, QDragLeaveEvent())
    assert pane.grab().toImage() == before


def test_nothing_is_taken_while_a_run_computes(pane, tmp_path):
    pane.set_running("running")
    assert not drag_over(pane, mime_of(tmp_path))


def test_words_are_not_a_folder(pane):
    mime = QMimeData()
    mime.setText("hello")
    assert not drag_over(pane, mime)


def test_start_stays_in_view_when_the_settings_do_not_fit(pane, qtbot):
    show(pane, listing())
    pane.resize(280, 480)
    click(qtbot, pane, "More settings")
    QApplication.processEvents()
    start = pane.findChild(QPushButton, "start")
    assert pane.rect().contains(start.geometry())
    assert pane.findChild(QScrollArea).verticalScrollBar().maximum() > 0


def test_start_follows_the_cards_where_there_is_room(pane):
    show(pane, listing())
    pane.resize(280, 1200)
    QApplication.processEvents()
    scroll = pane.findChild(QScrollArea)
    assert scroll.verticalScrollBar().maximum() == 0
    assert pane.findChild(QPushButton, "start").geometry().bottom() < 800


def test_every_control_has_a_name_for_screen_readers(pane):
    controls = [*pane.findChildren(QPushButton), *pane.findChildren(QComboBox)]
    assert all(control.accessibleName() or control.text() for control in controls if isinstance(control, QPushButton))
    assert all(control.accessibleName() for control in controls if isinstance(control, QComboBox))


def test_theme_switch_repaints_the_pane(qtbot, qapp):
    theme = Theme(qapp, "light")
    pane = SetupPane(theme, NETWORKS, tuple(settings()))
    qtbot.addWidget(pane)
    pane.resize(280, 700)
    pane.show()
    show(pane, listing())
    light = pane.grab().toImage()
    theme.set_mode("dark")
    dark = pane.grab().toImage()
    theme.set_mode("light")
    assert dark != light
    assert pane.grab().toImage() == light
