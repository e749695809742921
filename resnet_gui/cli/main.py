"""The one entry point. Without a verb it opens the window; the verbs do the same work in a terminal."""

from __future__ import annotations

import argparse
import codecs
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from resnet_gui import __version__

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
                from resnet_gui.cli.train_command import train

                return train(arguments[1:])
            case "predict":
                from resnet_gui.cli.predict_command import predict

                return predict(arguments[1:])
            case "evaluate":
                from resnet_gui.cli.evaluate_command import evaluate

                return evaluate(arguments[1:])
            case "networks":
                from resnet_gui.cli.network_commands import networks

                return networks(arguments[1:])
            case "summary":
                from resnet_gui.cli.network_commands import summary

                return summary(arguments[1:])
            case "pretrained":
                from resnet_gui.cli.pretrained_command import pretrained

                return pretrained(arguments[1:])
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
