"""Our networks are what the catalogue says, and those that torchvision has are the same there, to the last bit."""

from collections.abc import Iterator

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from resnet_gui.messages import Problem
from resnet_gui.nets.build import build
from resnet_gui.nets.catalog import NETWORKS, find

NAMES = [network.name for network in NETWORKS]

# torchvision.models.ResNet*_Weights.*.meta["num_params"]
PARAMETERS = {
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
}
IN_TORCHVISION = list(PARAMETERS)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Small pictures are computed faster by one thread, and by far on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def theirs(name: str, classes: int = 1000) -> nn.Module:
    return getattr(torchvision.models, name)(weights=None, num_classes=classes)


def shuffle_norms(network: nn.Module) -> None:
    """Gives every norm statistics, scale and shift of its own: fresh ones would hide one norm swapped for another."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor, low, high in (
                (layer.running_mean, -0.1, 0.1), (layer.running_var, 0.5, 2.0), (layer.weight, 0.5, 1.0), (layer.bias, -0.1, 0.1),
            ):  # fmt: skip
                nn.init.uniform_(tensor, low, high)


def pictures(side: int) -> tuple[Tensor, Tensor]:
    """Two noise pictures [2, 3, side, side] and their labels [2]."""
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 1])


def step(network: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    """One step down the slope, sized so that a straight slope would lower the loss by 5 %; gives the loss before it.

    A fixed learning rate would not do: at its start a deep network's slope is thousands of times steeper.
    """
    loss = functional.cross_entropy(network(x), labels)
    loss.backward()
    steepness = sum(parameter.grad.square().sum() for parameter in network.parameters())
    torch.optim.SGD(network.parameters(), lr=0.05 * loss.item() / steepness.item()).step()
    return loss.detach()


@pytest.mark.parametrize("name", IN_TORCHVISION)
def test_weights_go_both_ways_and_logits_are_equal(name: str):
    ours, reference = build(name, 1000).eval(), theirs(name).eval()
    x, _ = pictures(64)

    shuffle_norms(reference)
    ours.load_state_dict(reference.state_dict(), strict=True)
    with torch.inference_mode():
        assert torch.equal(ours(x), reference(x))

    shuffle_norms(ours)
    reference.load_state_dict(ours.state_dict(), strict=True)
    with torch.inference_mode():
        assert torch.equal(ours(x), reference(x))


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_a_seed_gives_the_weights_it_gives_in_torchvision(name: str):
    torch.manual_seed(5)
    ours = build(name, 10).state_dict()
    torch.manual_seed(5)
    reference = theirs(name, 10).state_dict()
    assert list(ours) == list(reference)
    assert all(torch.equal(ours[key], reference[key]) for key in reference)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_a_training_step_has_equal_gradients_weights_and_statistics(name: str):
    ours, reference = build(name, 10).train(), theirs(name, 10).train()
    shuffle_norms(reference)
    ours.load_state_dict(reference.state_dict())
    x, labels = pictures(64)

    assert torch.equal(step(ours, x, labels), step(reference, x, labels))
    for mine, other in zip(ours.parameters(), reference.parameters(), strict=True):
        assert torch.equal(mine.grad, other.grad)
    for mine, other in zip(ours.state_dict().values(), reference.state_dict().values(), strict=True):
        assert torch.equal(mine, other)


@pytest.mark.parametrize("name", IN_TORCHVISION)
def test_parameters_are_as_many_as_published(name: str):
    with torch.device("meta"):
        network = build(name, 1000)
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS[name] == find(name).parameters


@pytest.mark.parametrize("name", NAMES)
def test_the_catalogue_counts_the_layers_and_multiply_adds_that_are_there(name: str):
    with torch.device("meta"):
        network = build(name, 1000).eval()
    multiply_adds = []

    def count(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        multiply_adds.append(output[0].numel() * layer.weight[0].numel())

    weighted = {key: layer for key, layer in network.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)}
    for layer in weighted.values():
        layer.register_forward_hook(count)
    network(torch.empty(1, 3, 224, 224, device="meta"))

    assert sum(multiply_adds) == find(name).multiply_adds
    assert sum("downsample" not in key for key in weighted) == find(name).depth


@pytest.mark.parametrize("name", IN_TORCHVISION)
def test_the_smallest_picture_ends_as_one_point(name: str):
    smallest = find(name).smallest
    with torch.device("meta"):
        features = build(name, 10).eval()[:-3]

    def points(side: int) -> tuple[int, ...]:
        return tuple(features(torch.empty(1, 3, side, side, device="meta")).shape[2:])

    assert points(smallest) == (1, 1)
    assert points(smallest + 1) == (2, 2)


@pytest.mark.parametrize("name", NAMES)
def test_training_on_one_batch_lowers_the_loss(name: str):
    torch.manual_seed(0)
    network = build(name, 2).train()
    x, labels = pictures(64)
    before = step(network, x, labels)
    with torch.no_grad():
        assert functional.cross_entropy(network(x), labels) < before


@pytest.mark.parametrize("name", NAMES)
def test_ten_classes_give_ten_logits(name: str):
    with torch.device("meta"):
        network = build(name, 10).eval()
    assert network(torch.empty(2, 3, 224, 224, device="meta")).shape == (2, 10)


def test_an_unknown_network_is_refused():
    with pytest.raises(Problem) as caught:
        build("resnet19", 10)
    assert caught.value.message.code == "network_unknown"
