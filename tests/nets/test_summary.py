"""The layer table: its rows are the network's, its sums are true, and errors are reported in a sentence."""

import functools
import itertools

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from resnet_gui.messages import Problem
from resnet_gui.nets.build import build
from resnet_gui.nets.catalog import find, require_size
from resnet_gui.nets.summary import summarise
from resnet_gui.records import Layer

opened = functools.cache(summarise)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_the_first_rows_of_resnet18_are_those_of_the_paper() -> None:
    summary = summarise("resnet18", 1000, 3, 224)
    stem = "conv1 bn1 relu maxpool"
    assert summary.layers[:6] == (
        Layer("conv1", "Conv2d 7×7 /2", (64, 112, 112), 9_408, 118_013_952, stem),
        Layer("bn1", "BatchNorm2d", (64, 112, 112), 128, 0, stem),
        Layer("relu", "ReLU", (64, 112, 112), 0, 0, stem),
        Layer("maxpool", "MaxPool2d 3×3 /2", (64, 56, 56), 0, 0, stem),
        Layer("layer1.0.conv1", "Conv2d 3×3", (64, 56, 56), 36_864, 115_605_504, "layer1"),
        Layer("layer1.0.bn1", "BatchNorm2d", (64, 56, 56), 128, 0, "layer1"),
    )
    assert summary.layers[-1].name == "fc"
    assert summary.layers[-1].shape == (1000,)
    assert (summary.parameters, summary.multiply_adds) == (11_689_512, 1_814_073_344)


@pytest.mark.parametrize(
    ("name", "classes", "channels", "size"),
    [
        ("resnet18", 5, 1, 97), ("resnet20", 10, 3, 32), ("resnext50_32x4d", 5, 3, 64),
        ("seresnet18", 7, 3, 64), ("vgg_a_lrn", 7, 3, 224), ("alexnet_2012", 1000, 3, 227), ("lenet5", 10, 1, 32),
        ("highway_mnist_10", 10, 1, 28), ("fractalnet20", 10, 3, 32), ("teaching_resnet18", 7, 3, 96),
        ("torchvision/googlenet", 7, 3, 224), ("torchvision/vit_b_16", 7, 3, 224), ("timm/vit_tiny_patch16_224", 7, 3, 224),
        ("timm/beit_base_patch16_224", 7, 3, 224), ("timm/pit_ti_224", 7, 3, 224), ("timm/convnext_atto", 7, 3, 64),
    ],
)  # fmt: skip
def test_the_sums_are_the_networks_parameters_and_multiply_adds(
    name: str, classes: int, channels: int, size: int
) -> None:
    summary = opened(name, classes, channels, size)
    with torch.device("meta"):
        network = build(name, classes, channels).eval().requires_grad_(False)
    with FlopCounterMode(display=False) as counter:
        network(torch.empty(1, channels, size, size, device="meta"))
    assert summary.parameters == sum(row.parameters for row in summary.layers)
    assert summary.parameters == sum(each.numel() for each in network.parameters())
    assert summary.multiply_adds == sum(row.multiply_adds for row in summary.layers)
    assert summary.multiply_adds == counter.get_total_flops() / 2 > 0


def test_a_block_that_is_called_twice_brings_its_parameters_once() -> None:
    summary = opened("teaching_resnet18", 7, 3, 96)
    assert summary.parameters == 11_110_663
    calls = [
        list(rows)
        for name, rows in itertools.groupby(sorted(summary.layers, key=lambda row: row.name), lambda row: row.name)
    ]
    twice = [rows for rows in calls if len(rows) == 2 and rows[0].kind.startswith("Conv2d")]
    assert len(twice) == 2
    for first, second in twice:
        assert first.parameters == 36_928
        assert second.parameters == 0
        assert first.multiply_adds == second.multiply_adds > 0
        assert first.shape == second.shape


def test_what_is_called_in_training_only_comes_last_without_a_shape() -> None:
    rows = opened("torchvision/googlenet", 7, 3, 224).layers
    uncalled = [row for row in rows if not row.shape]
    assert tuple(uncalled) == rows[-len(uncalled) :]
    assert {row.name.partition(".")[0] for row in uncalled} == {"aux1", "aux2"}
    assert all(row.parameters and not row.multiply_adds for row in uncalled)


def test_what_no_layer_owns_has_a_row_of_its_own() -> None:
    rows = {row.name: row for row in opened("timm/vit_tiny_patch16_224", 7, 3, 224).layers}
    assert rows["pos_embed"].kind == "Parameter"
    assert rows["pos_embed"].parameters == 197 * 192
    # two products, of 197 queries with 197 keys and of their weights with 197 values
    assert rows["blocks.0.attn"].multiply_adds == 2 * 197 * 197 * 192
    assert rows["blocks.0.attn.qkv"].shape == (197, 576)


def test_a_module_that_computes_with_its_parts_weights_owns_them() -> None:
    rows = opened("torchvision/vit_b_16", 7, 3, 224).layers
    attention = [row for row in rows if row.kind == "MultiheadAttention"]
    assert len(attention) == 12
    assert {row.parameters for row in attention} == {4 * (768 * 768 + 768)}
    assert all(row.shape for row in rows)


def test_a_network_that_computes_its_widths_with_tensors_is_opened_too() -> None:
    summary = summarise("torchvision/regnet_y_400mf", 1000, 3, 224)
    assert summary.parameters == 4_344_144  # torchvision states it
    assert round(summary.multiply_adds / 1e9, 1) == 0.4


def test_of_one_that_is_too_large_for_the_memory_nothing_is_allocated() -> None:
    """644,812,894 parameters would be 2.6 GB."""
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert summarise("torchvision/regnet_y_128gf", 1000, 3, 224).parameters == 644_812_894
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000


def test_grouped_and_dilated_convolutions_are_marked() -> None:
    kinds = {row.kind for row in opened("resnext50_32x4d", 5, 3, 64).layers}
    assert {"Conv2d 3×3, 32 groups", "Conv2d 3×3 /2, 32 groups", "Linear"} <= kinds


def test_a_size_that_the_spec_rules_out_is_reported_with_those_it_takes() -> None:
    spec = find("alexnet_2012")
    require_size(spec, 227)
    for refused in (lambda: require_size(spec, 224), lambda: summarise("alexnet_2012", 5, 3, 224)):
        with pytest.raises(Problem) as caught:
            refused()
        assert caught.value.message.code == "size_not_taken"
        assert str(caught.value).endswith("in pixels: 227.")


def test_a_size_that_a_librarys_network_refuses_is_reported_and_why() -> None:
    with pytest.raises(Problem) as caught:
        summarise("timm/vit_tiny_patch16_224", 5, 3, 100)
    assert caught.value.message.code == "network_refuses_size"
    assert "(100)" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("resnet19", "network_misspelt"),
        ("timm/resnet19x", "network_not_in_library"),
        ("torchvision/resnet19", "network_not_in_library"),
    ],
)
def test_a_name_that_nobody_has_is_reported(name: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        summarise(name, 5, 3, 224)
    assert caught.value.message.code == code
