"""A fused network gives the same outputs without the norms after convolutions; the original is unchanged."""

from collections.abc import Callable

import pytest
import timm
import torch
import torchvision
from timm.layers import BatchNormAct2d
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from resnet_gui.nets.build import build, main_and_auxiliary
from resnet_gui.nets.fuse_norms import fuse_norms


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def learned(network: nn.Module) -> nn.Module:
    """`network` with norms that do something, as after a training."""
    generator = torch.Generator().manual_seed(1)
    for norm in norms_of(network):
        for tensor, low, high in (
            (norm.running_mean, -0.2, 0.2), (norm.running_var, 0.6, 1.4), (norm.weight, 0.6, 1.4), (norm.bias, -0.2, 0.2),
        ):  # fmt: skip
            if tensor is not None:
                nn.init.uniform_(tensor, low, high, generator=generator)
    return network


def norms_of(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]


def distance(network: nn.Module, fused: nn.Module, channels: int, size: int) -> float:
    """The largest difference between the two networks' logits of two pictures, as a share of the largest logit."""
    torch.manual_seed(2)
    pictures = torch.randn(2, channels, size, size)
    with torch.inference_mode():
        wanted, _ = main_and_auxiliary(network.eval()(pictures))
        return ((fused(pictures) - wanted).abs().max() / wanted.abs().max()).item()


class Between(nn.Module):
    """A convolution and a norm, and what else `forward` does with the two."""

    def __init__(self, forward: Callable[["Between", Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.does = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.does(self, x).mean((2, 3))


@pytest.mark.parametrize(
    ("make", "size", "norms", "left"),
    [
        # Everything follows a convolution.
        (lambda: build("resnet18", 5), 32, 20, 0),
        (lambda: build("resnet50", 5), 32, 53, 0),
        (lambda: build("resnet20", 5), 32, 19, 0),
        (lambda: build("seresnet18", 5), 32, 20, 0),
        (lambda: build("resnext50_32x4d", 5), 32, 53, 0),
        (lambda: nn.Sequential(torchvision.models.vgg.make_layers([8, "M", 16], batch_norm=True), nn.Flatten()), 32, 2, 0),
        (lambda: torchvision.models.mobilenet_v3_small(num_classes=5), 32, 34, 0),
        (lambda: torchvision.models.shufflenet_v2_x0_5(num_classes=5), 32, 56, 0),
        # Depthwise convolutions, and norms that bring an activation.
        (lambda: timm.create_model("efficientnet_b0", num_classes=5), 32, 49, 0),
        (lambda: timm.create_model("regnetx_002", num_classes=5), 32, 44, 0),
        # The first norm of a block comes after a sum; the others follow the block's convolutions.
        (lambda: build("resnet18_v2", 5), 32, 17, 9),
        # The first norm of each layer looks at many outputs laid side by side.
        (lambda: torchvision.models.DenseNet(4, (2, 2), 8, num_classes=5), 32, 11, 6),
        # The two of the auxiliary classifiers are not called when it answers.
        (lambda: build("googlenet", 5), 64, 59, 2),
        # No norms.
        (lambda: build("squeezenet1_1", 5), 32, 0, 0),
        (lambda: timm.create_model("nf_resnet26", num_classes=5), 32, 0, 0),
    ],
    ids=[
        "resnet18", "resnet50", "resnet20", "seresnet18", "resnext50", "vgg", "mobilenet_v3", "shufflenet",
        "efficientnet", "regnet", "preact", "densenet", "googlenet", "squeezenet", "nfnet",
    ],
)  # fmt: skip
def test_the_norms_after_convolutions_go_and_the_logits_stay(
    make: Callable[[], nn.Module], size: int, norms: int, left: int
) -> None:
    network = learned(make())
    fused = fuse_norms(network, 3, size)
    assert (len(norms_of(network)), len(norms_of(fused))) == (norms, left)
    assert distance(network, fused, 3, size) < 1e-5


def test_a_network_of_grey_pictures() -> None:
    network = learned(build("resnet20", 5, 1))
    fused = fuse_norms(network, 1, 28)
    assert not norms_of(fused)
    assert distance(network, fused, 1, 28) < 1e-5


def test_the_activation_that_a_norm_brought_stays() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), BatchNormAct2d(4, act_layer=nn.SiLU), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    fused = fuse_norms(learned(network), 3, 8)
    assert not norms_of(fused)
    assert any(isinstance(layer, nn.SiLU) for layer in fused.modules())
    assert distance(network, fused, 3, 8) < 1e-6


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
def test_with_and_without_bias_and_scale(bias: bool, affine: bool) -> None:
    network = learned(
        nn.Sequential(nn.Conv2d(3, 6, 3, groups=3, bias=bias), nn.BatchNorm2d(6, affine=affine), nn.Flatten())
    )
    fused = fuse_norms(network, 3, 8)
    assert not norms_of(fused)
    assert distance(network, fused, 3, 8) < 1e-6


@pytest.mark.parametrize(
    "forward",
    [
        lambda self, x: self.norm(self.conv(x).relu()),
        lambda self, x: self.norm(x) + self.conv(x),
        lambda self, x: self.norm(between := self.conv(x)) + between,
        lambda self, x: self.norm(self.conv(x).mul_(2.0)),
        lambda self, x: self.norm(self.conv(self.conv(x))),
        lambda self, x: self.norm(self.norm(self.conv(x))),
        lambda self, x: self.norm(self.conv(x)) + self.conv.weight.sum(),
    ],
    ids=["relu", "aside", "shared output", "in place", "conv twice", "norm twice", "weights read"],
)  # fmt: skip
def test_a_norm_stays_where_it_would_change_something_else(forward: Callable[[Between, Tensor], Tensor]) -> None:
    network = learned(Between(forward))
    fused = fuse_norms(network, 3, 8)
    assert len(norms_of(fused)) == 1
    assert distance(network, fused, 3, 8) < 1e-6


def test_shared_weights_stay_as_they_are() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), nn.Flatten())
    network[2].weight = network[0].weight
    fused = fuse_norms(learned(network), 3, 8)
    assert len(norms_of(fused)) == 2
    assert fused[2].weight is fused[0].weight
    assert distance(network, fused, 3, 8) < 1e-6


