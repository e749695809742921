"""Where only the head learns, every picture is looked at once, and the result is that of looking every time."""

import errno
import os
import shutil
import threading
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from resnet_gui.config import make_config
from resnet_gui.data.split import read_split
from resnet_gui.evaluation import evaluate
from resnet_gui.events import (
    CheckpointSaved,
    EpochDone,
    Event,
    Finished,
    Note,
    Progress,
    Resumed,
    Skipped,
    Started,
    Stopped,
    Waiting,
    WeightsLoaded,
)
from resnet_gui.messages import Problem
from resnet_gui.nets.build import build
from resnet_gui.runs.event_log import read_events
from resnet_gui.throttle import Throttle
from resnet_gui.training import cached_features, epoch, resource_checks
from resnet_gui.training.loop import resume, train

Settings = dict[str, object]
TRAIN, VAL = 18, 6
"""How many of the pictures in `quick` are learned from, and validated on."""


@pytest.fixture(autouse=True)
def every_step_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (cached_features, epoch, evaluate):
        monkeypatch.setattr(module, "Throttle", lambda _: Throttle(0.0))


@pytest.fixture
def head(quick: Settings, tmp_path: Path) -> Settings:
    """Settings of a run that trains the head of a ResNet-20 whose norms have seen something."""
    torch.manual_seed(11)
    network = build("resnet20", 10)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.1, 0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    torch.save(network.state_dict(), tmp_path / "shared.pth")
    return {
        **quick, "start.train_part": "head", "start.start_from": "file", "start.start_path": str(tmp_path / "shared.pth"),
        "training.learning_rate": 0.01, "training.batch_size": 4, "machine.precision": "float32",
        "machine.memory_format": "contiguous", "machine.threads": 1, "machine.loading_threads": 1,
    }  # fmt: skip


def run(settings: Settings, **changes: object) -> list[Event]:
    return list(begin(settings, threading.Event(), **changes))


def begin(settings: Settings, stop: threading.Event, **changes: object):
    values = {**settings, **{key.replace("__", "."): value for key, value in changes.items()}}
    return train(make_config(values), stop)


def only(events: list[Event], kind: type) -> list:
    return [event for event in events if isinstance(event, kind)]


def looks(events: list[Event]) -> list[tuple[int, int]]:
    return [(event.step, event.steps) for event in only(events, Progress) if event.phase == "features"]


def codes(events: list[Event]) -> list[str]:
    return [note.message.code for note in only(events, Note)]


def model(events: list[Event]) -> bytes:
    return Path(only(events, Finished)[0].model).read_bytes()


def losses(events: list[Event]) -> list[float]:
    return [loss for done in only(events, EpochDone) for loss in (done.train_loss, done.val_loss)]


def paint(colours: Path) -> None:
    """Each picture becomes one that is not the same everywhere, so that each crop of it is another."""
    for number, path in enumerate(sorted(colours.glob("*/*.png"))):
        chance = torch.Generator().manual_seed(number)
        noise = torch.randint(0, 256, (5, 5, 3), dtype=torch.uint8, generator=chance)
        Image.blend(Image.open(path).resize((50, 50)), Image.fromarray(noise.numpy()).resize((50, 50)), 0.5).save(path)


@pytest.mark.parametrize(("network", "size"), [("resnet20", 32), ("squeezenet1_1", 64)])
@pytest.mark.parametrize("memory_format", ["contiguous", "channels_last"])
def test_it_learns_what_it_would_learn_from_the_pictures(
    head: Settings, network: str, size: int, memory_format: str
) -> None:
    same = {
        **head, "network": network, "data.image_size": size, "machine.memory_format": memory_format,
        "data.random_crop": False, "data.flip": False, "training.epochs": 3,
    }  # fmt: skip
    if network == "squeezenet1_1":
        same |= {"start.start_from": "random", "start.start_path": None}
    once, always = run(same), run(same, start__feature_views=0)
    assert looks(once)
    assert not looks(always)
    assert losses(once) == pytest.approx(losses(always), rel=1e-3)
    assert losses(once)[-2] < losses(once)[0], "it learns at all"
    ours, others = (load_file(only(events, Finished)[0].model) for events in (once, always))
    assert all(torch.allclose(ours[name], others[name], rtol=1e-3, atol=1e-4) for name in others)
    right = [(event.test.right, event.test.total) for event in (once[-1], always[-1])]
    assert right[0] == right[1], "the whole network has learned, and is tested on pictures"


