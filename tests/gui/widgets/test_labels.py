"""Labels and tooltips that show names: as text, from left to right, and never wider than a screen."""

import pytest
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QApplication

from resnet_gui.gui.widgets.elided_labels import ElidedLabel, one_line
from resnet_gui.gui.widgets.labels import PlainLabel, label, tooltip


def inked_columns(shown: PlainLabel) -> list[int]:
    """The columns of pixels in which something is drawn."""
    image = shown.grab().toImage()
    empty = image.pixel(image.width() - 1, image.height() - 1)
    return [x for x in range(image.width()) if any(image.pixel(x, y) != empty for y in range(image.height()))]


@pytest.mark.parametrize("name", ["חתול", "قطة", "“חתול”", "cat"])
@pytest.mark.parametrize("kind", ["label", "elided"])
def test_a_sentence_that_begins_with_any_name_begins_on_the_left(qtbot, qapp: QApplication, kind: str, name: str):
    shown = label("plain") if kind == "label" else ElidedLabel("plain")
    qtbot.addWidget(shown)
    shown.resize(600, 40)
    if isinstance(shown, ElidedLabel):
        shown.set_name(name, "{name}, very sure")
    else:
        shown.setText(f"{name}, very sure")
    columns = inked_columns(shown)
    assert columns[0] < 20
    assert columns[-1] < 300


def test_a_label_shows_no_markup_and_no_control_but_its_lines(qtbot, qapp: QApplication):
    shown = label("plain", "<b>one</b>\ntwo\x1b[0m \u202e caf\udce9\ud800")
    qtbot.addWidget(shown)
    assert shown.text() == "<b>one</b>\ntwo\\x1b[0m \\u202e caf?\\ud800"


def test_a_tooltip_wraps_a_long_word_and_ends(qapp: QApplication):
    document = QTextDocument()
    document.setHtml(tooltip("<img src=x>" + "w" * 100_000))
    document.setTextWidth(600)
    assert document.toPlainText().startswith("<img src=x>www")
    assert document.idealWidth() <= 600
    assert len(tooltip("w" * 10_000_000)) < 3_000


def test_one_line_is_bounded(qapp: QApplication):
    assert one_line("a\nb\u202e" + "x" * 10_000_000, 20) == "a↵b\\u202exxxx…xxxxxx"
