"""The tutorials' networks are theirs to the last parameter, oddities included."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from resnet_gui.nets.families.tutorial import BUILDERS, Block
from resnet_gui.nets.specs.tutorial import NETWORKS

SPECS = {spec.name: spec for spec in NETWORKS}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def on_meta(name: str, classes: int, channels: int = 3) -> nn.Module:
    with torch.device("meta"):
        return BUILDERS[name](classes, channels)


def shapes_of(network: nn.Module, names: tuple[str, ...], x: Tensor) -> list[tuple[int, ...]]:
    """The shapes that leave the layers `names`, without the batch."""
    shapes = []
    for name in names:
        network.get_submodule(name).register_forward_hook(
            lambda layer, inputs, out: shapes.append(tuple(out.shape[1:]))
        )
    network(x)
    return shapes


@pytest.mark.parametrize(
    ("name", "classes", "channels", "parameters"),
    [
        ("teaching_resnet18", 7, 3, 11_110_663),
        ("teaching_resnet18_grey", 10, 1, 11_178_378),
        ("teaching_resnet_cifar", 10, 3, 15_826_314),
        ("teaching_resnet_cifar_5", 5, 3, 15_823_749),
    ],
)
def test_parameters_are_as_many_as_the_authors_print(name: str, classes: int, channels: int, parameters: int):
    assert sum(parameter.numel() for parameter in on_meta(name, classes, channels).parameters()) == parameters
    spec = SPECS[name]
    assert (spec.parameters, spec.classes, spec.channels) == (parameters, classes, channels)


def test_the_little_sister_lacks_one_block_in_each_wider_stage():
    network = on_meta("teaching_resnet18", 7)
    for name in ("layer2", "layer3", "layer4"):
        del network.get_submodule(name)[1]
    assert sum(parameter.numel() for parameter in network.parameters()) == SPECS["teaching_resnet10"].parameters


def test_the_first_block_is_called_twice_and_learns_from_both():
    network = BUILDERS["teaching_resnet18"](7, 3)
    calls = []
    network.get_submodule("layer1.block").register_forward_hook(lambda *call: calls.append(call))
    network(torch.randn(2, 3, 32, 32))
    assert len(calls) == 2
    assert all(key.startswith("layer1.block.") for key in network.state_dict() if key.startswith("layer1."))


def test_the_first_stem_has_no_norm_and_pools_before_its_relu():
    network = on_meta("teaching_resnet18", 7)
    assert [type(layer) for layer in network.children()][:3] == [nn.Conv2d, nn.MaxPool2d, nn.ReLU]


@pytest.mark.parametrize("name", BUILDERS)
def test_every_convolution_has_a_bias(name: str):
    convolutions = [layer for layer in on_meta(name, 2).modules() if isinstance(layer, nn.Conv2d)]
    assert all(layer.bias is not None for layer in convolutions)


@pytest.mark.parametrize("name", BUILDERS)
def test_shortcuts_are_projected_only_where_channels_change(name: str):
    for block in (layer for layer in on_meta(name, 2).modules() if isinstance(layer, Block)):
        changes = block.conv1.in_channels != block.conv1.out_channels
        normed = any(isinstance(layer, nn.BatchNorm2d) for layer in block.downsample.modules())
        assert isinstance(block.downsample, nn.Identity) is not changes
        assert normed is (changes and name != "teaching_resnet18_grey")


def test_the_grey_one_has_the_shapes_that_its_author_prints():
    names = ("conv1", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc")
    shapes = shapes_of(on_meta("teaching_resnet18_grey", 10, 1), names, torch.empty(2, 1, 224, 224, device="meta"))
    assert shapes == [
        (64, 112, 112), (64, 56, 56), (64, 56, 56), (128, 28, 28), (256, 14, 14), (512, 7, 7), (512, 1, 1), (10,),
    ]  # fmt: skip


@pytest.mark.parametrize(("side", "branch", "out"), [(8, 1, 1), (26, 1, 1), (27, 1, 2), (50, 1, 2)])
def test_the_last_branch_of_the_cifar_network_is_spread_from_27_pixels_on(side: int, branch: int, out: int):
    x = torch.empty(2, 3, side, side, device="meta")
    shapes = shapes_of(on_meta("teaching_resnet_cifar", 10), ("layer4.1.bn2", "layer4.1"), x)
    assert shapes == [(512, branch, branch), (512, out, out)]


@pytest.mark.parametrize("side", [51, 64, 224])
def test_the_cifar_one_fits_nothing_above_50_pixels(side: int):
    assert not SPECS["teaching_resnet_cifar"].takes(side)
    with pytest.raises(RuntimeError, match="broadcast"):
        on_meta("teaching_resnet_cifar", 10)(torch.empty(2, 3, side, side, device="meta"))


@pytest.mark.parametrize("side", range(8, 100, 7))
def test_with_a_last_stage_of_stride_1_every_size_fits(side: int):
    assert SPECS["teaching_resnet_cifar_5"].takes(side)
    network = on_meta("teaching_resnet_cifar_5", 5)
    assert network(torch.empty(2, 3, side, side, device="meta")).shape == (2, 5)


@pytest.mark.parametrize("name", ["teaching_resnet10", "teaching_resnet_cifar"])
def test_a_training_step_at_the_smallest_size_lowers_the_loss(name: str):
    torch.manual_seed(0)
    network, side = BUILDERS[name](2, 3).train(), SPECS[name].smallest
    x, labels = torch.randn(8, 3, side, side), torch.tensor([0, 1] * 4)
    before = functional.cross_entropy(network(x), labels)
    before.backward()
    steepness = sum(parameter.grad.square().sum() for parameter in network.parameters())
    torch.optim.SGD(network.parameters(), lr=0.05 * before.item() / steepness.item()).step()
    with torch.no_grad():
        assert functional.cross_entropy(network(x), labels) < before