def test_it_says_how_far_it_has_looked_and_then_trains_as_ever(head: Settings) -> None:
    events = run(head)
    assert looks(events) == [*((step, TRAIN + VAL) for step in (4, 8, 12, 16, 18, 22, 24))]
    last = [event for event in only(events, Progress) if event.phase == "features"][-1]
    assert last.epoch == 1
    assert last.images_per_second > 0
    assert last.seconds_left > 0, "the test pictures are still to come"
    phases = [event.phase for event in only(events, Progress)]
    assert list(dict.fromkeys(phases)) == ["features", "train", "validate", "test"]
    assert [done.epoch for done in only(events, EpochDone)] == [1, 2]
    trained = [event for event in only(events, Progress) if event.phase == "train"]
    assert [event.step for event in trained] == [1, 2, 3, 4, 5] * 2
    test_takes = (30 - TRAIN - VAL) / last.images_per_second
    assert all(event.seconds_left > 0.9 * test_takes for event in trained), "that is counted in to the end"


def test_the_pictures_are_not_needed_any_more_once_they_were_looked_at(head: Settings, colours: Path) -> None:
    whole, events = run(head), []
    test: set[str] = set()
    for event in begin(head, threading.Event(), machine__cache_gigabytes=0.0):
        events.append(event)
        if isinstance(event, Started):
            test = {sample.path for sample in read_split(Path(event.run) / "split.csv").test}
        if isinstance(event, Progress) and event.phase == "train":
            for path in colours.glob("*/*.png"):
                if path.relative_to(colours).as_posix() not in test:
                    path.unlink()
    assert len(list(colours.glob("*/*.png"))) == 30 - TRAIN - VAL
    assert not only(events, Skipped)
    assert model(events) == model(whole)


@pytest.mark.parametrize(
    ("network", "phase", "epoch", "number"),
    [
        ("resnet20", "features", 1, 1), ("resnet20", "features", 1, 11), ("resnet20", "train", 2, 3),
        ("resnet20", "validate", 2, 1), ("squeezenet1_1", "features", 1, 7), ("squeezenet1_1", "train", 1, 1),
    ],
)  # fmt: skip
def test_stopped_anywhere_and_resumed_it_ends_as_if_nothing_had_happened(
    head: Settings, colours: Path, network: str, phase: str, epoch: int, number: int
) -> None:
    if network == "squeezenet1_1":
        head |= {"network": network, "start.start_from": "random", "start.start_path": None}
    paint(colours)
    (colours / "red" / "3.png").write_bytes(b"")
    whole = run(head, start__feature_views=2)
    stop, events, count = threading.Event(), [], 0
    for event in begin(head, stop, start__feature_views=2):
        events.append(event)
        count += isinstance(event, Progress) and (event.phase, event.epoch) == (phase, epoch)
        if count == number:
            stop.set()
    assert isinstance(events[-1], Stopped)
    assert events[-1].validated == (epoch > 1)
    folder = Path(events[-1].model).parent
    resumed = list(resume(folder, threading.Event()))
    assert isinstance(resumed[0], Resumed)
    assert looks(resumed)
    assert not only(resumed, Note), "nothing about it is not exact"
    assert model(resumed) == model(whole)
    assert len({event.path for event in only(read_events(folder), Skipped)}) <= 1


def test_it_is_stopped_between_two_batches(head: Settings) -> None:
    stop, after = threading.Event(), 0
    for event in begin(head, stop):
        after += stop.is_set() and isinstance(event, Progress)
        if isinstance(event, Progress):
            stop.set()
    assert isinstance(event, Stopped)
    assert after == 0
    assert (event.epoch, event.step, event.validated) == (1, 0, False)


def test_a_finished_run_does_not_look_again_until_it_gets_more_epochs(head: Settings) -> None:
    folder = Path(only(run(head), Started)[0].run)
    assert not looks(list(resume(folder, threading.Event())))
    more = list(resume(folder, threading.Event(), epochs=3))
    assert looks(more)
    assert [done.epoch for done in only(more, EpochDone)] == [3]


def test_what_cannot_be_read_is_told_once_and_left_out_of_every_epoch(head: Settings, colours: Path) -> None:
    for number in range(0, 10, 2):
        (colours / "blue" / f"{number}.png").write_bytes(b"")
    same = {**head, "data.random_crop": False, "data.flip": False}
    once, always = run(same), run(same, start__feature_views=0)
    skipped = [event.path for event in only(once, Skipped)]
    assert sorted(skipped) == sorted({event.path for event in only(always, Skipped)})
    assert len(skipped) == len(set(skipped)) == 5
    assert losses(once) == pytest.approx(losses(always), rel=1e-3)
    assert looks(once)[-1][0] == looks(once)[-1][1] < TRAIN + VAL


def test_the_folder_vanishes_while_it_looks_and_comes_back(head: Settings, colours: Path) -> None:
    whole = run(head)
    away, events = colours.with_name("away"), []
    for event in begin(head, threading.Event(), machine__cache_gigabytes=0.0):
        events.append(event)
        if looks(events) == [(4, TRAIN + VAL)] and colours.exists():
            colours.rename(away)
        if isinstance(event, Waiting):
            away.rename(colours)
    assert only(events, Waiting)
    assert not only(events, Skipped)
    assert CheckpointSaved(1, 0) in events
    assert model(events) == model(whole)


