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

Settings = dict[str, object]


@pytest.fixture
def run(quick: Settings) -> Path:
    """A run of 2 epochs that was stopped after the first."""
    stop = threading.Event()
    for event in train(make_config(quick), stop):
        if isinstance(event, EpochDone):
            stop.set()
    [run] = Path(str(quick["out"])).iterdir()
    return run


@pytest.fixture
def moved(run: Path, colours: Path, tmp_path: Path) -> Iterator[Path]:
    """The run's pictures, copied into a folder of another name, two folders down; the old folder is gone."""
    moved = tmp_path / "elsewhere"
    shutil.copytree(colours, moved / "unpacked" / "shades")
    colours.rename(tmp_path / "away")
    yield moved
    (tmp_path / "away").rename(colours)


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
    (tmp_path / "away").rename(colours)
    assert isinstance(go_on(other)[-1], Finished)
    colours.rename(tmp_path / "away")
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
