"""The table of layers: stages that unfold, sums that stay, requested sizes, and what is copied."""

import csv
import io
import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from resnet_gui.events import NetworkSummary
from resnet_gui.gui.network.layer_model import MULTIPLY_ADDS, NAME, PARAMETERS, SHAPE
from resnet_gui.gui.network.layer_table import LayerTable
from resnet_gui.gui.network.layer_view import TotalRow
from resnet_gui.gui.theme import Theme
from resnet_gui.nets.spec import NetworkSpec, Stage
from resnet_gui.records import Layer

SPEC = NetworkSpec(
    "resnet18", "Toy", "Toys", "A paper", 2015, 3, 1, 1, "A story.",
    stages=(Stage("conv1 bn1", "stem", 1, 64), Stage("layer1", "basic", 2, 64), Stage("fc", "head", 1, 1000)),
)  # fmt: skip
LAYERS = (
    Layer("conv1", "Conv2d 7×7 /2", (64, 112, 112), 9408, 118_013_952, "conv1 bn1"),
    Layer("bn1", "BatchNorm2d", (64, 112, 112), 128, 0, "conv1 bn1"),
    Layer("layer1.0.conv1", "Conv2d 3×3", (64, 56, 56), 36_864, 115_605_504, "layer1"),
    Layer("layer1.0.conv2", "Conv2d 3×3", (64, 56, 56), 36_864, 115_605_504, "layer1"),
    Layer("layer1.1.conv1", "Conv2d 3×3", (64, 56, 56), 36_864, 115_605_504, "layer1"),
    Layer("fc", "Linear", (1000,), 513_000, 512_000, "fc"),
)


@pytest.fixture
def table(qtbot, qapp):
    table = LayerTable(Theme(qapp, "light"))
    qtbot.addWidget(table)
    table.resize(700, 400)
    with qtbot.waitActive(table):
        table.show()
        table.activateWindow()
    return table


def summarised(layers=LAYERS, size=224):
    parameters, multiply_adds = sum(each.parameters for each in layers), sum(each.multiply_adds for each in layers)
    return NetworkSummary("resnet18", 1000, 3, size, tuple(layers), parameters, multiply_adds)


def show(table, *args):
    table.show_summary(SPEC, summarised(*args))
    QApplication.processEvents()


def cells(table, parent=None):
    model = table.view.layers
    above = model.index(parent, 0) if parent is not None else model.index(-1, -1).parent()
    return [[model.index(row, column, above).data() for column in range(5)] for row in range(model.rowCount(above))]


def shown_words(table):
    return [found.text() for found in table.findChildren(QLabel) if found.isVisible()]


def test_stages_have_the_sums_of_their_layers(table):
    show(table)
    assert cells(table) == [
        ["Stem", "", "64 × 112 × 112", "9,536", "118,013,952"],
        ["layer1", "", "64 × 56 × 56", "110,592", "346,816,512"],
        ["fc", "Linear", "1,000", "513,000", "512,000"],
    ]


def test_layers_are_below_their_stage_and_a_single_one_is_its_own(table):
    show(table)
    assert [row[NAME] for row in cells(table, 1)] == ["0.conv1", "0.conv2", "1.conv1"]
    assert cells(table, 1)[0][SHAPE:] == ["64 × 56 × 56", "36,864", "115,605,504"]
    assert cells(table, 2) == []


def test_figures_stand_on_the_right_and_fit(table):
    show(table)
    model, header = table.view.layers, table.view.header()
    for column in (SHAPE, PARAMETERS, MULTIPLY_ADDS):
        index = model.index(1, column)
        assert index.data(Qt.ItemDataRole.TextAlignmentRole) & Qt.AlignmentFlag.AlignRight
        assert table.view.fontMetrics().horizontalAdvance(index.data()) < header.sectionSize(column)
    assert header.length() <= table.view.viewport().width()


def test_a_narrow_table_shortens_multiply_adds_and_its_tooltip_is_exact(table):
    table.resize(400, 400)
    show(table)
    index = table.view.layers.index(1, MULTIPLY_ADDS)
    assert index.data() == "346.8 M"
    assert "346,816,512" in index.data(Qt.ItemDataRole.ToolTipRole)
    assert table.view.header().length() <= table.view.viewport().width()
    table.resize(700, 400)
    assert index.data() == "346,816,512"


def test_few_layers_are_unfolded_and_many_are_not(table):
    show(table)
    assert table.view.isExpanded(table.view.layers.index(1, 0))
    table.show_summary(
        NetworkSpec("big", "Big", "", "", 0, 0, 0, 0, ""),
        summarised([Layer(f"a.{n}", "ReLU", (1, 1, 1), 0, 0) for n in range(100)]),
    )
    assert cells(table)[0][NAME] == "a"  # a spec without stages is grouped by the first part of names
    assert not table.view.isExpanded(table.view.layers.index(0, 0))


