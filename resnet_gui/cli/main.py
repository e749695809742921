"""The one entry point. Without a verb it opens the window; the verbs do the same work in a terminal."""

from __future__ import annotations

import argparse
import codecs
import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from resnet_gui import __version__

if TYPE_CHECKING:
    from resnet_gui.events import DatasetChanged, Event
    from resnet_gui.records import Prediction

VERBS = ("train", "predict", "evaluate", "networks", "summary", "pretrained", "serve")
"""A verb wins over a folder of the same name: `resnet-gui ./train` opens the folder."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `resnet-gui` with `argv` and returns the exit status: 0, 1 for a problem, 2 for wrong usage."""
    # Threads that wait in a spin loop starve other programs and one another. Torch's OpenMP reads this when it loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = list(sys.argv[1:] if argv is None else argv)
    verb = arguments[0] if arguments and arguments[0] in VERBS else None
    if verb == "serve":  # before any other import: what is imported may print
        from resnet_gui.engine.server import serve

        return serve()
    from resnet_gui.messages import Problem

    codecs.register_error(_printable.__name__, _printable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_printable.__name__)
    try:
        match verb:
            case "train":
                return _train(arguments[1:])
            case "predict":
                return _predict(arguments[1:])
            case "evaluate":
                return _evaluate(arguments[1:])
            case "networks":
                from resnet_gui.cli.network_commands import networks

                return networks(arguments[1:])
            case "summary":
                from resnet_gui.cli.network_commands import summary

                return summary(arguments[1:])
            case "pretrained":
                return _pretrained(arguments[1:])
            case _:
                return _window(arguments)
    except Problem as problem:
        print(f"resnet-gui: {problem}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `resnet-gui predict … | head` has read enough
        sys.stderr.close()
        return 1


def _printable(error: UnicodeError) -> tuple[bytes, int]:
    """A file name that is not UTF-8 is printed as its bytes, and what the terminal's encoding lacks as a question mark."""
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end]
    return b"".join(bytes([ord(each) & 0xFF]) if "\udc80" <= each <= "\udcff" else b"?" for each in text), error.end


def _window(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="resnet-gui",
        description="Train an image classifier from a folder of pictures, and ask it about new ones.",
        epilog=f"Without a window: resnet-gui {{{','.join(VERBS[:-1])}}} --help. "
        "A folder that has the name of a verb is opened with ./ in front.",
    )
    parser.add_argument("path", nargs="?", type=Path, help="a folder of pictures or a model file to open")
    parser.add_argument("--sample", action="store_true", help="draw the sample pictures and open them")
    parser.add_argument("--version", action="version", version=f"resnet-gui {__version__}")
    options = parser.parse_args(arguments)
    from resnet_gui.gui.app import run_window

    status: int = run_window(options.path, options.sample)
    return status


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
        standard = "" if setting.default is None else f"default {setting.default}"
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


def _train(arguments: list[str]) -> int:
    from resnet_gui.config import make_config

    parser = train_parser()
    values = vars(parser.parse_args(arguments))
    as_json, sample, run, accept = (values.pop(name) for name in ("json", "sample", "resume", "accept_changes"))
    if values["dataset"] is None:
        del values["dataset"]
    if run is not None:
        epochs = values.pop("training.epochs", None)
        if sample or values:
            parser.error("a run is resumed with its own pictures and settings; only --epochs can be changed")
        return _resume(run, epochs, accept, as_json)
    if sample == ("dataset" in values):
        parser.error("name a folder of pictures, --sample, or --resume and the folder of a run")
    with _stop_on_interrupt() as stop:
        if sample:
            drawn = _draw_sample(stop)
            if drawn is None:
                return 0
            values = {**drawn, **values}
        from resnet_gui.training.loop import train

        return _show(train(make_config(values), stop), as_json)


def _resume(run: Path, epochs: int | None, accept: bool, as_json: bool) -> int:
    """Resumes a run; if its pictures have changed, asks the user at the terminal."""
    from resnet_gui.training.loop import resume

    with _stop_on_interrupt() as stop:
        changes: list[DatasetChanged] = []
        status = _show(_noted(resume(run, stop, epochs, accept), changes), as_json)
        if not changes:
            return status
        if as_json or not _agrees("Go on with the pictures that are as they were? [y/N] "):
            print(
                "Not resumed. With --accept-changes it goes on with the pictures that are as they were.",
                file=sys.stderr,
            )
            return 1
        return _show(resume(run, stop, epochs, accept_changes=True), as_json)