def test_weights_that_are_computed_stay_so() -> None:
    network = nn.Sequential(weight_norm(nn.Conv2d(3, 3, 3)), nn.BatchNorm2d(3), nn.Flatten())
    fused = fuse_norms(learned(network), 3, 8)
    assert len(norms_of(fused)) == 1
    assert distance(network, fused, 3, 8) < 1e-6


@pytest.mark.parametrize("watched", [0, 1, 2])
def test_hooks_go_along_and_see_what_they_saw(watched: int) -> None:
    network = learned(nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten()))
    seen: list[Tensor] = []
    network[watched].register_forward_hook(lambda layer, given, out: seen.append(out.clone()))
    fused = fuse_norms(network, 3, 8)
    assert bool(norms_of(fused)) == (watched < 2)
    seen.clear()
    assert distance(network, fused, 3, 8) < 1e-6
    assert len(seen) == 2
    torch.testing.assert_close(*seen)


class Other(nn.BatchNorm2d):
    """A norm that does more than it shows."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 1


def test_what_would_not_answer_the_same_keeps_all_norms() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), nn.Conv2d(3, 3, 3), Other(3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    fused = fuse_norms(learned(network), 3, 8)
    assert len(norms_of(fused)) == 2
    assert not fused.training
    assert distance(network, fused, 3, 8) == 0


def test_weights_that_are_no_numbers_are_returned_unfused() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), nn.Flatten())
    nn.init.constant_(network[0].weight, float("nan"))
    assert len(norms_of(fuse_norms(network, 3, 8))) == 1


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_as_it_is(training: bool) -> None:
    network = learned(build("resnet20", 5)).train(training)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    chance = torch.get_rng_state()
    fused = fuse_norms(network, 3, 32)
    assert network.training == training
    assert not fused.training
    assert not any(parameter.requires_grad for parameter in fused.parameters())
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert network.state_dict().keys() == before.keys()
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), chance)


def test_a_picture_that_the_network_does_not_take_raises() -> None:
    with pytest.raises(RuntimeError):
        fuse_norms(build("resnet20", 5, 1), 3, 32)
