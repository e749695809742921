"""How a run computes: chosen by trial, cached, written into its settings, or set by hand."""

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from resnet_gui.config import MachineConfig, TrainConfig, make_config, read_config
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import Compute
from resnet_gui.events import CheckpointSaved, EpochDone, Event, Note, Planned, Started
from resnet_gui.memory import peak_memory, taken_memory
from resnet_gui.messages import Problem
from resnet_gui.nets.build import build
from resnet_gui.paths import cache_folder
from resnet_gui.training import compute_plan, resource_checks
from resnet_gui.training.loop import resume, train

Settings = dict[str, object]
CPU = torch.device("cpu")
SMALL = {"network": "resnet20", "data.image_size": 32, "training.batch_size": 8}


@pytest.fixture(autouse=True)
def _nothing_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(settings: Settings, until: type = CheckpointSaved, **changes: object) -> list[Event]:
    """The events of a run that is stopped by the first of kind `until`."""
    stop = threading.Event()
    values = {**settings, **{key.replace("__", "."): value for key, value in changes.items()}}
    events = []
    for event in train(make_config(values), stop):
        events.append(event)
        if isinstance(event, until):
            stop.set()
    return events


def only(events: list[Event], kind: type) -> list:
    return [event for event in events if isinstance(event, kind)]


def codes(events: list[Event]) -> list[str]:
    return [event.message.code for event in only(events, Note)]


def search(config: TrainConfig, stop: threading.Event | None = None) -> tuple:
    """What is found for `config`, and the notes on the way."""
    network, preprocessing = build(config.network, 3), Preprocessing.for_size(config.data.image_size)
    looking = compute_plan.autotune(config, network, preprocessing, [], CPU, stop or threading.Event())
    notes = []
    while True:
        try:
            notes.append(next(looking))
        except StopIteration as found:
            return found.value, notes


def test_it_is_tried_once_and_written_into_the_settings(quick: Settings) -> None:
    first, second = run(quick), run(quick)
    assert "plan_trying" in codes(first)
    assert "plan_trying" not in codes(second)
    [tried], [remembered] = only(first, Planned), only(second, Planned)
    assert (tried.message.code, remembered.message.code) == ("plan_timed", "plan_remembered")
    assert tried.precision == remembered.precision
    assert tried.memory_format == remembered.memory_format
    assert tried.images_per_second == remembered.images_per_second > 0
    machine = read_config(Path(only(first, Started)[0].run) / "config.toml").machine
    assert machine.precision == tried.precision != "auto"
    assert machine.memory_format == tried.memory_format != "auto"
    assert machine.threads == tried.threads == only(first, Started)[0].threads >= 1
    assert machine.loading_threads == tried.loading_threads >= 1


def test_a_rerun_and_a_resume_keep_the_plan_without_another_trial(quick: Settings) -> None:
    first = run(quick)
    folder = Path(only(first, Started)[0].run)
    (remembered,) = cache_folder("plans").iterdir()
    remembered.unlink()
    config = read_config(folder / "config.toml")
    again = [event for event in train(config, threading.Event()) if isinstance(event, Note | Planned)]
    assert "plan_trying" not in codes(again)
    assert only(again, Planned)[0].message.code == "plan_set"
    resumed = [event for event in resume(folder, threading.Event()) if isinstance(event, Planned)]
    assert [(each.precision, each.memory_format) for each in resumed] == [
        (config.machine.precision, config.machine.memory_format)
    ]


@pytest.mark.parametrize(
    ("precision", "layout"), [("float32", "contiguous"), ("float32", "channels_last"), ("bfloat16", "channels_last")]
)
def test_every_way_can_be_set_by_hand_and_learns(quick: Settings, precision: str, layout: str) -> None:
    settings = {**quick, "machine.precision": precision, "machine.memory_format": layout, "training.epochs": 3}
    events = run(settings, Event.__args__[-1], machine__threads=1, machine__loading_threads=1)
    [planned] = only(events, Planned)
    assert (planned.precision, planned.memory_format, planned.threads, planned.loading_threads) == (
        precision,
        layout,
        1,
        1,
    )
    assert planned.message.code == "plan_set"
    losses = [epoch.train_loss for epoch in only(events, EpochDone)]
    assert losses[-1] < losses[0]


