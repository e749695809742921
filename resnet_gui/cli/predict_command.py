"""The verb that asks a model: `resnet-gui predict`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_gui.cli.compute_options import add_compute_options
from resnet_gui.cli.event_printer import EventPrinter, lost_status
from resnet_gui.cli.interrupt import StopFlag, stop_on_interrupt
from resnet_gui.cli.prediction_table import STANDARD_OUTPUT, PredictionTable, check_table
from resnet_gui.events import Interrupted, Predicted

if TYPE_CHECKING:
    from resnet_gui.records import Prediction


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="resnet-gui predict", description="Ask a model about pictures.")
    parser.add_argument("model", type=Path, help="a model file (.safetensors)")
    parser.add_argument("pictures", nargs="+", type=Path, help="pictures, or folders of them")
    parser.add_argument("--top", type=int, default=5, metavar="N", help="how many classes to print (default 5)")
    add_compute_options(parser, "16 bits only where they are proven as good and faster")
    parser.add_argument("--json", action="store_true", help="print every picture as a line of JSON")
    parser.add_argument(
        "--csv", type=Path, metavar="FILE",
        help="also write a table to this file, for a spreadsheet; - prints the table and nothing else",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    if options.top < 1:
        parser.error("--top must be at least 1")
    return options


def predict(arguments: list[str]) -> int:
    """`resnet-gui predict MODEL PICTURES`: prints the most probable classes, and returns the exit status."""
    options = _options(arguments)
    if options.csv:
        check_table(options.csv, [options.model, *options.pictures])
    from resnet_gui.config import MachineConfig
    from resnet_gui.messages import sentence
    from resnet_gui.prediction.predictor import Predictor
    from resnet_gui.prediction.streaming import files_in, predict_files

    predictor = Predictor(options.model, MachineConfig(device=options.device, precision=options.precision))
    if predictor.note:
        print(f"resnet-gui: {sentence(predictor.note)}", file=sys.stderr)
    files = list(files_in(options.pictures))
    top = min(options.top, len(predictor.metadata.classes))
    errors: list[Exception] = []
    with stop_on_interrupt() as stop, PredictionTable(options.csv, top) as table:
        stop.cleanups.append(table.discard)
        events = _until_error(predict_files(predictor, files, stop, options.top), errors)
        printer = None if options.csv == STANDARD_OUTPUT else EventPrinter(sys.stdout, options.json)
        status = _show(events, printer, table, stop, len(files))
    if errors:  # only now: the rows before it are kept
        raise errors[0]
    return status


def _show(
    events: Iterable[Predicted], printer: EventPrinter | None, table: PredictionTable, stop: StopFlag, total: int
) -> int:
    """Prints the predictions and writes them to the table. Returns the exit status."""
    done = unreadable = 0
    for event in events:
        if printer:
            printer.show(event)
        table.add(event.items)
        done += len(event.items)
        unreadable += _problems(event.items)
        if not table.is_file and (lost := lost_status(getattr(sys.stdout, "failure", None))):
            return lost  # nobody reads what is printed
    if done == total:
        return int(unreadable > 0)
    stopped = table.stop(done, total)
    if printer:
        printer.show(Interrupted(stopped, done, total))
    return stop.status


def _until_error(events: Iterable[Predicted], errors: list[Exception]) -> Iterator[Predicted]:
    try:
        yield from events
    except Exception as error:
        errors.append(error)


def _problems(predictions: Sequence[Prediction]) -> int:
    return sum(prediction.problem is not None for prediction in predictions)
