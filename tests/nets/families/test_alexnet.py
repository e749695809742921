"""AlexNet is the published one of 2012: its groups, its norm, its first weights."""

from collections.abc import Iterator

import pytest
import torch
from torch.nn import functional

from resnet_gui.nets.families.alexnet import alexnet_2012, brightness_norm
from resnet_gui.nets.specs.classic import NETWORKS

(SPEC,) = (spec for spec in NETWORKS if spec.name == "alexnet_2012")


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_each_layer_has_the_parameters_of_the_paper():
    with torch.device("meta"):
        network = alexnet_2012(1000, 3)
    counts = [sum(parameter.numel() for parameter in layer.parameters()) for layer in network]
    expected = [34_944, 307_456, 885_120, 663_936, 442_624, 37_752_832, 16_781_312, 4_097_000]
    assert [count for count in counts if count] == expected
    assert SPEC.parameters == sum(expected)


def test_the_poolings_leave_55_27_13_and_6_points():
    x = torch.empty(1, 3, 227, 227, device="meta")
    sides = {}
    with torch.device("meta"):
        network = alexnet_2012(1000, 3)
    for name, layer in network.named_children():
        x = layer(x)
        sides[name] = x.shape[-1]
    assert [sides[name] for name in ("conv1", "pool1", "conv2", "pool2", "conv3", "conv5", "pool5")] == [
        55, 27, 27, 13, 13, 13, 6,
    ]  # fmt: skip


@pytest.mark.parametrize("side", [224, 226, 260])
def test_other_sizes_do_not_fit(side: int):
    assert (SPEC.smallest, SPEC.largest) == (227, 227)
    with torch.device("meta"), pytest.raises(RuntimeError):
        alexnet_2012(10, 3)(torch.empty(1, 3, side, side))


def test_the_norm_divides_by_five_neighbouring_channels_as_in_the_paper():
    x = 30 * torch.randn(1, 9, 1, 1, generator=torch.Generator().manual_seed(1))
    values = x.flatten().tolist()
    by_hand = []
    for channel, value in enumerate(values):
        squares = sum(other**2 for other in values[max(0, channel - 2) : channel + 3])
        by_hand.append(value / (2 + 1e-4 * squares) ** 0.75)
    torch.testing.assert_close(brightness_norm()(x).flatten(), torch.tensor(by_hand))


def test_one_group_does_not_see_the_other():
    with torch.device("meta"):
        second = alexnet_2012(2, 3).get_submodule("conv2")
    second.to_empty(device="cpu")
    torch.nn.init.uniform_(second.weight, 0.1, 1.0)
    x = torch.randn(1, 96, 5, 5, requires_grad=True)
    second(x)[:, :128].sum().backward()
    assert x.grad[:, :48].all()
    assert not x.grad[:, 48:].any()


def test_a_seed_gives_the_papers_first_weights_and_a_step_lowers_the_loss():
    torch.manual_seed(0)
    network = alexnet_2012(2, 3).train()
    starts = dict(network.named_parameters())
    for name, value in (
        ("conv1", 0),
        ("conv2", 1),
        ("conv3", 0),
        ("conv4", 1),
        ("conv5", 1),
        ("fc6", 1),
        ("fc7", 1),
        ("fc8", 0),
    ):
        assert torch.equal(starts[f"{name}.bias"], torch.full_like(starts[f"{name}.bias"], value))
        assert starts[f"{name}.weight"].std().item() == pytest.approx(0.01, rel=0.03)

    x, labels = torch.randn(2, 3, 227, 227), torch.tensor([0, 1])

    def loss() -> torch.Tensor:
        torch.manual_seed(1)  # the same units are left out each time
        return functional.cross_entropy(network(x), labels)

    before = loss()
    before.backward()
    steepness = sum(parameter.grad.square().sum() for parameter in network.parameters())
    torch.optim.SGD(network.parameters(), lr=0.05 * before.item() / steepness.item()).step()
    with torch.no_grad():
        assert loss() < before