def test_another_size_keeps_what_is_unfolded(table):
    show(table)
    table.view.collapse(table.view.layers.index(1, 0))
    show(table, LAYERS, 96)
    assert not table.view.isExpanded(table.view.layers.index(1, 0))
    assert table.view.isExpanded(table.view.layers.index(0, 0))


def test_the_total_stays_visible_and_has_an_accessible_name(table):
    show(table)
    total = table.findChild(TotalRow)
    assert total.isVisible()
    assert total.accessibleName() == "Total: 633,128 parameters, 465,342,464 multiply-adds"


def test_a_size_is_requested_once_after_the_last_change(table, qtbot):
    requested = []
    table.size_chosen.connect(requested.append)
    for size in (32, 64, 128):
        table.size_box.setValue(size)
    assert requested == []
    qtbot.waitUntil(lambda: requested == [128])
    table.set_size(96)  # set by the program, not by the user
    qtbot.wait(500)
    assert requested == [128]
    assert table.size_box.value() == 96


def test_a_problem_is_shown_instead_of_the_table(table):
    show(table)
    table.show_problem("The network Toy does not take pictures of 8 pixels.")
    assert "The network Toy does not take pictures of 8 pixels." in shown_words(table)
    assert not table.view.isVisible()
    assert not any(button.isEnabled() for button in table.findChildren(QPushButton))
    show(table)
    assert table.view.isVisible()
    assert all(button.isEnabled() for button in table.findChildren(QPushButton))


def press(table, text):
    button = next(button for button in table.findChildren(QPushButton) if button.text() == text)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    return QGuiApplication.clipboard().text()


def test_copy_as_csv_can_be_read_by_a_spreadsheet(table):
    show(table)
    rows = list(csv.DictReader(io.StringIO(press(table, "Copy as CSV"))))
    assert [row["layer"] for row in rows] == [layer.name for layer in LAYERS]
    assert rows[0] == {
        "network": "resnet18", "stage": "conv1 bn1", "layer": "conv1", "kind": "Conv2d 7×7 /2", "output": "64x112x112",
        "parameters": "9408", "multiply_adds": "118013952",
    }  # fmt: skip


def test_copy_as_text_is_aligned_and_ends_with_the_sums(table):
    show(table)
    title, *lines = press(table, "Copy as text").splitlines()
    assert title.startswith("resnet18, 1,000 classes, picture 3×224×224")
    assert lines[-1].split() == ["Sum", "633,128", "465,342,464"]
    assert {len(line) for line in lines} == {len(lines[0])}  # multiply-adds end in one column


def test_selected_rows_are_copied_in_their_order(table):
    show(table)
    view, model = table.view, table.view.layers
    view.setFocus()
    for index in (model.index(1, 0, model.index(1, 0)), model.index(1, 0), model.index(0, 0)):
        view.selectionModel().select(
            index, view.selectionModel().SelectionFlag.Select | view.selectionModel().SelectionFlag.Rows
        )
    QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = [line.split("\t")[0] for line in QGuiApplication.clipboard().text().splitlines()]
    assert copied == ["Stem", "layer1", "layer1.0.conv2"]


def test_all_that_is_unfolded_is_selected_and_copied(table):
    show(table)
    table.view.collapse(table.view.layers.index(1, 0))
    table.view.setFocus()
    QTest.keySequence(table.view, QKeySequence.StandardKey.SelectAll)
    QTest.keySequence(table.view, QKeySequence.StandardKey.Copy)
    copied = [line.split("\t")[0] for line in QGuiApplication.clipboard().text().splitlines()]
    assert copied == ["Stem", "conv1", "bn1", "layer1", "fc"]


def test_the_asterisk_unfolds_one_stage(table):
    show(table)
    table.view.collapseAll()
    table.view.setFocus()
    table.view.setCurrentIndex(table.view.layers.index(1, 0))
    QTest.keyClick(table.view, Qt.Key.Key_Asterisk)
    assert [table.view.isExpanded(table.view.layers.index(row, 0)) for row in range(3)] == [False, True, False]


def test_thousands_of_layers_are_quick(table):
    layers = [Layer(f"layer1.{n}.conv1", "Conv2d 3×3", (16, 32, 32), 2304, 2_359_296, "layer1") for n in range(4000)]
    table.view.setFocus()
    unfold, everything = Qt.Key.Key_Asterisk, QKeySequence.StandardKey.SelectAll
    for step in (
        lambda: show(table, layers),
        lambda: table.view.setCurrentIndex(table.view.layers.index(0, 0)),
        lambda: QTest.keyClick(table.view, unfold),
        lambda: QTest.keySequence(table.view, everything),
        lambda: QTest.keySequence(table.view, QKeySequence.StandardKey.Copy),
        lambda: show(table, layers, 96),
    ):
        began = time.process_time()
        step()
        QApplication.processEvents()
        assert time.process_time() - began < 0.15  # 0.02 to 0.06 s on the machine it was written on
    assert cells(table)[0][PARAMETERS] == "9,216,000"
    assert len(QGuiApplication.clipboard().text().splitlines()) == 4001
