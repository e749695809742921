"""What computes, and how."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from resnet_gui.config import MachineConfig
from resnet_gui.messages import Problem


@dataclass(frozen=True, slots=True)
class Compute:
    """A device with a precision and a memory format: everything that decides how a network's forward pass is computed.

    In 16 bits the weights stay float32, as do norms and the loss: only what is sure to bear it is computed shorter
    (Micikevicius et al. 2018, §3.1).
    """

    device: torch.device
    precision: str = "float32"
    memory_format: str = "contiguous"

    @classmethod
    def of(cls, machine: MachineConfig, device: torch.device) -> Compute:
        """As the settings of a run have it; plain where nothing was decided, as in runs of earlier versions."""
        precision = "float32" if machine.precision == "auto" else machine.precision
        layout = "contiguous" if machine.memory_format == "auto" else machine.memory_format
        return cls(device, precision, layout)

    def to_device(self, network: nn.Module) -> nn.Module:
        """`network` itself, moved to the device, its weights [out, in, H, W] in the memory format; others have but one."""
        network.to(self.device)
        for weight in (*network.parameters(), *network.buffers()):
            if weight.dim() == 4:
                weight.data = weight.data.contiguous(memory_format=self._format)
        return network

    def to_memory_format(self, pixels: Tensor) -> Tensor:
        """`pixels` [N, C, H, W] in the memory format. Features of other shapes have but one."""
        return pixels.contiguous(memory_format=self._format) if pixels.dim() == 4 else pixels

    def autocast(self) -> torch.autocast:
        """Within this context a forward pass has the precision."""
        dtype = torch.float16 if self.precision == "float16" else torch.bfloat16
        return torch.autocast(self.device.type, dtype, enabled=self.precision != "float32")

    def seed(self, seed: int) -> None:
        """Begins the device's random numbers anew. `torch.manual_seed` sees to every kind of device, which takes longer."""
        torch.default_generator.manual_seed(seed)
        if self.device.type != "cpu":
            torch.get_device_module(self.device).manual_seed(seed)

    @property
    def _format(self) -> torch.memory_format:
        return torch.channels_last if self.memory_format == "channels_last" else torch.contiguous_format


def choose_device(config: MachineConfig) -> torch.device:
    """The device that the settings ask for, with the processor's threads set. "auto" prefers CUDA, then MPS.

    Raises `Problem` (`device_missing`) for a device that this machine does not have.
    """
    torch.set_num_threads(config.threads or usable_cores())
    device = torch.device(_chosen(config.device))
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True  # pictures are all of one size: the time for trying is well spent
        torch.set_float32_matmul_precision("high")  # TF32, which convolutions are allowed as they are
    return device


def _chosen(wanted: str) -> str:
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, there in available.items() if there)
    if not available[wanted]:
        raise Problem("device_missing", device=wanted)
    return wanted


def device_as_before(config: MachineConfig) -> torch.device:
    """The device and threads that a run was begun with, or what this machine has instead."""
    config = config.model_copy(update={"threads": min(config.threads or usable_cores(), usable_cores())})
    try:
        return choose_device(config)
    except Problem:
        return choose_device(config.model_copy(update={"device": "auto"}))


def short_precision(device: torch.device) -> str | None:
    """The 16-bit numbers that may be faster than float32 on `device`, if any; on a processor only a trial can tell."""
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    try:
        native = device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    except (AttributeError, RuntimeError):  # a torch without oneDNN
        native = False
    return "bfloat16" if native else None


def processor_name() -> str:
    """What the processor is called, or at least the computer."""
    with contextlib.suppress(OSError, StopIteration):  # on Linux `platform` does not know
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return platform.processor() or platform.node()


def usable_cores() -> int:
    """The processor cores this process may use, which a container or `taskset` can limit."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def out_of_memory_as_problem(device: torch.device) -> Iterator[None]:
    """Turns the errors by which torch says that memory is full into a `Problem` (`out_of_memory`)."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise Problem("out_of_memory", device="graphics card") from error
    except (MemoryError, RuntimeError) as error:
        # On the processor torch raises a bare RuntimeError, told from others by its words alone.
        words = ("allocate memory", "not enough memory", "out of memory")  # the last are those of Apple's cards
        if isinstance(error, MemoryError) or any(each in str(error) for each in words):
            raise Problem("out_of_memory", device="computer") from error
        raise
