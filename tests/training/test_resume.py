"""A run that was stopped, killed or damaged goes on to the result it would have had."""

import csv
import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from resnet_gui.config import make_config, read_config
from resnet_gui.evaluation import evaluate
from resnet_gui.evaluation.evaluate import score_test_split
from resnet_gui.events import (
    BestSaved,
    CheckpointSaved,
    DatasetChanged,
    EpochDone,
    Event,
    Finished,
    Note,
    Planned,
    Progress,
    Resumed,
    Skipped,
    Started,
    Stopped,
    TestScored,
    Waiting,
    to_json,
)
from resnet_gui.messages import Problem
from resnet_gui.model_file import load_model
from resnet_gui.nets.build import build
from resnet_gui.runs.event_log import read_events
from resnet_gui.runs.run_folder import checkpoints, newest_runs
from resnet_gui.runs.run_lock import only_writer
from resnet_gui.runs.run_status import read_status
from resnet_gui.throttle import Throttle
from resnet_gui.training import resource_checks
from resnet_gui.training.checkpoint import restore
from resnet_gui.training.loop import resume, train
from resnet_gui.training.run_state import VERSIONS

Settings = dict[str, object]


@pytest.fixture(autouse=True)
def every_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resnet_gui.training.epoch.Throttle", lambda _: Throttle(0.0))
    monkeypatch.setattr(evaluate, "Throttle", lambda _: Throttle(0.0))


def begin(settings: Settings, **changes: object) -> Iterator[Event]:
    values = {**settings, **{key.replace("__", "."): value for key, value in changes.items()}}
    return train(make_config(values), threading.Event())


def until(settings: Settings, epoch: int, step: int, phase: str = "train") -> Path:
    """The folder of a run that was stopped at a given step."""
    stop = threading.Event()
    for event in train(make_config(settings), stop):
        if isinstance(event, Started):
            run = Path(event.run)
        if isinstance(event, Progress) and (event.phase, event.epoch, event.step) == (phase, epoch, step):
            stop.set()
    assert isinstance(event, Stopped)
    return run


def go_on(run: Path, **options: object) -> list[Event]:
    return list(resume(run, threading.Event(), **options))


def only(events: list[Event], kind: type) -> list:
    return [event for event in events if isinstance(event, kind)]


