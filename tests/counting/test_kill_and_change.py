"""The counting programs `kill` and `change`, as many of their trials as fit into half a minute."""

import subprocess
import sys
import threading
from pathlib import Path

import change
import dataset_edits
import pytest
import small_data

from resnet_gui.config import make_config
from resnet_gui.data import snapshot
from resnet_gui.data.readers.class_folders import list_folder
from resnet_gui.data.snapshot import Snapshot
from resnet_gui.events import EpochDone, Resumed, Started
from resnet_gui.training.loop import resume, train

ONES = [
    (dataset_edits.truncated, change.Trial.during_run),
    (dataset_edits.swapped, change.Trial.during_run),
    (dataset_edits.moved_away_and_back, change.Trial.during_run),
    (dataset_edits.replaced_by_another_class, change.Trial.before_resume),
    (dataset_edits.class_renamed, change.Trial.before_resume),
    (dataset_edits.touched, change.Trial.before_resume),
]


def test_a_run_that_is_killed_again_and_again_ends_as_if_it_had_not_been() -> None:
    """The program runs in a process of its own, since it forks. Its first kill is at a named point of a save."""
    program = Path(__file__).with_name("kill.py")
    done = subprocess.run([sys.executable, program, "--trials", "3"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kills at “" in done.stdout


@pytest.mark.parametrize("one", ONES, ids=lambda one: f"{one[0].__name__}-{one[1].__name__}")
def test_pictures_that_were_altered_are_listed_and_never_learned_from(one: tuple) -> None:
    counted = change.trial(change.TRIALS.index(one))
    assert {what: counted[what] for what in change.NEVER} == dict.fromkeys(change.NEVER, 0)
    assert counted["batches looked at"] > 10


def test_the_watch_sees_a_wrong_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program could count nothing but zeros otherwise."""
    monkeypatch.setattr(Snapshot, "holds", lambda *_: True)
    trial = change.Trial(tmp_path, 0, dataset_edits.swapped)
    trial.during_run()
    assert trial.counted["wrong labels"] > 0
    assert trial.counted["not listed"] == 2


def test_a_picture_that_is_replaced_while_it_is_looked_at_is_not_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was read, and is another before its digest is taken: that digest must not vouch for it the next time."""
    root = small_data.draw(tmp_path / "pictures")
    samples = list_folder(root).samples
    taken, path, real = Snapshot.take(root, samples), root / samples[0].path, snapshot._digest

    def replaced_before(read: Path) -> object:
        read.write_bytes((root / "red" / "0.bmp").read_bytes())
        return real(read)

    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "_digest", replaced_before)
        assert not taken.holds(0, path)
    assert not taken.holds(0, path)


def test_who_has_accepted_a_picture_is_not_asked_when_it_is_gone_again(tmp_path: Path) -> None:
    root = small_data.draw(tmp_path / "pictures")
    config = make_config({**small_data.SETTINGS, "dataset": root, "out": tmp_path / "runs"})
    stop, run, more = threading.Event(), Path(), root / "red" / "more.bmp"
    for event in train(config, stop):
        if isinstance(event, Started):
            run = Path(event.run)
            stop.set()
    more.write_bytes((root / "red" / "0.bmp").read_bytes())
    stop.clear()
    for event in resume(run, stop, accept_changes=True):
        if isinstance(event, EpochDone):
            stop.set()
    more.unlink()
    assert isinstance(next(resume(run, stop)), Resumed)
