"""What a user is asked about a run: whether it goes on with other pictures, and how many more epochs it should have."""

import pytest
from PySide6.QtWidgets import QApplication

from helpers.window_actions import text_of
from resnet_gui.events import DatasetChanged, EpochDone, Started
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.training.dataset_changed_dialog import DatasetChangedDialog
from resnet_gui.gui.training.more_epochs_dialog import MoreEpochsDialog
from resnet_gui.runs.history import RunHistory

NEW = "The new pictures are not used. To learn from them, start a new training."
SAME = "The run goes on with the pictures it began with, and its result stays the same."
OTHER = (
    "The run goes on with the pictures that are as they were. "
    "Its result is no longer exactly that of the undisturbed run."
)
EMPTY = "A class without pictures keeps its place in the model, and learns nothing more."


@pytest.mark.parametrize(
    ("changes", "facts", "consequence"),
    [
        ({"added": ("rose/1.jpg",)}, "1 picture is new", f"{NEW} {SAME}"),
        (
            {"classes_added": ("fern", "moss"), "added": ("fern/1.jpg", "moss/1.jpg")},
            "New classes: “fern”, “moss”\n2 pictures are new",
            f"{NEW} {SAME}",
        ),
        ({"removed": ("rose/1.jpg", "rose/2.jpg")}, "2 are gone", OTHER),
        ({"changed": ("rose/1.jpg",)}, "1 has changed", OTHER),
        (
            {"classes_removed": ("rose",), "removed": ("rose/1.jpg",), "added": ("fern/1.jpg",)},
            "Class without pictures now: “rose”\n1 picture is new · 1 is gone",
            f"{NEW} {OTHER} {EMPTY}",
        ),
    ],
)
def test_each_kind_of_change_is_shown_with_what_it_means(qtbot, qapp, changes, facts, consequence):
    Theme(qapp, "light")
    none = dict.fromkeys(("classes_added", "classes_removed", "added", "removed", "changed"), ())
    dialog = DatasetChangedDialog(DatasetChanged("/runs/1", **{**none, **changes}))
    qtbot.addWidget(dialog)
    assert dialog.facts.text() == facts
    assert dialog.consequence.text() == consequence


def test_the_dialog_lists_a_hundred_thousand_changes_and_copies_them(qtbot, qapp):
    paths = tuple(f"a/{'long' * 40}-{number}.jpg" for number in range(100_000))
    names = tuple(f"class {number}" for number in range(300))
    dialog = DatasetChangedDialog(DatasetChanged("/runs/1", names, (), paths, ("not-utf8-\udcff.jpg",), ()))
    qtbot.addWidget(dialog)
    dialog.show()
    assert "“class 7” and 292 more" in text_of(dialog)
    assert dialog.width() < 700
    dialog.list.actions()[0].trigger()
    lines = QApplication.clipboard().text().split("\n")
    assert (len(lines), lines[0]) == (100_001, "not-utf8-?.jpg  ·  gone")


def test_more_epochs_are_shown_with_what_they_cost(qtbot, qapp):
    history = RunHistory("/runs/1")
    history.add(Started("/runs/1", "resnet18", ("a", "b"), 1, 1, 1, 12, "cpu", 2))
    history.add(EpochDone(1, 0.5, 0.5, 0.5, 0.5, 0.001, 30.0, True))
    dialog = MoreEpochsDialog(history)
    qtbot.addWidget(dialog)
    assert dialog.more == 6
    dialog.box.setValue(2)
    assert "has 14 epochs then" in dialog.facts.text()
    assert "about 1:00 min" in dialog.facts.text()
