"""The CIFAR form is the papers': its layers, its size, and shortcuts that learn nothing."""

import functools

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from resnet_gui.nets.catalog import find
from resnet_gui.nets.families.resnet_cifar import BUILDERS
from resnet_gui.nets.specs import cifar

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
BLOCKS = [f"layer{stage}.{number}" for stage in (1, 2, 3) for number in range(3)]


@functools.cache
def empty(name: str) -> nn.Sequential:
    """The network without numbers, for ten classes."""
    with torch.device("meta"):
        return BUILDERS[name](10).eval()


def counted(name: str) -> int:
    return sum(parameter.numel() for parameter in empty(name).parameters())


def noise(*shape: int) -> Tensor:
    """Numbers of both signs, the same each time."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def names_of(convolution: str, norm: str) -> list[str]:
    return [f"{convolution}.weight", *(f"{norm}.{name}" for name in NORM)]


def convolved(weights: dict[str, Tensor], x: Tensor, name: str, stride: int = 1) -> Tensor:
    weight = weights[f"{name}.weight"]
    return functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)


def normed(weights: dict[str, Tensor], x: Tensor, name: str) -> Tensor:
    scale, shift, mean, variance = (weights[f"{name}.{part}"].view(1, -1, 1, 1) for part in NORM[:4])
    return (x - mean) / (variance + 1e-5).sqrt() * scale + shift


def thinned(x: Tensor) -> Tensor:
    """Every second point, between as many channels of zeros."""
    x = x[:, :, ::2, ::2]
    zeros = torch.zeros_like(x).chunk(2, dim=1)
    return torch.cat((zeros[0], x, zeros[1]), dim=1)


def classified(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    return x.mean((2, 3)) @ weights["linear.weight"].T + weights["linear.bias"]


def resnet20_by_hand(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """The network of He et al. 2015, from nothing but the names of its weights."""

    def layer(x: Tensor, name: str, number: int, stride: int = 1) -> Tensor:
        return normed(weights, convolved(weights, x, f"{name}conv{number}", stride), f"{name}bn{number}")

    x = layer(x, "", 1).relu()
    for block in BLOCKS:
        halves = block in ("layer2.0", "layer3.0")
        branch = layer(layer(x, f"{block}.", 1, stride=2 if halves else 1).relu(), f"{block}.", 2)
        x = ((thinned(x) if halves else x) + branch).relu()
    return classified(weights, x)


def resnet110_v2_by_hand(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """The network of He et al. 2016: the first block's input is activated before it goes both ways, the last one's output too."""
    x = convolved(weights, x, "conv1")
    for block in (f"layer{stage}.{number}" for stage in (1, 2, 3) for number in range(18)):
        halves = block in ("layer2.0", "layer3.0")
        active = normed(weights, x, f"{block}.bn1").relu()
        inner = convolved(weights, active, f"{block}.conv1", stride=2 if halves else 1)
        branch = convolved(weights, normed(weights, inner, f"{block}.bn2").relu(), f"{block}.conv2")
        x = branch + (thinned(active) if halves else active if block == "layer1.0" else x)
    return classified(weights, normed(weights, x, "bn").relu())


@pytest.mark.parametrize(("name", "by_hand"), [("resnet20", resnet20_by_hand), ("resnet110_v2", resnet110_v2_by_hand)])
def test_logits_are_those_of_the_network_written_out_by_hand(name: str, by_hand):
    torch.manual_seed(0)
    network = BUILDERS[name](10).eval().double()
    with torch.inference_mode():
        for norm in (layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)):
            for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
                tensor.uniform_(0.5, 1.5)  # fresh ones would hide one norm swapped for another
        x = noise(2, 3, 33, 32).double()
        torch.testing.assert_close(network(x), by_hand(network.state_dict(), x))


@pytest.mark.parametrize(("name", "millions"), [
    ("resnet20", "0.27"), ("resnet32", "0.46"), ("resnet44", "0.66"), ("resnet56", "0.85"), ("resnet110", "1.7"), ("resnet1202", "19.4"),
    ("resnet110_v2", "1.7"), ("resnet164_v2", "1.7"),
    ("wrn_16_8", "11.0"), ("wrn_28_10", "36.5"), ("wrn_40_4", "8.9"), ("wrn_40_2", "2.2"),
])  # fmt: skip
def test_parameters_are_the_papers(name: str, millions: str):
    """He et al. 2015, table 6; He et al. 2016, section 5; Zagoruyko & Komodakis 2016, tables 4 and 5."""
    digits = len(millions.partition(".")[2])
    assert f"{counted(name) / 1e6:.{digits}f}" == millions
    assert counted(name) == find(name).parameters


def test_the_thousand_and_one_layers_have_the_papers_weights():
    """10.2 M (He et al. 2016, section 5) are those of convolutions; the norms' scales and shifts make it 10.3 M."""
    norms = [layer for layer in empty("resnet1001_v2").modules() if isinstance(layer, nn.BatchNorm2d)]
    assert f"{(counted('resnet1001_v2') - sum(2 * norm.num_features for norm in norms)) / 1e6:.1f}" == "10.2"


