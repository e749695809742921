"""What computes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from resnet_gui.config import MachineConfig
from resnet_gui.messages import Problem


def choose_device(config: MachineConfig) -> torch.device:
    """The device that the settings ask for, with the processor's threads set. "auto" prefers CUDA, then MPS.

    Raises `Problem` (`device_missing`) for a device that this machine does not have.
    """
    torch.set_num_threads(config.threads or usable_cores())
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if config.device == "auto":
        return torch.device(next(name for name, there in available.items() if there))
    if not available[config.device]:
        raise Problem("device_missing", device=config.device)
    return torch.device(config.device)


def device_as_before(config: MachineConfig) -> torch.device:
    """The device and threads that a run was begun with, or what this machine has instead."""
    config = config.model_copy(update={"threads": min(config.threads or usable_cores(), usable_cores())})
    try:
        return choose_device(config)
    except Problem:
        return choose_device(config.model_copy(update={"device": "auto"}))


def usable_cores() -> int:
    """The processor cores this process may use, which a container or `taskset` can limit."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def memory_has_a_sentence(device: torch.device) -> Iterator[None]:
    """Turns the errors by which torch says that memory is full into a `Problem` (`out_of_memory`)."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise Problem("out_of_memory", device="graphics card") from error
    except (MemoryError, RuntimeError) as error:
        # On the processor torch raises a bare RuntimeError, told from others by its words alone.
        if isinstance(error, MemoryError) or "allocate memory" in str(error) or "not enough memory" in str(error):
            raise Problem("out_of_memory", device="computer") from error
        raise