def test_the_formats_learn_the_same_but_for_rounding(quick: Settings) -> None:
    losses = []
    for layout in ("contiguous", "channels_last"):
        # Not Adam: a gradient that is zero but for rounding, which processors do differently, moves a weight by a whole step.
        same = {"machine.precision": "float32", "training.optimizer": "sgd"}
        events = run({**quick, **same}, EpochDone, machine__memory_format=layout)
        losses.append(only(events, EpochDone)[0].train_loss)
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_a_trial_leaves_no_trace_in_the_network_or_in_chance() -> None:
    config = make_config({**SMALL, "training.learning_rate": 0.1})
    torch.manual_seed(3)
    network = build("resnet20", 3)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    chance = torch.get_rng_state()
    for _ in compute_plan.autotune(config, network, Preprocessing.for_size(32), [], CPU, threading.Event()):
        pass
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), chance)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_what_learns_otherwise_or_is_hardly_faster_is_not_taken() -> None:
    plain = compute_plan._Trial(Compute(CPU), 2, 10.0, 1.10, 5.0)
    fast = compute_plan._Trial(Compute(CPU, "bfloat16"), 2, 30.0, 1.11, 5.1)
    wrong = replace(fast, loss=1.60)
    broken = replace(fast, loss=float("nan"))
    learns_nothing = replace(fast, gradient=0.0)
    never_finite = replace(fast, gradient=float("inf"))
    hardly = compute_plan._Trial(Compute(CPU, "float32", "contiguous"), 2, 10.2, 1.10, 5.0)
    assert fast.better_than(plain, plain)
    others = (wrong, broken, learns_nothing, never_finite, hardly)
    assert not any(each.better_than(plain, plain) for each in others)


def test_a_trial_finds_loss_and_gradient_of_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config({**SMALL, "training.learning_rate": 10.0})
    network, preprocessing = build("resnet20", 3), Preprocessing.for_size(32)
    batch = compute_plan._random_batch(config, preprocessing, CPU)
    found = [
        compute_plan._try(Compute(CPU, precision), 1, config, network, preprocessing, batch, threading.Event())
        for precision in ("float32", "float16")
    ]
    network.train()
    loss = functional.cross_entropy(network(preprocessing.normalize(batch)), torch.arange(8) % 2)
    loss.backward()
    length = torch.cat([weight.grad.flatten() for weight in network.parameters()]).norm().item()
    assert [trial.loss for trial in found] == pytest.approx([loss.item()] * 2, rel=1e-2)
    assert [trial.gradient for trial in found] == pytest.approx([length] * 2, rel=5e-2)


@pytest.mark.parametrize(
    ("shorter", "cores", "batches"),
    [(None, 2, [8, 8, 4, 4]), ("bfloat16", 2, [8, 8, 4, 4, 4]), ("bfloat16", 4, [8, 8, 4, 4, 4, 4])],
)
def test_what_a_card_cannot_take_at_once_is_tried_in_half(
    monkeypatch: pytest.MonkeyPatch, shorter: str | None, cores: int, batches: list[int]
) -> None:
    monkeypatch.setattr(compute_plan, "short_precision", lambda _: shorter)
    monkeypatch.setattr(compute_plan, "usable_cores", lambda: cores)
    tried, steps = [], compute_plan._steps

    def small_card(compute: Compute, *rest: object) -> object:
        tried.append(len(rest[3]))
        if tried[-1] > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return steps(compute, *rest)

    monkeypatch.setattr(compute_plan, "_steps", small_card)
    (_, found, _), _ = search(make_config({**SMALL, "training.learning_rate": 0.1}))
    assert found.images_per_second > 0
    assert tried == batches


def test_how_many_threads_read_is_looked_at_anew_for_each_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    config, threads = make_config({**SMALL, "training.learning_rate": 0.1}), iter((5, 7))
    monkeypatch.setattr(compute_plan, "_loading_threads", lambda *_: next(threads))
    found = [search(config)[0][0].machine.loading_threads for _ in range(2)]
    assert found == [5, 7]
    assert len(list(cache_folder("plans").iterdir())) == 1


