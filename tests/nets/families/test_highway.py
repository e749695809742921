"""Highway networks carry their input past nearly unchanged until they have learned better."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.nn import functional

from resnet_gui.nets.families.highway import BUILDERS, Highway
from resnet_gui.nets.specs.classic import NETWORKS

SPECS = {spec.name: spec for spec in NETWORKS}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_19_layers_have_the_papers_2_3_million_parameters():
    network = BUILDERS["highway_cifar_19"](10, 3)
    assert count(network) == SPECS["highway_cifar_19"].parameters
    assert round(count(network) / 1e6, 1) == 2.3
    highways = sum(isinstance(layer, Highway) for layer in network.modules())
    convolutions = sum(isinstance(layer, nn.Conv2d) for layer in network.modules())
    linear = sum(isinstance(layer, nn.Linear) for layer in network.modules())
    assert convolutions - highways + linear == 19  # a highway layer's gate is no layer of its own


@pytest.mark.parametrize("layers", [10, 50])
def test_a_highway_layer_of_50_units_has_twice_a_plain_ones_parameters(layers: int):
    plain, highway, output = 784 * 50 + 50, 2 * (50 * 50 + 50), 50 * 10 + 10
    name = f"highway_mnist_{layers}"
    assert count(BUILDERS[name](10, 1)) == plain + (layers - 1) * highway + output == SPECS[name].parameters


@pytest.mark.parametrize(("gate", "expected"), [(-50.0, [1.0, -2.0]), (0.0, [2.0, -1.0]), (50.0, [3.0, 0.0])])
def test_the_gate_mixes_what_the_layer_makes_with_what_came_in(gate: float, expected: list[float]):
    layer = Highway(nn.Linear(2, 2), nn.Linear(2, 2))
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.transform.bias.copy_(torch.tensor([3.0, -1.0]))
        layer.gate.bias.fill_(gate)
    assert layer(torch.tensor([1.0, -2.0])).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("name", BUILDERS)
def test_all_gates_start_nearly_closed(name: str):
    biases = [layer.gate.bias for layer in BUILDERS[name](10, 1).modules() if isinstance(layer, Highway)]
    assert all((bias <= -2).all() for bias in biases)


def test_fifty_layers_learn_with_gates_and_hardly_without():
    """The very thing that the paper is about."""
    x, labels = torch.randn(32, 1, 28, 28, generator=torch.Generator().manual_seed(1)), torch.arange(32) % 4

    def loss_after_training(network: nn.Module) -> float:
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
        for _ in range(30):
            optimizer.zero_grad()
            loss = functional.cross_entropy(network(x), labels)
            loss.backward()
            optimizer.step()
        return loss.item()

    torch.manual_seed(0)
    gated, plain = BUILDERS["highway_mnist_50"](4, 1), BUILDERS["highway_mnist_50"](4, 1)
    for layer in plain.highway:
        nn.init.constant_(layer.gate.bias, 50.0)  # fully open: nothing is carried past
    learned = loss_after_training(gated)
    assert learned < 0.6
    assert loss_after_training(plain) > 2 * learned


@pytest.mark.parametrize(("side", "fits"), [(27, False), (28, True), (29, False)])
def test_digits_have_28_pixels(side: int, fits: bool):
    assert SPECS["highway_mnist_10"].takes(side) is fits
    network, x = BUILDERS["highway_mnist_10"](10, 1), torch.zeros(2, 1, side, side)
    if fits:
        assert network(x).shape == (2, 10)
    else:
        with pytest.raises(RuntimeError):
            network(x)


@pytest.mark.parametrize("side", [32, 33, 64])
def test_the_convolutions_take_any_size_from_32_pixels_on(side: int):
    assert SPECS["highway_cifar_19"].takes(side)
    with torch.device("meta"):
        assert BUILDERS["highway_cifar_19"](10, 3)(torch.empty(2, 3, side, side)).shape == (2, 10)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_training_step_lowers_the_loss(name: str):
    torch.manual_seed(0)
    spec = SPECS[name]
    network = BUILDERS[name](2, spec.channels)
    x, labels = torch.randn(4, spec.channels, spec.default_size, spec.default_size), torch.tensor([0, 1, 0, 1])
    before = functional.cross_entropy(network(x), labels)
    before.backward()
    steepness = sum(parameter.grad.square().sum() for parameter in network.parameters())
    torch.optim.SGD(network.parameters(), lr=0.05 * before.item() / steepness.item()).step()
    with torch.no_grad():
        assert functional.cross_entropy(network(x), labels) < before
