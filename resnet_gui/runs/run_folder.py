"""A run is a folder: its settings, its split, its events, a row per epoch, its checkpoints and the best model.

Nothing here imports torch: the window reads run folders, too.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from resnet_gui.atomic_write import make_folder, sync_names
from resnet_gui.config import TrainConfig, write_config
from resnet_gui.data.samples import LayoutName
from resnet_gui.data.split import Splits, write_split
from resnet_gui.messages import Problem
from resnet_gui.output.advice import reason_and_advice
from resnet_gui.paths import runs_folder
from resnet_gui.runs.event_log import write_results

_BEFORE_LEARNING = {
    "config.toml", "split.csv", "results.csv", "events.jsonl", "run.lock", "owner.json",
    "checkpoints", "checkpoints/epoch-00001-step-000000.safetensors",
}  # fmt: skip
"""The files of a run that has not learned anything yet."""
_CHECKPOINT = re.compile(r"epoch-(\d+)-step-(\d+)\.safetensors")


def make_run_folder(config: TrainConfig, splits: Splits) -> Path:
    """Makes `<date>-<time>-<network>` among the runs, never over another, and writes the settings and the split.

    In the name of a library's network the slash becomes a hyphen.

    Raises `Problem` (`cannot_write`).
    """
    runs = config.out or runs_folder()
    name = f"{datetime.now():%Y-%m-%d-%H%M%S}-{config.network.replace('/', '-')}"
    try:
        make_folder(runs)
        run = _make_unused(runs, name)
        try:
            write_config(config, run / "config.toml")
            write_split(splits, run / "split.csv")
            write_results(run, ())
        except OSError:
            with contextlib.suppress(OSError):
                _remove(run)
            raise
    except OSError as error:
        raise Problem("cannot_write", path=str(error.filename or runs), **reason_and_advice(error)) from error
    return run


_WORTH_KEEPING = ("loss_not_finite", "features_no_room")
"""A loss that is not finite comes of a step, even where no progress is logged; and the other asks the user to make room,
then to resume."""


@contextlib.contextmanager
def removed_if_nothing_was_learned(run: Path) -> Iterator[None]:
    """Removes the new folder `run` if a `Problem` ends the run before a step: nothing could be read, or there is no room.

    Such a folder holds what can be made again at once, and would be offered to be resumed. It stays if it holds
    anything that a run does not write, and after the problems in `_WORTH_KEEPING`.
    """
    try:
        yield
    except Problem as problem:
        with contextlib.suppress(OSError):
            if problem.message.code not in _WORTH_KEEPING and _has_learned_nothing(run):
                _remove(run)
        raise


def _has_learned_nothing(run: Path) -> bool:
    names = {path.relative_to(run).as_posix() for path in run.rglob("*")}
    log = (run / "events.jsonl").read_bytes() if "events.jsonl" in names else b""
    epochs = (run / "results.csv").read_bytes().splitlines()[1:]
    return names <= _BEFORE_LEARNING and b'"phase": "train"' not in log and not epochs


def _remove(run: Path) -> None:
    """Removes a folder that holds nothing but files from before learning."""
    for name in sorted(_BEFORE_LEARNING, reverse=True):
        if (path := run / name).is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
    run.rmdir()


def _make_unused(runs: Path, name: str) -> Path:
    for number in itertools.count(1):
        run = runs / (name if number == 1 else f"{name}-{number}")
        with contextlib.suppress(FileExistsError):
            run.mkdir()
            sync_names(runs)
            return run
    raise AssertionError("unreachable")


def layout_of(config: TrainConfig, splits: Splits) -> LayoutName:
    """How the run with `config` and `splits` read its dataset folder.

    Runs of earlier versions do not say it. They read folders of splits if these had the usual names, and classes else.
    """
    if config.data.layout != "auto":
        return config.data.layout
    samples = (*splits.train, *splits.val, *splits.test)
    are_classes = all(sample.path.partition("/")[0] == splits.classes[sample.label] for sample in samples)
    return "classes" if are_classes else "splits"


def checkpoints(run: Path) -> list[Path]:
    """The run's checkpoints by epoch and step, the newest first. Some may be unreadable."""
    found = []
    with contextlib.suppress(OSError):
        for path in (run / "checkpoints").iterdir():
            if match := _CHECKPOINT.fullmatch(path.name):
                found.append((int(match[1]), int(match[2]), path))
    return [path for *_, path in sorted(found, reverse=True)]


def newest_runs(folder: Path) -> list[Path]:
    """The run folders in `folder`, the newest first by name, which begins with the date."""
    try:
        return sorted((path for path in folder.iterdir() if (path / "config.toml").is_file()), reverse=True)
    except OSError:
        return []