def test_an_old_plan_is_made_anew(quick: Settings) -> None:
    run(quick)
    (remembered,) = cache_folder("plans").iterdir()
    os.utime(remembered, (0, 0))
    assert "plan_trying" in codes(run(quick))
    assert "plan_trying" not in codes(run(quick))


def test_weights_of_five_dimensions_stay_as_they_are() -> None:
    network = torch.nn.Sequential(torch.nn.Conv3d(2, 2, 1), torch.nn.Conv2d(4, 4, 3))
    Compute(CPU, "float32", "channels_last").to_device(network)
    assert network[1].weight.is_contiguous(memory_format=torch.channels_last)
    assert not network[1].weight.is_contiguous()
    Compute(CPU, "float32", "contiguous").to_device(network)
    assert network[1].weight.is_contiguous()


def test_stopped_while_it_is_tried_nothing_is_chosen_and_nothing_kept() -> None:
    config = make_config({**SMALL, "training.learning_rate": 0.1})
    stop = threading.Event()
    stop.set()
    found, _ = search(config, stop)
    assert found is None
    assert not list(cache_folder("plans").iterdir())


def test_a_damaged_memory_is_tried_anew(quick: Settings) -> None:
    run(quick)
    (remembered,) = cache_folder("plans").iterdir()
    for content in (b"no json", b"{}", json.dumps({"precision": 3}).encode()):
        remembered.write_bytes(content)
        assert "plan_trying" in codes(run(quick))


def test_as_many_threads_read_as_are_needed(colours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preprocessing, pictures = Preprocessing.for_size(32), sorted((colours / "red").iterdir())
    assert compute_plan._loading_threads(preprocessing, pictures, 1.0) == 2
    assert compute_plan._loading_threads(preprocessing, [], 1e9) == 2
    assert compute_plan._loading_threads(preprocessing, [colours / "nothing.png"], 1e9) == 2
    assert 2 <= compute_plan._loading_threads(preprocessing, pictures, 1e9) <= max(2, compute_plan.usable_cores())
    monkeypatch.setattr(compute_plan, "usable_cores", lambda: 512)
    many = compute_plan._loading_threads(preprocessing, pictures, 1e9)
    assert many > 8
    assert MachineConfig(loading_threads=many), "it can be written into the settings"


def test_the_batch_is_32_or_what_memory_takes(quick: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {key: value for key, value in quick.items() if key != "training.batch_size"}
    monkeypatch.setattr(resource_checks, "free_memory", lambda: 10**12)
    events = run(settings)
    assert only(events, Planned)[0].batch_size == 32
    assert only(events, Planned)[0].memory > 2**20
    config = make_config({**settings, "training.learning_rate": 0.1})
    network, preprocessing = build("resnet20", 3), Preprocessing.for_size(32)
    enough = resource_checks.memory_bytes(resource_checks._with_batch(config, 8), network, preprocessing)
    monkeypatch.setattr(resource_checks, "free_memory", lambda: enough)
    events = run(settings)
    assert only(events, Planned)[0].batch_size == 8
    assert "batch_lowered" in codes(events)
    assert "memory_tight" not in codes(events)
    by_hand = run(settings, training__batch_size=16)
    assert only(by_hand, Planned)[0].batch_size == 16
    assert "memory_tight" in codes(by_hand)


def test_one_picture_is_no_batch(quick: Settings) -> None:
    with pytest.raises(Problem, match="at least 2 pictures"):
        make_config({**quick, "training.batch_size": 1})


def test_a_run_that_takes_more_than_expected_is_told() -> None:
    watch = resource_checks.MemoryWatch(1, CPU)
    assert list(watch.check()) == []
    ballast = bytearray(peak_memory() - taken_memory() + 200_000_000)  # every page of it is written
    assert [note.message.code for note in watch.check()] == ["memory_more"]
    del ballast
    assert list(resource_checks.MemoryWatch(10**12, CPU).check()) == []


def test_runs_of_earlier_versions_go_on_in_float32() -> None:
    assert Compute.of(MachineConfig(), CPU) == Compute(CPU, "float32", "contiguous")
