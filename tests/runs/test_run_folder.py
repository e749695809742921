"""A run that has learned nothing leaves no folder behind; any other stays."""

import threading
from pathlib import Path

import pytest

from resnet_gui.config import make_config
from resnet_gui.data.split import Splits
from resnet_gui.events import EpochDone, Note, Progress
from resnet_gui.messages import Problem, message
from resnet_gui.runs import run_folder
from resnet_gui.runs.event_log import append_event, write_results
from resnet_gui.runs.run_folder import make_run_folder, removed_if_nothing_was_learned
from resnet_gui.training.loop import train

FIRST = "checkpoints/epoch-00001-step-000000.safetensors"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's new folder."""
    return make_run_folder(make_config({"out": str(tmp_path / "runs")}), Splits(("a", "b"), (), (), ()))


def fail(run: Path, *files: str) -> bool:
    """Whether the folder stays when a run fails that has written `files`."""
    with pytest.raises(Problem), removed_if_nothing_was_learned(run):
        for name in files:
            (run / name).parent.mkdir(exist_ok=True)
            (run / name).write_bytes(b"")
        raise Problem("out_of_memory", device="cpu")
    return run.exists()


def test_a_folder_without_anything_learned_goes(run: Path) -> None:
    append_event(Note(message("no_test")), run)
    assert not fail(run, FIRST, "run.lock")
    assert run.parent.exists()


@pytest.mark.parametrize(
    "name", ["model.safetensors", "checkpoints/epoch-00001-step-000001.safetensors", "checkpoints/mine", "notes.txt"]
)
def test_a_folder_that_holds_something_else_stays_as_it_is(run: Path, name: str) -> None:
    before = {path.name for path in run.iterdir()}
    assert fail(run, FIRST, name)
    assert before < {path.name for path in run.iterdir()}
    assert (run / FIRST).exists()


def test_a_folder_with_a_finished_epoch_stays(run: Path) -> None:
    write_results(run, [EpochDone(1, 0.5, 0.5, None, None, 0.1, 1.0, False)])
    assert fail(run, FIRST)


def test_a_folder_stays_once_a_step_was_taken(run: Path) -> None:
    append_event(Progress("train", 1, 9, 1, 0.5, 0.5), run)
    assert fail(run, FIRST)


def test_a_folder_stays_when_the_loss_is_not_finite(run: Path) -> None:
    with pytest.raises(Problem), removed_if_nothing_was_learned(run):
        raise Problem("loss_not_finite", epoch=1, step=1)
    assert run.exists()


def test_a_folder_stays_when_the_program_itself_is_at_fault(run: Path) -> None:
    with pytest.raises(ZeroDivisionError), removed_if_nothing_was_learned(run):
        raise ZeroDivisionError
    assert run.exists()


def test_a_folder_that_could_not_be_filled_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_folder, "write_split", full)
    with pytest.raises(Problem, match="No space left on device"):
        make_run_folder(make_config({"out": str(tmp_path)}), Splits(("a", "b"), (), (), ()))
    assert not list(tmp_path.iterdir())


def test_a_training_whose_pictures_are_all_broken_leaves_no_folder(quick: dict[str, object], colours: Path) -> None:
    for picture in colours.rglob("*.png"):
        picture.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(Problem) as caught:
        list(train(make_config(quick), threading.Event()))
    assert caught.value.message.code == "too_few_pictures"
    assert not list(Path(str(quick["out"])).iterdir())
