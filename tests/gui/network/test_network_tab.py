"""The Network tab: search, choice, comparison; and its controller, with a real engine."""

import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLabel, QLineEdit, QProgressBar, QPushButton, QTreeView

from resnet_gui.events import NetworkNames, NetworkSummary
from resnet_gui.gui.controllers.network_controller import NetworkController
from resnet_gui.gui.network.layer_view import TotalRow
from resnet_gui.gui.network.network_tab import COMPARE, LAYERS, OVERVIEW, NetworkTab
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.workers.prediction_engine import PredictionEngine
from resnet_gui.nets.catalog import NETWORKS
from resnet_gui.nets.spec import NetworkSpec, Stage
from resnet_gui.nets.tables import short_count
from resnet_gui.records import Layer, Weights

PATIENCE = 60_000
WEIGHTS = Weights("https://example.org/toy.pth", 44.7, "BSD-3-Clause", top1=0.698)


@pytest.fixture
def tab(qtbot, qapp):
    tab = NetworkTab(Theme(qapp, "light"), NETWORKS)
    tab.resize(640, 620)
    with qtbot.waitActive(tab):
        tab.show()
        tab.activateWindow()
    tab.show_chosen("resnet18", 224, 5, 3)
    yield tab
    tab.close()
    tab.deleteLater()


@pytest.fixture(scope="module")
def engine() -> Iterator[PredictionEngine]:
    """One engine for all tests here: it takes seconds to start."""
    engine = PredictionEngine()
    engine.start()
    yield engine
    engine.end(10)


def words(widget):
    return "\n".join(found.text() for found in widget.findChildren(QLabel) if found.isVisible())


def button(widget, text):
    return next(found for found in widget.findChildren(QPushButton) if found.text() == text and found.isVisible())


def shown(tab):
    """The visible list: headings, and the entries of those that are unfolded."""
    tree, model = tab.list.tree, tab.list.tree.model()
    seen = {}
    for row in range(model.rowCount()):
        index = model.index(row, 0)
        inside = range(model.rowCount(index)) if tree.isExpanded(index) else ()
        seen[index.data()] = [model.index(each, 0, index).data() for each in inside]
    return seen


def search(tab, text):
    field = tab.list.findChild(QLineEdit)
    field.setFocus()
    field.clear()
    QTest.keyClicks(field, text)


def summary(name="resnet18", size=224, classes=5, parameters=11_179_077, weights=None):
    layers = (Layer("conv1", "Conv2d 7×7 /2", (64, 112, 112), parameters, 118_013_952, "conv1 bn1 relu maxpool"),)
    return NetworkSummary(name, classes, 3, size, layers, parameters, 118_013_952, weights)


def test_families_are_folded_but_the_first_and_that_of_the_chosen(tab):
    seen = shown(tab)
    assert "ResNet-18" in seen["ResNet"]
    assert [family for family, inside in seen.items() if inside] == ["ResNet"]
    tab.show_network("resnet20")
    assert [family for family, inside in shown(tab).items() if inside] == ["ResNet", "ResNet, CIFAR form"]


def test_the_chosen_network_is_marked_also_for_screen_readers(tab):
    tree = tab.list.tree
    index = tree.currentIndex()
    assert index.data() == "ResNet-18"
    assert not index.siblingAtColumn(1).data(Qt.ItemDataRole.DecorationRole).isNull()
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "ResNet-18, chosen for training"
    tab.show_chosen("resnet34", 224, 5, 3)
    assert index.siblingAtColumn(1).data(Qt.ItemDataRole.DecorationRole) is None


@pytest.mark.parametrize("text", ["resnet-50", "RESNET50", "he 50", "2015 ResNet-50"])
def test_search_looks_at_name_title_paper_and_year(tab, text):
    search(tab, text)
    assert any("ResNet-50" in inside for inside in shown(tab).values())
    assert not any("ResNet-34" in inside for inside in shown(tab).values())


def test_enter_takes_the_first_hit_and_escape_shows_all_again(tab):
    before = shown(tab)
    search(tab, "resnet-50")
    field = tab.list.findChild(QLineEdit)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert "ResNet-50" in words(tab.header)
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert shown(tab) == before


def test_names_of_a_library_are_requested_once_when_it_is_unfolded(tab):
    requested = []
    tab.names_requested.connect(requested.append)
    tree, model = tab.list.tree, tab.list.tree.model()
    last = model.rowCount() - 1
    tree.expand(model.index(last, 0))
    assert requested == ["timm"]
    assert shown(tab)["timm: 1,000+ more"] == ["Asking…"]
    tab.show_names(NetworkNames("timm", ("convnext_tiny", "vit_base")))
    assert shown(tab)["timm: 2"] == ["convnext_tiny", "vit_base"]
    tree.collapse(model.index(last, 0))
    tree.expand(model.index(last, 0))
    assert requested == ["timm"]
    tree.setCurrentIndex(model.index(0, 0, model.index(last, 0)))
    assert "convnext_tiny" in words(tab.header)
    assert "from timm" in words(tab.header)


