"""How a run computes: settings that are "auto" are timed for a few steps on this machine, and the result is cached.

Every trial uses a copy of the network, which is thrown away, so that it leaves no trace in the run. The choice is
written into the run's settings: a resumed run, or a new run with these settings, computes the same without a trial.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import math
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from resnet_gui.atomic_write import atomic_write
from resnet_gui.config import MOST_LOADING_THREADS, MachineConfig, TrainConfig
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import Compute, processor_name, short_precision, usable_cores
from resnet_gui.events import Note, Planned
from resnet_gui.messages import Message, Problem, Value, message
from resnet_gui.nets.catalog import find
from resnet_gui.paths import cache_folder
from resnet_gui.training.loss import batch_loss, make_scaler
from resnet_gui.training.schedule import make_optimizer
from resnet_gui.training.trainable import learning, set_to_learn

_PIXELS = 4 * 224 * 224
"""The pixels in a trial's batch on a processor: enough to compare candidates, and quick."""
_STEPS = 3
"""Steps of a trial. The first warms up; of the others the fastest counts, which other programs disturbed least."""
_WORTH = 1.03
"""A candidate must be faster than the best so far by this factor; less may be chance."""
_AGREES = 0.03
"""How far the loss in 16 bits may be from that of float32, as a share of it."""
_GRADIENT_AGREES = 0.2
"""The same for the norm of the gradient, which 16 bits give less exactly."""
_LIKELY_THREADS = 2
_DAYS = 30
"""How long a plan is cached: it may have been made while the machine was busy."""


@dataclass(frozen=True, slots=True)
class ComputePlan:
    """What was chosen and its speed in images/s; `tried` lists all candidates with their speeds, as text."""

    precision: str
    memory_format: str
    threads: int
    images_per_second: float
    tried: str


@dataclass(frozen=True, slots=True)
class _Trial:
    """`loss` and `gradient` (its norm) are those of the first step, for which all candidates have the same weights."""

    compute: Compute
    threads: int
    images_per_second: float
    loss: float
    gradient: float

    @property
    def text(self) -> str:
        """The candidate and its speed."""
        layout = self.compute.memory_format.replace("_", " ")
        return f"{self.compute.precision}, {layout}, threads {self.threads}: {self.images_per_second:.1f}"

    def better_than(self, other: _Trial, plain: _Trial) -> bool:
        """Whether it is enough faster than `other`, and its loss and gradient agree with the first trial, `plain`."""
        agrees = abs(self.loss - plain.loss) <= _AGREES * max(1.0, plain.loss)
        agrees &= abs(self.gradient - plain.gradient) <= _GRADIENT_AGREES * plain.gradient
        return agrees and self.images_per_second > _WORTH * other.images_per_second


def autotune(
    config: TrainConfig, network: nn.Module, preprocessing: Preprocessing, pictures: list[Path], device: torch.device,
    stop: threading.Event,
) -> Generator[Note, None, tuple[TrainConfig, ComputePlan | None, Message] | None]:  # fmt: skip
    """`config` with every machine setting decided, the plan if something was "auto", and a message about it.

    `pictures` are a few training pictures: the time to decode them decides how many threads prefetch.
    Sets torch's threads. Returns None when stopped.
    """
    if not _is_open(config.machine):
        torch.set_num_threads(config.machine.threads)
        return config, None, _plan_message("plan_set", config.machine)
    path = _cache_path(config, preprocessing, device)
    plan, code = _read_cached(path), "plan_remembered"
    if plan is None:
        yield Note(message("plan_trying", network=find(config.network).title))
        plan, code = _fastest(config, network, preprocessing, device, stop), "plan_timed"
        if plan is None:
            return None
        _write_cached(plan, path)
    torch.set_num_threads(plan.threads)
    found = {name: getattr(plan, name) for name in ("precision", "memory_format", "threads")}
    found["loading_threads"] = config.machine.loading_threads or _loading_threads(
        preprocessing, pictures, plan.images_per_second
    )
    machine = config.machine.model_copy(update=found)
    return config.model_copy(update={"machine": machine}), plan, _plan_message(code, machine, plan)


