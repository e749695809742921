"""A network split at its head: the same logits, and a backbone without anything after it."""

import copy

import pytest
import torch
from torch import Tensor, nn

from resnet_gui.nets.build import build
from resnet_gui.nets.feature_extractor import Backbone, BackboneAndHead, split_at_head
from resnet_gui.nets.head import head_of


class Net(nn.Module):
    """A stem and a head. The classes below differ in what they do after the stem."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU())
        self.middle = nn.Linear(6, 6)
        self.head = nn.Linear(6, 4)
        self.stem.requires_grad_(False)
        self.middle.requires_grad_(False)

    def features(self, x: Tensor) -> Tensor:
        out: Tensor = self.middle(self.stem(x).mean((2, 3)))
        return out

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.features(x))
        return out


class Rectified(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).relu() * 2


class Strided(Net):
    """Its head is a convolution of 1 x 1 that leaves points out."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(6, 4, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.stem(x)).relu().mean((2, 3))
        return out


class Winding(Net):
    """It looks at how many pictures there are, so it cannot be followed; nothing comes after its head."""

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.features(x if len(x) else -x))
        return out


class Named(Net):
    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(input=self.features(x))
        return out


class WindingRectified(Winding):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).relu()


class TwoHeads(Net):
    def __init__(self) -> None:
        super().__init__()
        self.other = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        return (self.head(x) + self.other(x.relu())) / 2


class Twice(Net):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.head(self.features(x)))
        return out


class Beside(Net):
    """Something of the picture goes past the head."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + x.mean((1, 2, 3))[:, None]


class PicturesLast(Net):
    """What enters the head has the pictures in its last dimension."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv1d(6, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.features(x).T)
        return out.T


class Headless(Net):
    def forward(self, x: Tensor) -> Tensor:
        return self.features(x)


def known(network: nn.Module) -> nn.Module:
    """With norms that are not those of a fresh network."""
    generator = torch.Generator().manual_seed(1)
    for name, tensor in network.state_dict().items():
        if "running" in name:
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
    return network


def parts(network: nn.Module, channels: int = 3, size: int = 8) -> BackboneAndHead:
    found = split_at_head(network, channels, size)
    assert found is not None
    return found


def pictures(count: int, size: int) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(
    ("name", "size", "shape"),
    [("resnet20", 32, (64,)), ("squeezenet1_1", 64, (512, 3, 3)), ("googlenet", 64, (1024,)), ("vgg13_small", 32, (200,))],
)  # fmt: skip
def test_networks_of_the_catalogue_give_the_same_logits_in_two(name: str, size: int, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    network = known(build(name, 5)).requires_grad_(False)
    head = network.get_submodule(head_of(network, 3, size)).requires_grad_(True)
    halves = parts(network, size=size)
    x = pictures(3, size)
    with torch.no_grad():
        features = halves.backbone(x)
        assert features.shape[1:] == halves.shape == shape
        torch.testing.assert_close(halves.head(features), network.eval()(x), rtol=1e-4, atol=1e-5)
    assert list(halves.head.parameters()) == list(head.parameters())


@pytest.mark.parametrize("kind", [Net, Rectified, Strided, Winding])
def test_whatever_comes_after_the_head_is_in_the_tail(kind: type[Net]) -> None:
    torch.manual_seed(0)
    network = known(kind())
    halves = parts(network)
    x = 10 * pictures(20, 8) - 5
    with torch.no_grad():
        torch.testing.assert_close(halves.head(halves.backbone(x)), network(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [TwoHeads, Twice, Beside, PicturesLast, Named, WindingRectified])
def test_a_network_that_is_not_made_so_stays_whole(kind: type[Net]) -> None:
    torch.manual_seed(0)
    network = kind()
    with torch.no_grad():
        network.head.weight.add_(0.1)
    assert split_at_head(network, 3, 8) is None


def test_what_learns_must_not_be_in_the_backbone() -> None:
    network = Net()
    assert split_at_head(network, 3, 8) is not None
    network.middle.requires_grad_(True)
    assert split_at_head(network, 3, 8) is None


def test_the_backbone_ends_before_the_head_and_its_norms_are_fused() -> None:
    network = Rectified()
    backbone = parts(network).backbone
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in backbone.modules())
    entered: list[str] = []
    for name, layer in backbone.named_modules():
        layer.register_forward_hook(lambda layer, inputs, output, name=name: entered.append(name))
    backbone(pictures(2, 8))
    assert "network.middle" in entered
    assert "network.head" not in entered
    assert "network" not in entered, "it is left before its end"


def test_the_tail_learns_for_the_network() -> None:
    network = known(Rectified())
    halves = parts(network)
    x = pictures(5, 8)
    with torch.no_grad():
        features, before = halves.backbone(x), network(x)
    halves.head(features).sum().backward()
    assert network.head.weight.grad is not None
    with torch.no_grad():
        for weight in halves.head.parameters():
            weight.add_(torch.ones_like(weight))
        assert not torch.allclose(network(x), before)
        torch.testing.assert_close(halves.head(features), network(x), rtol=1e-4, atol=1e-5)


def test_the_network_is_left_as_it_is_but_for_the_mode() -> None:
    network = Rectified().train()
    before = copy.deepcopy(network.state_dict())
    parts(network).backbone(pictures(2, 8))
    assert not network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not any(layer._forward_pre_hooks for layer in network.modules())
    assert network.head.weight.requires_grad
    assert not network.middle.weight.requires_grad


def test_a_network_of_one_layer_is_all_tail() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 2))
    halves = parts(network)
    assert torch.equal(halves.backbone(pictures(2, 8)), pictures(2, 8).flatten(1))


def test_a_backbone_whose_head_is_not_reached_raises() -> None:
    with pytest.raises(ValueError, match="no picture comes to the head"):
        Backbone(Headless(), "head")(pictures(1, 8))
