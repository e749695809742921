"""FractalNet grows by its one rule, and drop-path leaves out ways, never all."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from resnet_gui.nets.families.fractalnet import BUILDERS, Fractal, join, kept_ways
from resnet_gui.nets.specs.classic import NETWORKS

SPECS = {spec.name: spec for spec in NETWORKS}
WIDTHS = {"fractalnet20": (64, 128, 256, 512, 512), "fractalnet40": (16, 32, 64, 128, 128)}
COLUMNS = {"fractalnet20": 3, "fractalnet40": 4}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class AddOne(nn.Module):
    """Stands for a convolution, so that the sum counts those on a path."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 1


def counting(columns: int) -> Fractal:
    fractal = Fractal(columns, 1)
    for part in [layer for layer in fractal.modules() if isinstance(layer, Fractal)]:
        part.conv = AddOne()
    return fractal


def only(column: int, columns: int) -> Tensor:
    return functional.one_hot(torch.tensor([column]), columns).bool()


@pytest.mark.parametrize("name", BUILDERS)
def test_parameters_follow_from_the_rule(name: str):
    with torch.device("meta"):
        network = BUILDERS[name](10, 3)
    expected, channels = 0, 3
    for width in WIDTHS[name]:
        convolutions = 2 ** COLUMNS[name] - 1
        expected += convolutions * (9 * width * width + 2 * width)
        expected += channels * width + 2 * width if channels != width else 0
        channels = width
    expected += channels * 10 + 10
    assert sum(parameter.numel() for parameter in network.parameters()) == expected == SPECS[name].parameters


def test_the_papers_38_6_million():
    assert round(SPECS["fractalnet20"].parameters / 1e6, 1) == 38.6


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_each_column_is_twice_as_deep_as_the_one_beside_it(columns: int):
    x = torch.zeros(1, 1, 1, 1)
    for column in range(columns):
        allowed = only(column, columns)
        assert join(counting(columns)(x, allowed), allowed).item() == 2**column


@pytest.mark.parametrize("name", BUILDERS)
def test_the_deepest_way_has_as_many_convolutions_as_in_the_name(name: str):
    assert len(WIDTHS[name]) * 2 ** (COLUMNS[name] - 1) == SPECS[name].depth == int(name.removeprefix("fractalnet"))


def test_without_dropping_the_mean_of_all_ways_goes_on():
    """Of three columns: the ends are 1; 1.5 + 1; and the mean of the first half's ends, 1.5, then 1 + 1 more."""
    ends = counting(3)(torch.zeros(1, 1, 1, 1), None)
    assert [end.item() for end in ends] == [1.0, 2.5, 3.5]
    assert join(ends, None).item() == pytest.approx(7 / 3)


def test_a_picture_that_keeps_to_one_column_has_that_columns_end():
    ends = [torch.full((3, 2, 1, 1), float(number)) for number in range(3)]
    allowed = torch.eye(3, dtype=torch.bool)
    assert join(ends, allowed)[:, 0].flatten().tolist() == [0.0, 1.0, 2.0]


def test_of_several_ways_about_15_in_100_are_dropped_and_never_all():
    torch.manual_seed(0)
    kept = kept_ways(torch.ones(4000, 2, dtype=torch.bool))
    assert kept.any(dim=1).all()
    dropped = 1 - kept.float().mean().item()
    assert dropped == pytest.approx(0.15 - 0.15**2 / 2, abs=0.01)  # where both would go, one stays


def test_forbidden_ways_are_never_kept():
    torch.manual_seed(0)
    allowed = torch.rand(1000, 4) < 0.5
    allowed[:, 0] |= ~allowed.any(dim=1)
    kept = kept_ways(allowed)
    assert kept.any(dim=1).all()
    assert not (kept & ~allowed).any()


def test_half_of_the_pictures_keep_to_one_column():
    torch.manual_seed(0)
    allowed = BUILDERS["fractalnet40"](2, 3)._allowed_columns(torch.empty(4000, 1))
    columns = allowed.sum(dim=1)
    assert set(columns.tolist()) == {1, 4}
    assert (columns == 1).float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert allowed[columns == 1].float().mean(dim=0).tolist() == pytest.approx([0.25] * 4, abs=0.04)


def test_a_seed_drops_the_same_ways_again_and_an_answer_drops_none():
    torch.manual_seed(0)
    network, x = BUILDERS["fractalnet40"](2, 3), torch.randn(4, 3, 32, 32)

    def trained(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return network.train()(x)

    with torch.no_grad():
        assert torch.equal(trained(1), trained(1))
        assert not torch.equal(trained(1), trained(2))
        state = torch.get_rng_state()
        assert torch.equal(network.eval()(x), network(x))
        assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("side", [32, 63, 64])
def test_any_size_from_32_pixels_on_fits(side: int):
    assert SPECS["fractalnet40"].takes(side)
    assert BUILDERS["fractalnet40"](10, 3)(torch.zeros(2, 3, side, side)).shape == (2, 10)


def test_31_pixels_are_too_few_for_five_poolings():
    assert not SPECS["fractalnet40"].takes(31)
    with pytest.raises(RuntimeError, match="too small"):
        BUILDERS["fractalnet40"](10, 3)(torch.zeros(2, 3, 31, 31))


def test_a_training_pass_needs_no_numbers():
    """The layer table is made on the meta device."""
    with torch.device("meta"):
        assert BUILDERS["fractalnet40"](10, 1).train()(torch.empty(2, 1, 32, 32)).shape == (2, 10)


def test_a_training_step_lowers_the_loss():
    torch.manual_seed(0)
    network = BUILDERS["fractalnet40"](2, 3).train()
    x, labels = torch.randn(4, 3, 32, 32), torch.tensor([0, 1, 0, 1])

    def loss() -> Tensor:
        torch.manual_seed(1)  # the same ways are dropped each time
        return functional.cross_entropy(network(x), labels)

    before = loss()
    before.backward()
    steepness = sum(parameter.grad.square().sum() for parameter in network.parameters() if parameter.grad is not None)
    torch.optim.SGD(network.parameters(), lr=0.05 * before.item() / steepness.item()).step()
    with torch.no_grad():
        assert loss() < before
