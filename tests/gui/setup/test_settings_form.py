"""The settings form: whatever config.py describes appears, can be typed, and comes back as a value."""

from typing import Literal

import pytest
from pydantic import BaseModel, Field
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QPushButton, QWidget

from resnet_gui.config import TrainConfig, make_config, settings
from resnet_gui.gui.setup.settings_form import SettingsForm, help_text
from resnet_gui.gui.theme import Theme


def described(default, label, help, shown="first", unit="", **limits):
    return Field(default, title=label, description=help, json_schema_extra={"shown": shown, "unit": unit}, **limits)


class Kitchen(BaseModel):
    """A part that no version of the program has ever had."""

    minutes: int = described(20, "Baking time", "How long it stays in.", unit="min", ge=1, le=90)
    heat: float = described(0.001, "Heat", "Rather less.", ge=1e-6, le=10.0)
    crust: Literal["thin", "thick"] = described("thin", "Crust", "To taste.")
    olives: bool = described(True, "Olives", "Black ones.", shown="more")
    name: str = described("", "Name", "What to <b>call</b> it.", shown="more")
    oven: str = described("gas", "Oven", "It has its own widget.", shown="own")


class Optional(BaseModel):
    """With a number that may be left open."""

    spice: float | None = described(None, "Spice", "If left empty, as the cook likes it.", ge=1e-6, le=10.0)


@pytest.fixture
def make(qtbot, qapp):
    def build(part=TrainConfig):
        form = SettingsForm(Theme(qapp, "light"), settings(part))
        qtbot.addWidget(form)
        form.resize(250, 400)
        with qtbot.waitActive(form):
            form.show()
            form.activateWindow()
        return form

    return build


def field(form, key):
    return form.findChild(QWidget, key)


