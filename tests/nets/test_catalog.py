"""The catalogue is true, and can be read without torch."""

import functools
import subprocess
import sys

import pytest
import timm
import torch
from torch import nn
from torchvision.models import get_model_weights

from resnet_gui.config import make_config
from resnet_gui.messages import Problem
from resnet_gui.nets.catalog import NETWORKS, find
from resnet_gui.nets.families import resnet, resnet_cifar
from resnet_gui.nets.families.blocks import BasicBlock, Bottleneck, PlainBlock, PlainBottleneck
from resnet_gui.nets.families.preact import PreactBlock, PreactBottleneck
from resnet_gui.nets.families.shortcuts import PaddedIdentity
from resnet_gui.nets.spec import NetworkSpec, Stage
from resnet_gui.nets.specs import cifar, residual, residual_variants

RESIDUAL = (*residual.NETWORKS, *residual_variants.NETWORKS, *cifar.NETWORKS)
BLOCKS = {
    "plain": PlainBlock, "basic": BasicBlock, "plain_bottleneck": PlainBottleneck, "bottleneck": Bottleneck,
    "preact": PreactBlock, "preact_bottleneck": PreactBottleneck,
}  # fmt: skip

each_network = pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
each_residual = pytest.mark.parametrize("network", RESIDUAL, ids=lambda network: network.name)


def test_the_residual_networks_of_the_papers_are_there():
    names = {network.name for network in NETWORKS}
    for depth in (18, 34, 50, 101, 152):
        assert {f"resnet{depth}", f"resnet{depth}d", f"seresnet{depth}", f"resnet{depth}_v2", f"plain{depth}"} <= names
    for depth in (50, 101, 152):
        assert f"resnet{depth}_v1" in names
    for depth in (20, 32, 44, 56, 110):
        assert {f"resnet{depth}", f"plain{depth}"} <= names
    assert {"resnext50_32x4d", "resnext101_32x8d", "wide_resnet50_2", "wide_resnet101_2", "resnet200_v2"} <= names
    assert {"resnet1202", "resnet164_v2", "resnet1001_v2", "wrn_16_8", "wrn_28_10", "wrn_40_4"} <= names


def test_no_two_networks_have_one_name():
    assert len({network.name for network in NETWORKS}) == len(NETWORKS)


def test_the_default_network_is_the_first_of_the_catalogue():
    assert NETWORKS[0].name == "resnet18" == make_config({}).network


@each_network
def test_a_network_is_found_by_its_name(network: NetworkSpec):
    assert find(network.name) is network


@each_network
def test_a_description_is_one_sentence(network: NetworkSpec):
    assert network.description.endswith(".")
    assert ". " not in network.description


@functools.cache
def built(network: NetworkSpec) -> nn.Sequential:
    """As its spec describes it, on the meta device."""
    with torch.device("meta"):
        made: nn.Sequential = {**resnet.BUILDERS, **resnet_cifar.BUILDERS}[network.name](
            network.classes, network.channels
        )
    return made


def way_around(block: nn.Module) -> str:
    """What the diagram calls the shortcut of a built block."""
    shortcut = getattr(block, "downsample", None)
    if shortcut is None:
        return "none"
    if isinstance(shortcut, PaddedIdentity):
        return "padded" if shortcut.after else "identity"
    return "identity" if isinstance(shortcut, nn.Identity) else "projection"


def stride_of(layers: nn.Module) -> int:
    """How many times smaller what goes through them comes out."""
    strides = [
        layer.stride for name, layer in layers.named_modules() if hasattr(layer, "stride") and "downsample" not in name
    ]
    factor = 1
    for stride in strides:
        factor *= stride[0] if isinstance(stride, tuple) else stride
    return factor


def stage_as_built(stage: Stage, blocks: nn.Sequential) -> Stage:
    """The stage that the spec should have, from the built layers."""
    narrow = blocks[0].conv2.out_channels if "bottleneck" in stage.kind else 0
    return Stage(
        stage.name,
        stage.kind,
        len(blocks),
        blocks[-1].out_channels,
        narrow,
        stride_of(blocks[0]),
        way_around(blocks[0]),
    )


