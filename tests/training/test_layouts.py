"""A run keeps how its folders were read, and a run of an earlier version keeps how that version read them."""

import shutil
import threading
from functools import partial
from pathlib import Path

import pytest
import safetensors.torch

from resnet_gui.config import make_config, read_config
from resnet_gui.data.readers.class_folders import list_folder
from resnet_gui.data.samples import Listing, Sample
from resnet_gui.data.split import read_split
from resnet_gui.events import Started
from resnet_gui.runs.run_folder import checkpoints
from resnet_gui.tensor_file import read_tensor_file, safetensors_metadata, write_tensor_file
from resnet_gui.training import loop
from resnet_gui.training.checkpoint import restore
from resnet_gui.training.dataset_changes import dataset_changes
from resnet_gui.training.loop import train


def stopped_run(settings: dict[str, object]) -> Path:
    """A run that was stopped at its beginning."""
    stop = threading.Event()
    for event in train(make_config(settings), stop):
        if isinstance(event, Started):
            stop.set()
            run = Path(event.run)
    return run


def without_layouts(run: Path) -> None:
    """Rewrites the checkpoints of `run` as an earlier version wrote them, which knew no layouts."""
    for path in checkpoints(run):
        description, data = read_tensor_file(path)
        for key in ("layout", "validation_fold"):
            del description["config"]["data"][key]
        write_tensor_file(path, safetensors.torch.save(safetensors.torch.load(data), safetensors_metadata(description)))


@pytest.fixture
def sets(colours: Path, tmp_path: Path) -> Path:
    """The classes of `colours` in each of two folders."""
    for name in ("Training", "Testing"):
        shutil.copytree(colours, tmp_path / "sets" / name)
    return tmp_path / "sets"


def test_the_layout_is_written_into_the_run(quick: dict[str, object], sets: Path):
    run = stopped_run({**quick, "dataset": str(sets)})
    assert read_config(run / "config.toml").data.layout == "splits"
    assert {sample.path.partition("/")[0] for sample in read_split(run / "split.csv").test} == {"Testing"}
    assert dataset_changes(restore(run)[0], run) is None


def test_folds_are_validated_by_the_setting_and_stay_so(quick: dict[str, object], sets: Path):
    options = {"dataset": str(sets), "data.layout": "folds", "data.validation_fold": 2}
    run = stopped_run({**quick, **options})
    config, splits = read_config(run / "config.toml"), read_split(run / "split.csv")
    assert (config.data.layout, config.data.validation_fold) == ("folds", 2)
    assert {sample.path.partition("/")[0] for sample in splits.val} == {"Training"}
    assert dataset_changes(restore(run)[0], run) is None


def test_an_earlier_versions_classes_are_not_a_changed_dataset(
    quick: dict[str, object], sets: Path, monkeypatch: pytest.MonkeyPatch
):
    as_classes = partial(list_folder, layout="classes")
    monkeypatch.setattr(loop, "list_folder", lambda root, cancelled, **_: as_classes(root, cancelled))
    run = stopped_run({**quick, "dataset": str(sets)})
    without_layouts(run)
    state = restore(run)[0]
    assert state.splits.classes == ("Testing", "Training")
    assert dataset_changes(state, run) is None
    shutil.copy(sets / "Testing" / "red" / "1.png", sets / "Testing" / "red" / "new.png")
    changes = dataset_changes(state, run)
    assert changes is not None
    assert changes.added == ("Testing/red/new.png",)
    assert changes.classes_added == ()


def test_an_earlier_versions_dummy_class_is_not_a_changed_dataset(
    quick: dict[str, object], colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    root = tmp_path / "set"
    shutil.copytree(colours, root / "train")
    shutil.copytree(colours / "red", root / "test" / "unknown")

    def listing(root: Path, *_: object, **__: object) -> Listing:
        names = ("blue", "green", "red", "unknown")
        paths = sorted(str(path.relative_to(root)) for path in root.rglob("*.png"))
        samples = (Sample(path, names.index(path.split("/")[1]), path.split("/")[0]) for path in paths)
        return Listing(root, names, tuple(samples))

    monkeypatch.setattr(loop, "list_folder", listing)
    run = stopped_run({**quick, "dataset": str(root)})
    without_layouts(run)
    state = restore(run)[0]
    assert state.splits.classes[-1] == "unknown"
    assert dataset_changes(state, run) is None
