"""A run is a folder: its settings, its split, what it said, a row per epoch, and the best model."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import hashlib
import itertools
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from resnet_gui.config import TrainConfig, write_config
from resnet_gui.data.split import Splits, write_split
from resnet_gui.events import EpochDone, Event, Failed, Progress, to_json
from resnet_gui.messages import Problem, reason
from resnet_gui.pace import Pace
from resnet_gui.places import runs_folder

_COLUMNS = [field.name for field in dataclasses.fields(EpochDone)]


def make_run_folder(config: TrainConfig, splits: Splits) -> Path:
    """Makes `<date>-<time>-<network>` among the runs, never over another, and writes the settings and the split.

    Raises `Problem` (`cannot_write`).
    """
    runs = config.out or runs_folder()
    name = f"{datetime.now():%Y-%m-%d-%H%M%S}-{config.network}"
    try:
        runs.mkdir(parents=True, exist_ok=True)
        run = _make_unused(runs, name)
        write_config(config, run / "config.toml")
        write_split(splits, run / "split.csv")
        with (run / "results.csv").open("w", newline="") as file:
            csv.writer(file).writerow(_COLUMNS)
    except OSError as error:
        raise Problem("cannot_write", path=str(error.filename or runs), reason=reason(error)) from error
    return run


def _make_unused(runs: Path, name: str) -> Path:
    for number in itertools.count(1):
        run = runs / (name if number == 1 else f"{name}-{number}")
        with contextlib.suppress(FileExistsError):
            run.mkdir()
            return run
    raise AssertionError("unreachable")


def dataset_fingerprint(root: Path, splits: Splits) -> str:
    """SHA-256 over every picture's name and size: a picture added, removed or replaced changes it."""
    digest = hashlib.sha256()
    for path in sorted(sample.path for sample in (*splits.train, *splits.val, *splits.test)):
        try:
            size = (root / path).stat().st_size
        except OSError:
            size = -1
        digest.update(os.fsencode(f"{path}\0{size}\n"))
    return digest.hexdigest()


def recorded(events: Iterator[Event], run: Path) -> Iterator[Event]:
    """Passes `events` on and keeps them in the run: `events.jsonl` (progress once a second), `results.csv` by epoch.

    A full disk does not end a run that could go on without its diary: what cannot be written there is left out.
    """
    pace = Pace(1.0)
    try:
        for event in events:
            if not isinstance(event, Progress) or pace.due():
                _keep(event, run)
            yield event
    except Problem as problem:
        _keep(Failed(problem.message), run)
        raise


def _keep(event: Event, run: Path) -> None:
    with contextlib.suppress(OSError):
        with (run / "events.jsonl").open("a") as file:
            file.write(to_json(event) + "\n")
        if isinstance(event, EpochDone):
            with (run / "results.csv").open("a", newline="") as file:
                csv.writer(file).writerow(["" if each is None else each for each in dataclasses.astuple(event)])
