"""What the names of a file's parts say: which hold averaged weights, and which no weights at all."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_AVERAGED = {
    "ema", "emas", "swa", "avg", "average", "averages", "averaged", "averaging", "shadow", "polyak", "emamodel", "modelema",
}  # fmt: skip
_NOT_AVERAGED = {"no", "non", "not", "without", "before", "raw"}

_LEARNING = {
    "optimizer", "optimizers", "optimiser", "optimisers", "optim", "grad", "grads", "gradient", "gradients", "criterion",
    "loss", "losses", "fisher",
}  # fmt: skip
_MOMENTS = re.compile(
    r"(max_)?exp_avg(_sq)?s?|exp_inf|square_avgs?|sq_means?|grad_avgs?|acc_deltas?|momentums?|momentum_buffers?"
    r"|moments?_?[12]?|(first|second)_moments?|velocity|velocities|variances?|masks?|deltas?",
    re.IGNORECASE,
)


def is_averaged(path: Iterable[str]) -> bool:
    """Whether the part of a file at `path` holds averages over the training, as trainers call them."""
    return any(_averaged(name) for name in path)


def is_no_weights(path: Iterable[str]) -> bool:
    """Whether the part at `path` holds what belongs to the learning, such as gradients, in the shapes of the weights."""
    return any(_no_weights(name) for name in path)


@functools.lru_cache(4096)
def _averaged(name: str) -> bool:
    words = _words(name)
    return not words.isdisjoint(_AVERAGED) and words.isdisjoint(_NOT_AVERAGED)


@functools.lru_cache(4096)
def _no_weights(name: str) -> bool:
    return not _words(name).isdisjoint(_LEARNING) or _MOMENTS.fullmatch(name) is not None


def _words(name: str) -> set[str]:
    """The words of a name in lower case: `ModelEMA_state` has model, ema and state."""
    return {word.lower() for word in _WORDS.findall(name)}
