"""The one entry point. Without a verb it opens the window; the verbs do the same work in a terminal."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from resnet_gui import __version__
from resnet_gui.cli.interrupt import exit_on_interrupt

VERBS = ("train", "predict", "evaluate", "networks", "summary", "pretrained", "adopt", "serve")
"""A verb wins over a folder of the same name: `resnet-gui ./train` opens the folder."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `resnet-gui` with `argv` and returns the exit status: 0, 1 for a problem, 2 for wrong usage, 130 after Ctrl-C."""
    # Threads that wait in a spin loop starve other programs and one another. Torch's OpenMP reads this when it loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    arguments = list(sys.argv[1:] if argv is None else argv)
    verb = arguments[0] if arguments and arguments[0] in VERBS else None
    if verb == "serve":  # before any other import: what is imported may print
        from resnet_gui.engine.server import serve

        return serve()
    with exit_on_interrupt("--json" in arguments) if verb else contextlib.nullcontext():
        return _run_safely(verb, arguments)


def _run_safely(verb: str | None, arguments: list[str]) -> int:
    """Runs `verb` while no output can end it."""
    from resnet_gui.output.safe_stream import safe_streams

    with safe_streams() as (printed, _):
        status = _run(verb, arguments)
        printed.flush()
        return _report_lost(printed.failure, verb, status) if printed.failure else status


def _run(verb: str | None, arguments: list[str]) -> int:
    """Runs `verb`, or the window without one, and returns the exit status."""
    from resnet_gui.messages import Problem

    try:
        if verb is None:
            return _window(arguments)
        return _command(verb)(arguments[1:])
    except Problem as problem:
        print(f"resnet-gui: {problem}", file=sys.stderr)
        if problem.message.code == "dataset_missing":
            print("If the folder was moved, add --dataset and its new path.", file=sys.stderr)
        if problem.message.code == "model_not_one" and _holds_weights(str(dict(problem.message.values)["path"])):
            print("It is a file of weights. Make a model of it: resnet-gui adopt --help", file=sys.stderr)
        return 1


def _holds_weights(path: str) -> bool:
    from resnet_gui.messages import Problem
    from resnet_gui.weights.weight_file import read_contents

    try:
        read_contents(Path(path))
    except Problem:
        return False
    return True


def _command(verb: str) -> Callable[[list[str]], int]:
    """What does `verb`. Each family of verbs is imported only when it is called."""
    match verb:
        case "train":
            from resnet_gui.cli.train_command import train

            return train
        case "predict":
            from resnet_gui.cli.predict_command import predict

            return predict
        case "evaluate":
            from resnet_gui.cli.evaluate_command import evaluate

            return evaluate
        case "networks":
            from resnet_gui.cli.network_commands import networks

            return networks
        case "summary":
            from resnet_gui.cli.network_commands import summary

            return summary
        case "adopt":
            from resnet_gui.cli.adopt_command import adopt

            return adopt
        case _:
            from resnet_gui.cli.pretrained_command import pretrained

            return pretrained


def _report_lost(failure: OSError, verb: str | None, status: int) -> int:
    """What was printed is not whole. That ends nothing, but counts for verbs that do nothing but print."""
    from resnet_gui.cli.event_printer import lost_status
    from resnet_gui.messages import message, sentence
    from resnet_gui.output.advice import reason_and_advice

    if failure.errno != errno.EPIPE:  # `resnet-gui networks | head` has read enough
        print(sentence(message("output_lost", **reason_and_advice(failure))), file=sys.stderr)
    return status or (lost_status(failure) if verb in ("networks", "summary") else 0)


def _window(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="resnet-gui",
        description="Train an image classifier from a folder of pictures, and ask it about new ones.",
        epilog=f"Without a window: resnet-gui {{{','.join(VERBS[:-1])}}} --help. "
        "A folder that has the name of a verb is opened with ./ in front.",
    )
    parser.add_argument("path", nargs="?", type=Path, help="a folder of pictures, a model or a file of weights to open")
    parser.add_argument("--sample", action="store_true", help="draw the sample pictures and open them")
    parser.add_argument("--version", action="version", version=f"resnet-gui {__version__}")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends the window at once, while it is being imported, too
    from resnet_gui.gui.app import run_window

    status: int = run_window(options.path, options.sample)
    return status