def figures(run: Path) -> list[dict[str, str]]:
    """`results.csv` but for the times."""
    with (run / "results.csv").open(newline="") as file:
        return [{name: text for name, text in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def skipped(run: Path) -> list[str]:
    return sorted(event.path for event in only(read_events(run), Skipped))


def undisturbed(settings: Settings) -> Path:
    return Path(only(list(begin(settings)), Started)[0].run)


@pytest.mark.parametrize(
    ("optimizer", "precision", "layout"),
    [
        ("adam", "float32", "channels_last"),
        ("adamw", "float32", "contiguous"),
        ("sgd", "float32", "channels_last"),
        ("adamw", "bfloat16", "channels_last"),
        ("adam", "float16", "contiguous"),
    ],
)
def test_stopped_anywhere_and_resumed_it_ends_as_if_nothing_had_happened(
    quick: Settings, optimizer: str, precision: str, layout: str
) -> None:
    settings = {
        **quick, "training.optimizer": optimizer, "training.batch_size": 4,
        "machine.precision": precision, "machine.memory_format": layout,
    }  # fmt: skip
    whole = undisturbed(settings)
    positions = [(2, 1, "train"), (1, 1, "train"), (1, 2, "train"), (1, 1, "validate"), (2, 1, "validate")]
    if precision != "float32":
        positions = positions[:1]  # 16 bits are slow where they are imitated
    for epoch, step, phase in positions:
        run = until(settings, epoch, step, phase)
        events = go_on(run)
        assert isinstance(events[0], Resumed)
        assert events[0].epoch == epoch
        codes = {note.message.code for note in only(events, Note)}
        assert codes <= {"slow_precision"}, "nothing about it is not exact"
        assert isinstance(events[-1], Finished)
        assert figures(run) == figures(whole)
        assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_pictures_that_were_left_out_before_stay_so(quick: Settings, colours: Path) -> None:
    """They change how many steps an epoch has, and so the learning rate."""
    for number in range(0, 10, 3):
        (colours / "red" / f"{number}.png").write_bytes(b"")
    settings = {**quick, "training.batch_size": 4}
    whole = undisturbed(settings)
    for step in (1, 2, 3):
        run = until(settings, 2, step)
        go_on(run)
        assert figures(run) == figures(whole)
        assert skipped(run) == skipped(whole), "each is reported once"


def test_resumed_again_and_again(quick: Settings) -> None:
    whole = undisturbed(quick)
    run = until(quick, 1, 1)
    for _ in range(20):
        stop = threading.Event()
        for event in resume(run, stop):
            if isinstance(event, Progress) and event.phase == "train":
                stop.set()
        if isinstance(event, Finished):
            break
    assert isinstance(event, Finished)
    assert figures(run) == figures(whole)
    epochs = [event.epoch for event in only(read_events(run), EpochDone)]
    assert epochs == [1, 2], "the event log has no epoch twice"


def test_it_is_saved_within_an_epoch_after_each_and_at_a_stop(quick: Settings) -> None:
    events = list(begin(quick, machine__checkpoint_minutes=0.01, training__batch_size=2, training__epochs=1))
    assert only(events, CheckpointSaved)[0] == CheckpointSaved(1, 0), "a run shows at once that it can be saved"
    assert only(events, CheckpointSaved)[-1] == CheckpointSaved(2, 0)
    run = until(quick, 1, 2)
    assert (read_status(run).epoch, read_status(run).step) == (1, 2)
    assert read_status(run).ended == "stopped"


def test_saving_within_an_epoch_changes_nothing(quick: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = undisturbed(quick)
    monkeypatch.setattr("resnet_gui.training.checkpoint.Throttle", lambda _: Throttle(0.0))
    events = list(begin(quick))
    run = Path(only(events, Started)[0].run)
    positions = [(event.epoch, event.step) for event in only(events, CheckpointSaved)]
    assert (1, 1) in positions
    assert (2, 2) in positions
    assert figures(run) == figures(whole)
    assert [path.name for path in checkpoints(run)] == [
        "epoch-00003-step-000000.safetensors", f"epoch-00002-step-{positions[-2][1]:06}.safetensors",
    ]  # fmt: skip


def test_an_epoch_is_told_when_it_cannot_be_lost_any_more(quick: Settings) -> None:
    for event in begin(quick):
        if isinstance(event, Started):
            run = Path(event.run)
        if isinstance(event, EpochDone):
            state, _ = restore(run)
            assert state.history[-1] == event
            assert state.epoch == event.epoch + 1


def test_a_finished_run_says_so_again_and_opens_no_test_picture(quick: Settings) -> None:
    whole = undisturbed(quick)
    assert read_status(whole).ended == "finished"
    events = go_on(whole)
    assert not only(events, EpochDone)
    assert events[-1].test.opened == 1
    assert load_model(whole / "model.safetensors")[1].test_opened == 1


def test_a_finished_run_without_its_last_checkpoint_repeats_only_one_epoch(
    quick: Settings,
) -> None:
    run = undisturbed(quick)
    finished = (run / "model.safetensors").read_bytes()
    checkpoints(run)[0].unlink()
    assert [done.epoch for done in only(go_on(run), EpochDone)] == [2]
    assert (run / "model.safetensors").read_bytes() == finished


def test_a_finished_run_can_have_more_epochs(quick: Settings) -> None:
    run = undisturbed(quick)
    events = go_on(run, epochs=4)
    assert events[0] == dataclasses.replace(events[0], epochs=4, epoch=3, step=0)
    assert [note.message.code for note in only(events, Note)] == ["more_epochs"]
    assert [done.epoch for done in only(events, EpochDone)] == [3, 4]
    assert [row["epoch"] for row in figures(run)] == ["1", "2", "3", "4"]
    assert read_config(run / "config.toml").training.epochs == 4
    better = only(events, BestSaved)[-1].epoch > 2
    assert events[-1].test.opened == (2 if better else 1), "the same model is not scored twice"
    with pytest.raises(Problem, match="has learned for 4 epochs already"):
        go_on(run, epochs=3)


def test_the_newest_checkpoint_is_damaged_so_the_one_before_is_taken(quick: Settings) -> None:
    whole = undisturbed(quick)
    run = until(quick, 2, 1)
    newest, before = checkpoints(run)
    os.utime(before, ns=(2**60, 2**60))  # newest by the clock, which does not count
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    events = go_on(run)
    assert (events[0].epoch, events[0].step) == (2, 0)
    assert "checkpoint_damaged" in [note.message.code for note in only(events, Note)]
    assert figures(run) == figures(whole)
    assert newest not in checkpoints(run)


def test_without_a_checkpoint_there_is_a_sentence_and_nothing_is_touched(quick: Settings) -> None:
    run = until(quick, 2, 1)
    for path in checkpoints(run):
        path.write_bytes(path.read_bytes()[:-1])
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(Problem, match="no checkpoint that can be read"):
        go_on(run)
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_a_folder_that_is_no_run_is_told_so_and_left_as_it_is(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(Problem, match="no checkpoint that can be read"):
            go_on(folder)
    assert not list(tmp_path.iterdir())


def test_a_lost_or_damaged_model_file_is_written_anew(quick: Settings) -> None:
    whole = undisturbed(quick)
    run = until(quick, 2, 2)
    (run / "model.safetensors").write_bytes(b"\0" * 1000)
    (run / "results.csv").unlink()
    (run / "events.jsonl").unlink()
    (run / "split.csv").unlink()
    go_on(run)
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert figures(run) == figures(whole)
    assert [event.epoch for event in only(read_events(run), EpochDone)] == [1, 2]
    assert isinstance(read_events(run)[0], Started)


def test_a_second_writer_is_refused_with_the_first_ones_name(quick: Settings) -> None:
    run = until(quick, 1, 1)
    script = (
        "import sys, threading\n"
        "from pathlib import Path\n"
        "from resnet_gui.training.loop import resume\n"
        "list(resume(Path(sys.argv[1]), threading.Event()))\n"
    )
    before = (run / "events.jsonl").read_bytes()
    with only_writer(run):
        assert read_status(run).ended == "running"
        done = subprocess.run([sys.executable, "-c", script, str(run)], capture_output=True, text=True)
    assert f"process {os.getpid()} on {socket.gethostname()}" in done.stderr
    assert (run / "events.jsonl").read_bytes() == before
    assert read_status(run).ended == "stopped"
    assert isinstance(go_on(run)[-1], Finished)


def test_a_run_on_changed_pictures_resumes_only_when_that_is_accepted(quick: Settings, colours: Path) -> None:
    run = until(quick, 1, 2)
    (colours / "pink").mkdir()
    (colours / "pink" / "0.png").write_bytes((colours / "red" / "0.png").read_bytes())
    (colours / "red" / "3.png").unlink()
    (colours / "red" / "4.png").write_bytes((colours / "blue" / "4.png").read_bytes())
    os.utime(colours / "red" / "5.png")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    expected = DatasetChanged(str(run), ("pink",), (), ("pink/0.png",), ("red/3.png",), ("red/4.png",))
    seen = restore(run)[0].train
    first_epoch = {sample.path for sample in seen.samples}
    assert go_on(run)[0] == dataclasses.replace(
        expected, changed=expected.changed if "red/5.png" in first_epoch else ("red/4.png", "red/5.png")
    )
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    events = go_on(run, accept_changes=True)
    assert "not_exact_data" in [note.message.code for note in only(events, Note)]
    assert isinstance(events[-1], Finished)
    assert isinstance(go_on(run)[0], Resumed), "it does not report the same changes again"


def test_the_folder_vanishes_and_comes_back(quick: Settings, colours: Path) -> None:
    whole = undisturbed(quick)
    away = colours.with_name("away")
    events = []
    for event in begin(quick):
        events.append(event)
        if isinstance(event, CheckpointSaved) and event.epoch == 2 and colours.exists():
            colours.rename(away)
        if isinstance(event, Waiting):
            assert event.message.code == "dataset_gone"
            away.rename(colours)
    assert only(events, Waiting)
    assert "dataset_back" in [note.message.code for note in only(events, Note)]
    assert not only(events, Skipped)
    assert figures(Path(only(events, Started)[0].run)) == figures(whole)


def test_a_run_whose_pictures_are_not_there_waits_with_a_sentence(quick: Settings, colours: Path) -> None:
    run = until(quick, 1, 1)
    colours.rename(colours.with_name("away"))
    with pytest.raises(Problem, match="Put the folder back"):
        go_on(run)


def test_a_torn_last_line_of_the_diary_is_passed_over(quick: Settings) -> None:
    run = until(quick, 1, 1)
    whole = read_events(run)
    with (run / "events.jsonl").open("a") as file:
        file.write(to_json(whole[-1])[:25])
    assert read_events(run) == whole
    assert read_status(run).ended == "stopped"
    assert isinstance(go_on(run)[-1], Finished)
    assert all(json.loads(line) for line in (run / "events.jsonl").read_text().splitlines())


def test_a_score_is_not_lost_behind_a_torn_line(quick: Settings) -> None:
    run = until(quick, 2, 1)
    with (run / "events.jsonl").open("a") as file:
        file.write('{"event": "Progr')
    [tested] = only(list(score_test_split(run, threading.Event())), TestScored)
    assert read_events(run)[-1] == tested


def test_pictures_copied_elsewhere_and_back_are_the_same_pictures(quick: Settings, colours: Path) -> None:
    run = until(quick, 2, 1)
    shutil.copytree(colours, colours.with_name("copy"), copy_function=shutil.copyfile)
    shutil.rmtree(colours)
    colours.with_name("copy").rename(colours)
    events = go_on(run)
    assert isinstance(events[0], Resumed)
    assert events[-1].test.total == 6


def test_a_loss_that_is_not_finite_leaves_the_last_good_checkpoint(quick: Settings) -> None:
    events = []
    with pytest.raises(Problem, match="infinite or not a number"):
        for event in begin(quick, training__optimizer="sgd", training__learning_rate=10.0, training__momentum=0.999,
                           training__epochs=60, training__weight_decay=1.0):  # fmt: skip
            events.append(event)
    run = Path(only(events, Started)[0].run)
    assert read_status(run).ended == "failed"
    restore(run)[0].require_finite()


class TooLarge(nn.Module):
    """A network for which memory runs out, in the middle of its way, with more than 3 pictures at once."""

    def __init__(self, network: nn.Sequential) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.network[:4](x)  # norm statistics have changed by now
        if self.training and len(x) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.network[4:](x)


def test_where_memory_runs_out_a_batch_is_learned_from_in_parts(
    quick: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[TooLarge] = []

    def too_large(name: str, classes: int, channels: int) -> nn.Module:
        made.append(TooLarge(build(name, classes)))
        return made[-1]

    monkeypatch.setattr("resnet_gui.training.trainable.build", too_large)
    events = list(begin(quick, training__epochs=1))
    notes = [note.message for note in only(events, Note)]
    assert [dict(note.values)["size"] for note in notes if note.code == "batch_in_parts"] == [4, 2]
    assert isinstance(events[-1], Finished)
    steps = [event.step for event in only(events, Progress) if event.phase == "train"]
    assert steps == [1, 2, 3]
    # 18 pictures in batches of 8, 8 and 2, that is 4 + 4 + 1 parts: the statistics of failed attempts were taken back.
    assert made[0].network.bn1.num_batches_tracked == 9


def test_so_it_is_in_a_network_that_has_nothing_but_weights(quick: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    class TooLargeOnce(nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.training and len(x) > 4:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().forward(x)

    monkeypatch.setattr(
        "resnet_gui.training.trainable.build",
        lambda name, classes, channels: TooLargeOnce(nn.Flatten(), nn.Linear(3 * 32 * 32, classes)),
    )
    events = list(begin(quick, training__epochs=1))
    assert "batch_in_parts" in [note.message.code for note in only(events, Note)]
    assert isinstance(events[-1], Finished)


def test_parts_add_up_to_the_gradient_of_the_whole_batch(quick: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen on a network without norms, whose parts do not know of each other."""

    def plain(name: str, classes: int, channels: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, classes))

    monkeypatch.setattr("resnet_gui.training.trainable.build", plain)
    monkeypatch.setattr("resnet_gui.training.best_model.BestModel.save", lambda self: None)
    losses = []
    for size in (8, 3):
        monkeypatch.setattr("resnet_gui.training.run_state.RunState.part_size", size, raising=False)
        events = list(begin(quick, machine__precision="float32"))  # 16 bits are not so fine
        losses.append([done.train_loss for done in only(events, EpochDone)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_memory_that_will_hardly_do_is_told_beforehand(quick: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource_checks, "free_memory", lambda: 5_000_000)
    events = list(begin(quick, training__epochs=1))
    assert "memory_tight" in [note.message.code for note in only(events, Note)]


def test_the_newest_run_comes_first_and_other_folders_are_none(quick: Settings, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    (runs / "2099-holiday").mkdir(parents=True)
    run = until(quick, 1, 1)
    assert newest_runs(runs) == [run]
    assert newest_runs(tmp_path / "nowhere") == []
    assert read_status(runs / "2099-holiday") is None


def test_nothing_but_safetensors_and_text_is_written(quick: Settings) -> None:
    run = until(quick, 2, 1)
    assert {path.suffix for path in run.rglob("*") if path.is_file()} == {
        ".safetensors", ".toml", ".csv", ".jsonl", ".lock",
    }  # fmt: skip


def test_a_run_that_was_scored_later_is_still_a_finished_one(quick: Settings) -> None:
    run = undisturbed(quick)
    list(score_test_split(run, threading.Event()))
    assert read_status(run).ended == "finished"


def test_too_many_epochs_are_refused_and_the_run_can_still_be_resumed(quick: Settings) -> None:
    run = until(quick, 1, 1)
    with pytest.raises(Problem, match="“Epochs” is not valid"):
        go_on(run, epochs=20_000)
    assert isinstance(go_on(run)[-1], Finished)


def test_a_pipe_among_the_pictures_is_not_waited_for(quick: Settings, colours: Path) -> None:
    for name in ("blue", "green", "red"):
        for number in range(10, 13):
            os.mkfifo(colours / name / f"{number}.png")
    run = until(quick, 1, 1)
    assert isinstance(go_on(run)[0], Resumed), "what could never be read has not changed"


def test_memory_that_does_not_suffice_for_the_smallest_part_ends_the_run(
    quick: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Never(TooLarge):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.training:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return self.network(x)

    monkeypatch.setattr(
        "resnet_gui.training.trainable.build", lambda name, classes, channels: Never(build(name, classes))
    )
    with pytest.raises(Problem, match="ran out of memory"):
        list(begin(quick, training__batch_size=7))


def test_a_run_that_lacks_memory_for_its_test_score_can_be_resumed(
    quick: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    whole = undisturbed(quick)
    with monkeypatch.context() as tight, pytest.raises(Problem, match="ran out of memory"):
        tight.setattr("resnet_gui.training.loop._test", full)
        list(begin(quick))
    run = newest_runs(Path(str(quick["out"])))[0]
    assert isinstance(go_on(run)[-1], Finished)
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_a_resumed_run_says_if_an_earlier_version_prepared_its_pictures(
    quick: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("resnet_gui.training.checkpoint.VERSIONS", VERSIONS[1:])
        run = until(quick, 1, 2)
    notes = [note.message for note in only(go_on(run), Note)]
    assert [dict(note.values)["name"] for note in notes if note.code == "not_exact_version"] == [VERSIONS[0][0]]


def test_a_run_that_goes_on_says_how_it_computes_now(quick: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    run = until({**quick, "machine.threads": 1, "machine.precision": "bfloat16"}, 1, 2)
    monkeypatch.setattr("resnet_gui.device.short_precision", lambda _: None)
    events = go_on(run)
    [planned] = only(events, Planned)
    assert (planned.precision, planned.threads, planned.message.code) == ("bfloat16", 1, "plan_before")
    assert "slow_precision" in [note.message.code for note in only(events, Note)]
