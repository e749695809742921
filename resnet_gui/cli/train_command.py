"""The verb that trains and resumes: `resnet-gui train`."""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resnet_gui.cli.event_printer import show_events
from resnet_gui.cli.interrupt import stop_on_interrupt
from resnet_gui.output.output_file import check_new_folder
from resnet_gui.paths import runs_folder

if TYPE_CHECKING:
    from resnet_gui.events import DatasetChanged, Event


def train_parser() -> argparse.ArgumentParser:
    """The options of `resnet-gui train`: one for every setting, made from `config.settings()`."""
    from resnet_gui.cli.compute_options import device
    from resnet_gui.config import settings

    parser = argparse.ArgumentParser(
        prog="resnet-gui train",
        description="Train a network on a folder of pictures; Ctrl-C stops and saves, --resume goes on.",
    )
    for setting in settings():
        if setting.name == "dataset":
            parser.add_argument("dataset", nargs="?", type=Path, help=setting.help)
            continue
        text = setting.help.replace("%", "%%")
        standard = "" if setting.default in (None, "") else f"default {setting.default}"
        limits = ", ".join(part for part in (standard, setting.range_text) if part)
        parser.add_argument(
            "--" + setting.name.replace("_", "-"),
            dest=setting.key,
            default=argparse.SUPPRESS,
            help=f"{text} ({limits})" if limits else text,
            **({"type": device, "metavar": "NAME"} if setting.also else _kind_of_option(setting.kind, setting.choices)),
        )
    parser.add_argument(
        "--sample", action="store_true", help="train on the sample pictures, with settings that suit them"
    )
    parser.add_argument(
        "--resume", type=Path, metavar="RUN",
        help="go on with the run in this folder, with its own settings; only --epochs can be changed",
    )  # fmt: skip
    parser.add_argument(
        "--dataset", dest="moved_to", type=Path, metavar="FOLDER",
        help="with --resume: the folder where the run's pictures are now, if they were moved",
    )  # fmt: skip
    parser.add_argument(
        "--accept-changes", action="store_true", help="resume, although the pictures are not those the run began with"
    )
    parser.add_argument("--json", action="store_true", help="print every event as a line of JSON")
    return parser


def _kind_of_option(kind: str, choices: Sequence[str]) -> dict[str, Any]:
    if kind == "bool":
        return {"action": argparse.BooleanOptionalAction}
    if kind == "choice":
        return {"choices": choices}
    types = {"int": (int, "N"), "float": (float, "X"), "path": (Path, "PATH"), "text": (str, "NAME")}
    return {"type": types[kind][0], "metavar": types[kind][1]}


def train(arguments: list[str]) -> int:
    """`resnet-gui train`: trains or resumes, and returns the exit status."""
    from resnet_gui.config import make_config

    parser = train_parser()
    values = vars(parser.parse_args(arguments))
    as_json, sample, run, accept, moved_to = (
        values.pop(name) for name in ("json", "sample", "resume", "accept_changes", "moved_to")
    )
    if values["dataset"] is None:
        del values["dataset"]
    if run is not None:
        epochs = values.pop("training.epochs", None)
        if sample or values:
            parser.error("a run is resumed with its own pictures and settings; only --epochs can be changed")
        return _resume(run, epochs, accept, moved_to, as_json)
    if moved_to is not None:
        parser.error("--dataset goes with --resume; a new run takes its folder of pictures without it")
    if sample == ("dataset" in values):
        parser.error("name a folder of pictures, --sample, or --resume and the folder of a run")
    if not sample:
        make_config(values)
    check_new_folder(values.get("out") or runs_folder())
    from resnet_gui.training import loop

    with stop_on_interrupt() as stop:
        if sample:
            drawn = _draw_sample(stop)
            if drawn is None:
                return show_events((), as_json, stop)
            values = {**drawn, **values}
        return show_events(loop.train(make_config(values), stop), as_json, stop)


def _resume(run: Path, epochs: int | None, accept: bool, moved_to: Path | None, as_json: bool) -> int:
    """Resumes a run; if its pictures have changed, asks the user at the terminal."""
    from resnet_gui.training.loop import resume

    changes: list[DatasetChanged] = []
    with stop_on_interrupt() as stop:
        status = show_events(_noted(resume(run, stop, epochs, accept, moved_to), changes), as_json, stop)
    if not changes:
        return status
    if as_json or not _agrees("Go on with the pictures that are as they were? [y/N] "):
        print(
            "Not resumed. With --accept-changes it goes on with the pictures that are as they were.",
            file=sys.stderr,
        )
        return 1
    with stop_on_interrupt() as stop:
        return show_events(resume(run, stop, epochs, accept_changes=True, moved_to=moved_to), as_json, stop)


def _agrees(question: str) -> bool:
    """Asks the user at the terminal; without a terminal the answer is no."""
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        return False
    with contextlib.suppress(EOFError):
        return input(question).strip().lower() in ("y", "yes")
    return False


def _noted(events: Iterator[Event], changes: list[DatasetChanged]) -> Iterator[Event]:
    """Passes `events` on and puts a change of the dataset into `changes`."""
    from resnet_gui.events import DatasetChanged

    for event in events:
        if isinstance(event, DatasetChanged):
            changes.append(event)
        yield event


def _draw_sample(stop: threading.Event) -> dict[str, Any] | None:
    """The sample's folder and settings; None when stopped."""
    from resnet_gui.data.sample_dataset import draw_sample
    from resnet_gui.events import SampleDrawn

    drawn = next((event for event in draw_sample(stop) if isinstance(event, SampleDrawn)), None)
    return None if drawn is None else {"dataset": Path(drawn.folder), **dict(drawn.settings)}
