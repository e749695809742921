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
from resnet_gui.records import from_plain
from resnet_gui.runs.event_log import last_event
from resnet_gui.runs.run_folder import checkpoints
from resnet_gui.runs.run_lock import is_written
from resnet_gui.tensor_file import read_description


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How far a run has come: its newest checkpoint is after `step` steps of `epoch`, of `epochs` in all.

    `ended` is "running" if another process writes it now, and "interrupted" if its log has no end.
    """

    run: str
    network: str
    dataset: str
    epochs: int
    epoch: int
    step: int
    ended: Literal["finished", "stopped", "failed", "interrupted", "running"]


def read_status(run: Path) -> RunStatus | None:
    """From where the run can be resumed; None if no checkpoint's header can be read. Verifies no checksum."""
    for path in checkpoints(run):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            metadata = read_description(path)
            settings = metadata["config"]
            found = {
                "run": str(run), "network": settings["network"], "dataset": settings["dataset"],
                "epochs": settings["training"]["epochs"], "epoch": metadata["epoch"], "step": metadata["step"], "ended": _ended(run),
            }  # fmt: skip
            status: RunStatus = from_plain(RunStatus, found)
            return status
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