@each_residual
def test_the_stages_of_a_spec_are_those_that_are_built(network: NetworkSpec):
    made = built(network)
    stem, *stages, head = network.stages
    assert " ".join(stage.name for stage in network.stages).split() == [name for name, _ in made.named_children()]
    for stage in stages:
        blocks = made.get_submodule(stage.name)
        assert stage == stage_as_built(stage, blocks)
        assert all(type(block) is type(blocks[0]) and isinstance(block, BLOCKS[stage.kind]) for block in blocks)
    assert stem == Stage(stem.name, "stem", 1, stem.channels, stride=stride_of(made[: len(stem.name.split())]))
    first = next(layer for layer in made.layer1.modules() if isinstance(layer, nn.Conv2d))
    assert (stem.channels, network.classes) == (first.in_channels, head.channels)


@each_residual
def test_depth_counts_the_layers_as_the_papers_do(network: NetworkSpec):
    """Without projections and what only weighs channels; wide networks are named after their convolutions, projections too."""
    layers = {name: layer for name, layer in built(network).named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)}
    if network.name.startswith("wrn"):
        assert sum(isinstance(layer, nn.Conv2d) for layer in layers.values()) == network.depth
    else:
        assert sum(".se." not in name and "downsample" not in name for name in layers) == network.depth


@pytest.mark.parametrize(
    "network",
    [spec for spec in RESIDUAL if spec.weights and "pytorch.org" in spec.weights.url],
    ids=lambda network: network.name,
)
def test_weights_are_as_torchvision_states_them(network: NetworkSpec):
    theirs, ours = get_model_weights(network.name).DEFAULT, network.weights
    prepared = theirs.transforms()
    assert ours.url == theirs.url
    assert ours.sha256 == theirs.url.partition("-")[2].removesuffix(".pth")
    assert ours.megabytes == round(theirs.meta["_file_size"] * 2**20 / 1e6, 1)
    assert ours.top1 == pytest.approx(theirs.meta["_metrics"]["ImageNet-1K"]["acc@1"] / 100)
    assert theirs.meta["num_params"] == network.parameters
    assert ([ours.image_size], [ours.resize], ours.interpolation) == (
        prepared.crop_size, prepared.resize_size, prepared.interpolation.value,
    )  # fmt: skip
    assert (list(ours.mean), list(ours.std)) == (prepared.mean, prepared.std)


@pytest.mark.parametrize(
    "network",
    [spec for spec in RESIDUAL if spec.weights and "huggingface" in spec.weights.url],
    ids=lambda network: network.name,
)
def test_weights_are_as_timm_states_them(network: NetworkSpec):
    theirs, ours = timm.get_pretrained_cfg(network.name), network.weights
    assert ours.url == f"https://huggingface.co/{theirs.hf_hub_id}/resolve/main/model.safetensors"
    assert ours.licence.lower() == theirs.license
    assert (3, ours.image_size, ours.image_size) == theirs.input_size
    assert ours.resize == round(ours.image_size / theirs.crop_pct)
    assert (ours.interpolation, ours.mean, ours.std) == (theirs.interpolation, theirs.mean, theirs.std)
    numbers = sum(tensor.numel() for tensor in built(network).state_dict().values())
    assert ours.megabytes == pytest.approx(4 * numbers / 1e6, abs=0.1)


def test_whatever_torchvision_has_weights_for_has_them_here():
    for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "wide_resnet50_2"):
        assert find(name).weights


def test_an_unknown_name_is_answered_with_those_that_come_nearest():
    with pytest.raises(Problem) as caught:
        find("resnet19")
    assert caught.value.message.code == "network_misspelt"
    assert "“resnet19”" in str(caught.value)
    assert "resnet10" in str(caught.value)


def test_a_name_that_comes_near_none_is_not_answered_with_just_any():
    with pytest.raises(Problem) as caught:
        find("qqqq")
    assert caught.value.message.code == "network_unknown"
    assert "resnet18" not in str(caught.value)


def test_a_librarys_name_is_taken_as_it_is():
    assert (find("timm/convnext_tiny").source, find("timm/convnext_tiny").library_name) == ("timm", "convnext_tiny")
    assert find("torchvision/regnet_y_400mf").source == "torchvision"


def test_reading_the_catalogue_does_not_import_torch():
    script = "import sys, resnet_gui.nets.catalog; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
