"""How much disk and memory a run will need, checked before it starts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from resnet_gui.config import TrainConfig, TrainingConfig
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.events import Note
from resnet_gui.memory import free_memory, peak_memory, taken_memory
from resnet_gui.messages import Problem, message
from resnet_gui.nets.catalog import find
from resnet_gui.output.advice import reason_and_advice
from resnet_gui.paths import runs_folder

BATCH_SIZE = 32
"""The batch size if the user sets none and the memory suffices."""

_CHECKPOINTS = 3
"""Two checkpoints stay on disk, and one is being written."""

_WORK = 1.5
"""At the peak so many times the stored activations are in use: convolutions and gradients need memory, too."""
_PROBE = 64
"""The side in pixels of the picture that is sent through the network; memory for larger ones grows with their area."""
_SURPRISE = 1.25
"""A note reports memory above so many times the estimate: estimates have been within a sixth."""
_SMALLEST_BATCH = 4
_BESIDE = 200_000_000
"""Bytes for decoded pictures, buffers of libraries, and a checkpoint being written."""


def check_disk(config: TrainConfig, network: nn.Module, extra: int = 0) -> None:
    """Raises `Problem` (`disk_too_small`, `cannot_write`) if the disk is too full for a run and `extra` bytes."""
    runs = config.out or runs_folder()
    needed = extra + _CHECKPOINTS * checkpoint_bytes(config.training, network)
    try:
        existing = next(folder for folder in (runs, *runs.parents) if folder.exists())
        free = shutil.disk_usage(existing).free
    except OSError as error:
        raise Problem("cannot_write", path=str(runs), **reason_and_advice(error)) from error
    if free < needed:
        raise Problem("disk_too_small", path=str(existing), free=_mega(free), needed=_mega(needed))


def checkpoint_bytes(config: TrainingConfig, network: nn.Module) -> int:
    """The size of a checkpoint: the weights, the best weights, and the optimizer's moments."""
    return _weights(network) * (3 if config.optimizer == "sgd" else 4)


def choose_batch_size(
    config: TrainConfig, network: nn.Module, preprocessing: Preprocessing, device: torch.device, extra: int
) -> tuple[TrainConfig, int, list[Note]]:
    """`config` with its batch size decided, the bytes of memory that the run will take, and warnings if it is scarce.

    A batch size that is left open is `BATCH_SIZE`, halved until it fits. It is never larger, because the batch size
    changes what is learned. `extra` are bytes that the run takes besides.
    """
    free, decided = _free(device), _with_batch(config, config.training.batch_size or BATCH_SIZE)
    needed = extra + memory_bytes(decided, network, preprocessing)
    while not config.training.batch_size and needed > free and decided.training.batch_size > _SMALLEST_BATCH:
        decided = _with_batch(config, decided.training.batch_size // 2)
        needed = extra + memory_bytes(decided, network, preprocessing)
    size, notes = decided.training.batch_size, []
    if size < BATCH_SIZE and not config.training.batch_size:
        notes.append(Note(message("batch_lowered", size=size, usual=BATCH_SIZE, free=_giga(free))))
    if needed > free:
        notes.append(Note(message("memory_tight", needed=_giga(needed), free=_giga(free))))
    return decided, needed, notes


def _with_batch(config: TrainConfig, size: int) -> TrainConfig:
    return config.model_copy(update={"training": config.training.model_copy(update={"batch_size": size})})


def _free(device: torch.device) -> int:
    if device.type != "cuda":
        return free_memory()
    free, _ = torch.cuda.mem_get_info(device)
    return free


class MemoryWatch:
    """Compares the memory that a run takes with the estimate."""

    def __init__(self, expected: int, device: torch.device) -> None:
        self._device = device
        already = 0 if device.type == "cuda" else taken_memory()
        self._limit = max(expected * _SURPRISE + already, self._peak())

    def check(self) -> Iterator[Note]:
        """A note if the run's peak so far is much more than the estimate."""
        if (peak := self._peak()) > self._limit:
            yield Note(message("memory_more", peak=_giga(peak)))

    def _peak(self) -> int:
        return torch.cuda.max_memory_allocated(self._device) if self._device.type == "cuda" else peak_memory()


def memory_bytes(config: TrainConfig, network: nn.Module, preprocessing: Preprocessing) -> int:
    """An estimate for one step: weights, gradients and the optimizer's moments, the best weights, and the activations
    that every layer stores for the backward pass. Within a sixth of what was measured with ResNet-18, -20 and -50
    (`tests/benchmarks/memory.py`).
    """
    copies = 4 if config.training.optimizer == "sgd" else 5
    size, spec = config.data.image_size, find(config.network)
    side = _PROBE if spec.source == "ours" and spec.takes(_PROBE) and size > _PROBE else size
    kept = _kept_bytes(network, preprocessing.channels, side, config.start.train_part) * config.training.batch_size
    return copies * _weights(network) + round(_WORK * kept * (size / side) ** 2) + _BESIDE


def _kept_bytes(network: nn.Module, channels: int, side: int, train_part: str) -> int:
    """The bytes of the layers' outputs for one picture of `side` x `side` pixels, stored for the backward pass.

    If only the head learns, nothing is stored: only two neighbouring outputs are in memory at once.
    """
    kept: list[int] = [0]

    def count(layer: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and not isinstance(layer, nn.ReLU):  # which works in place
            kept.append(output.nbytes)

    hooks = [layer.register_forward_hook(count) for layer in network.modules() if not any(layer.children())]
    with torch.no_grad():
        network.eval()(torch.zeros(1, channels, side, side))
    for hook in hooks:
        hook.remove()
    return sum(kept) if train_part == "everything" else 2 * max(kept)


def _weights(network: nn.Module) -> int:
    return sum(weight.numel() * weight.element_size() for weight in network.state_dict().values())


def _mega(count: int) -> int:
    return round(count / 1e6)


def _giga(count: int) -> str:
    return f"{count / 1e9:.1f}"