def test_of_several_views_all_are_computed_once_and_come_in_turn(head: Settings, colours: Path) -> None:
    paint(colours)
    events = run(head, start__feature_views=3, training__epochs=4)
    assert looks(events)[-1] == (3 * TRAIN + VAL, 3 * TRAIN + VAL)
    assert [event.step for event in only(events, Progress) if event.phase == "train"] == [1, 2, 3, 4, 5] * 4
    assert model(events) != model(run(head, training__epochs=4)), "further views show something else"
    plain = {**head, "data.random_crop": False, "data.flip": False}
    assert looks(run(plain, start__feature_views=3))[-1] == (TRAIN + VAL, TRAIN + VAL), "all would be the same"


class TwoHeads(nn.Module):
    """Each with features of its own, as timm's distilled networks have them."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.head, self.head_dist = nn.Linear(4, classes), nn.Linear(4, classes)

    def get_classifier(self) -> tuple[nn.Module, nn.Module]:
        return self.head, self.head_dist

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        return (self.head(x.mean((2, 3))) + self.head_dist(x.amax((2, 3)))) / 2


def test_a_network_that_cannot_be_split_learns_from_pictures_and_says_so(
    head: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resnet_gui.training.trainable.build", lambda name, classes, channels: TwoHeads(classes))
    events = run({**head, "start.start_from": "random", "start.start_path": None})
    assert "features_not_apart" in codes(events)
    assert not looks(events)
    assert [done.epoch for done in only(events, EpochDone)] == [1, 2]


def test_norms_that_follow_the_pictures_need_them_in_every_epoch(head: Settings) -> None:
    assert not looks(run(head, start__norm_statistics="learned", training__epochs=1))


def test_what_does_not_fit_into_memory_lies_in_a_file_and_changes_nothing(
    head: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(head)
    monkeypatch.setattr(cached_features, "free_memory", lambda: 4 * (TRAIN + VAL) * 64 * 4 - 1)
    events = run(head)
    assert "features_on_disk" in codes(events)
    assert model(events) == model(whole)
    folder = Path(only(events, Started)[0].run)
    assert {path.name for path in folder.iterdir()} == {
        path.name for path in Path(only(whole, Started)[0].run).iterdir()
    }


def test_a_run_without_room_for_its_features_fails_and_can_be_resumed(
    head: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    whole, events = run(head), []
    with monkeypatch.context() as tight, pytest.raises(Problem, match=r"no room in .*run.* GB: No space left"):
        tight.setattr(cached_features, "free_memory", lambda: 0)
        tight.setattr(os, "posix_fallocate", full, raising=False)
        events.extend(begin(head, threading.Event()))
    (unfinished,) = set(Path(head["out"]).iterdir()) - {Path(only(whole, Started)[0].run)}
    assert isinstance(list(resume(unfinished, threading.Event()))[-1], Finished)
    assert (unfinished / "model.safetensors").read_bytes() == model(whole)


def test_the_file_leaves_room_for_checkpoints(head: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(".")
    needed = resource_checks.checkpoint_bytes(make_config(head).training, build("resnet20", 3)) * 3
    monkeypatch.setattr(cached_features, "free_memory", lambda: 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=needed + 1000))
    with pytest.raises(Problem, match="needs about"):
        run(head)


def test_features_of_16_bits_teach_nearly_the_same(head: Settings) -> None:
    same = {**head, "data.random_crop": False, "data.flip": False}
    assert losses(run(same, machine__precision="bfloat16")) == pytest.approx(losses(run(same)), rel=0.03)


def test_the_whole_network_goes_on_from_where_its_head_has_come_to(head: Settings) -> None:
    first = run(head, training__epochs=6)
    again = run(
        head, start__start_from="run", start__start_path=only(first, Started)[0].run, start__train_part="everything",
        start__norm_statistics="frozen", training__learning_rate=1e-7, training__epochs=1,
    )  # fmt: skip
    taken = only(again, WeightsLoaded)[0]
    assert (taken.taken, taken.misfits) == (taken.wanted, ())
    assert not looks(again)
    assert again[-1].val_accuracy >= first[-1].val_accuracy
    best = next(done for done in only(first, EpochDone) if done.epoch == first[-1].best_epoch)
    assert losses(again)[1] == pytest.approx(best.val_loss, rel=0.02), "it does not begin anew"
    before, after = (load_file(only(events, Finished)[0].model) for events in (first, again))
    assert not torch.equal(before["conv1.weight"], after["conv1.weight"])


def test_a_run_without_validation_pictures_learns_too(head: Settings, colours: Path, tmp_path: Path) -> None:
    for picture in colours.glob("*/[2-9].png"):
        picture.unlink()
    shutil.rmtree(tmp_path / "runs", ignore_errors=True)
    events = run(head)
    assert only(events, Started)[0].val == 0
    assert looks(events)[-1] == (6, 6)
    assert isinstance(events[-1], Finished)