def retype(widget, text):
    widget.setFocus()
    QTest.keyClick(widget, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(widget, text)


def wheel(widget, turns=1):
    point = QPointF(widget.rect().center())
    event = QWheelEvent(
        point, widget.mapToGlobal(point), QPoint(), QPoint(0, 120 * turns), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def test_form_has_every_setting_and_starts_with_the_defaults(make):
    form = make()
    expected = {setting.key: setting.default for setting in settings() if setting.shown != "own"}
    assert form.values() == expected


def test_values_make_a_config(make):
    assert make_config(make().values()) == make_config({})


def test_new_settings_appear_by_themselves(make):
    form = make(Kitchen)
    assert form.values() == {"minutes": 20, "heat": 0.001, "crust": "thin", "olives": True, "name": ""}
    assert field(form, "minutes").text() == "20 min"
    assert field(form, "minutes").accessibleName() == "Baking time"


def test_typing_gives_values(make, qtbot):
    form = make(Kitchen)
    qtbot.mouseClick(form.findChild(QPushButton), Qt.MouseButton.LeftButton)
    retype(field(form, "minutes"), "45")
    retype(field(form, "heat"), "3e-4")
    retype(field(form, "name"), "Funghi")
    QTest.keyClick(field(form, "crust"), Qt.Key.Key_Down)
    QTest.keyClick(field(form, "olives"), Qt.Key.Key_Space)
    assert form.values() == {"minutes": 45, "heat": 3e-4, "crust": "thick", "olives": False, "name": "Funghi"}


@pytest.mark.parametrize("typed", ["0,01", "0.01", "1e-2", ".01"])
def test_numbers_may_be_written_in_several_ways(make, typed):
    form = make(Kitchen)
    retype(field(form, "heat"), typed)
    assert form.values()["heat"] == 0.01


def test_letters_are_not_a_number(make):
    form = make(Kitchen)
    retype(field(form, "heat"), "hot")
    assert form.values()["heat"] == 0.001


def test_number_out_of_range_is_not_kept(make):
    form = make(Kitchen)
    retype(field(form, "minutes"), "900")
    QTest.keyClick(field(form, "minutes"), Qt.Key.Key_Tab)
    assert 1 <= form.values()["minutes"] <= 90


@pytest.mark.parametrize(("typed", "kept"), [("1e-9", 1e-6), ("1e3", 10.0)])
def test_a_number_out_of_range_becomes_the_nearest(make, typed, kept):
    form = make(Kitchen)
    retype(field(form, "heat"), typed)
    QTest.keyClick(field(form, "heat"), Qt.Key.Key_Tab)
    assert form.values()["heat"] == kept


def test_small_numbers_step_by_factors_and_in_short_form(make):
    heat = field(make(Kitchen), "heat")
    shown = []
    for key in [Qt.Key.Key_Up] * 4 + [Qt.Key.Key_Down] * 8:
        QTest.keyClick(heat, key)
        shown.append(heat.text())
    assert shown[:4] == ["0.002", "0.005", "0.01", "0.02"]
    assert shown[4:] == ["0.01", "0.005", "0.002", "0.001", "0.0005", "0.0002", "0.0001", "5e-05"]


def test_weight_decay_can_be_stepped_to_zero_and_back(make):
    decay = field(make(), "training.weight_decay")
    for _ in range(20):
        QTest.keyClick(decay, Qt.Key.Key_Down)
    assert decay.value() == 0
    QTest.keyClick(decay, Qt.Key.Key_Up)
    assert decay.value() > 0


def test_shares_step_evenly(make):
    share = field(make(), "data.val_fraction")
    QTest.keyClick(share, Qt.Key.Key_Up)
    assert share.text() == "0.25"


def test_sizes_step_by_their_smallest(make):
    size = field(make(), "data.image_size")
    QTest.keyClick(size, Qt.Key.Key_Up)
    assert size.value() == 256


def test_sizes_below_the_first_step_lead_back_to_it(make):
    size = field(make(), "data.image_size")
    size.setValue(40)
    seen = []
    for key in [Qt.Key.Key_Down] * 2 + [Qt.Key.Key_Up] * 2:
        QTest.keyClick(size, key)
        seen.append(size.value())
    assert seen == [32, 8, 32, 64]


@pytest.mark.parametrize(("key", "least"), [("training.batch_size", 2), ("machine.threads", 1)])
def test_from_automatic_a_step_leads_to_the_least_there_may_be_and_back(make, key, least):
    form = make()
    box = field(form, key)
    assert box.text() == "automatic"
    QTest.keyClick(box, Qt.Key.Key_Up)
    assert form.values()[key] == least
    assert make_config(form.values())
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert box.text() == "automatic"
    assert form.values()[key] == 0


@pytest.mark.parametrize(("typed", "kept"), [("1", 2), ("16", 16), ("3", 3), ("0", 0)])
def test_fewer_than_the_least_cannot_be_typed(make, typed, kept):
    form = make()
    box = field(form, "training.batch_size")
    retype(box, typed)
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert form.values()["training.batch_size"] == kept
    assert box.text() == (str(kept) if kept else "automatic")
    form.set_values({"training.batch_size": 1})
    assert form.values()["training.batch_size"] == kept


@pytest.mark.parametrize(
    ("typed", "kept"), [("1", 1.0), ("0.875", 0.875), ("0,5", 0.5), ("0.05", 0.0), ("0", 0.0), ("", 0.0)]
)
def test_a_share_may_be_left_to_the_program(make, typed, kept):
    form = make()
    box = field(form, "data.middle_share")
    assert (form.values()["data.middle_share"], box.text()) == (0.0, "")
    assert box.lineEdit().placeholderText() == "automatic"
    retype(box, typed)
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert form.values()["data.middle_share"] == kept
    assert make_config(form.values())
    form.set_values({"data.middle_share": 0.05})  # less than the least
    assert form.values()["data.middle_share"] == kept
    form.reset()
    assert box.text() == ""


def test_a_setting_with_one_choice_has_no_field(make):
    assert "data.shape" not in make().values()


def test_help_shows_an_automatic_default_as_the_box_does(make):
    [batch] = [setting for setting in settings() if setting.key == "training.batch_size"]
    assert help_text(batch).endswith("Default: automatic · Range: 2 to 4096")


def test_limits_narrow_a_number_and_go_away_again(make):
    form = make(Kitchen)
    form.set_limits("minutes", 25, 30)
    assert form.values()["minutes"] == 25
    form.set_values({"minutes": 80})
    assert form.values()["minutes"] == 30
    form.set_limits("minutes", 0, None)
    form.set_values({"minutes": 80})
    assert form.values()["minutes"] == 80


def test_a_number_with_one_possible_value_cannot_be_changed(make):
    form = make(Kitchen)
    form.set_limits("minutes", 30, 30)
    retype(field(form, "minutes"), "1")
    QTest.keyClick(field(form, "minutes"), Qt.Key.Key_Up)
    assert form.values()["minutes"] == 30
    form.set_limits("minutes", 1, None)
    QTest.keyClick(field(form, "minutes"), Qt.Key.Key_Up)
    assert form.values()["minutes"] == 31


def test_an_optional_number_is_automatic_whenever_its_field_is_empty(make):
    form = make(Optional)
    spice = field(form, "spice")
    assert form.values() == {"spice": None}
    assert spice.lineEdit().placeholderText() == "automatic"
    form.set_automatic("spice", 0.001)
    assert (spice.text(), spice.lineEdit().placeholderText()) == ("", "automatic (0.001)")
    retype(spice, "0,05")
    assert form.values() == {"spice": 0.05}
    QTest.keyClick(spice, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(spice, Qt.Key.Key_Delete)
    assert form.values() == {"spice": None}


def test_an_optional_number_steps_from_its_automatic_value_and_back_to_it(make):
    form = make(Optional)
    form.set_automatic("spice", 0.001)
    spice = field(form, "spice")
    seen = []
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Down):
        QTest.keyClick(spice, key)
        seen.append(form.values()["spice"])
    assert seen == [0.002, 0.001, 0.0005]
    form.set_values({"spice": 1e-6})
    QTest.keyClick(spice, Qt.Key.Key_Down)
    assert form.values() == {"spice": None}
    retype(spice, "1e-9")
    QTest.keyClick(spice, Qt.Key.Key_Return)
    assert form.values() == {"spice": None}


def test_an_optional_number_can_be_set_and_reset(make):
    form = make(Optional)
    form.set_values({"spice": 0.5})
    assert form.values() == {"spice": 0.5}
    form.set_values({"spice": "hot"})
    assert form.values() == {"spice": 0.5}
    form.set_values({"spice": None})
    assert form.values() == {"spice": None}
    form.set_values({"spice": 0.5})
    form.reset()
    assert form.values() == {"spice": None}


def test_more_settings_unfold_and_fold(make, qtbot):
    form = make(Kitchen)
    more = form.findChild(QPushButton)
    assert field(form, "minutes").isVisible()
    assert not field(form, "olives").isVisible()
    qtbot.mouseClick(more, Qt.MouseButton.LeftButton)
    assert field(form, "olives").isVisible()
    assert more.text() == "Fewer settings"
    QTest.keyClick(more, Qt.Key.Key_Space)
    assert not field(form, "olives").isVisible()


def test_no_link_where_nothing_is_folded(make):
    class Short(BaseModel):
        minutes: int = described(20, "Baking time", "How long it stays in.", ge=1, le=90)

    assert not make(Short).findChild(QPushButton).isVisible()


def test_wheel_scrolls_past_until_a_field_is_chosen(make):
    form = make(Kitchen)
    field(form, "heat").setFocus()
    for key in ("minutes", "crust"):
        wheel(field(form, key), -1)
    assert form.values()["minutes"] == 20
    assert form.values()["crust"] == "thin"
    field(form, "minutes").setFocus()
    wheel(field(form, "minutes"))
    assert form.values()["minutes"] == 21


def test_help_has_default_and_range(make):
    form = make(Kitchen)
    minutes = next(setting for setting in settings(Kitchen) if setting.key == "minutes")
    assert help_text(minutes) == "How long it stays in.\nDefault: 20 · Range: 1 to 90 min"
    assert field(form, "minutes").accessibleDescription() == help_text(minutes)
    assert "How long it stays in." in field(form, "minutes").toolTip()
    assert field(form, "minutes").whatsThis() == field(form, "minutes").toolTip()


def test_help_is_never_taken_for_markup(make):
    assert "&lt;b&gt;" in field(make(Kitchen), "name").toolTip()


def test_changed_is_emitted(make, qtbot):
    form = make(Kitchen)
    with qtbot.waitSignal(form.changed):
        QTest.keyClick(field(form, "minutes"), Qt.Key.Key_Up)


def test_set_values_takes_what_fits(make):
    form = make(Kitchen)
    form.set_values({"minutes": 30, "heat": 1, "crust": "thick", "olives": False, "name": "Sicilian"})
    assert form.values() == {"minutes": 30, "heat": 1.0, "crust": "thick", "olives": False, "name": "Sicilian"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"minutes": 91}, {"minutes": "30"}, {"minutes": True}, {"minutes": 2.5}, {"minutes": None}, {"heat": 11.0},
        {"heat": float("nan")}, {"crust": "burnt"}, {"crust": 3}, {"olives": "yes"}, {"olives": 1}, {"name": False}, {"salt": 1},
    ],
)  # fmt: skip
def test_set_values_passes_over_what_does_not_fit(make, wrong):
    form = make(Kitchen)
    before = form.values()
    form.set_values(wrong)
    assert form.values() == before


