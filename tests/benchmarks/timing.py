"""Helpers of the benchmarks: the machine in a line, the bound of a training step, the speed of a run's epochs."""

from __future__ import annotations

import contextlib
import itertools
import os
import platform
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the program itself sets it; torch reads it when it is imported

import torch
from torch import Tensor
from torch.nn import functional

from resnet_gui.config import TrainConfig
from resnet_gui.device import Compute, processor_name, usable_cores
from resnet_gui.events import EpochDone, Event, Planned, Progress, Started
from resnet_gui.nets.build import build
from resnet_gui.training.loop import train
from resnet_gui.training.schedule import make_optimizer


def machine() -> str:
    """The processor, its cores in use, the graphics card and torch, in one line."""
    gpu = f"; {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    known = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in _flags()]
    return (
        f"{usable_cores()} cores of {processor_name()}, {' '.join(known) or 'flags unknown'}"
        f"{gpu}; torch {torch.__version__}, Python {platform.python_version()}; load {os.getloadavg()[0]:.1f}"
    )


def has_bfloat16() -> bool:
    """Whether the device has bfloat16 instructions; a processor without them is many times slower than in float32."""
    return torch.cuda.is_available() or bool({"avx512_bf16", "amx_bf16"} & _flags())


def _flags() -> set[str]:
    """The CPU flags of the first core on Linux; empty elsewhere."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return set(next(line for line in lines if line.startswith("flags")).split())
    return set()


Clock = Callable[[], float]
"""`time.perf_counter`, or `time.process_time`: all threads' processor time, which other programs disturb less."""


def seconds(work: Callable[[], object], clock: Clock = time.perf_counter) -> float:
    began = clock()
    work()
    return clock() - began


class Bound:
    """How fast the step itself is: forward, loss, backward, optimizer, on random tensors in memory.

    It computes on all cores, or on the graphics card, in the memory format that is the faster one here: the fastest of
    three timings of each, in turns, decides. `spent` is the wall time of the measurement in seconds, so that it can be
    subtracted from others.
    """

    def __init__(self, config: TrainConfig, classes: int, precision: str, steps: int, clock: Clock) -> None:
        began, self._clock = time.perf_counter(), clock
        self._pictures, self._steps = config.training.batch_size * steps, steps
        self.speeds: list[float] = []
        with _at_its_best():
            kinds = {name: _step(config, classes, precision, name) for name in ("contiguous", "channels_last")}
            for step in kinds.values():
                self._run(step, 1)
            turns = 3 * list(kinds)
            times = [(self._run(kinds[name], max(1, steps // 2)), name) for name in turns]
        self.format = min(times)[1]
        self._step = kinds[self.format]
        self.spent = time.perf_counter() - began

    def measure(self) -> None:
        """Adds to `speeds`, in images per second."""
        began = time.perf_counter()
        with _at_its_best():
            self.speeds.append(self._pictures / self._run(self._step, self._steps))
        self.spent += time.perf_counter() - began

    def _run(self, step: Callable[[], Tensor], count: int) -> float:
        """Seconds for `count` steps. Reading the last loss waits until a graphics card has done them all."""
        return seconds(lambda: [step() for _ in range(count)][-1].item(), self._clock)


@contextlib.contextmanager
def _at_its_best() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(usable_cores())
    with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=True):
        yield
    torch.set_num_threads(threads)


def _step(config: TrainConfig, classes: int, precision: str, layout: str) -> Callable[[], Tensor]:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    compute = Compute(torch.device(device), precision, layout)
    network = compute.to_device(build(config.network, classes)).train()
    batch, size = config.training.batch_size, config.data.image_size
    pixels = compute.to_memory_format(torch.randn(batch, 3, size, size, device=device))
    labels = torch.randint(classes, (batch,), device=device)
    optimizer = make_optimizer(config.training, network.parameters())
    scaler = torch.amp.GradScaler(device, enabled=precision == "float16")

    def step() -> Tensor:
        optimizer.zero_grad()
        with compute.autocast():
            loss = functional.cross_entropy(network(pixels), labels)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        return loss.detach()

    return step


class EpochClock:
    """Receives the events of a run and records its images per second, epoch by epoch.

    An epoch runs from the event before its first step to its last `Progress` event: validating and saving are excluded,
    waiting for pictures is included.
    """

    def __init__(self, batch: int, clock: Clock) -> None:
        self.speeds: dict[int, float] = {}
        self._pictures, self._batch, self._clock = 0, batch, clock
        self._began, self._learning = clock(), False

    def on_event(self, event: Event) -> None:
        if isinstance(event, Started):
            self._pictures = event.train
        elif isinstance(event, Progress) and event.phase == "train":
            seen = min(self._pictures, event.step * self._batch)
            self.speeds[event.epoch] = seen / (self._clock() - self._began)
            self._learning = True
        elif isinstance(event, EpochDone):
            self._learning = False
        if not self._learning:
            self._began = self._clock()


@dataclass(frozen=True, slots=True)
class Measured:
    """A run and the bound around it, epoch by epoch in images per second; `aside` is the time of measuring the bound, in seconds."""

    plan: str
    format: str
    epochs: list[float]
    bounds: list[float]
    aside: float

    @property
    def pairs(self) -> list[tuple[float, float]]:
        """The run and the bound, epoch by epoch."""
        return list(zip(self.epochs, self.bounds, strict=True))


def beside_bound(config: TrainConfig, steps: int, clock: Clock = time.perf_counter) -> Measured:
    """Trains. Before the first epoch and after each the run waits, while the bound is measured for `steps` steps."""
    epochs = EpochClock(config.training.batch_size, clock)
    for event in train(config, threading.Event()):
        if isinstance(event, Started):
            classes = len(event.classes)
        elif isinstance(event, Planned):
            plan = f"{event.precision}, {event.memory_format}, {event.threads} + {event.loading_threads} threads"
            bound = Bound(config, classes, event.precision, steps, clock)
            bound.measure()
        elif isinstance(event, EpochDone):
            bound.measure()
        epochs.on_event(event)
    around = [statistics.mean(pair) for pair in itertools.pairwise(bound.speeds)]
    return Measured(plan, bound.format, list(epochs.speeds.values()), around, bound.spent)