@pytest.mark.parametrize("depth", [20, 32, 44, 56, 110])
def test_a_plain_network_has_every_weight_of_the_residual_one(depth: int):
    plain, around = (empty(f"{family}{depth}").state_dict() for family in ("plain", "resnet"))
    assert {key: value.shape for key, value in plain.items()} == {key: value.shape for key, value in around.items()}


def test_a_plain_network_answers_otherwise():
    torch.manual_seed(0)
    around, plain = BUILDERS["resnet20"](10).eval(), BUILDERS["plain20"](10).eval()
    plain.load_state_dict(around.state_dict(), strict=True)
    x = noise(1, 3, 32, 32)
    assert not torch.allclose(plain(x), around(x))


@pytest.mark.parametrize("name", ["resnet20", "resnet56", "plain56", "resnet1202"])
def test_weights_have_the_names_that_are_shared(name: str):
    expected = names_of("conv1", "bn1")
    for block in (f"layer{stage}.{number}" for stage in (1, 2, 3) for number in range(find(name).depth // 6)):
        expected += names_of(f"{block}.conv1", f"{block}.bn1") + names_of(f"{block}.conv2", f"{block}.bn2")
    expected += ["linear.weight", "linear.bias"]
    assert list(empty(name).state_dict()) == expected


@pytest.mark.parametrize(("side", "points"), [(8, 2), (32, 8), (33, 9), (64, 16)])
@pytest.mark.parametrize(("name", "channels"), [("resnet20", 64), ("plain20", 64), ("wrn_16_4", 256)])
def test_stages_keep_halve_and_halve(name: str, channels: int, side: int, points: int):
    network = empty(name)
    x = torch.empty(2, 3, side, side, device="meta")
    assert network[:-3](x).shape == (2, channels, points, points)
    assert network(x).shape == (2, 10)


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("name", ["resnet20", "plain20", "wrn_16_4"])
def test_pictures_may_have_other_channels(name: str, channels: int):
    with torch.device("meta"):
        network = BUILDERS[name](7, channels).eval()
    assert network(torch.empty(2, channels, 32, 32, device="meta")).shape == (2, 7)


def test_the_thousand_and_one_layers_halve_in_the_first_1x1_as_published():
    blocks = [empty("resnet1001_v2").get_submodule(f"layer{number}.0") for number in (1, 2, 3)]
    assert [block.conv1.stride[0] for block in blocks] == [1, 2, 2]
    assert [block.conv2.stride[0] for block in blocks] == [1, 1, 1]


def test_a_seed_gives_its_weights_and_another_seed_gives_others():
    first, same, other = (_seeded(seed) for seed in (5, 5, 6))
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])
    assert not torch.equal(first["linear.weight"], other["linear.weight"])


def test_convolutions_start_as_large_as_in_the_imagenet_form():
    """Standard deviation sqrt(2 / (channels out x 9 points)), He et al. 2015b; torch's own start would be 2.4 times smaller."""
    weight = _seeded(5)["layer3.1.conv1.weight"]
    assert weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.03)


def test_every_spec_has_a_builder_and_every_builder_a_spec():
    assert sorted(BUILDERS) == sorted(network.name for network in cifar.NETWORKS)


def _seeded(seed: int) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return BUILDERS["resnet20"](10).state_dict()
