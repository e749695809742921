"""The device that computes, and how it does."""

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
from resnet_gui.messages import Message, Problem, message


@dataclass(frozen=True, slots=True)
class Compute:
    """A device with a precision and a memory format: everything that decides how a network's forward pass is computed.

    In 16 bits the weights, norms and the loss stay float32: only operations that are safe in 16 bits use them
    (Micikevicius et al. 2018, §3.1).
    """

    device: torch.device
    precision: str = "float32"
    memory_format: str = "contiguous"

    @classmethod
    def of(cls, machine: MachineConfig, device: torch.device) -> Compute:
        """From the settings of a run. "auto", as in runs of earlier versions, becomes float32 and contiguous."""
        precision = "float32" if machine.precision == "auto" else machine.precision
        layout = "contiguous" if machine.memory_format == "auto" else machine.memory_format
        return cls(device, precision, layout)

    def to_device(self, network: nn.Module) -> nn.Module:
        """`network` itself, moved to the device, its weights [out, in, H, W] in the memory format."""
        network.to(self.device)
        for weight in (*network.parameters(), *network.buffers()):
            if weight.dim() == 4:
                weight.data = weight.data.contiguous(memory_format=self._format)
        return network

    def to_memory_format(self, pixels: Tensor) -> Tensor:
        """`pixels` [N, C, H, W] in the memory format. Tensors of other shapes are returned as they are."""
        return pixels.contiguous(memory_format=self._format) if pixels.dim() == 4 else pixels

    def autocast(self) -> torch.autocast:
        """A context in which a forward pass has the precision."""
        dtype = torch.float16 if self.precision == "float16" else torch.bfloat16
        return torch.autocast(self.device.type, dtype, enabled=self.precision != "float32")

    def seed(self, seed: int) -> None:
        """Seeds the CPU's and the device's random numbers. `torch.manual_seed` seeds all devices, which is slower."""
        torch.default_generator.manual_seed(seed)
        if self.device.type != "cpu":
            torch.get_device_module(self.device).manual_seed(seed)

    @property
    def _format(self) -> torch.memory_format:
        return torch.channels_last if self.memory_format == "channels_last" else torch.contiguous_format


def choose_device(config: MachineConfig) -> torch.device:
    """The device that the settings name. Also sets torch's threads and its current card. "auto" prefers CUDA, then MPS.

    Raises `Problem` (`device_missing`, `device_not_among`) for a device that this machine does not have.
    """
    torch.set_num_threads(config.threads or usable_cores())
    device = torch.device(_chosen(config.device))
    if device.type == "cuda":
        if device.index is not None:
            torch.cuda.set_device(device)  # what names no card, such as random numbers, means this one
        torch.backends.cudnn.benchmark = True  # all pictures have one size, so tuning pays off
        torch.set_float32_matmul_precision("high")  # TF32, which torch allows convolutions by default
    return device


def _chosen(wanted: str) -> str:
    there = devices()
    if wanted == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if any(each.startswith(name) for each in there))
    if wanted not in there and not (wanted == "cuda" and torch.cuda.is_available()):
        if there == ("cpu",):
            raise Problem("device_missing", device=wanted)
        raise Problem("device_not_among", device=wanted, available=", ".join(there))
    return wanted


def devices() -> tuple[str, ...]:
    """The names of what can compute here: "cpu", "mps", "cuda:0", "cuda:1"."""
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = ("mps",) if torch.backends.mps.is_available() else ()
    return ("cpu", *mps, *(f"cuda:{index}" for index in range(cards)))


def device_as_before(config: MachineConfig) -> torch.device:
    """The device and threads that a run began with, or what this machine has instead."""
    config = config.model_copy(update={"threads": min(config.threads or usable_cores(), usable_cores())})
    try:
        return choose_device(config)
    except Problem:
        return choose_device(config.model_copy(update={"device": "auto"}))


def short_precision(device: torch.device) -> str | None:
    """The 16-bit numbers that may be faster than float32 on `device`, if any; on a processor only a trial can show."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    try:
        native = device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    except (AttributeError, RuntimeError):  # a torch without oneDNN
        native = False
    return "bfloat16" if native else None


def slow_precision(compute: Compute) -> Message | None:
    """Says that the processor has no instructions for the precision, if that is so."""
    if compute.device.type != "cpu" or compute.precision in ("float32", short_precision(compute.device)):
        return None
    return message("slow_precision", precision=compute.precision)


def processor_name() -> str:
    """The name of the processor, or else of the computer."""
    with contextlib.suppress(OSError, StopIteration):  # on Linux `platform` does not know
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return platform.processor() or platform.node()


def usable_cores() -> int:
    """The processor cores this process may use, which a container or `taskset` can limit."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def out_of_memory_as_problem(device: torch.device) -> Iterator[None]:
    """Turns errors that torch raises when memory is full into a `Problem` (`out_of_memory`)."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise Problem("out_of_memory", device="graphics card") from error
    except (MemoryError, RuntimeError) as error:
        # On the processor torch raises a bare RuntimeError, which only its text sets apart from others.
        phrases = ("allocate memory", "not enough memory", "out of memory")  # the last is that of Apple's GPUs
        if isinstance(error, MemoryError) or any(each in str(error) for each in phrases):
            raise Problem("out_of_memory", device="computer") from error
        raise
