"""16 bits where they are proven good enough by the user's own pictures, else float32."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor

from resnet_gui.prediction.optimized_network import OptimizedNetwork, in_short_precision

_TOLERANCE = 0.01
"""How far a probability may be from that of float32."""
_SINGLE = 8
"""So many pictures are answered before 16 bits are tried at all: who asks about a few does not wait for that."""
_ENOUGH, _EARLIEST = 64, 16
"""After so many pictures computed both ways 16 bits are used; it may be decided against them after fewer."""
_MARGIN = 1.5
"""How many times further than those of any picture so far another picture's log-odds may be off."""
_WORTH = 0.9
"""The share of the time in float32 that 16 bits may take, with all that is computed twice."""
_SAMPLE = 32
"""One of so many pictures is computed in float32, too, however sure its answer is."""
_SHOWS = 0.005
"""Of classes less probable than this the log-odds do not matter: they cannot get `_TOLERANCE` more."""


@dataclass(slots=True)
class _Comparison:
    """What pictures computed both ways have shown: the fewest seconds for one, and the largest deviation of log-odds.

    The fastest time counts, which was disturbed least.
    """

    short_seconds: float = math.inf
    exact_seconds: float = math.inf
    deviation: float = 0.0

    @property
    def bound(self) -> float:
        """How far the log-odds of any picture are expected to be off."""
        return _MARGIN * self.deviation

    def note(
        self, found: Tensor, exact: Tensor, short_seconds: float = math.inf, exact_seconds: float = math.inf
    ) -> None:
        """Takes up the probabilities of one batch both ways, and how long each took."""
        self.deviation = max(deviation(found, exact), self.deviation)
        self.short_seconds = min(self.short_seconds, short_seconds / len(found))
        self.exact_seconds = min(self.exact_seconds, exact_seconds / len(found))

    def is_worth_it(self, unsure: float) -> bool:
        """Whether 16 bits save time where the share `unsure` of the pictures is computed again."""
        return self.short_seconds + unsure * self.exact_seconds <= _WORTH * self.exact_seconds


class AdaptivePrecision:
    """Answers in float32, and in 16 bits once the pictures asked first have shown that this is as good and faster.

    How far 16 bits are off depends on the network and on the pictures; trial pictures do not tell. So the first ones
    are answered in float32, and `check` then computes them in 16 bits, too. That gives a bound for how far the log-odds
    are off. From then on each picture is computed in 16 bits; where the bound leaves room for another first class, or
    for a probability that is more than 0.01 off, it is computed again in float32, which may raise the bound. If a
    sampled answer should have been computed again and was not, or if too many are, all that follow are in float32.
    """

    def __init__(self, exact: OptimizedNetwork, precision: str | None) -> None:
        """`precision`: the 16-bit numbers that the device has, None if it has none."""
        self._exact = exact
        self._precision = precision
        self._short: OptimizedNetwork | None = None
        self._is_proven = False
        self._compared = _Comparison()
        self._checked: list[Tensor] = []
        self._last: tuple[Tensor, Tensor, float] | None = None
        self._in_float32 = self._in_short = self._unsure = 0

    def probabilities(self, pixels: Tensor) -> tuple[Tensor, list[str]]:
        """As of `OptimizedNetwork.probabilities`, and with which precision each picture's were computed."""
        if self._short and self._is_proven:
            return self._mixed(self._short, pixels)
        began = time.perf_counter()
        exact = self._exact.probabilities(pixels)
        if self._precision:
            self._last = pixels, exact, time.perf_counter() - began
        return exact, [self._exact.compute.precision] * len(pixels)

    def check(self) -> None:
        """Compares the batch answered last with 16 bits. To be called once its answers are on their way to the user."""
        last, self._last = self._last, None
        if last is None or self._precision is None:
            return
        self._in_float32 += len(last[0])
        if self._in_float32 <= _SINGLE:
            return
        try:
            self._short = self._short or in_short_precision(self._exact, self._precision)
            self._compare(self._short, *last)
        except (RuntimeError, ValueError):  # some networks compute in float32 only
            self._give_up()

    def _compare(self, short: OptimizedNetwork, pixels: Tensor, exact: Tensor, seconds: float) -> None:
        began, compared = time.perf_counter(), self._compared
        found = short.probabilities(pixels)
        compared.note(found, exact, time.perf_counter() - began, seconds)
        self._checked.append(found)
        checked = torch.cat(self._checked)
        unsure = float(is_unsure(checked, compared.bound).float().mean())
        if len(checked) >= _EARLIEST and not compared.is_worth_it(unsure):
            self._give_up()
        elif len(checked) >= _ENOUGH:
            self._is_proven, self._checked = True, []

    def _mixed(self, short: OptimizedNetwork, pixels: Tensor) -> tuple[Tensor, list[str]]:
        found = short.probabilities(pixels)
        sampled = (torch.arange(len(pixels)) + self._in_short) % _SAMPLE == 0
        sampled &= ~is_unsure(found, self._compared.bound)
        best, again = found.clone(), torch.zeros(len(pixels), dtype=torch.bool)
        while (more := (is_unsure(found, self._compared.bound) | sampled) & ~again).any():
            best[more] = self._exact.probabilities(pixels[more])
            again |= more
            self._compared.note(found[more], best[more])
        unsure = is_unsure(found, self._compared.bound)
        self._in_short, self._unsure = self._in_short + len(pixels), self._unsure + int(unsure.sum())
        missed = sampled & ((found - best).abs().amax(1) > _TOLERANCE)
        costly = self._in_short >= _EARLIEST and not self._compared.is_worth_it(self._unsure / self._in_short)
        if missed.any() or costly:
            self._give_up()
        names = short.compute.precision, self._exact.compute.precision
        return best, [names[each] for each in again.tolist()]

    def _give_up(self) -> None:
        self._precision = self._short = None
        self._checked = []


def deviation(found: Tensor, exact: Tensor) -> float:
    """How far the log-odds of any class of any picture are off; infinite if one is not a number. Both [N, classes].

    Unlike probabilities, they are about as far off for sure answers as for others.
    """
    shows = torch.maximum(found, exact) >= _SHOWS
    off = (_log_odds(found) - _log_odds(exact)).abs() * shows
    return float(off.max()) if bool(found.isfinite().all()) else math.inf


def is_unsure(found: Tensor, bound: float) -> Tensor:
    """bool [N]: which of the probabilities [N, classes] may be too far off if their log-odds are off by up to `bound`.

    Also those whose first class may be another. The two most probable decide: a class's probability changes the more,
    the closer it is to 1/2.
    """
    highest = found.double().topk(min(2, found.shape[1])).values
    log_odds = _log_odds(highest)
    more, fewer = (log_odds + bound).sigmoid() - highest, highest - (log_odds - bound).sigmoid()
    near = (torch.maximum(more, fewer) <= _TOLERANCE).all(1)
    first: Tensor = log_odds[:, 0] - bound > log_odds[:, -1] + bound
    return ~(near & first)


def _log_odds(probabilities: Tensor) -> Tensor:
    return probabilities.double().logit(eps=1e-12)
