"""LeNet-5 is the paper's, layer by layer, and its heir the one that is taught today."""

from collections.abc import Iterator

import pytest
import torch
from torch.nn import functional

from resnet_gui.nets.families.lenet import BUILDERS, C3_INPUTS, PartlyConnected, Squash, Subsampling, lenet5
from resnet_gui.nets.specs.classic import NETWORKS

SPECS = {spec.name: spec for spec in NETWORKS}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_each_layer_has_the_parameters_that_the_paper_counts():
    network = lenet5(10, 1)
    counts = {name: sum(p.numel() for p in layer.parameters()) for name, layer in network.named_children()}
    paper = {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164}
    linear_output = 84 * 10 + 10
    assert {name: count for name, count in counts.items() if count} == paper | {"output": linear_output}
    assert sum(counts.values()) == SPECS["lenet5"].parameters == 60_850


def test_each_layer_has_the_shape_that_the_paper_draws():
    x = torch.zeros(1, 1, 32, 32)
    shapes = {}
    for name, layer in lenet5(10, 1).named_children():
        x = layer(x)
        shapes[name] = tuple(x.shape[1:])
    drawn = {"c1": (6, 28, 28), "s2": (6, 14, 14), "c3": (16, 10, 10), "s4": (16, 5, 5), "c5": (120, 1, 1), "f6": (84,)}
    assert drawn.items() <= shapes.items()


def test_c3_has_the_papers_60_connections_and_uses_each_input_ten_times():
    assert sorted(len(inputs) for inputs in C3_INPUTS) == [3] * 6 + [4] * 9 + [6]
    assert len(set(C3_INPUTS)) == 16
    assert [sum(number in inputs for inputs in C3_INPUTS) for number in range(6)] == [10] * 6


@pytest.mark.parametrize("number", range(16))
def test_a_map_of_c3_looks_at_its_own_inputs_only(number: int):
    x = torch.randn(1, 6, 14, 14, requires_grad=True)
    PartlyConnected(C3_INPUTS)(x)[:, number].sum().backward()
    assert tuple(x.grad.abs().sum((0, 2, 3)).nonzero().flatten().tolist()) == C3_INPUTS[number]


def test_subsampling_is_the_sum_of_four_points_times_a_number_plus_another():
    layer = Subsampling(2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([0.5, -1.0]).view(2, 1, 1))
        layer.bias.copy_(torch.tensor([0.0, 3.0]).view(2, 1, 1))
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).expand(1, 2, 2, 2)
    assert layer(x).flatten().tolist() == [5.0, -7.0]


def test_the_squashing_keeps_1_and_never_leaves_its_range():
    out = Squash()(torch.tensor([-100.0, -1.0, 0.0, 1.0, 100.0]))
    torch.testing.assert_close(out, torch.tensor([-1.7159, -1.0, 0.0, 1.0, 1.7159]), rtol=0, atol=1e-4)


def test_first_weights_lie_within_2_4_over_the_incoming_numbers():
    torch.manual_seed(0)
    network = lenet5(10, 1)
    for name, incoming in (("c1", 25), ("s2", 4), ("c5", 400), ("f6", 120), ("output", 84)):
        largest = max(parameter.abs().max().item() for parameter in network.get_submodule(name).parameters())
        assert 0.5 * 2.4 / incoming < largest <= 2.4 / incoming


def test_the_heir_has_800_numbers_before_its_hidden_32():
    network = BUILDERS["lenet5_cifar"](10, 3)
    assert [tuple(parameter.shape) for parameter in network.parameters() if parameter.dim() > 1] == [
        (16, 3, 5, 5), (32, 16, 5, 5), (32, 800), (10, 32),
    ]  # fmt: skip
    expected = (75 + 1) * 16 + (400 + 1) * 32 + (800 + 1) * 32 + (32 + 1) * 10
    assert sum(parameter.numel() for parameter in network.parameters()) == expected == SPECS["lenet5_cifar"].parameters


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("side", [28, 36])
def test_only_32_pixels_fit(name: str, side: int):
    assert (SPECS[name].smallest, SPECS[name].largest) == (32, 32)
    with pytest.raises(RuntimeError):
        BUILDERS[name](10, 1)(torch.zeros(2, 1, side, side))


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_training_step_lowers_the_loss(name: str, channels: int):
    torch.manual_seed(0)
    network = BUILDERS[name](3, channels)
    x, labels = torch.randn(6, channels, 32, 32), torch.tensor([0, 1, 2, 0, 1, 2])
    before = functional.cross_entropy(network(x), labels)
    before.backward()
    torch.optim.SGD(network.parameters(), lr=0.01).step()
    with torch.no_grad():
        assert functional.cross_entropy(network(x), labels) < before
