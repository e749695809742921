"""However a network comes to compute the fastest, its probabilities are those of the plain way."""

import time
import weakref
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from resnet_gui.data.transforms import Preprocessing
from resnet_gui.nets.build import build
from resnet_gui.prediction.optimized_network import in_short_precision, optimize

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


class TwoAlike(nn.Module):
    """Two classes of which the second is a little more probable: less than 16 bits can tell apart at this size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 32)
        self.head = nn.Linear(4, 2)
        nn.init.constant_(self.head.weight, 1.0)
        self.head.bias.data = torch.tensor((100.0, 100.01))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.conv(x).flatten(1))
        return logits


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_in_16_bits_the_head_is_in_float32_so_that_no_two_classes_tie(precision: str) -> None:
    network = TwoAlike()
    ready = in_short_precision(optimize(network, PREPROCESSING, CPU), precision)
    assert ready.compute.precision == precision
    first, second = ready.probabilities(some_pixels(20)).unbind(1)
    torch.testing.assert_close(second - first, torch.full((20,), 0.005), atol=1e-4, rtol=0)
    assert {str(weight.dtype) for weight in ready.network.parameters()} == {"torch.float32", f"torch.{precision}"}
    assert network.conv.weight.dtype == torch.float32


class AllInOne(nn.Linear):
    """A network that is a single layer."""

    def __init__(self) -> None:
        super().__init__(32, 2)

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.mean((1, 2)))


def test_a_network_that_is_nothing_but_a_head_stays_in_float32() -> None:
    exact = optimize(AllInOne(), PREPROCESSING, CPU)
    pixels = some_pixels(4)
    found = in_short_precision(exact, "bfloat16").probabilities(pixels)
    torch.testing.assert_close(found, exact.probabilities(pixels), atol=1e-6, rtol=0)


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
    short = in_short_precision(ready, "bfloat16")
    assert short.compute.memory_format == "contiguous"
    assert short.probabilities(some_pixels(3)).shape == (3, 2)


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


def test_a_heavy_network_is_tried_shortly_and_is_not_many_times_in_memory() -> None:
    optimize(Heavy(), PREPROCESSING, CPU)
    assert Heavy.calls <= 10
    assert Heavy.most <= 2  # besides the network itself, which computes nothing
