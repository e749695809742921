"""The verb that asks a model: `resnet-gui predict`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_gui.cli.event_printer import EventPrinter, write_predictions
from resnet_gui.cli.interrupt import stop_on_interrupt

if TYPE_CHECKING:
    from resnet_gui.records import Prediction


def predict(arguments: list[str]) -> int:
    """`resnet-gui predict MODEL PICTURES`: prints the most probable classes, and returns the exit status."""
    parser = argparse.ArgumentParser(prog="resnet-gui predict", description="Ask a model about pictures.")
    parser.add_argument("model", type=Path, help="a model file (.safetensors)")
    parser.add_argument("pictures", nargs="+", type=Path, help="pictures, or folders of them")
    parser.add_argument("--top", type=int, default=5, metavar="N", help="how many classes to print (default 5)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="what computes")
    parser.add_argument("--json", action="store_true", help="print every picture as a line of JSON")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="also write a table to this file")
    options = parser.parse_args(arguments)
    if options.top < 1:
        parser.error("--top must be at least 1")
    from resnet_gui.config import MachineConfig
    from resnet_gui.prediction import streaming
    from resnet_gui.prediction.predictor import Predictor

    predictor = Predictor(options.model, MachineConfig(device=options.device))
    printer = EventPrinter(sys.stdout, options.json)
    predictions: list[Prediction] = []
    with stop_on_interrupt() as stop:
        for event in streaming.predict(predictor, options.pictures, stop, options.top):
            printer.show(event)
            predictions += event.items
    if options.csv:
        write_predictions(options.csv, predictions, min(options.top, len(predictor.metadata.classes)))
    return 1 if any(prediction.problem for prediction in predictions) else 0
