"""The drawing of a network: what is drawn of each stage, what folds, its description, and its colours."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from resnet_gui.events import NetworkSummary
from resnet_gui.gui.network.diagram.block_diagram import BlockDiagram
from resnet_gui.gui.network.diagram.block_shapes import block_of
from resnet_gui.gui.network.diagram.stages import drawn_blocks, folded, stage_description, stage_shapes, stage_title
from resnet_gui.gui.theme import Theme
from resnet_gui.nets.catalog import NETWORKS, find
from resnet_gui.nets.spec import NetworkSpec, Stage
from resnet_gui.records import Layer

LONG = 300.0


@pytest.fixture
def theme(qapp):
    return Theme(qapp, "light")


@pytest.fixture
def diagram(qtbot, theme):
    diagram = BlockDiagram(theme)
    qtbot.addWidget(diagram)
    diagram.resize(400, 700)
    with qtbot.waitActive(diagram):
        diagram.show()
    return diagram


def network(*stages):
    return NetworkSpec("toy", "Toy", "Toys", "A paper", 2015, 3, 1, 1, "A story.", stages=stages)


def texts(block):
    return [[box.text for box in step] for step in block.steps]


def stage(name, size=224):
    return next(each for each in stage_shapes(find("resnet50"), size, None) if each.stage.name == name)


def test_blocks_are_those_of_the_papers():
    basic = block_of(Stage("s", "basic", 2, 64), "identity")
    assert (texts(basic), basic.join) == ([["3×3"], ["3×3"]], "+")
    bottleneck = block_of(Stage("s", "bottleneck", 3, 256, width=64), "projection")
    assert texts(bottleneck) == [["1×1"], ["3×3"], ["1×1"]]
    assert [step[0].channels for step in bottleneck.steps] == [64, 64, 256]
    assert block_of(Stage("s", "plain", 2, 64), "none").join == ""
    assert block_of(Stage("s", "preact", 2, 64), "identity").norm_first


def test_every_kind_but_single_layers_has_a_look_of_its_own():
    kinds = ["plain", "plain_bottleneck", "basic", "bottleneck", "preact", "preact_bottleneck", "dense", "transition",
             "inception", "fire", "dual_path", "fractal", "highway", "conv", "pool", "linear"]  # fmt: skip
    blocks = {
        block_of(Stage("s", kind, 1, 64), "identity" if kind in ("basic", "preact") else "none") for kind in kinds
    }
    blocks.add(block_of(Stage("s", "bottleneck", 1, 64), "projection"))
    blocks.discard(block_of(Stage("s", "plain_bottleneck", 1, 64), "none"))  # as a bottleneck without its shortcut
    assert len(blocks) == len(kinds) - 1


def test_sides_follow_the_strides_until_a_summary_knows_better():
    spec = network(
        Stage("conv1", "stem", 1, 8, stride=4), Stage("layer1", "basic", 1, 16, stride=2), Stage("fc", "head", 1, 10)
    )
    assert [each.shape for each in stage_shapes(spec, 225, None)] == [(8, 57, 57), (16, 29, 29), ()]
    assert [each.incoming for each in stage_shapes(spec, 225, None)] == [3, 8, 16]
    layers = (Layer("conv1", "Conv2d 7×7 /4", (8, 55, 55), 9, 9, "conv1"), Layer("fc", "Linear", (10,), 9, 9, "fc"))
    known = stage_shapes(spec, 225, NetworkSummary("toy", 10, 3, 225, layers, 18, 18))
    assert [each.shape for each in known] == [(8, 55, 55), (16, 29, 29), (10,)]


def test_single_layers_are_named_by_the_summary():
    spec = network(Stage("conv1 bn1 relu maxpool", "stem", 1, 64, stride=4))
    layers = tuple(
        Layer(name, kind, (64, 56, 56), 1, 1, "conv1 bn1 relu maxpool")
        for name, kind in (("conv1", "Conv2d 7×7 /2"), ("bn1", "BatchNorm2d"), ("maxpool", "MaxPool2d 3×3 /2"))
    )
    (only,) = stage_shapes(spec, 224, NetworkSummary("toy", 10, 3, 224, layers, 3, 3))
    ((block, times),) = folded(only, lambda block: 10, LONG)
    assert (texts(block), times) == ([["7×7"], ["pool"]], 1)


def test_a_block_gives_its_channels_not_those_of_its_last_branch():
    spec = network(Stage("inception3a", "inception", 1, 256))
    branches = tuple(
        Layer(f"inception3a.branch{n}", "Conv2d 1×1", (width, 28, 28), 1, 1, "inception3a")
        for n, width in ((1, 64), (2, 32))
    )
    (only,) = stage_shapes(spec, 224, NetworkSummary("toy", 10, 3, 224, branches, 2, 2))
    assert only.shape == (256, 28, 28)


def test_few_blocks_are_drawn_out_and_many_are_folded():
    few = folded(stage("layer1"), lambda block: 100, LONG)
    assert [times for _, times in few] == [1, 1, 1]
    many = folded(stage_shapes(find("resnet152"), 224, None)[3], lambda block: 100, LONG)
    assert [times for _, times in many] == [1, 35]
    assert [block.shortcut for block, _ in many] == ["projection", "identity"]
    alike = folded(stage_shapes(find("resnet1202"), 32, None)[1], lambda block: 100, LONG)
    assert [times for _, times in alike] == [200]


def test_figure_shows_the_first_block_beside_the_others():
    first, other = drawn_blocks(stage("layer2"))
    assert (first.caption, first.incoming, first.block.shortcut) == ("First block, side ÷ 2", 256, "projection")
    assert (other.caption, other.incoming, other.block.shortcut) == ("The other 3", 512, "identity")
    assert drawn_blocks(stage_shapes(network(Stage("conv1", "conv", 1, 8)), 32, None)[0]) == ()


def test_description_matches_the_drawing():
    text = stage_description(stage("layer2"))
    assert text.splitlines()[:2] == ["layer2: 4 × bottleneck", "1×1 → 128, 3×3 → 128, 1×1 → 512"]
    assert "through a 1×1 convolution" in text
    assert text.endswith("Gives 512 × 28 × 28")


@pytest.mark.parametrize(
    ("name", "kind", "title"),
    [("layer1", "basic", "layer1"), ("conv1 bn1 relu", "stem", "Stem"), ("flatten fc1 relu3", "linear", "fc1"),
     ("features.9 features.10 features.11", "conv", "features.9–11"), ("c1 c1_squash", "conv", "c1"),
     ("features.denseblock1", "dense", "denseblock1"), ("inception3a inception3b", "inception", "inception3a–b"), ("avgpool fc", "head", "Head"), ("fc8", "head", "fc8")],
)  # fmt: skip
def test_stages_are_called_as_their_modules(name, kind, title):
    assert stage_title(Stage(name, kind, 1, 8)) == title


def test_every_family_of_the_catalogue_can_be_drawn(diagram):
    for spec in {spec.family: spec for spec in NETWORKS}.values():
        diagram.show_network(spec, spec.default_size)
        assert not diagram.grab().isNull()
        assert diagram.stages.isVisible() == bool(spec.stages)
        description = diagram.stages.accessibleDescription()
        assert all(f"{stage_title(stage)}: " in description for stage in spec.stages)


def test_the_first_residual_block_is_selected_and_keys_select_others(diagram):
    diagram.show_network(find("resnet50"), 224)
    assert diagram.stages.selected.stage.name == "layer1"
    diagram.stages.setFocus()
    QTest.keyClick(diagram.stages, Qt.Key.Key_Down)
    assert diagram.stages.selected.stage.name == "layer2"
    assert "layer2: 4 × bottleneck" in diagram.figure.accessibleDescription()
    QTest.mouseClick(diagram.stages, Qt.MouseButton.LeftButton, pos=QPoint(20, 10))
    assert diagram.stages.selected.stage.kind == "stem"
    QTest.keyClick(diagram.stages, Qt.Key.Key_Up)  # there is none above it
    assert diagram.stages.selected.stage.kind == "stem"


def test_another_size_keeps_the_chosen_stage(diagram):
    diagram.show_network(find("resnet50"), 224)
    QTest.keyClick(diagram.stages, Qt.Key.Key_Down)
    diagram.show_network(find("resnet50"), 96)
    assert diagram.stages.selected.shape == (512, 12, 12)


def test_block_is_beside_the_stages_where_there_is_room(diagram, qtbot):
    diagram.show_network(find("resnet50"), 224)
    assert diagram.figure.y() > diagram.stages.geometry().bottom()
    diagram.resize(900, 700)
    qtbot.waitUntil(lambda: diagram.figure.x() > diagram.stages.geometry().right())


def test_a_network_without_stages_draws_nothing(diagram):
    diagram.show_network(find("timm/convnext_tiny"), 224)
    assert not diagram.stages.isVisible()
    assert not diagram.figure.isVisible()


def test_colours_follow_the_theme(diagram, theme):
    diagram.show_network(find("resnet18"), 224)
    arc = theme.color("accent").name()
    assert arc in colours(diagram)
    theme.set_mode("dark")
    assert theme.color("accent").name() in colours(diagram)
    assert arc not in colours(diagram)


def colours(widget):
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return {f"#{pixel & 0xFFFFFF:06x}" for pixel in set(memoryview(image.constBits()).cast("I"))}
