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
import platform
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from resnet_gui.config import MachineConfig, TrainConfig
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import Compute, short_precision, usable_cores
from resnet_gui.events import Note, Planned
from resnet_gui.messages import Message, Problem, Value, message
from resnet_gui.nets.catalog import find
from resnet_gui.places import cache_folder
from resnet_gui.safe_write import safe_write
from resnet_gui.training.network import learning, set_to_learn
from resnet_gui.training.schedule import make_optimizer
from resnet_gui.training.step import batch_loss, make_scaler

_PIXELS = 4 * 224 * 224
"""So many, in as many pictures as that makes, are learned from in a trial: enough to tell, and over soon."""
_STEPS = 3
"""The first warms up; of the others the faster one counts, which other programs have disturbed less."""
_WORTH = 1.03
"""What is not faster by this factor is not worth leaving the plain way for; it may be chance."""
_AGREES = 0.03
"""How far, as a share, the loss in 16 bits may be from that of float32."""
_LIKELY_THREADS = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What was chosen, and the images/s at which it and the plain way, in float32, were timed."""

    precision: str
    memory_format: str
    threads: int
    loading_threads: int
    images_per_second: float
    plain: float
    tried: int


@dataclass(frozen=True, slots=True)
class _Trial:
    compute: Compute
    threads: int
    images_per_second: float
    loss: float

    def better_than(self, other: _Trial, plain: _Trial) -> bool:
        agrees = abs(self.loss - plain.loss) <= _AGREES * max(1.0, plain.loss)
        return agrees and self.images_per_second > _WORTH * other.images_per_second


def find_plan(
    config: TrainConfig, network: nn.Module, rule: Preprocessing, pictures: list[Path], device: torch.device,
    stop: threading.Event,
) -> Generator[Note, None, tuple[TrainConfig, Plan | None, Message] | None]:  # fmt: skip
    """`config` with every setting of the machine decided, the plan if something was open, and what to say of it.

    `pictures` are some that will be learned from: how long they take to decode decides how many threads read ahead.
    The processor's threads are set. Returns None when stopped.
    """
    if not _is_open(config.machine):
        torch.set_num_threads(config.machine.threads)
        return config, None, _said("plan_set", config.machine)
    place = _place(config, rule, device)
    plan, code = _remembered(place), "plan_remembered"
    if plan is None:
        yield Note(message("plan_trying", network=find(config.network).title))
        plan, code = _chosen(config, network, rule, pictures, device, stop), "plan_timed"
        if plan is None:
            return None
        _remember(plan, place)
    torch.set_num_threads(plan.threads)
    found = {name: getattr(plan, name) for name in ("precision", "memory_format", "threads")}
    found["loading_threads"] = config.machine.loading_threads or plan.loading_threads
    machine = config.machine.model_copy(update=found)
    return config.model_copy(update={"machine": machine}), plan, _said(code, machine, plan)


def planned(config: TrainConfig, plan: Plan | None, memory: int | None, said: Message) -> Planned:
    """The event that tells how the run with these settings, all of them decided, computes."""
    machine = config.machine
    return Planned(
        machine.precision, machine.memory_format, machine.threads, machine.loading_threads, config.training.batch_size,
        plan.images_per_second if plan else None, memory, said,
    )  # fmt: skip


def as_before(machine: MachineConfig) -> Message:
    """What to say of a run that goes on as its settings have it."""
    return _said("plan_set", machine)


def _said(code: str, machine: MachineConfig, plan: Plan | None = None) -> Message:
    layout = machine.memory_format.replace("_", " ")
    values: dict[str, Value] = {"precision": machine.precision, "layout": layout, "threads": machine.threads}
    if plan:
        values |= {"speed": f"{plan.images_per_second:.1f}", "plain": f"{plan.plain:.1f}", "count": plan.tried}
    return message(code, **values)


def _is_open(machine: MachineConfig) -> bool:
    return "auto" in (machine.precision, machine.memory_format) or not (machine.threads and machine.loading_threads)


def _chosen(
    config: TrainConfig, network: nn.Module, rule: Preprocessing, pictures: list[Path], device: torch.device,
    stop: threading.Event,
) -> Plan | None:  # fmt: skip
    """The fastest of the ways that are open: first the format, then the precision in it, then the threads."""
    machine, batch = config.machine, _random_batch(config, rule, device)
    trials: list[_Trial] = []

    def try_each(ways: Iterable[tuple[Compute, int]], best: _Trial | None) -> _Trial | None:
        for compute, threads in ways:
            if stop.is_set():
                return None
            trial = _try(compute, threads, config, network, rule, batch)
            if trial is not None:
                trials.append(trial)
                best = trial if best is None or trial.better_than(best, trials[0]) else best
        return best

    formats = ["contiguous", "channels_last"] if machine.memory_format == "auto" else [machine.memory_format]
    cores = machine.threads or usable_cores()
    first = "float32" if machine.precision == "auto" else machine.precision
    best = try_each(((Compute(device, first, each), cores) for each in formats), None)
    if best and machine.precision == "auto" and (shorter := short_precision(device)):
        best = try_each([(replace(best.compute, precision=shorter), cores)], best)
    if (
        best and device.type == "cpu" and not machine.threads and cores >= 4
    ):  # half of them where two share one core's arithmetic
        best = try_each([(best.compute, cores // 2)], best)
    if best is None and not stop.is_set():
        raise Problem("out_of_memory", device="computer" if device.type == "cpu" else "graphics card")
    if best is None or stop.is_set():
        return None
    speed = best.images_per_second
    return Plan(
        best.compute.precision, best.compute.memory_format, best.threads, _loading_threads(rule, pictures, speed), speed,
        trials[0].images_per_second, len(trials),
    )  # fmt: skip


def _random_batch(config: TrainConfig, rule: Preprocessing, device: torch.device) -> Tensor:
    """uint8 pictures on the device: as many as a real batch has, on a processor fewer."""
    size, count = rule.image_size, config.training.batch_size
    if device.type == "cpu":
        count = max(2, min(count, _PIXELS // size**2))
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, rule.channels, size, size), dtype=torch.uint8, generator=generator)
    return pixels.to(device)


def _try(
    compute: Compute, threads: int, config: TrainConfig, network: nn.Module, rule: Preprocessing, batch: Tensor
) -> _Trial | None:
    """A few steps with a copy of `network`; None if there is not enough memory for that."""
    torch.set_num_threads(threads)
    devices = [compute.device] if compute.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(0)
        try:
            steps = list(_steps(compute, config, compute.place(copy.deepcopy(network)), rule, batch))
        except torch.OutOfMemoryError:
            return None
    seconds = min(seconds for seconds, _ in steps[1:])
    return _Trial(compute, threads, len(batch) / seconds, steps[0][1])


def _steps(
    compute: Compute, config: TrainConfig, network: nn.Module, rule: Preprocessing, batch: Tensor
) -> Iterator[tuple[float, float]]:
    """Seconds and loss of each step."""
    set_to_learn(network, config.start)
    optimizer = make_optimizer(config.training, learning(network))
    scaler = make_scaler(compute)
    labels = torch.arange(len(batch), device=compute.device) % 2
    for _ in range(_STEPS):
        began = time.perf_counter()
        optimizer.zero_grad()
        with compute.cast():
            loss, *_ = batch_loss(
                network(compute.lay_out(rule.normalize(batch))), labels, find(config.network).auxiliary
            )
        torch.autograd.backward(scaler.scale(loss))
        scaler.step(optimizer)
        scaler.update()
        value = loss.item()  # waits for the device
        yield time.perf_counter() - began, value


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
    return max(_LIKELY_THREADS, min(needed, usable_cores()))


def _place(config: TrainConfig, rule: Preprocessing, device: torch.device) -> Path | None:
    """Where the plan for this machine, this network and these settings is kept; None if there is no room for it."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
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


def _remembered(place: Path | None) -> Plan | None:
    try:
        return Plan(**json.loads(place.read_bytes())) if place else None
    except (OSError, ValueError, TypeError):
        return None


def _remember(plan: Plan, place: Path | None) -> None:
    """Without a cache the plan is found anew the next time."""
    if place is None:
        return
    try:
        safe_write(place, json.dumps(dataclasses.asdict(plan)).encode())
    except OSError:
        return
