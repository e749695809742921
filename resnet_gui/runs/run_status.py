"""How far a run has come and how it ended, without loading it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from resnet_gui.events import (
    Failed,
    Finished,
    Stopped,
)
from resnet_gui.runs.event_log import last_event
from resnet_gui.runs.run_folder import checkpoints
from resnet_gui.runs.run_lock import is_written
from resnet_gui.tensor_file import read_description


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How far a run has come: its newest checkpoint is after `step` steps of `epoch`, of `epochs` in all.

    `ended` is how: "running" if another process writes it just now, "interrupted" if it never said.
    """

    run: str
    network: str
    dataset: str
    epochs: int
    epoch: int
    step: int
    ended: Literal["finished", "stopped", "failed", "interrupted", "running"]


def read_status(run: Path) -> RunStatus | None:
    """Where the run in `run` can be gone on with; None if no checkpoint's header can be read. Looks, verifies nothing."""
    for path in checkpoints(run):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            card = read_description(path)
            settings = card["config"]
            return RunStatus(
                str(run), settings["network"], settings["dataset"], settings["training"]["epochs"], card["epoch"],
                card["step"], _ended(run),
            )  # fmt: skip
    return None


def _ended(run: Path) -> Literal["finished", "stopped", "failed", "interrupted", "running"]:
    if is_written(run):
        return "running"
    match last_event(run):
        case Finished():
            return "finished"
        case Stopped():
            return "stopped"
        case Failed():
            return "failed"
    return "interrupted"
