"""How a run computes: what the settings leave open is tried for a few steps on this machine, and remembered.

Every trial is made with a copy of the network that is thrown away, so nothing of it is left in the run. What was chosen
is written into the run's settings: who resumes it, or starts from these settings, computes the same without a trial.
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
"""So many, in as many pictures as that makes, are learned from in a trial: enough to tell, and over soon."""
_STEPS = 3
"""The first warms up; of the others the faster one counts, which other programs have disturbed less."""
_WORTH = 1.03
"""What is not faster by this factor is not worth leaving the plain way for; it may be chance."""
_AGREES = 0.03
"""How far, as a share, the loss in 16 bits may be from that of float32."""
_GRADIENT_AGREES = 0.2
"""The same of the length of the gradient, which a step in 16 bits finds less exactly."""
_LIKELY_THREADS = 2
_DAYS = 30
"""So long a plan is remembered: it may have been made while the machine was busy."""


@dataclass(frozen=True, slots=True)
class ComputePlan:
    """What was chosen, the images/s at which it was timed, and in words those of all that were tried."""

    precision: str
    memory_format: str
    threads: int
    images_per_second: float
    tried: str


@dataclass(frozen=True, slots=True)
class _Trial:
    """`loss` and the length of its `gradient` are those of the first step, before the weights part."""

    compute: Compute
    threads: int
    images_per_second: float
    loss: float
    gradient: float

    @property
    def text(self) -> str:
        """What was tried, and its speed."""
        layout = self.compute.memory_format.replace("_", " ")
        return f"{self.compute.precision}, {layout}, threads {self.threads}: {self.images_per_second:.1f}"

    def better_than(self, other: _Trial, plain: _Trial) -> bool:
        """Than `other`, by enough to matter, and what it finds agrees with the `plain` way, which was tried first."""
        agrees = abs(self.loss - plain.loss) <= _AGREES * max(1.0, plain.loss)
        agrees &= abs(self.gradient - plain.gradient) <= _GRADIENT_AGREES * plain.gradient
        return agrees and self.images_per_second > _WORTH * other.images_per_second


def autotune(
    config: TrainConfig, network: nn.Module, rule: Preprocessing, pictures: list[Path], device: torch.device,
    stop: threading.Event,
) -> Generator[Note, None, tuple[TrainConfig, ComputePlan | None, Message] | None]:  # fmt: skip
    """`config` with every setting of the machine decided, the plan if something was open, and what to say of it.

    `pictures` are some that will be learned from: how long they take to decode decides how many threads read ahead.
    The processor's threads are set. Returns None when stopped.
    """
    if not _is_open(config.machine):
        torch.set_num_threads(config.machine.threads)
        return config, None, _plan_message("plan_set", config.machine)
    place = _cache_path(config, rule, device)
    plan, code = _read_cached(place), "plan_remembered"
    if plan is None:
        yield Note(message("plan_trying", network=find(config.network).title))
        plan, code = _chosen(config, network, rule, device, stop), "plan_timed"
        if plan is None:
            return None
        _write_cached(plan, place)
    torch.set_num_threads(plan.threads)
    found = {name: getattr(plan, name) for name in ("precision", "memory_format", "threads")}
    found["loading_threads"] = config.machine.loading_threads or _loading_threads(
        rule, pictures, plan.images_per_second
    )
    machine = config.machine.model_copy(update=found)
    return config.model_copy(update={"machine": machine}), plan, _plan_message(code, machine, plan)


def plan_event(config: TrainConfig, plan: ComputePlan | None, memory: int | None, said: Message) -> Planned:
    """The event that tells how the run with these settings, all of them decided, computes."""
    machine = config.machine
    return Planned(
        machine.precision, machine.memory_format, machine.threads, machine.loading_threads, config.training.batch_size,
        plan.images_per_second if plan else None, memory, said,
    )  # fmt: skip


def resumed_plan_event(config: TrainConfig, compute: Compute) -> Planned:
    """The same of a run that goes on: as its settings have it, but for what this machine has not."""
    now = {"precision": compute.precision, "memory_format": compute.memory_format, "threads": torch.get_num_threads()}
    config = config.model_copy(update={"machine": config.machine.model_copy(update=now)})
    return plan_event(config, None, None, _plan_message("plan_before", config.machine))


def _plan_message(code: str, machine: MachineConfig, plan: ComputePlan | None = None) -> Message:
    layout = machine.memory_format.replace("_", " ")
    values: dict[str, Value] = {"precision": machine.precision, "layout": layout, "threads": machine.threads}
    return message(code, **values, **({"tried": plan.tried} if plan else {}))


def _is_open(machine: MachineConfig) -> bool:
    return "auto" in (machine.precision, machine.memory_format) or not (machine.threads and machine.loading_threads)


def _chosen(
    config: TrainConfig, network: nn.Module, rule: Preprocessing, device: torch.device, stop: threading.Event
) -> ComputePlan | None:
    """The fastest of the ways that are open: first the format, then the precision in it, then the threads.

    Where a graphics card cannot take a batch, it is tried with half of it, as the run will do. None when stopped.
    """
    machine, batch = config.machine, _random_batch(config, rule, device)
    trials: list[_Trial] = []

    def try_each(ways: Iterable[tuple[Compute, int]], best: _Trial | None) -> _Trial | None:
        for compute, threads in ways:
            if stop.is_set():
                return None
            trial = _try(compute, threads, config, network, rule, batch, stop)
            if trial is not None:
                trials.append(trial)
                best = trial if best is None or trial.better_than(best, trials[0]) else best
        return best

    formats = ["channels_last", "contiguous"] if machine.memory_format == "auto" else [machine.memory_format]
    cores = machine.threads or usable_cores()
    first = "float32" if machine.precision == "auto" else machine.precision
    while (best := try_each(((Compute(device, first, each), cores) for each in formats), None)) is None:
        if stop.is_set():
            return None
        if len(batch) < 4:
            raise Problem("out_of_memory", device="computer" if device.type == "cpu" else "graphics card")
        batch = batch[: len(batch) // 2]
    if machine.precision == "auto" and (shorter := short_precision(device)):
        best = try_each([(replace(best.compute, precision=shorter), cores)], best)
    if best and device.type == "cpu" and not machine.threads and cores >= 4:
        best = try_each([(best.compute, cores // 2)], best)  # where two of them share one core's arithmetic
    if best is None or stop.is_set():
        return None
    compute, tried = best.compute, "; ".join(trial.text for trial in trials)
    return ComputePlan(compute.precision, compute.memory_format, best.threads, best.images_per_second, tried)


def _random_batch(config: TrainConfig, rule: Preprocessing, device: torch.device) -> Tensor:
    """uint8 pictures on the device: as many as a real batch has, on a processor fewer."""
    size, count = rule.image_size, config.training.batch_size
    if device.type == "cpu":
        count = max(2, min(count, _PIXELS // size**2))
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, rule.channels, size, size), dtype=torch.uint8, generator=generator)
    return pixels.to(device)


def _try(
    compute: Compute, threads: int, config: TrainConfig, network: nn.Module, rule: Preprocessing, batch: Tensor,
    stop: threading.Event,
) -> _Trial | None:  # fmt: skip
    """A few steps with a copy of `network`; None when stopped, and if there is not enough memory for that."""
    torch.set_num_threads(threads)
    devices = [compute.device] if compute.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(0)
        try:
            steps = list(_steps(compute, config, compute.to_device(copy.deepcopy(network)), rule, batch, stop))
        except torch.OutOfMemoryError:
            return None
    if len(steps) < _STEPS:
        return None
    times, losses, gradients = zip(*steps, strict=True)
    # A step in float16 whose gradients are too large for it changes nothing, and is repeated with smaller ones.
    gradient = next(filter(math.isfinite, gradients), math.inf)
    return _Trial(compute, threads, len(batch) / min(times[1:]), losses[0], gradient)


def _steps(
    compute: Compute, config: TrainConfig, network: nn.Module, rule: Preprocessing, batch: Tensor, stop: threading.Event
) -> Iterator[tuple[float, float, float]]:
    """Of each step the seconds, the loss, and the length of its gradient. Fewer when stopped."""
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
                network(compute.to_memory_format(rule.normalize(batch))), labels, find(config.network).auxiliary
            )
        torch.autograd.backward(scaler.scale(loss))
        length = _length(weights, scaler)
        scaler.step(optimizer)
        scaler.update()
        value, gradient = loss.item(), length.item()  # waits for the device
        yield time.perf_counter() - began, value, gradient


def _length(weights: list[nn.Parameter], scaler: torch.amp.GradScaler) -> Tensor:
    """The norm of all gradients as one vector, as they are without the scale."""
    norms = torch._foreach_norm([weight.grad for weight in weights if weight.grad is not None])
    length: Tensor = torch.linalg.vector_norm(torch.stack(norms)) / scaler.get_scale()
    return length


def _loading_threads(rule: Preprocessing, pictures: list[Path], images_per_second: float) -> int:
    """As many threads as decode pictures as fast as they are learned from, and never fewer than two: disks make one wait."""
    seconds = []
    for path in pictures:
        began = time.perf_counter()
        try:
            rule.pixels(rule.open(path))
        except Problem:  # it will be told when its turn comes
            continue
        seconds.append(time.perf_counter() - began)
    needed = math.ceil(images_per_second * sorted(seconds)[len(seconds) // 2]) if seconds else 0
    return max(_LIKELY_THREADS, min(needed, usable_cores(), MOST_LOADING_THREADS))


def _cache_path(config: TrainConfig, rule: Preprocessing, device: torch.device) -> Path | None:
    """Where the plan for this machine, this network and these settings is kept; None if there is no room for it."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor_name()
    machine = config.machine
    key = (
        device.type, name, torch.backends.cpu.get_cpu_capability(), usable_cores(), torch.__version__, config.network,
        rule.image_size, rule.channels, config.training.batch_size, config.training.optimizer, config.start.train_part,
        machine.precision, machine.memory_format, machine.threads,
    )  # fmt: skip
    try:
        return cache_folder("plans") / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}.json"
    except OSError:
        return None


def _read_cached(place: Path | None) -> ComputePlan | None:
    try:
        if place and time.time() - place.stat().st_mtime < _DAYS * 86400:
            return ComputePlan(**json.loads(place.read_bytes()))
    except (OSError, ValueError, TypeError):
        pass
    return None


def _write_cached(plan: ComputePlan, place: Path | None) -> None:
    """Without a cache the plan is found anew the next time."""
    if place is None:
        return
    try:
        atomic_write(place, json.dumps(dataclasses.asdict(plan)).encode())
    except OSError:
        return