def test_a_search_without_hits_requests_names_of_the_libraries(tab):
    requested = []
    tab.names_requested.connect(requested.append)
    search(tab, "resnet")
    assert requested == []
    search(tab, "zzconv")
    assert sorted(requested) == ["timm", "torchvision"]
    tab.show_names(NetworkNames("timm", ("zzconv_tiny", "vit_base")))
    assert shown(tab)["timm: 1"] == ["zzconv_tiny"]


def test_names_that_are_not_available_can_be_requested_again(tab):
    requested = []
    tab.names_requested.connect(requested.append)
    tree, model = tab.list.tree, tab.list.tree.model()
    tree.expand(model.index(model.rowCount() - 1, 0))
    tab.show_names_problem("timm", "timm is not installed.")
    tree.expand(model.index(model.rowCount() - 1, 0))
    assert requested == ["timm", "timm"]


def test_the_asterisk_unfolds_one_family(tab):
    tree = tab.list.tree
    tree.setFocus()
    tree.setCurrentIndex(tree.model().index(1, 0))
    before = [family for family, inside in shown(tab).items() if inside]
    QTest.keyClick(tree, Qt.Key.Key_Asterisk)
    assert [family for family, inside in shown(tab).items() if inside] == [*before, list(shown(tab))[1]]


def test_thousands_of_names_are_filtered_without_a_hitch(tab):
    tab.show_names(NetworkNames("timm", tuple(f"model_{n}" for n in range(5000))))
    began = time.process_time()
    search(tab, "model")
    assert time.process_time() - began < 0.5  # five keys; 0.1 s on the machine it was written on
    assert len(shown(tab)["timm: 5,000"]) == 5000


def test_looking_chooses_nothing_and_the_button_does(tab, qtbot):
    chosen = []
    tab.chosen.connect(chosen.append)
    assert not button(tab, "Chosen for training").isEnabled()
    tab.show_network("resnet50")
    assert chosen == []
    QTest.mouseClick(button(tab, "Use this network"), Qt.MouseButton.LeftButton)
    assert chosen == ["resnet50"]
    tab.show_chosen("resnet50", 224, 5, 3)
    assert not button(tab, "Chosen for training").isEnabled()


def test_while_a_run_computes_looking_is_free_and_choosing_is_not(tab):
    tab.set_locked("A training is running.")
    tab.show_network("resnet50")
    assert not button(tab, "Use this network").isEnabled()
    assert "A training is running." in button(tab, "Use this network").toolTip()
    tab.set_locked("")
    assert button(tab, "Use this network").isEnabled()


def test_a_network_that_the_user_picked_stays_shown(tab):
    tab.show_chosen("resnet34", 224, 5, 3)
    assert "ResNet-34" in words(tab.header)  # it followed
    tab.show_network("resnet50")
    tab.show_chosen("resnet18", 224, 5, 3)
    assert "ResNet-50" in words(tab.header)


def test_facts_are_published_ones_until_the_summary_comes(tab):
    assert "Parameters, 1,000 classes" in words(tab)
    assert "11.7 M" in words(tab)
    tab.show_summary(summary())
    assert "Parameters, 5 classes" in words(tab)
    assert "11.2 M" in words(tab)


def test_a_hidden_tab_requests_when_it_is_shown(qtbot, qapp):
    tab = NetworkTab(Theme(qapp, "light"), NETWORKS)
    qtbot.addWidget(tab)
    requested = []
    tab.summary_requested.connect(lambda *request: requested.append(request))
    tab.show_chosen("resnet34", 96, 7, 1)
    assert requested == []
    tab.show()
    assert requested == [("resnet34", 7, 1, 96)]


def test_another_size_is_tried_without_changing_the_setup(tab, qtbot):
    tab.show_summary(summary())
    tab.pages.setCurrentIndex(LAYERS)
    requested = []
    tab.summary_requested.connect(lambda *request: requested.append(request))
    tab.layers.size_box.setValue(96)
    qtbot.waitUntil(lambda: requested == [("resnet18", 5, 3, 96)])
    tab.show_summary(summary(size=224, parameters=1))  # overtaken
    assert not tab.layers.view.isVisible()
    tab.show_summary(summary(size=96))
    assert tab.layers.view.isVisible()
    tab.show_network("resnet50")
    assert requested[-1] == ("resnet50", 5, 3, 224)


