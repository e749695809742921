"""The verb that scores: `resnet-gui evaluate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from resnet_gui.cli.compute_options import add_compute_options
from resnet_gui.cli.event_printer import show_events
from resnet_gui.cli.interrupt import stop_on_interrupt


def evaluate(arguments: list[str]) -> int:
    """`resnet-gui evaluate`: scores a run on its test pictures, or a model on any folder. Returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.folder is not None and options.moved_to is not None:
        parser.error("name a FOLDER to score, or --dataset for the run's own pictures, but not both")
    if options.folder is None and options.split is not None:
        parser.error("--split goes with a FOLDER")
    from resnet_gui.evaluation.evaluate import score_test_split
    from resnet_gui.evaluation.labelled_folder import score_folder

    with stop_on_interrupt() as stop:
        if options.folder is None:
            events = score_test_split(options.model, stop, options.moved_to, options.device, options.precision)
        else:
            events = score_folder(options.model, options.folder, options.split, stop, options.device, options.precision)
        return show_events(events, options.json, stop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="resnet-gui evaluate",
        description="Score a run's model on its test pictures. Each time is counted in the model file: "
        "a figure that was looked at often is no longer an honest one. "
        "With FOLDER, score it on the pictures there, whose class is the name of their folder; this is not counted.",
    )
    parser.add_argument(
        "model", type=Path, metavar="RUN_OR_MODEL", help="the folder of a run; or with FOLDER a model file"
    )
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="a folder of labelled pictures")
    parser.add_argument(
        "--split", choices=("train", "val", "test", "all"),
        help="which pictures of FOLDER (default: those in its test folder, or all if it has none)",
    )  # fmt: skip
    parser.add_argument(
        "--dataset", dest="moved_to", type=Path, metavar="PATH",
        help="without FOLDER: where the run's pictures are now, if they were moved",
    )  # fmt: skip
    add_compute_options(parser, "as the run did")
    parser.add_argument("--json", action="store_true", help="print every event as a line of JSON")
    return parser
