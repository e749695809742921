"""A run from settings to a model file, seen through its events."""

import csv
import itertools
import threading
from pathlib import Path

import pytest
from PIL import Image

from resnet_gui.config import make_config, read_config
from resnet_gui.data.split import read_split
from resnet_gui.evaluation.evaluate import score_test_split
from resnet_gui.events import (
    BestSaved,
    EpochDone,
    Event,
    Failed,
    Finished,
    Note,
    Progress,
    Skipped,
    Started,
    Stopped,
    from_json,
)
from resnet_gui.messages import Problem
from resnet_gui.model_file import load_model
from resnet_gui.throttle import Throttle
from resnet_gui.training import epoch
from resnet_gui.training.loop import train

Settings = dict[str, object]


def run(settings: Settings, **changes: object) -> list[Event]:
    values = {**settings, **{key.replace("__", "."): value for key, value in changes.items()}}
    return list(train(make_config(values), threading.Event()))


def stopped_after(settings: Settings, kind: type, count: int = 1) -> list[Event]:
    """The events of a run that is stopped when the `count`-th event of `kind` has come."""
    stop = threading.Event()
    seen: list[Event] = []
    for event in train(make_config(settings), stop):
        seen.append(event)
        if sum(isinstance(each, kind) for each in seen) == count:
            stop.set()
    return seen


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events if not isinstance(event, Progress | Note)]


def only(events: list[Event], kind: type) -> list:
    return [event for event in events if isinstance(event, kind)]


