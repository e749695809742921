"""16 bits answer only where the pictures asked first have shown that they are as good and faster."""

from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import Compute
from resnet_gui.prediction import adaptive_precision
from resnet_gui.prediction.adaptive_precision import AdaptivePrecision, deviation, is_unsure
from resnet_gui.prediction.optimized_network import OptimizedNetwork

CPU, PREPROCESSING = torch.device("cpu"), Preprocessing.for_size(32)
FIRST = 80
"""After so many pictures it is decided."""


class Off(nn.Module):
    """Says how bright a picture is: its log-odds are those of its brightness. In 16 bits they are off by `off`.

    Smooth pictures, such as those for trials, are `smooth_off`. It is `slow` in one precision, by a clock of its own.
    """

    clock: ClassVar[float] = 0.0

    def __init__(self, off: float, smooth_off: float | None = None, slow: str = "float32") -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 1, 1, bias=False)
        nn.init.constant_(self.conv.weight, 1 / 3)
        self.head = nn.Linear(1, 2, bias=False)
        self.head.weight.data = torch.tensor(((1.0,), (0.0,)))
        self.off, self.smooth_off, self.slow = off, off if smooth_off is None else smooth_off, slow

    def forward(self, x: Tensor) -> Tensor:
        seen = self.conv(x).flatten(1)
        Off.clock += 1.0 if str(seen.dtype) == f"torch.{self.slow}" else 0.4
        means = seen.float().mean(1, keepdim=True)
        if seen.dtype == torch.bfloat16:
            smooth = x.diff().abs().mean() < 0.1
            means = means + torch.where(smooth, torch.tensor(self.smooth_off), torch.tensor(self.off)).to(means)
        logits: Tensor = self.head(means)
        return logits


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is what the network says that it takes, however busy the machine is."""
    monkeypatch.setattr(adaptive_precision, "time", SimpleNamespace(perf_counter=lambda: Off.clock))


def adaptive(network: nn.Module, precision: str | None = "bfloat16") -> AdaptivePrecision:
    return AdaptivePrecision(OptimizedNetwork(network, Compute(CPU), PREPROCESSING), precision)


def pixels(brightness: Tensor) -> Tensor:
    """uint8 [N, 3, 32, 32]: noise whose mean gives the log-odds `brightness` [N], from -1.5 to 1.5."""
    generator = torch.Generator().manual_seed(7)
    middle = (0.45 + 0.225 * brightness).view(-1, 1, 1, 1) * 255
    noise = torch.randint(-25, 26, (len(brightness), 3, 32, 32), generator=generator).float()
    return (middle + noise - noise.mean((1, 2, 3), keepdim=True)).clamp(0, 255).byte()


def ask(answering: AdaptivePrecision, brightness: Tensor) -> tuple[Tensor, list[str]]:
    """The answers to all, in batches of 8, each followed by its check."""
    found, precisions = [], []
    for batch in pixels(brightness).split(8):
        probabilities, names = answering.probabilities(batch)
        answering.check()
        found.append(probabilities)
        precisions += names
    return torch.cat(found), precisions


def in_float32(brightness: Tensor) -> Tensor:
    return OptimizedNetwork(Off(0.0), Compute(CPU), PREPROCESSING).probabilities(pixels(brightness))


SURE = torch.linspace(0.8, 1.5, FIRST + 64)


def test_16_bits_are_taken_after_the_first_pictures_have_proven_them() -> None:
    found, precisions = ask(adaptive(Off(0.004)), SURE)
    assert set(precisions[:72]) == {"float32"}
    assert precisions[FIRST:].count("bfloat16") >= 60
    assert precisions[FIRST:].count("float32") >= 1, "a sample is still checked"
    torch.testing.assert_close(found, in_float32(SURE), atol=0.01, rtol=0)


@pytest.mark.parametrize("smooth_off", [0.0, None])
def test_pictures_decide_and_not_the_smooth_noise_of_a_trial(smooth_off: float | None) -> None:
    found, precisions = ask(adaptive(Off(0.3, smooth_off)), SURE)
    assert set(precisions) == {"float32"}
    torch.testing.assert_close(found, in_float32(SURE), atol=1e-6, rtol=0)


def test_16_bits_that_are_slower_are_not_taken() -> None:
    assert set(ask(adaptive(Off(0.0, slow="bfloat16")), SURE)[1]) == {"float32"}


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_16_bits_that_overflow_are_not_taken(broken: float) -> None:
    found, precisions = ask(adaptive(Off(broken)), SURE)
    assert set(precisions) == {"float32"}
    torch.testing.assert_close(found, in_float32(SURE), atol=1e-6, rtol=0)


def test_a_picture_between_two_classes_is_computed_again_in_float32() -> None:
    brightness = SURE.clone()
    brightness[FIRST + 10 :: 16] = 0.0  # both classes equally probable
    found, precisions = ask(adaptive(Off(0.004)), brightness)
    assert set(precisions[FIRST + 10 :: 16]) == {"float32"}
    assert precisions[FIRST:].count("bfloat16") >= 50
    exact = in_float32(brightness)
    assert torch.equal(found.argmax(1), exact.argmax(1))
    torch.testing.assert_close(found[FIRST + 10 :: 16], exact[FIRST + 10 :: 16], atol=1e-6, rtol=0)


def test_where_later_pictures_show_16_bits_to_be_worse_they_are_given_up() -> None:
    network = Off(0.002)
    answering = adaptive(network)
    assert "bfloat16" in ask(answering, SURE)[1]
    short = answering._short
    assert short is not None
    for layer in short.network.modules():
        if isinstance(layer, Off):
            layer.off = 0.5
    found, precisions = ask(answering, SURE)
    assert set(precisions[32:]) == {"float32"}
    torch.testing.assert_close(found[32:], in_float32(SURE)[32:], atol=1e-6, rtol=0)


class Float32Only(nn.Module):
    """Cannot compute in 16 bits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 32)

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("there is no such kernel")
        logits: Tensor = self.conv(x).flatten(1)
        return logits