def test_a_network_that_refuses_the_size_in_setup_is_shown_at_its_own(tab):
    requested = []
    tab.summary_requested.connect(lambda *request: requested.append(request))
    tab.show_network("lenet5")
    assert requested == [("lenet5", 5, 3, 32)]
    assert "It takes pictures of 32 pixels, and Setup has 224" in words(tab)


def test_a_refused_size_is_a_sentence_instead_of_the_table(tab):
    tab.pages.setCurrentIndex(LAYERS)
    tab.show_summary_problem("resnet18", 224, "The network does not take that.")
    assert "The network does not take that." in words(tab.layers)


def test_weights_are_offered_and_their_download_is_followed(tab, qtbot):
    tab.show_network("timm/toy")
    tab.show_summary(summary("timm/toy", weights=WEIGHTS))
    assert "ImageNet-1k · 69.8 % right · 44.7 MB · BSD-3-Clause · example.org" in words(tab)
    with qtbot.waitSignal(tab.download_requested) as requested:
        QTest.mouseClick(button(tab, "Download weights (44.7 MB)"), Qt.MouseButton.LeftButton)
    assert requested.args == ["timm/toy"]
    tab.show_download("timm/toy", "running", 22_350_000, 44_700_000, "22.4 of 44.7 MB · 112.3 MB a second")
    assert "22.4 of 44.7 MB · 112.3 MB a second" in words(tab)
    QApplication.processEvents()
    assert tab.details.visibleRegion().boundingRect().width() == tab.details.width()  # Cancel is not cut off
    assert tab.details.findChild(QProgressBar).value() == 500
    with qtbot.waitSignal(tab.download_paused):
        QTest.mouseClick(button(tab, "Pause"), Qt.MouseButton.LeftButton)
    tab.show_download("timm/toy", "paused", 22_350_000, 44_700_000, "")
    with qtbot.waitSignal(tab.download_requested):
        QTest.mouseClick(button(tab, "Resume"), Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(tab.download_cancelled):
        QTest.mouseClick(button(tab, "Cancel"), Qt.MouseButton.LeftButton)
    tab.show_download("timm/toy", "failed", 0, 0, "There is no connection.")
    assert "There is no connection." in words(tab)
    assert button(tab, "Try again").isEnabled()
    tab.show_download("timm/toy", "here", 0, 0, "")
    assert "Weights are on this machine" in words(tab)


def test_a_download_is_shown_at_the_network_it_belongs_to(tab):
    tab.show_download("resnet50", "here", 0, 0, "")
    assert "Weights are on this machine" not in words(tab)
    tab.show_network("resnet50")
    assert "Weights are on this machine" in words(tab)


def test_networks_without_weights_say_so(tab):
    tab.show_network("plain18")
    assert "No trained weights are shared for it" in words(tab)


def test_comparing_shows_both_and_how_many_times(tab, qtbot):
    tab.pages.setCurrentIndex(COMPARE)
    requested = []
    tab.summary_requested.connect(lambda *request: requested.append(request))
    tab.compare.other.setCurrentText("ResNet-50")
    tab.compare.other.activated.emit(tab.compare.other.findData("resnet50"))
    assert ("resnet50", 5, 3, 224) in requested
    QApplication.processEvents()
    text = words(tab.compare.comparison)
    assert {"11.7 M", "25.6 M", "2.2 ×"} <= set(text.splitlines())
    tab.show_summary(summary(parameters=10_000_000))
    tab.show_summary(summary("resnet50", parameters=25_000_000))
    assert {"10 M", "25 M", "2.5 ×"} <= set(words(tab.compare.comparison).splitlines())
    assert "Both for 5 classes and pictures of 224 × 224 pixels." in words(tab.compare.comparison)


def test_both_layer_tables_can_be_reached_and_one_click_ends_it(tab):
    tab.pages.setCurrentIndex(LAYERS)
    assert not tab.whose.isVisible()
    tab.compare.other.activated.emit(tab.compare.other.findData("resnet50"))
    tab.show_summary(summary(parameters=1111))
    tab.show_summary(summary("resnet50", parameters=2222))
    assert [tab.whose.tabText(index) for index in range(tab.whose.count())] == ["ResNet-18", "ResNet-50"]
    assert tab.layers.view.layers.index(0, 3).data() == "1,111"
    tab.whose.setCurrentIndex(1)
    assert tab.layers.view.layers.index(0, 3).data() == "2,222"
    tab.pages.setCurrentIndex(COMPARE)
    QTest.mouseClick(button(tab, "End comparing"), Qt.MouseButton.LeftButton)
    assert not tab.compare.comparison.isVisible()
    tab.pages.setCurrentIndex(LAYERS)
    assert not tab.whose.isVisible()
    assert tab.layers.view.layers.index(0, 3).data() == "1,111"


@pytest.mark.parametrize("page", [OVERVIEW, LAYERS, COMPARE])
def test_nothing_is_cut_off_at_the_usual_width(tab, page):
    tab.show_summary(summary())
    tab.pages.setCurrentIndex(page)
    QApplication.processEvents()
    assert tab.width() == 640
    for area in tab.findChildren(QAbstractItemView):
        assert area.horizontalScrollBar().maximum() == 0 or not area.isVisible()
    for found in tab.findChildren(QPushButton):
        if found.isVisible():
            assert found.fontMetrics().horizontalAdvance(found.text()) <= found.width()


def test_everything_has_a_name_for_screen_readers(tab):
    assert all(view.accessibleName() for view in tab.findChildren(QTreeView))
    assert all((tab.pages.accessibleName(), tab.compare.other.accessibleName(), tab.layers.size_box.accessibleName()))
    assert "layer1: 2 × basic block" in tab.diagram.stages.accessibleDescription()


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (25_557_032, "25.6 M"),
        (4_089_184_256, "4.09 G"),
        (138_357_544, "138 M"),
        (61_706, "61.7 k"),
        (999_960, "1 M"),
        (620, "620"),
        (0, "–"),
    ],
)
def test_counts_are_shortened(count, text):
    assert short_count(count) == text


