"""The verb that scores: `resnet-gui evaluate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from resnet_gui.cli.event_printer import show_events
from resnet_gui.cli.interrupt import stop_on_interrupt


def evaluate(arguments: list[str]) -> int:
    """`resnet-gui evaluate RUN`: scores a run on its test pictures, and returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="resnet-gui evaluate",
        description="Score a run's model on its test pictures. Each time is counted in the model file: "
        "a figure that was looked at often is no longer an honest one.",
    )
    parser.add_argument("run", type=Path, help="the folder of a run")
    parser.add_argument("--json", action="store_true", help="print every event as a line of JSON")
    options = parser.parse_args(arguments)
    from resnet_gui.evaluation.evaluate import score_test_split

    with stop_on_interrupt() as stop:
        return show_events(score_test_split(options.run, stop), options.json, stop)
