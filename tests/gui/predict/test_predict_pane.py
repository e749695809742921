"""The Predict pane, with real drops, keys and clicks."""

import os

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication

from resnet_gui.gui.predict.predict_pane import PredictPane
from resnet_gui.gui.text import per_cent
from resnet_gui.gui.theme import Theme
from resnet_gui.messages import message, sentence
from resnet_gui.records import Prediction

FLOWERS = ("daisy", "dandelion", "rose", "sunflower", "tulip")


@pytest.fixture(scope="module")
def theme(qapp):
    return Theme(qapp, "light")


@pytest.fixture
def pane(qtbot, theme):
    pane = PredictPane(theme)
    qtbot.addWidget(pane)
    pane.resize(300, 690)
    with qtbot.waitActive(pane):
        pane.show()
        pane.activateWindow()
    return pane


@pytest.fixture
def emitted(pane):
    """Every signal that the pane emits, in order."""
    signals = []
    pane.pictures_dropped.connect(lambda paths: signals.append(("pictures", paths)))
    pane.model_dropped.connect(lambda path: signals.append(("model", path)))
    pane.image_pasted.connect(lambda image: signals.append(("image", image.width(), image.height())))
    pane.pictures_requested.connect(lambda: signals.append("pictures?"))
    pane.model_requested.connect(lambda: signals.append("model?"))
    pane.offered_model_requested.connect(lambda: signals.append("offered"))
    return signals


def mime_of(*urls, image=None, raw=None):
    mime = QMimeData()
    if urls:
        mime.setUrls([QUrl(url) if "://" in str(url) else QUrl.fromLocalFile(str(url)) for url in urls])
    if image is not None:
        mime.setImageData(image)
    if raw is not None:
        mime.setData("text/uri-list", raw)
    return mime


def drag_over(pane, mime):
    rest = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    try:
        event = QDragEnterEvent(QPointF(50, 50), *rest)
    except TypeError:  # PySide6 before 6.12
        event = QDragEnterEvent(QPoint(50, 50), *rest)
    event.ignore()
    QApplication.sendEvent(pane, event)
    return event.isAccepted()


def drop(pane, mime):
    if drag_over(pane, mime):
        event = QDropEvent(
            QPointF(50, 50), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(pane, event)


def bitmap(width=8, height=6):
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor("orange"))
    return image


def prediction(path="/pictures/a.jpg", labels=FLOWERS, probabilities=(0.871, 0.084, 0.027, 0.012, 0.006), **rest):
    return Prediction(path, labels, probabilities, 3024, 4032, 41.2, **rest)


def test_what_should_be_known_of_a_picture_stands_below_its_answer(pane):
    note = message("grey_clipped_here", count=5, low="0", high="4095")
    pane.show_predictions(
        [Prediction("xray.png", FLOWERS[:2], (0.9, 0.1), notes=(note,)), Prediction("b.png", FLOWERS[:2], (0.6, 0.4))]
    )
    assert pane.view.notes.isVisible()
    assert pane.view.notes.text().startswith("5 of its values lie beyond")
    assert pane.view.as_text().splitlines()[-1] == pane.view.notes.text()
    pane.view.set_prediction(Prediction("b.png", FLOWERS[:2], (0.6, 0.4)))
    assert not pane.view.notes.isVisible()


def test_explains_what_to_do_from_the_first_second(pane):
    assert "Train a model" in pane.message.text()
    assert ".safetensors" in pane.message.text()
    assert pane.model_label.text() == "no model yet"
    assert not pane.view.isVisible()


def test_several_pictures_and_a_folder_arrive_together(pane, emitted, tmp_path):
    paths = [str(tmp_path / name) for name in ("a.jpg", "b c.PNG", "folder")]
    drop(pane, mime_of(*paths))
    assert emitted == [("pictures", paths)]


def test_a_model_file_is_distinguished_from_pictures(pane, emitted, tmp_path):
    drop(pane, mime_of(tmp_path / "a.jpg", tmp_path / "Model.SAFETENSORS"))
    assert emitted == [("model", str(tmp_path / "Model.SAFETENSORS")), ("pictures", [str(tmp_path / "a.jpg")])]


def test_weights_are_for_a_model_and_folders_for_pictures_whatever_they_are_called(pane, emitted, tmp_path):
    names = ("a.pth", "b.PT", "c.ckpt", "d.bin", "e.pth.tar", "f.safetensors")
    for name in names:
        drop(pane, mime_of(tmp_path / name))
    assert emitted == [("model", str(tmp_path / name)) for name in names]
    (tmp_path / "pictures.bin").mkdir()
    drop(pane, mime_of(tmp_path / "pictures.bin"))
    assert emitted[-1] == ("pictures", [str(tmp_path / "pictures.bin")])