@pytest.mark.parametrize(
    ("network", "precision"), [(Float32Only(), "bfloat16"), (Off(0.0), None)], ids=["network", "device"]
)
def test_what_has_no_16_bits_answers_in_float32(network: nn.Module, precision: str | None) -> None:
    assert set(ask(adaptive(network, precision), SURE)[1]) == {"float32"}


def test_who_asks_about_a_few_pictures_waits_for_no_trial() -> None:
    answering = adaptive(Off(0.0))
    ask(answering, SURE[:8])
    assert answering._short is None
    ask(answering, SURE[:1])
    assert answering._short is not None


def test_an_answer_is_unsure_where_the_bound_leaves_room_for_another() -> None:
    found = torch.tensor([[0.5, 0.5, 0.0], [0.9, 0.06, 0.04], [0.52, 0.48, 0.0], [0.3, 0.02, 0.02], [torch.nan] * 3])
    assert is_unsure(found, 0.0).tolist() == [True, False, False, False, True]
    assert is_unsure(found, 0.03).tolist() == [True, False, False, False, True]
    assert is_unsure(found, 0.1).tolist() == [True, False, True, True, True]
    assert is_unsure(found, torch.inf).all()
    probabilities = torch.rand(500, 4, generator=torch.Generator().manual_seed(0)).softmax(1)
    for bound in (0.02, 0.05, 0.2):
        off = (probabilities.logit() + bound * (2 * torch.rand(500, 4) - 1)).sigmoid()
        sure = ~is_unsure(probabilities, bound)
        assert ((off - probabilities).abs().amax(1)[sure] <= 0.01).all()


def test_only_classes_that_show_count_for_how_far_16_bits_are_off() -> None:
    exact = torch.tensor([[0.7, 0.2999, 0.0001]])
    assert deviation(torch.tensor([[0.7, 0.2998, 0.0002]]), exact) < 0.001
    assert deviation(torch.tensor([[0.6, 0.3999, 0.0001]]), exact) == pytest.approx(0.4421, abs=1e-3)
    assert deviation(torch.tensor([[torch.nan, 0.3, 0.7]]), exact) == torch.inf
