"""A run goes on, and is scored, with its pictures in another folder, once they are known to be the same."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from resnet_gui.config import make_config, read_config
from resnet_gui.evaluation.evaluate import score_test_split
from resnet_gui.events import DatasetChanged, EpochDone, Event, Finished, Note, Skipped, TestScored
from resnet_gui.messages import Problem
from resnet_gui.runs.run_status import read_status
from resnet_gui.training.loop import resume, train


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Path:
    """A run of 2 epochs that was stopped after the first. Its pictures are in the folder beside, called colours."""
    folder = tmp_path_factory.mktemp("stopped")
    colours = shutil.copytree(drawn, folder / "colours")
    config = make_config(
        {"dataset": str(colours), "out": str(folder / "runs"), "network": "resnet20", "data.image_size": 32,
         "training.epochs": 2, "training.batch_size": 8}
    )  # fmt: skip
    stop = threading.Event()
    for event in train(config, stop):
        if isinstance(event, EpochDone):
            stop.set()
    [run] = (folder / "runs").iterdir()
    return run


@pytest.fixture
def run(stopped: Path, tmp_path: Path) -> Path:
    """A copy of the run's folder."""
    return Path(shutil.copytree(stopped, tmp_path / "run"))


@pytest.fixture
def colours(stopped: Path) -> Path:
    """Where the run has seen its pictures."""
    return stopped.parents[1] / "colours"


@pytest.fixture
def moved(colours: Path, tmp_path: Path) -> Iterator[Path]:
    """The run's pictures, copied into a folder of another name, two folders down; the old folder is gone."""
    moved = tmp_path / "elsewhere"
    shutil.copytree(colours, moved / "unpacked" / "shades")
    away = colours.with_name("away")
    colours.rename(away)
    yield moved
    away.rename(colours)


def go_on(run: Path, *, accept: bool = False, moved_to: Path | None = None) -> list[Event]:
    return list(resume(run, threading.Event(), accept_changes=accept, moved_to=moved_to))


def test_it_ends_with_the_same_bits_and_knows_the_new_folder(
    run: Path, moved: Path, colours: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(run, tmp_path / "other"))
    root = moved / "unpacked" / "shades"
    with pytest.raises(Problem) as caught:
        go_on(run)
    assert caught.value.message.code == "dataset_missing"
    events = go_on(run, moved_to=moved)
    assert isinstance(events[-1], Finished)
    assert any(isinstance(event, Note) and event.message.code == "dataset_moved" for event in events)
    assert read_config(run / "config.toml").dataset == root
    status = read_status(run)
    assert status is not None
    assert status.dataset == str(root)
    assert go_on(run)[-1] == events[-1], "the next time the folder is known"
    colours.with_name("away").rename(colours)
    assert isinstance(go_on(other)[-1], Finished)
    colours.rename(colours.with_name("away"))
    assert (run / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()


def test_a_picture_that_differs_is_asked_about(run: Path, moved: Path) -> None:
    root = moved / "unpacked" / "shades"
    shutil.copy(root / "red" / "1.png", root / "red" / "2.png")
    (root / "blue" / "3.png").unlink()
    [changes] = go_on(run, moved_to=root)
    assert isinstance(changes, DatasetChanged)
    assert (changes.changed, changes.removed) == (("red/2.png",), ("blue/3.png",))
    assert not read_config(run / "config.toml").dataset.exists(), "nothing was written"
    assert isinstance(go_on(run, accept=True, moved_to=root)[-1], Finished)
    assert read_config(run / "config.toml").dataset == root


@pytest.mark.parametrize("kind", ["empty", "missing", "of other names", "of other pictures"])
def test_a_folder_without_the_pictures_is_refused(run: Path, moved: Path, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "wrong"
    if kind != "missing":
        folder.mkdir()
    if kind == "of other names":
        shutil.copytree(moved / "unpacked" / "shades" / "red", folder / "ant")
    if kind == "of other pictures":
        for name in ("blue", "green", "red"):
            (folder / name).mkdir()
            for number in range(10):
                (folder / name / f"{number}.png").write_bytes(b"another")
    with pytest.raises(Problem) as caught:
        go_on(run, moved_to=folder)
    assert caught.value.message.code == "dataset_not_there"


def test_the_test_pictures_are_scored_there_if_they_are_the_same(run: Path, moved: Path) -> None:
    stop = threading.Event()
    *_, scored = score_test_split(run, stop, moved)
    assert isinstance(scored, TestScored)
    assert scored.test.total == 6
    for picture in (moved / "unpacked" / "shades" / "red").iterdir():
        shutil.copy(moved / "unpacked" / "shades" / "blue" / "1.png", picture)
    *others, scored = score_test_split(run / "model.safetensors", stop, moved)
    assert isinstance(scored, TestScored)
    assert [event.message.code for event in others if isinstance(event, Skipped)] == ["image_changed"] * 2
    assert (scored.test.total, scored.test.opened) == (4, 2)
