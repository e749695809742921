"""However a network comes to compute the fastest, its probabilities are those of the plain way."""

import time
import weakref
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import Compute
from resnet_gui.nets.build import build
from resnet_gui.prediction import optimized_network
from resnet_gui.prediction.optimized_network import OptimizedNetwork, optimize

CPU, PREPROCESSING = torch.device("cpu"), Preprocessing.for_size(32)


def some_pixels(count: int, channels: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, 256, (count, channels, 32, 32), dtype=torch.uint8, generator=generator)


def test_the_probabilities_are_those_of_the_network(network: nn.Module) -> None:
    pixels = some_pixels(5)
    with torch.inference_mode():
        plain = network(PREPROCESSING.normalize(pixels)).softmax(1)
    found = optimize(network, PREPROCESSING, CPU).probabilities(pixels)
    assert (found.shape, found.dtype) == ((5, 3), torch.float32)
    torch.testing.assert_close(found, plain, atol=1e-5, rtol=0)


def test_grey_pictures() -> None:
    grey = PREPROCESSING.with_channels(1)
    found = optimize(build("resnet20", 4, 1), grey, CPU).probabilities(some_pixels(2, 1))
    torch.testing.assert_close(found.sum(1), torch.ones(2))


def test_the_norms_are_gone_and_the_network_itself_stays(network: nn.Module) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    ready = optimize(network, PREPROCESSING, CPU)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in ready.network.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_an_answer_does_not_depend_on_the_pictures_beside_it(network: nn.Module) -> None:
    ready, pixels = optimize(network, PREPROCESSING, CPU), some_pixels(9)
    alone = torch.cat([ready.probabilities(each.unsqueeze(0)) for each in pixels])
    torch.testing.assert_close(ready.probabilities(pixels), alone, atol=1e-6, rtol=0)


def smoothness(x: Tensor) -> Tensor:
    """1 for smooth pictures, 0 for noise."""
    return (x.diff().abs().mean() < 0.5).to(x.dtype)


class Different(nn.Module):
    """Takes its time in float32, and in 16 bits its logits for smooth pictures are `other` by so much.

    It is `sure` of its first class by so much.
    """

    def __init__(self, other: float, sure: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 2, 32)
        nn.init.uniform_(self.conv.weight, -0.01, 0.01)
        self.other, self.sure = other, sure

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.conv(x).flatten(1)
        if logits.dtype == torch.bfloat16:
            return logits + logits.new_tensor((self.sure + self.other * smoothness(x), 0.0))
        time.sleep(0.02)
        return logits + logits.new_tensor((self.sure, 0.0))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Compute:
    """As on processors that have bfloat16, which are few."""
    monkeypatch.setattr(optimized_network, "short_precision", lambda device: "bfloat16")
    return Compute(CPU, "bfloat16", "channels_last")


@pytest.mark.parametrize(
    ("network", "taken"),
    [(Different(0.0), "bfloat16"), (Different(0.3), "float32"), (Different(1.0, sure=20.0), "float32")],
)
def test_16_bits_are_taken_where_they_are_faster_and_say_the_same(
    short: Compute, network: Different, taken: str
) -> None:
    ready = optimize(network, PREPROCESSING, CPU)
    assert ready.compute.precision == taken
    assert network.conv.weight.dtype == torch.float32
    plain = OptimizedNetwork(network, Compute(CPU), PREPROCESSING).probabilities(some_pixels(3))
    torch.testing.assert_close(ready.probabilities(some_pixels(3)), plain, atol=0.02, rtol=0)


@pytest.mark.parametrize(("other", "taken"), [(0.0, "bfloat16"), (0.3, "float32")])
def test_each_model_must_say_the_same_in_16_bits_though_an_earlier_one_did(
    short: Compute, other: float, taken: str
) -> None:
    assert optimize(Different(other), PREPROCESSING, CPU, short).compute.precision == taken


class OnlyContiguous(nn.Module):
    """Raises in channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 16, stride=16)
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.conv(x).view(len(x), -1))
        return logits


def test_what_a_network_cannot_do_is_not_taken() -> None:
    ready = optimize(OnlyContiguous(), PREPROCESSING, CPU)
    assert ready.compute.memory_format == "contiguous"
    assert ready.probabilities(some_pixels(3)).shape == (3, 2)


class Heavy(nn.Module):
    """Counts its forward passes, and how many copies there are at once."""

    calls: ClassVar[int] = 0
    copies: ClassVar[weakref.WeakSet[nn.Module]] = weakref.WeakSet()
    most: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 32)

    def forward(self, x: Tensor) -> Tensor:
        Heavy.calls += 1
        self.copies.add(self)
        Heavy.most = max(Heavy.most, len(self.copies))
        time.sleep(0.21)
        logits: Tensor = self.conv(x).flatten(1)
        return logits


def test_a_heavy_network_is_tried_shortly_and_is_not_many_times_in_memory(short: Compute) -> None:
    optimize(Heavy(), PREPROCESSING, CPU)
    assert Heavy.calls <= 10
    assert Heavy.most <= 2  # besides the network itself, which computes nothing