def test_a_card_of_another_machine_stays_and_those_here_are_offered(make):
    form = make()
    box = form._fields["machine.device"].widget
    form.set_values({"machine.device": "cuda:3"})
    form.add_choices("machine.device", ["cuda:0", "cuda:1"])
    form.add_choices("machine.device", ["cuda:0", "cuda:1"])
    assert form.values()["machine.device"] == "cuda:3"
    offered = [box.itemText(index) for index in range(box.count())]
    assert offered == ["auto", "cpu", "cuda", "mps", "cuda:3", "cuda:0", "cuda:1"]
    for wrong in ("cuda:x", "gpu", 3, None):
        form.set_values({"machine.device": wrong})
        assert form.values()["machine.device"] == "cuda:3"


def test_reset_goes_back_to_the_defaults(make):
    form = make(Kitchen)
    before = form.values()
    form.set_values({"minutes": 1, "heat": 9.0, "crust": "thick", "olives": False, "name": "x"})
    form.reset()
    assert form.values() == before


def test_locked_fields_show_why_and_can_be_unlocked(make):
    form = make(Kitchen)
    form.set_locked("It is in the oven.")
    assert not field(form, "minutes").isEnabled()
    assert "It is in the oven." in field(form, "minutes").toolTip()
    assert form.findChild(QPushButton).isEnabled()  # one may still look
    form.set_locked("")
    assert field(form, "minutes").isEnabled()
    assert "How long it stays in." in field(form, "minutes").toolTip()


def test_a_click_on_the_text_of_a_switch_ticks_it(make, qtbot):
    form = make(Kitchen)
    qtbot.mouseClick(form.findChild(QPushButton), Qt.MouseButton.LeftButton)
    olives = form.findChild(QCheckBox)
    qtbot.mouseClick(olives, Qt.MouseButton.LeftButton, pos=QPoint(30, olives.height() // 2))
    assert form.values()["olives"] is False


def test_every_field_is_reached_by_tab(make, qtbot):
    form = make(Kitchen)
    qtbot.mouseClick(form.findChild(QPushButton), Qt.MouseButton.LeftButton)
    field(form, "minutes").setFocus()
    reached = []
    for _ in range(6):
        reached.append(QApplication.focusWidget().objectName())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert reached == ["minutes", "heat", "crust", "more", "olives", "name"]