def plan_event(config: TrainConfig, plan: ComputePlan | None, memory: int | None, text: Message) -> Planned:
    """The event that reports how a run with these settings, all of them decided, computes."""
    machine = config.machine
    return Planned(
        machine.precision, machine.memory_format, machine.threads, machine.loading_threads, config.training.batch_size,
        plan.images_per_second if plan else None, memory, text,
    )  # fmt: skip


def resumed_plan_event(config: TrainConfig, compute: Compute) -> Planned:
    """The same for a resumed run: its settings, except what this machine does not have."""
    now = {"precision": compute.precision, "memory_format": compute.memory_format, "threads": torch.get_num_threads()}
    config = config.model_copy(update={"machine": config.machine.model_copy(update=now)})
    return plan_event(config, None, None, _plan_message("plan_before", config.machine))


def _plan_message(code: str, machine: MachineConfig, plan: ComputePlan | None = None) -> Message:
    layout = machine.memory_format.replace("_", " ")
    values: dict[str, Value] = {"precision": machine.precision, "layout": layout, "threads": machine.threads}
    return message(code, **values, **({"tried": plan.tried} if plan else {}))


def _is_open(machine: MachineConfig) -> bool:
    return "auto" in (machine.precision, machine.memory_format) or not (machine.threads and machine.loading_threads)