def _agrees(question: str) -> bool:
    """Asks the user at the terminal; without a terminal the answer is no."""
    if not sys.stdin.isatty():
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


def _evaluate(arguments: list[str]) -> int:
    from resnet_gui.cli.compute_options import add_compute_options

    parser = argparse.ArgumentParser(
        prog="resnet-gui evaluate",
        description="Score a run's model on its test pictures. Each time is counted in the model file: "
        "a figure that was looked at often is no longer an honest one.",
    )
    parser.add_argument("run", type=Path, help="the folder of a run")
    add_compute_options(parser, "as the run did")
    parser.add_argument("--json", action="store_true", help="print every event as a line of JSON")
    options = parser.parse_args(arguments)
    from resnet_gui.evaluation.evaluate import score_test_split

    with _stop_on_interrupt() as stop:
        return _show(score_test_split(options.run, stop, options.device, options.precision), options.json)


def _pretrained(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="resnet-gui pretrained",
        description="Make a model of shared weights as they are: it knows the 1,000 classes of ImageNet, and answers without a training.",
    )
    parser.add_argument("network", metavar="NAME", help="a network that has shared weights, such as resnet18")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="its weights, where they are not to be downloaded")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the model file (default NAME.safetensors)")
    parser.add_argument("--json", action="store_true", help="print every event as a line of JSON")
    options = parser.parse_args(arguments)
    from resnet_gui.prediction.pretrained_model import make_model

    out = options.out or Path(options.network.replace("/", "-") + ".safetensors")
    with _stop_on_interrupt() as stop:
        return _show(make_model(options.network, options.weights, out, stop), options.json)


def _predict(arguments: list[str]) -> int:
    from resnet_gui.cli.compute_options import add_compute_options

    parser = argparse.ArgumentParser(prog="resnet-gui predict", description="Ask a model about pictures.")
    parser.add_argument("model", type=Path, help="a model file (.safetensors)")
    parser.add_argument("pictures", nargs="+", type=Path, help="pictures, or folders of them")
    parser.add_argument("--top", type=int, default=5, metavar="N", help="how many classes to print (default 5)")
    add_compute_options(parser, "16 bits only where they are proven as good and faster")
    parser.add_argument("--json", action="store_true", help="print every picture as a line of JSON")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="also write a table to this file")
    options = parser.parse_args(arguments)
    if options.top < 1:
        parser.error("--top must be at least 1")
    from resnet_gui.cli.event_printer import EventPrinter, write_predictions
    from resnet_gui.config import MachineConfig
    from resnet_gui.messages import sentence
    from resnet_gui.prediction.predictor import Predictor
    from resnet_gui.prediction.streaming import predict

    predictor = Predictor(options.model, MachineConfig(device=options.device, precision=options.precision))
    if predictor.note:
        print(f"resnet-gui: {sentence(predictor.note)}", file=sys.stderr)
    printer = EventPrinter(sys.stdout, options.json)
    predictions: list[Prediction] = []
    with _stop_on_interrupt() as stop:
        for event in predict(predictor, options.pictures, stop, options.top):
            printer.show(event)
            predictions += event.items
    if options.csv:
        write_predictions(options.csv, predictions, min(options.top, len(predictor.metadata.classes)))
    return 1 if any(prediction.problem for prediction in predictions) else 0


def _show(events: Iterable[Event], as_json: bool) -> int:
    from resnet_gui.cli.event_printer import EventPrinter
    from resnet_gui.events import Failed
    from resnet_gui.messages import Problem

    printer = EventPrinter(sys.stdout, as_json)
    try:
        for event in events:
            printer.show(event)
    except Problem as problem:
        if as_json:
            printer.show(Failed(problem.message))
        raise
    return 0


@contextlib.contextmanager
def _stop_on_interrupt() -> Iterator[threading.Event]:
    """A flag that Ctrl-C or SIGTERM sets, so that the run can save and stop. A second one exits at once."""
    stop = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each, handler in before.items():
            signal.signal(each, handler)
        print("\nStopping and saving. Ctrl-C again exits at once.", file=sys.stderr)
        stop.set()

    before = {each: signal.signal(each, interrupt) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
