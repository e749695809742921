"""The theme: readable colours, icons in them, and switching between light and dark."""

import re
import tomllib

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QPalette
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QPushButton

from resnet_gui.gui.theme import CLASS_COLOURS, Theme
from resnet_gui.paths import resource

COLOURS = tomllib.loads(resource("theme.toml").read_text(encoding="utf-8"))
ICONS = sorted(path.stem for path in resource("icons").glob("*.svg"))
NEEDED = {
    "app", "folder-open", "play", "pause", "stop", "picture", "model", "save", "run-folder", "sample", "info",
    "check", "close", "drop", "chevron-down", "chevron-right", "star",
}  # fmt: skip


def luminance(colour):
    """Relative luminance, as WCAG 2.1 defines it."""
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    bright, dull = sorted((luminance(QColor(one)), luminance(QColor(other))), reverse=True)
    return (bright + 0.05) / (dull + 0.05)


def share_of(image, colour):
    """The share of an image's fully opaque pixels that have `colour`."""
    pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    opaque = [pixel for pixel in pixels if pixel.alpha() == 255]
    return sum(pixel == colour for pixel in opaque) / max(1, len(opaque))


def test_contrast_formula():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the classic near miss


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("token", ["text", "dim", "accent", "good", "bad", "warning"])
@pytest.mark.parametrize("ground", ["background", "panel", "field"])
def test_text_can_be_read(mode, token, ground):
    assert contrast(COLOURS[mode][token], COLOURS[mode][ground]) >= 4.5


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_on_accent_and_under_the_mouse_can_be_read(mode):
    colours = COLOURS[mode]
    assert contrast(colours["on_accent"], colours["accent"]) >= 4.5
    assert contrast(colours["on_accent"], colours["accent_hover"]) >= 4.5
    assert contrast(colours["text"], colours["hover"]) >= 4.5
    assert contrast(colours["dim"], colours["hover"]) >= 4.5


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_what_is_drawn_can_be_seen(mode):
    drawn = ["second", *(f"class{index}" for index in range(CLASS_COLOURS))]
    assert {name: contrast(COLOURS[mode][name], COLOURS[mode]["panel"]) >= 3 for name in drawn} == dict.fromkeys(
        drawn, True
    )


def test_both_modes_have_the_same_names():
    assert list(COLOURS["light"]) == list(COLOURS["dark"])


def test_icons_are_all_there():
    assert set(ICONS) >= NEEDED


@pytest.mark.parametrize("name", ICONS)
def test_icon_is_a_valid_drawing_on_the_24_grid(qapp, name):
    renderer = QSvgRenderer(str(resource(f"icons/{name}.svg")))
    assert renderer.isValid()
    assert renderer.defaultSize() == QSize(24, 24)


@pytest.mark.parametrize("name", sorted(NEEDED - {"app"}))
def test_icon_takes_the_colour(qapp, name):
    theme = Theme(qapp, "light")
    image = theme.icon(name, "bad").pixmap(QSize(32, 32), 2.0).toImage()
    assert (image.width(), image.height()) == (64, 64)  # drawn, not enlarged
    assert share_of(image, theme.color("bad")) > 0.9


def test_colours_follow_the_mode(qapp, qtbot):
    theme = Theme(qapp, "light")
    assert not theme.dark
    assert theme.color("panel") == QColor(COLOURS["light"]["panel"])
    with qtbot.waitSignal(theme.changed):
        theme.set_mode("dark")
    assert theme.dark
    assert theme.mode == "dark"
    assert theme.color("panel") == QColor(COLOURS["dark"]["panel"])
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(COLOURS["dark"]["background"])


def test_same_mode_again_changes_nothing(qapp, qtbot):
    theme = Theme(qapp, "dark")
    with qtbot.assertNotEmitted(theme.changed):
        theme.set_mode("dark")


def test_system_without_a_preference_is_light(qapp):
    assert not Theme(qapp, "system").dark  # the offscreen platform reports no colour scheme


def test_unknown_mode_is_system(qapp):
    assert Theme(qapp, "purple").mode == "system"


def test_unknown_colour_is_an_error(qapp):
    with pytest.raises(KeyError):
        Theme(qapp).color("mauve")


def test_stylesheet_is_filled_in_and_its_icons_exist(qapp):
    Theme(qapp, "dark")
    sheet = qapp.styleSheet()
    assert not re.search(r"\{\w+\}", sheet)
    named = set(re.findall(r"url\(icons:([\w-]+)\.svg\)", sheet))
    assert named
    assert named <= set(ICONS)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_stylesheet_reaches_the_screen(qapp, qtbot, mode):
    theme = Theme(qapp, mode)
    button = QPushButton()
    button.setProperty("kind", "primary")
    qtbot.addWidget(button)
    button.resize(100, 40)
    button.show()
    assert button.grab().toImage().pixelColor(50, 30) == theme.color("accent")
