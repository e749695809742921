"""ResNet-20 is the paper's: its layers, its size, and shortcuts that learn nothing."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from resnet_gui.nets.blocks import PaddedIdentity
from resnet_gui.nets.build import build
from resnet_gui.nets.catalog import find

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
BLOCKS = [f"layer{stage}.{number}" for stage in (1, 2, 3) for number in range(3)]


def noise(*shape: int) -> Tensor:
    """Numbers of both signs, the same each time."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def names_of(convolution: str, norm: str) -> list[str]:
    return [f"{convolution}.weight", *(f"{norm}.{name}" for name in NORM)]


def by_hand(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """The paper's network, from nothing but the names of its weights."""

    def layer(x: Tensor, name: str, number: int, stride: int = 1) -> Tensor:
        x = functional.conv2d(x, weights[f"{name}conv{number}.weight"], stride=stride, padding=1)
        scale, shift, mean, variance = (
            weights[f"{name}bn{number}.{part}"].view(1, -1, 1, 1)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / (variance + 1e-5).sqrt() * scale + shift

    x = layer(x, "", 1).relu()
    for block in BLOCKS:
        halves = block in ("layer2.0", "layer3.0")
        branch = layer(layer(x, f"{block}.", 1, stride=2 if halves else 1).relu(), f"{block}.", 2)
        if halves:
            x = x[:, :, ::2, ::2]
            zeros = torch.zeros_like(x).chunk(2, dim=1)
            x = torch.cat((zeros[0], x, zeros[1]), dim=1)
        x = (x + branch).relu()
    return x.mean((2, 3)) @ weights["linear.weight"].T + weights["linear.bias"]


def test_parameters_are_the_papers_270_thousand():
    """0.27 M in table 6 of He et al. 2015, with CIFAR-10's ten classes; each further class adds 64 weights and a bias."""
    with torch.device("meta"):
        small, large = build("resnet20", 10), build("resnet20", 1000)
    assert sum(parameter.numel() for parameter in small.parameters()) == 269_722
    assert sum(parameter.numel() for parameter in large.parameters()) == 334_072 == find("resnet20").parameters


def test_weights_have_the_names_that_are_shared():
    expected = names_of("conv1", "bn1")
    for block in BLOCKS:
        expected += names_of(f"{block}.conv1", f"{block}.bn1") + names_of(f"{block}.conv2", f"{block}.bn2")
    expected += ["linear.weight", "linear.bias"]
    assert list(build("resnet20", 10).state_dict()) == expected


def test_logits_are_those_of_the_network_written_out_by_hand():
    torch.manual_seed(0)
    network = build("resnet20", 10).eval()
    with torch.inference_mode():
        for norm in (layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)):
            for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
                tensor.uniform_(0.5, 1.5)  # fresh ones would hide one norm swapped for another
        x = noise(2, 3, 33, 32)
        torch.testing.assert_close(network(x), by_hand(network.state_dict(), x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("side", "points"), [(32, 8), (33, 9), (64, 16)])
def test_stages_keep_halve_and_halve(side: int, points: int):
    with torch.device("meta"):
        network = build("resnet20", 10).eval()
    x = torch.empty(2, 3, side, side, device="meta")
    assert network[:-3](x).shape == (2, 64, points, points)
    assert network(x).shape == (2, 10)


def test_the_smallest_picture_ends_as_the_papers_8_by_8_points():
    with torch.device("meta"):
        features = build("resnet20", 10).eval()[:-3]
    smallest = find("resnet20").smallest
    assert features(torch.empty(1, 3, smallest, smallest, device="meta")).shape[2:] == (8, 8)


@pytest.mark.parametrize("side", [4, 5])
def test_a_padded_identity_is_every_second_point_between_zeros(side: int):
    shortcut, x = PaddedIdentity(4, 8, stride=2), noise(2, 4, side, side)
    out = shortcut(x)
    assert torch.equal(out[:, 2:6], x[:, :, ::2, ::2])
    assert out[:, :2].count_nonzero() == out[:, 6:].count_nonzero() == 0
    assert out.shape[1] == 8
    assert not shortcut.state_dict()


def test_an_odd_number_of_channels_is_padded_to_the_full_width():
    assert PaddedIdentity(3, 8, stride=1)(noise(1, 3, 2, 2)).shape == (1, 8, 2, 2)


def test_a_seed_gives_its_weights_and_another_seed_gives_others():
    first, same, other = (_seeded(seed) for seed in (5, 5, 6))
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])
    assert not torch.equal(first["linear.weight"], other["linear.weight"])


def test_convolutions_start_as_large_as_in_the_imagenet_form():
    """Standard deviation sqrt(2 / (channels out x 9 points)), He et al. 2015b; torch's own start would be 2.4 times smaller."""
    weight = _seeded(5)["layer3.1.conv1.weight"]
    assert weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.03)


def _seeded(seed: int) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return build("resnet20", 10).state_dict()
