"""A checkpoint from anywhere may be wrong in every field: it is damaged, the run goes on from the one before, or is refused."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from helpers.model_files import changed, parts_of, write_model
from resnet_gui.evaluation.learned_pictures import learned_by
from resnet_gui.messages import Problem
from resnet_gui.nets import build
from resnet_gui.nets.families import resnet_cifar
from resnet_gui.runs.run_folder import checkpoints
from resnet_gui.runs.run_status import read_status
from resnet_gui.training.checkpoint import restore
from test_earlier_versions import WRITTEN, narrow


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stopped run with two checkpoints, of a small network."""
    monkeypatch.setitem(resnet_cifar.BUILDERS, "resnet20", narrow)
    monkeypatch.setitem(build._BUILDERS, "resnet20", narrow)
    return Path(shutil.copytree(WRITTEN / "stopped-run", tmp_path / "run"))


WRONG: list[dict[str, Any]] = [
    *({"epoch": value} for value in ("3", 0, -1, 2.5, None, 10**9, ...)),
    *({"step": value} for value in ("1", -1, None, True)),
    *({"seconds": value} for value in ("x", -1)),
    *({"kind": value} for value in ("model", 5)),
    *({"config": value} for value in (5, [], None, "x", ...)),
    *({"history": value} for value in (5, [5], [], [{}], "x")),
    {"history.0.train_loss": "x"}, {"history.0.epoch": 7}, {"threads": 0}, {"part_size": 0}, {"versions": [["a"]]}, {"versions": 5},
    *({"best": value} for value in (5, {}, None)),
    {"best.network": "resnet9000"}, {"best.classes": ["a", "a", "b"]}, {"best.preprocessing.std": [0, 0, 0]},
    {"best.preprocessing.image_size": 100_000}, {"best.classes": ["a", "b"], "best.test": None}, {"best.epoch": -1},
    {"config.network": "vgg_e"},
]  # fmt: skip


def rewrite(path: Path, changes: dict[str, Any]) -> None:
    description, entries, data = parts_of(path)
    write_model(path, changed(description, changes), entries, data)


@pytest.mark.parametrize("changes", WRONG, ids=lambda changes: next(iter(changes)))
def test_a_checkpoint_with_a_wrong_field_is_damaged(changes: dict[str, Any], run: Path) -> None:
    newest = checkpoints(run)[0]
    rewrite(newest, changes)
    state, notes = restore(run)
    assert (state.epoch, state.step) == (3, 0), "that of the one before"
    damaged = [dict(note.values) for note in notes if note.code == "checkpoint_damaged"]
    assert [each["name"] for each in damaged] == [newest.name]
    assert len(str(damaged[0]["reason"])) < 500


@pytest.mark.parametrize("name", ["split", "train.size", "val.digest", "train.skipped", "optimizer.0.momentum_buffer"])
def test_a_checkpoint_with_a_wrong_tensor_is_damaged(name: str, run: Path) -> None:
    path = checkpoints(run)[0]
    description, entries, data = parts_of(path)
    entry = entries.pop(name)
    entries |= {"other" if name == "split" else name: {**entry, "shape": [*entry["shape"], 1, 1]}}
    write_model(path, description, entries, data)
    assert "checkpoint_damaged" in [note.code for note in restore(run)[1]]


def test_a_network_that_is_not_in_the_file_is_not_built(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in checkpoints(run):
        rewrite(path, {"config.network": "resnet152"})
    monkeypatch.setattr("resnet_gui.training.trainable.build", lambda *_: pytest.fail("it was built"))
    with pytest.raises(Problem) as caught:
        restore(run)
    assert caught.value.message.code == "no_checkpoint"


def test_a_newer_checkpoint_names_the_version_that_wrote_it(run: Path) -> None:
    rewrite(checkpoints(run)[0], {"format": 7, "resnet_gui": "0.9"})
    with pytest.raises(Problem, match=r"by resnet-gui 0\.9 in format 7"):
        restore(run)


@pytest.mark.parametrize("changes", WRONG[:20], ids=lambda changes: next(iter(changes)))
def test_a_status_is_read_from_what_is_right(changes: dict[str, Any], run: Path) -> None:
    rewrite(checkpoints(run)[0], changes)
    status = read_status(run)
    assert status is not None
    assert isinstance(status.epoch, int)
    assert isinstance(status.step, int)
    learned_by(run)


def test_a_model_is_no_checkpoint(run: Path) -> None:
    shutil.copy(run / "model.safetensors", checkpoints(run)[0])
    assert restore(run)[1][0].code == "checkpoint_damaged"
    assert learned_by(run)
    assert read_status(run) is not None