def test_the_offer_to_make_a_model_goes_with_its_message(qtbot, pane):
    pane.show_message("a.pth is not a model.")
    pane.offer_adoption()
    with qtbot.waitSignal(pane.adoption_requested):
        qtbot.mouseClick(pane.adopt_link, Qt.MouseButton.LeftButton)
    pane.show_message("Something else.")
    assert not pane.adopt_link.isVisible()
    pane.offer_adoption()
    pane.show_predictions([prediction()])
    assert not pane.adopt_link.isVisible()


@pytest.mark.skipif(os.name == "nt", reason="names are always Unicode there")
def test_a_name_that_is_not_utf8_keeps_its_bytes(pane, emitted):
    drop(pane, mime_of(raw=b"file:///tmp/bl%FCte.jpg\r\n"))
    assert os.fsencode(emitted[0][1][0]) == b"/tmp/bl\xfcte.jpg"


def test_a_bitmap_without_a_file_is_taken(pane, emitted):
    drop(pane, mime_of("https://example.org/a.jpg", image=bitmap()))
    assert emitted == [("image", 8, 6)]


def test_a_link_alone_is_explained(pane, emitted):
    drop(pane, mime_of("https://example.org/a.jpg"))
    assert emitted == []
    assert "Save the picture first" in pane.message.text()


def test_text_is_not_accepted(pane, emitted):
    mime = QMimeData()
    mime.setText("hello")
    assert not drag_over(pane, mime)


def test_the_zone_lights_up_only_while_something_is_above(pane, tmp_path):
    drag_over(pane, mime_of(tmp_path / "a.jpg"))
    assert pane.drop_zone.property("dropping") is True
    QApplication.sendEvent(pane, QDragLeaveEvent())
    assert pane.drop_zone.property("dropping") is False
    drop(pane, mime_of(tmp_path / "a.jpg"))
    assert pane.drop_zone.property("dropping") is False


def test_click_enter_and_space_request_pictures(qtbot, pane, emitted):
    qtbot.mouseClick(pane.drop_zone, Qt.MouseButton.LeftButton)
    qtbot.keyClick(pane.drop_zone, Qt.Key.Key_Return)
    qtbot.keyClick(pane.drop_zone, Qt.Key.Key_Space)
    assert emitted == ["pictures?"] * 3