def test_a_note_and_a_lesson_are_shown(qtbot, qapp):
    spec = NetworkSpec("toy", "Toy", "Toys", "A paper", 2015, 3, 1, 1, "A story.", stages=(Stage("fc", "head", 1, 10),),
                   note="It is odd.", lesson="It teaches.")  # fmt: skip
    tab = NetworkTab(Theme(qapp, "light"), [spec])
    qtbot.addWidget(tab)
    tab.show()
    assert {"A story.", "It is odd.", "It teaches."} <= set(words(tab).splitlines())


def test_a_summary_is_requested_once_and_then_cached(tab, qtbot, engine):
    NetworkController(engine, tab, tab)
    tab.show_chosen("resnet20", 32, 10, 3)
    tab.pages.setCurrentIndex(LAYERS)
    qtbot.waitUntil(lambda: tab.layers.view.isVisible(), timeout=PATIENCE)
    assert tab.layers.findChild(TotalRow).accessibleName().startswith("Total: 269,722 parameters")
    tab.show_network("resnet32")
    qtbot.waitUntil(lambda: tab.layers.view.isVisible(), timeout=PATIENCE)
    tab.show_network("resnet20")
    assert tab.layers.view.isVisible()  # at once, from the cache


def test_an_overtaken_request_is_cancelled(tab, qtbot, engine):
    waiting = []
    controller = NetworkController(engine, tab, tab)
    tab.pages.setCurrentIndex(LAYERS)
    for name in ("resnet110", "resnet56", "resnet44"):
        tab.show_network(name)
        waiting.append([request.network for request in controller._requested])
    assert waiting == [["resnet110"], ["resnet56"], ["resnet44"]]
    qtbot.waitUntil(lambda: tab.layers.view.isVisible(), timeout=PATIENCE)
    assert controller._requested == {}


def test_the_engines_refusal_is_shown(tab, qtbot, engine):
    NetworkController(engine, tab, tab)
    tab.pages.setCurrentIndex(LAYERS)
    tab.show_network("timm/there_is_no_such_network")
    qtbot.waitUntil(lambda: "there_is_no_such_network" in words(tab.layers), timeout=PATIENCE)


def test_an_engine_that_dies_is_reported_and_nothing_is_requested_again(tab, qtbot, engine):
    NetworkController(engine, tab, tab)
    tab.pages.setCurrentIndex(LAYERS)
    qtbot.waitUntil(lambda: engine._ready, timeout=PATIENCE)
    tab.show_network("resnet1202")
    engine._engine.kill()
    qtbot.waitUntil(lambda: "engine" in words(tab.layers), timeout=PATIENCE)
    qtbot.waitUntil(lambda: engine._ready, timeout=PATIENCE)


def test_names_come_from_the_engine(tab, qtbot, engine):
    NetworkController(engine, tab, tab)
    search(tab, "regnet_y_400mf")
    qtbot.waitUntil(lambda: any("regnet_y_400mf" in inside for inside in shown(tab).values()), timeout=PATIENCE)
