"""The head is the last layer that learns, in the order in which a picture goes through."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
import torchvision
from torch import Tensor, nn

from resnet_gui.nets.build import build
from resnet_gui.nets.head import features_shape, head_of


class Branching(nn.Module):
    """Written in another order than it is run in, with an auxiliary head, a shared layer and a number of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 2)
        self.scale = nn.Parameter(torch.ones(1))
        self.shared = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)
        self.aux = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        x = self.norm(self.shared(self.shared(x.mean((2, 3)) * self.scale)))
        out: Tensor = self.last(x).relu()
        return (out, self.aux(x)) if self.training else out


class Twice(nn.Module):
    """Its one layer comes last, and first."""

    def __init__(self) -> None:
        super().__init__()
        self.again = nn.Conv2d(3, 3, 1)
        self.between = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.again(self.between(self.again(x)))
        return out


@pytest.mark.parametrize(
    ("make", "size", "head", "features"),
    [
        (torchvision.models.squeezenet1_1, 224, "classifier.1", 512),
        (torchvision.models.vgg11, 224, "classifier.6", 4096),
        (partial(torchvision.models.DenseNet, 4, (2, 2), 8), 32, "classifier", 16),
        (partial(torchvision.models.googlenet, aux_logits=True, init_weights=False), 64, "fc", 1024),
    ],
    ids=["squeezenet", "vgg", "densenet", "googlenet"],
)
def test_the_head_of_well_known_networks(make: Callable[..., nn.Module], size: int, head: str, features: int) -> None:
    with torch.device("meta"):
        network = make(num_classes=7)
    assert head_of(network, 3, size) == head
    weight, bias = network.get_submodule(head).parameters()
    assert weight.shape[:2] == (7, features)
    assert bias.shape == (7,)


@pytest.mark.parametrize(("name", "head"), [("resnet20", "linear"), ("resnet18", "fc")])
def test_the_head_of_ours(name: str, head: str) -> None:
    with torch.device("meta"):
        network = build(name, 5)
    assert head_of(network, 3, 32) == head


@pytest.mark.parametrize("training", [True, False])
def test_what_counts_is_the_order_of_execution_in_evaluation(training: bool) -> None:
    network = Branching().train(training)
    assert head_of(network, 4, 8) == "last"


def test_a_layer_that_is_called_again_is_the_last_one() -> None:
    assert head_of(Twice(), 3, 8) == "again"


def test_a_network_of_one_layer_is_its_own_head() -> None:
    network = nn.Conv2d(1, 2, 3)
    assert head_of(network, 1, 8) == ""


def test_the_network_is_left_as_it_is() -> None:
    network = Branching()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert head_of(network, 4, 8) == "last"
    assert network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not any(layer._forward_pre_hooks for layer in network.modules())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())


def test_a_network_without_parameters_has_no_head() -> None:
    with pytest.raises(ValueError, match="no layer"):
        head_of(nn.Flatten(), 3, 8)


@pytest.mark.parametrize(
    ("name", "size", "shape"), [("resnet20", 32, (64,)), ("squeezenet1_1", 64, (512, 3, 3)), ("squeezenet1_1", 224, (512, 13, 13))]
)  # fmt: skip
def test_what_enters_the_head(name: str, size: int, shape: tuple[int, ...]) -> None:
    with torch.device("meta"):
        network = build(name, 5)
    assert features_shape(network, 3, size) == shape