def test_paste_takes_files_then_bitmaps_and_explains_the_rest(qtbot, pane, emitted, tmp_path):
    pane.drop_zone.setFocus()
    clipboard = QApplication.clipboard()
    for mime in (mime_of(tmp_path / "a.jpg", image=bitmap()), mime_of(image=bitmap(4, 5))):
        clipboard.setMimeData(mime)
        qtbot.keyClick(pane.drop_zone, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert emitted == [("pictures", [str(tmp_path / "a.jpg")]), ("image", 4, 5)]
    clipboard.setText("not a picture")
    qtbot.keyClick(pane.drop_zone, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert "no picture in the clipboard" in pane.message.text()


def test_links_request_models(qtbot, pane, emitted):
    assert not pane.offer.isVisible()
    pane.offer_model("Use the best model so far")
    assert pane.offer.isVisible()
    qtbot.mouseClick(pane.offer, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(pane.open_link, Qt.MouseButton.LeftButton)
    assert emitted == ["offered", "model?"]
    pane.offer_model(None)
    assert not pane.offer.isVisible()


def test_shows_a_prediction(qtbot, pane, tmp_path):
    bitmap(300, 200).save(str(tmp_path / "small.png"))
    pane.start_batch(1)
    pane.show_waiting("Looking…")
    pane.show_predictions([prediction(png=str(tmp_path / "small.png"))])
    assert not pane.message.isVisible()
    assert pane.view.headline.whole == "daisy, fairly sure"
    assert pane.view.caption.whole == "a.jpg · 3024 × 4032 · 41 ms"
    qtbot.waitUntil(pane.view.picture.isVisible)
    QApplication.processEvents()
    assert pane.view.bars.accessibleDescription().startswith("daisy 87.1 %, dandelion 8.4 %")
    assert not pane.on.isVisible()
    shown = pane.view.picture.grab().toImage()
    assert shown.pixelColor(shown.width() // 2, 60) == QColor("orange")


def test_the_picture_comes_after_its_prediction_and_moves_nothing(qtbot, pane, tmp_path):
    wanted = []
    pane.preview_requested.connect(wanted.append)
    pane.show_predictions([prediction("/a.jpg"), prediction("/b.jpg")])
    assert wanted == ["/a.jpg"]
    assert pane.view.headline.isVisible()
    QApplication.processEvents()
    geometry = pane.view.headline.geometry()
    bitmap(480, 640).save(str(tmp_path / "small.png"))
    pane.show_preview("/a.jpg", str(tmp_path / "small.png"))
    picture = pane.view.picture
    qtbot.waitUntil(lambda: picture.grab().toImage().pixelColor(picture.width() // 2, 60) == QColor("orange"))
    assert pane.view.headline.geometry() == geometry
    pane.step(1)
    pane.step(-1)
    assert wanted == ["/a.jpg", "/b.jpg"]


def test_the_same_picture_stays_in_sight_when_another_model_predicts_it(qtbot, pane, tmp_path):
    picture = pane.view.picture

    def seen():
        return picture.grab().toImage().pixelColor(picture.width() // 2, 60)

    def predict(path):
        pane.start_batch(1)
        pane.show_predictions([prediction(path)])

    bitmap(480, 640).save(str(tmp_path / "small.png"))
    predict("/a.jpg")
    pane.show_preview("/a.jpg", str(tmp_path / "small.png"))
    qtbot.waitUntil(lambda: seen() == QColor("orange"))
    predict("/a.jpg")
    assert picture.isVisible()
    assert seen() == QColor("orange")
    predict("/b.jpg")
    assert seen() != QColor("orange")


def test_no_room_is_kept_for_a_picture_that_cannot_be_drawn(qtbot, pane, tmp_path):
    pane.show_predictions([prediction("/a.jpg"), prediction("/b.jpg")])
    assert pane.view.picture.isVisible()
    pane.show_no_preview("/b.jpg")
    assert pane.view.picture.isVisible()
    pane.show_no_preview("/a.jpg")
    assert not pane.view.picture.isVisible()
    pane.step(1)
    assert pane.view.picture.isVisible()
    bitmap(480, 640).save(str(tmp_path / "small.png"))
    pane.show_preview("/b.jpg", str(tmp_path / "small.png"))
    pane.show_no_preview("/b.jpg")
    assert pane.view.picture.isVisible()


def test_what_cannot_be_read_has_no_picture(pane):
    pane.show_predictions([Prediction("/b.jpg", problem=message("image_empty", path="/b.jpg"))])
    assert not pane.view.picture.isVisible()


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0.95, "x, very sure"), (0.8, "x, fairly sure"), (0.5, "x, probably"), (0.49, "Perhaps x?")],
)
def test_shows_how_sure_it_is(pane, probability, words):
    pane.show_predictions([prediction(labels=("x", "y"), probabilities=(probability, 1 - probability))])
    assert pane.view.headline.whole == words


def test_notes_are_shown_below_the_bars(pane):
    note = message("first_frame", name="a.gif")
    pane.show_predictions([prediction(notes=(note,))])
    assert pane.view.notes.isVisible()
    assert pane.view.notes.text() == sentence(note)
    assert pane.view.notes.y() >= pane.view.bars.geometry().bottom()
    assert pane.view.as_text().endswith(sentence(note))
    pane.start_batch(1)
    pane.show_predictions([prediction()])
    assert not pane.view.notes.isVisible()


def test_names_are_shown_as_they_are(pane):
    pane.show_predictions([prediction(labels=("<b>Rose</b> & co\nxx", "b"), probabilities=(0.99, 0.01))])
    assert pane.view.headline.whole.startswith("<b>Rose</b> & co↵xx")


def test_steps_through_a_batch_by_key_and_click(qtbot, pane):
    pane.start_batch(3)
    pane.show_predictions([prediction("/a.jpg")])
    assert pane.position.text() == "1 of 3"
    assert not pane.on.isEnabled()
    broken = Prediction("/b.jpg", problem=message("image_empty", path="/b.jpg"))
    pane.show_predictions([broken, prediction("/c.jpg")])
    pane.drop_zone.setFocus()
    qtbot.keyClick(pane.drop_zone, Qt.Key.Key_Right)
    assert pane.position.text() == "2 of 3"
    assert pane.view.problem.text().replace("\u200b", "") == "/b.jpg is empty (0 bytes)."
    assert not pane.view.headline.isVisible()
    qtbot.mouseClick(pane.on, Qt.MouseButton.LeftButton)
    assert pane.view.caption.whole.startswith("c.jpg")
    assert pane.view.headline.isVisible()
    assert not pane.on.isEnabled()
    qtbot.keyClick(pane.drop_zone, Qt.Key.Key_Left)
    assert pane.position.text() == "2 of 3"


def test_a_new_batch_removes_old_predictions(pane):
    pane.start_batch(2)
    pane.show_predictions([prediction("/a.jpg"), prediction("/b.jpg")])
    pane.step(1)
    pane.start_batch(1)
    pane.show_waiting("Looking…")
    assert not pane.view.isVisible()
    pane.show_predictions([prediction("/c.jpg")])
    assert pane.view.caption.whole.startswith("c.jpg")


def test_copies_a_table(qtbot, pane):
    pane.show_predictions([prediction(labels=("daisy", "rose"), probabilities=(0.9, 0.1))])
    qtbot.mouseClick(pane.copy_button, Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == "/pictures/a.jpg\ndaisy\t90.0 %\nrose\t10.0 %"
    QApplication.clipboard().clear()
    pane.drop_zone.setFocus()
    qtbot.keyClick(pane.drop_zone, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text().startswith("/pictures/a.jpg")


def test_a_message_keeps_the_prediction(pane):
    pane.show_predictions([prediction()])
    pane.show_message("That file is not a model.", bad=True)
    assert pane.message.isVisible()
    assert pane.message.property("kind") == "bad"
    assert pane.view.isVisible()


def test_a_thousand_predictions_come_in_batches(pane):
    pane.start_batch(1000)
    for start in range(0, 1000, 50):
        pane.show_predictions(prediction(f"/{start + each}.jpg") for each in range(50))
    pane.step(5000)
    assert pane.position.text() == "1000 of 1000"
    assert pane.view.caption.whole.startswith("999.jpg")


def test_long_names_fit_into_the_pane(pane):
    long = "an-exceedingly-long-name-" * 8
    pane.set_model_name(long + ".safetensors", tooltip="/models/" + long)
    pane.offer_model("Use the best model so far")
    pane.start_batch(12)
    pane.show_predictions([prediction(f"/{long}.jpg", labels=(long, "b"), probabilities=(0.4, 0.3))])
    QApplication.processEvents()
    assert pane.minimumSizeHint().width() <= 300
    assert "…" in pane.model_label.text()
    assert "/models/" + long in pane.model_label.toolTip().replace("\u200b", "")
    assert long in pane.view.headline.toolTip().replace("\u200b", "")
    assert pane.view.caption.text().endswith("3024 × 4032 · 41 ms")


def test_per_cents_never_add_up_to_more_than_a_hundred():
    assert per_cent((0.9996, 0.0004)) == ["100.0 %", "0.0 %"]
    assert per_cent((0.9994, 0.0006)) == ["99.9 %", "0.1 %"]
    assert per_cent((1 / 3,) * 3) == ["33.4 %", "33.3 %", "33.3 %"]
    for shares in ((0.33345, 0.33345, 0.3331), (0.0015, 0.0005), (0.49955, 0.49955, 0.0009)):
        figures = [float(each.removesuffix(" %")) for each in per_cent(shares)]
        assert sum(figures) <= 100 + 1e-9
        assert figures == sorted(figures, reverse=True)


def test_nothing_moves_while_the_first_prediction_is_waited_for(pane, qapp):
    def top(widget):
        return widget.mapTo(pane, QPoint(0, 0)).y()

    before = top(pane.model_label)
    pane.start_batch(1)
    pane.show_waiting("Looking…")
    qapp.processEvents()
    assert top(pane.model_label) == before
    assert top(pane.message) < 120
    assert top(pane.drop_zone) + pane.drop_zone.height() > pane.height() - 30


def test_a_long_message_is_shown_whole(pane):
    pane.show_message("The model knows many classes, and many more. " * 12)
    QApplication.processEvents()
    assert pane.message.height() >= pane.message.heightForWidth(pane.message.width())
    problem = message("image_broken", path="/" + "long/" * 60 + "x" * 200 + ".jpg", reason="cut short")
    pane.start_batch(1)
    pane.show_predictions([prediction(problem=problem, labels=(), probabilities=())])
    QApplication.processEvents()
    assert pane.view.problem.height() >= pane.view.problem.heightForWidth(pane.view.problem.width())
    assert pane.minimumSizeHint().width() <= 300
