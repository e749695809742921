"""The verb that makes a model of a file of weights: `resnet-gui adopt`."""

from __future__ import annotations

import argparse
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_gui.cli.event_printer import show_events
from resnet_gui.cli.interrupt import stop_on_interrupt
from resnet_gui.config import INTERPOLATIONS
from resnet_gui.output.output_file import check_output

if TYPE_CHECKING:
    from resnet_gui.events import Event


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="resnet-gui adopt",
        description="Make a model of a file of trained weights as they are: it answers without a training. "
        "What is left out is taken from the file or is what is usual, and is told.",
    )
    parser.add_argument(
        "weights", metavar="WEIGHTS", type=Path, help="the file of weights (.pth, .pt, .safetensors, …)"
    )
    parser.add_argument("--network", metavar="NAME", required=True, help="the network they are for, such as resnet20")
    parser.add_argument(
        "--classes",
        metavar="NAMES",
        help="the classes, in the order of the network's outputs: a,b,c; or a file of them (one name on each line, JSON, CSV, a model), "
        "a folder of class folders, or “imagenet” for its 1,000; left out, the names that the file itself holds",
    )
    parser.add_argument(
        "--mean", nargs="+", default=[], metavar="X", help="what is subtracted from the pictures, from 0 to 1: 3 numbers, or 1 for grey"
    )  # fmt: skip
    parser.add_argument("--std", nargs="+", default=[], metavar="X", help="what they are divided by, in the same way")
    parser.add_argument("--size", type=int, default=0, metavar="N", help="the side of the square that the network sees")
    parser.add_argument(
        "--middle-share", type=float, default=0.0, metavar="X",
        help="how much of a picture's shorter side it sees: 1 is all of it, 0.875 leaves out a border",
    )  # fmt: skip
    parser.add_argument("--interpolation", choices=INTERPOLATIONS, default="", help="how pictures are scaled")
    parser.add_argument(
        "--colour", choices=("auto", "colour", "grey"), default="auto", help="what the network sees (default: as the file has it)"
    )  # fmt: skip
    parser.add_argument(
        "--part", default="", metavar="NAME", help="which part of the file to take, where several fit: model_ema"
    )
    parser.add_argument(
        "--out", type=Path, metavar="MODEL", required=True, help="the model file to write (.safetensors)"
    )
    parser.add_argument("--json", action="store_true", help="print every event as a line of JSON")
    return parser


def adopt(arguments: list[str]) -> int:
    """`resnet-gui adopt WEIGHTS`: writes a model file, and returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    mean, std = (_numbers(parser, name, vars(options)[name]) for name in ("mean", "std"))
    check_output(options.out)
    with stop_on_interrupt() as stop:
        return show_events(_adopt(options, mean, std, stop), options.json, stop)


def _adopt(
    options: argparse.Namespace, mean: tuple[float, ...], std: tuple[float, ...], stop: threading.Event
) -> Iterator[Event]:
    """Reads the names of the classes before torch is imported, which takes seconds."""
    from resnet_gui.data.readers.class_names import class_names
    from resnet_gui.events import Note

    names: tuple[str, ...] = ()
    if options.classes is not None:
        found = class_names(options.classes)
        names = found.names
        yield from map(Note, found.notes)
    from resnet_gui.prediction import model_from_weights

    adoption = model_from_weights.Adoption(
        options.weights, options.network, names, options.out, mean, std, options.size, options.middle_share,
        options.interpolation, options.colour, options.part,
    )  # fmt: skip
    yield from model_from_weights.adopt(adoption, stop)


def _numbers(parser: argparse.ArgumentParser, name: str, given: list[str]) -> tuple[float, ...]:
    """The numbers of an option, with spaces or commas between them."""
    words = re.split(r"[,\s]+", " ".join(given).strip(", "))
    try:
        return tuple(float(word) for word in words if word)
    except ValueError:
        parser.error(f"--{name} takes numbers, not “{' '.join(given)}”")