def _fastest(
    config: TrainConfig, network: nn.Module, preprocessing: Preprocessing, device: torch.device, stop: threading.Event
) -> ComputePlan | None:
    """The fastest candidate: first the memory format is chosen, then the precision, then the threads.

    If a batch does not fit on the GPU, half of it is tried, as the run will do. Returns None when stopped.
    """
    machine, batch = config.machine, _random_batch(config, preprocessing, device)
    trials: list[_Trial] = []

    def try_all(candidates: Iterable[tuple[Compute, int]], best: _Trial | None) -> _Trial | None:
        for compute, threads in candidates:
            if stop.is_set():
                return None
            trial = _try(compute, threads, config, network, preprocessing, batch, stop)
            if trial is not None:
                trials.append(trial)
                best = trial if best is None or trial.better_than(best, trials[0]) else best
        return best

    formats = ["channels_last", "contiguous"] if machine.memory_format == "auto" else [machine.memory_format]
    cores = machine.threads or usable_cores()
    first = "float32" if machine.precision == "auto" else machine.precision
    while (best := try_all(((Compute(device, first, each), cores) for each in formats), None)) is None:
        if stop.is_set():
            return None
        if len(batch) < 4:
            raise Problem("out_of_memory", device="computer" if device.type == "cpu" else "graphics card")
        batch = batch[: len(batch) // 2]
    if machine.precision == "auto" and (shorter := short_precision(device)):
        best = try_all([(replace(best.compute, precision=shorter), cores)], best)
    if best and device.type == "cpu" and not machine.threads and cores >= 4:
        best = try_all([(best.compute, cores // 2)], best)  # where two of them share one core's arithmetic
    if best is None or stop.is_set():
        return None
    compute, tried = best.compute, "; ".join(trial.text for trial in trials)
    return ComputePlan(compute.precision, compute.memory_format, best.threads, best.images_per_second, tried)


def _random_batch(config: TrainConfig, preprocessing: Preprocessing, device: torch.device) -> Tensor:
    """A random uint8 batch [N, channels, S, S] on the device. N is the batch size; on a processor it may be less."""
    size, count = preprocessing.image_size, config.training.batch_size
    if device.type == "cpu":
        count = max(2, min(count, _PIXELS // size**2))
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, preprocessing.channels, size, size), dtype=torch.uint8, generator=generator)
    return pixels.to(device)


def _try(
    compute: Compute, threads: int, config: TrainConfig, network: nn.Module, preprocessing: Preprocessing,
    batch: Tensor, stop: threading.Event,
) -> _Trial | None:  # fmt: skip
    """Times a few steps with a copy of `network`. Returns None when stopped, or if the memory is not enough."""
    torch.set_num_threads(threads)
    devices = [compute.device] if compute.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(0)
        try:
            steps = list(_steps(compute, config, compute.to_device(copy.deepcopy(network)), preprocessing, batch, stop))
        except torch.OutOfMemoryError:
            return None
    if len(steps) < _STEPS:
        return None
    times, losses, gradients = zip(*steps, strict=True)
    # In float16 a step with gradients that overflow changes nothing; the next one has a smaller scale.
    gradient = next(filter(math.isfinite, gradients), math.inf)
    return _Trial(compute, threads, len(batch) / min(times[1:]), losses[0], gradient)


def _steps(
    compute: Compute,
    config: TrainConfig,
    network: nn.Module,
    preprocessing: Preprocessing,
    batch: Tensor,
    stop: threading.Event,
) -> Iterator[tuple[float, float, float]]:
    """For each of `_STEPS` steps its seconds, loss, and the norm of its gradient. Ends early when stopped."""
    set_to_learn(network, config.start)
    weights = learning(network)
    optimizer = make_optimizer(config.training, weights)
    scaler = make_scaler(compute)
    labels = torch.arange(len(batch), device=compute.device) % 2
    for _ in range(_STEPS):
        if stop.is_set():
            return
        began = time.perf_counter()
        optimizer.zero_grad()
        with compute.autocast():
            loss, *_ = batch_loss(
                network(compute.to_memory_format(preprocessing.normalize(batch))),
                labels,
                find(config.network).auxiliary,
            )
        torch.autograd.backward(scaler.scale(loss))
        length = _length(weights, scaler)
        scaler.step(optimizer)
        scaler.update()
        value, gradient = loss.item(), length.item()  # waits for the device
        yield time.perf_counter() - began, value, gradient


def _length(weights: list[nn.Parameter], scaler: torch.amp.GradScaler) -> Tensor:
    """The norm of all gradients as one vector, unscaled."""
    norms = torch._foreach_norm([weight.grad for weight in weights if weight.grad is not None])
    length: Tensor = torch.linalg.vector_norm(torch.stack(norms)) / scaler.get_scale()
    return length


def _loading_threads(preprocessing: Preprocessing, pictures: list[Path], images_per_second: float) -> int:
    """How many threads decode pictures as fast as the network learns; at least two, because disks are slow."""
    seconds = []
    for path in pictures:
        began = time.perf_counter()
        try:
            preprocessing.pixels(preprocessing.open(path))
        except Problem:  # it is reported when the run reads it
            continue
        seconds.append(time.perf_counter() - began)
    needed = math.ceil(images_per_second * sorted(seconds)[len(seconds) // 2]) if seconds else 0
    return max(_LIKELY_THREADS, min(needed, usable_cores(), MOST_LOADING_THREADS))


def _cache_path(config: TrainConfig, preprocessing: Preprocessing, device: torch.device) -> Path | None:
    """The cache file for this machine, network and settings; None if there is no cache folder."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor_name()
    machine = config.machine
    key = (
        device.type, name, torch.backends.cpu.get_cpu_capability(), usable_cores(), torch.__version__, config.network,
        preprocessing.image_size, preprocessing.channels, config.training.batch_size, config.training.optimizer,
        config.start.train_part, machine.precision, machine.memory_format, machine.threads,
    )  # fmt: skip
    try:
        return cache_folder("plans") / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.json"
    except OSError:
        return None


def _read_cached(path: Path | None) -> ComputePlan | None:
    try:
        if path and time.time() - path.stat().st_mtime < _DAYS * 86400:
            return ComputePlan(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        pass
    return None


def _write_cached(plan: ComputePlan, path: Path | None) -> None:
    """Writes the cache file. If that fails, the next run times again."""
    if path is None:
        return
    try:
        atomic_write(path, json.dumps(dataclasses.asdict(plan)).encode())
    except OSError:
        return