def results(run_folder: str) -> list[dict[str, str]]:
    with (Path(run_folder) / "results.csv").open(newline="") as file:
        return [{name: text for name, text in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def test_a_run_tells_its_story_in_order_and_leaves_everything_behind(quick: Settings) -> None:
    events = run(quick)
    names = kinds(events)
    assert names[0] == "Started"
    assert names[-1] == "Finished"
    assert names.count("EpochDone") == 2
    assert "BestSaved" in names
    started, finished = only(events, Started)[0], only(events, Finished)[0]
    assert (started.train, started.val, started.test) == (18, 6, 6)
    assert started.classes == ("blue", "green", "red")
    assert finished.test.total == 6
    assert finished.test.right == sum(row.right for row in finished.test.classes)
    folder = Path(started.run)
    assert {path.name for path in folder.iterdir()} == {
        "config.toml", "split.csv", "events.jsonl", "results.csv", "model.safetensors", "checkpoints", "run.lock",
    }  # fmt: skip
    assert read_config(folder / "config.toml").training.epochs == 2
    assert len(read_split(folder / "split.csv").train) == 18
    kept = [from_json(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert kinds(kept) == names
    _, metadata = load_model(Path(finished.model))
    assert metadata.test == finished.test
    assert metadata.test_opened == 1
    assert metadata.validated
    assert metadata.epoch == finished.best_epoch


def test_the_same_seed_gives_the_same_figures_and_another_does_not(quick: Settings) -> None:
    first, again, other = (run(quick, training__seed=seed) for seed in (0, 0, 1))
    tables = [results(only(events, Started)[0].run) for events in (first, again, other)]
    assert tables[0] == tables[1]
    assert tables[0] != tables[2]


def test_the_loading_threads_change_nothing(quick: Settings) -> None:
    tables = [
        results(only(run(quick, training__epochs=1, machine__loading_threads=threads), Started)[0].run)
        for threads in (1, 5)
    ]
    assert tables[0] == tables[1]


def test_it_learns(quick: Settings) -> None:
    events = run(quick, training__epochs=8)
    assert only(events, Finished)[0].val_accuracy >= 5 / 6


def test_the_best_epoch_has_the_highest_accuracy_then_the_lowest_loss(quick: Settings) -> None:
    events = run(quick, training__epochs=5)
    epochs = only(events, EpochDone)
    best = max(epochs, key=lambda epoch: (epoch.val_accuracy, -epoch.val_loss))
    assert only(events, Finished)[0].best_epoch == best.epoch
    assert only(events, BestSaved)[-1].epoch == best.epoch
    assert [epoch.epoch for epoch in epochs if epoch.best] == [event.epoch for event in only(events, BestSaved)]


def test_a_run_stopped_before_any_validation_keeps_an_unvalidated_model(quick: Settings) -> None:
    events = stopped_after(quick, Progress)
    assert kinds(events) == ["Started", "Planned", "CheckpointSaved", "CheckpointSaved", "Stopped"]
    stopped = only(events, Stopped)[0]
    assert not stopped.validated
    assert (stopped.epoch, stopped.step) == (1, 1)
    _, metadata = load_model(Path(stopped.model))
    assert not metadata.validated
    assert metadata.val_accuracy is None
    assert metadata.test is None


def test_stopped_later_it_keeps_the_best_and_opens_no_test_pictures(quick: Settings) -> None:
    events = stopped_after({**quick, "training.epochs": 9}, EpochDone, 2)
    stopped = only(events, Stopped)[0]
    assert stopped.validated
    assert stopped.epoch == 3
    assert stopped.step == 0
    _, metadata = load_model(Path(stopped.model))
    assert metadata.epoch == only(events, BestSaved)[-1].epoch
    assert metadata.test is None
    assert metadata.test_opened == 0


def test_stopped_during_the_test_it_gives_no_score(quick: Settings) -> None:
    events = stopped_after({**quick, "training.epochs": 1}, BestSaved)
    assert kinds(events)[-1] == "Stopped"
    assert load_model(Path(only(events, Stopped)[0].model))[1].test_opened == 0


def test_closing_the_iterator_releases_the_threads_and_says_nothing(quick: Settings) -> None:
    events = train(make_config(quick), threading.Event())
    started = next(event for event in events if isinstance(event, Started))
    next(event for event in events if isinstance(event, Progress))
    loaders = [thread for thread in threading.enumerate() if thread.name.startswith("loader")]
    events.close()
    for thread in loaders:
        thread.join(timeout=5)
        assert not thread.is_alive()
    assert not (Path(started.run) / "model.safetensors").exists()


def test_bad_pictures_are_skipped_counted_and_never_replaced(quick: Settings, colours: Path) -> None:
    whole = read_split(Path(only(run(quick, training__epochs=1), Started)[0].run) / "split.csv")
    bad = colours / whole.train[0].path
    bad.write_bytes(bad.read_bytes()[:60])
    events = run(quick)
    assert [event.path for event in only(events, Skipped)] == [str(bad)]
    assert kinds(events)[-1] == "Finished"
    assert read_split(Path(only(events, Started)[0].run) / "split.csv") == whole


def test_a_loss_that_is_not_finite_ends_the_run_and_is_never_the_best(quick: Settings, tmp_path: Path) -> None:
    settings = {**quick, "training.optimizer": "sgd", "training.learning_rate": 10.0, "training.momentum": 0.999,
                "training.epochs": 60, "training.schedule": "constant"}  # fmt: skip
    events: list[Event] = []
    with pytest.raises(Problem, match="smaller learning rate"):
        for event in train(make_config(settings), threading.Event()):
            events.append(event)
    run_folder = Path(only(events, Started)[0].run)
    last = from_json((run_folder / "events.jsonl").read_text().splitlines()[-1])
    assert isinstance(last, Failed)
    assert all(float(row["train_loss"]) < float("inf") for row in results(str(run_folder)))


def test_a_run_never_writes_over_another(quick: Settings) -> None:
    folders = [only(stopped_after(quick, Started), Started)[0].run for _ in range(3)]
    assert len(set(folders)) == 3


def test_without_validation_pictures_the_last_epoch_is_kept_and_marked(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for index in range(2):
            path = tmp_path / "few" / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (32, 32), "red" if name == "a" else "blue").save(path)
    events = run(
        {"dataset": str(tmp_path / "few"), "out": str(tmp_path / "runs"), "data.image_size": 32, "training.epochs": 2}
    )
    codes = [event.message.code for event in only(events, Note)]
    assert "no_validation" in codes
    assert codes.count("class_small") == 2
    finished = only(events, Finished)[0]
    assert finished.test is None
    assert finished.best_epoch == 2
    assert not load_model(Path(finished.model))[1].validated


def test_nothing_readable_is_a_sentence(quick: Settings, colours: Path) -> None:
    for path in colours.rglob("*.png"):
        path.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(Problem, match="at least 2 readable pictures"):
        run(quick)


def test_one_readable_class_is_a_sentence(quick: Settings, colours: Path) -> None:
    for path in itertools.chain(colours.glob("blue/*.png"), colours.glob("green/*.png")):
        path.write_bytes(b"")
    with pytest.raises(Problem, match="at least 2 classes"):
        run(quick)


def test_the_dataset_folder_is_never_written_to(quick: Settings, colours: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in [colours, *colours.rglob("*")]}
    run(quick, training__epochs=1)
    assert before == {path: path.stat().st_mtime_ns for path in [colours, *colours.rglob("*")]}


def test_a_missing_device_is_a_sentence(quick: Settings) -> None:
    with pytest.raises(Problem, match="not available on this machine"):
        run(quick, machine__device="cuda")  # which conftest.py hides where there is one


def test_how_often_progress_is_said_changes_nothing_even_with_bad_pictures(
    quick: Settings, colours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of steps shrinks as bad pictures are found, and with it the learning rate falls faster."""
    for path in colours.glob("red/*.png"):
        path.write_bytes(b"")
    tables = []
    for seconds in (0.0, 1e9):
        monkeypatch.setattr(epoch, "Throttle", lambda _, seconds=seconds: Throttle(seconds))
        tables.append(results(only(run(quick, training__batch_size=2), Started)[0].run))
    assert tables[0] == tables[1]


def test_unreadable_validation_pictures_do_not_end_a_run(quick: Settings, colours: Path) -> None:
    split = read_split(Path(only(stopped_after(quick, Started), Started)[0].run) / "split.csv")
    for sample in (*split.val, *split.test):
        (colours / sample.path).write_bytes(b"")
    events = run(quick)
    codes = [event.message.code for event in only(events, Note)]
    assert codes == ["no_validation", "no_test"]
    finished = only(events, Finished)[0]
    assert (finished.best_epoch, finished.test) == (2, None)
    assert not load_model(Path(finished.model))[1].validated


def test_a_run_made_with_a_relative_path_is_understood_from_elsewhere(
    quick: Settings, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(colours.parent)
    started = only(run({**quick, "dataset": "colours"}, training__epochs=1), Started)[0]
    monkeypatch.chdir("/")
    scored = list(score_test_split(Path(started.run), threading.Event()))
    assert scored[-1].test.opened == 2


def test_a_score_can_be_computed_in_another_precision(quick: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    started = only(run(quick, training__epochs=1, machine__precision="float32"), Started)[0]
    model = Path(started.run) / "model.safetensors"
    losses = [load_model(model)[1].test.loss]
    monkeypatch.setattr("resnet_gui.device.short_precision", lambda _: None)
    for precision, codes in (("auto", []), ("bfloat16", ["slow_precision"])):
        *others, scored = score_test_split(Path(started.run), threading.Event(), precision=precision)
        assert [each.message.code for each in others if isinstance(each, Note)] == codes
        losses.append(scored.test.loss)
    assert losses[0] == losses[1] == pytest.approx(losses[2], rel=0.05)
    assert losses[2] != losses[1]
    with pytest.raises(Problem, match="“cuda:1” is not available"):
        list(score_test_split(Path(started.run), threading.Event(), device="cuda:1"))
    assert load_model(model)[1].test_opened == 3


def test_a_stopped_scoring_does_not_count(quick: Settings) -> None:
    started = only(run(quick, training__epochs=1), Started)[0]
    stop = threading.Event()
    stop.set()
    [note] = score_test_split(Path(started.run), stop)
    assert note.message.code == "test_stopped"
    assert load_model(Path(started.run) / "model.safetensors")[1].test_opened == 1
