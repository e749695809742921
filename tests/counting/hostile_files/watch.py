"""An audit hook that writes down what a reader of weights has no business to do.

    python tests/counting/hostile_files/watch.py LOG ARGUMENTS…

runs `resnet-gui ARGUMENTS…` under the hook. Python raises the events of `sys.addaudithook` below all of its own modules,
so that no way to run a program, to open a connection or to find a pickled name goes past it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

MARK = "h0stile"
"""In the path and the text of everything that a payload would do: what it is seen by."""
VARIABLE = "RESNET_GUI_WATCH_LOG"
"""The environment variable that names the log, for processes that another one starts."""

_NEVER = {
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.forkpty", "pty.spawn", "subprocess.Popen",
    "pickle.find_class", "socket.connect", "socket.getaddrinfo", "urllib.Request", "webbrowser.open", "ftplib.connect",
    "builtins.input", "builtins.breakpoint", "ctypes.call_function", "sys.unraisablehook", "os.kill", "os.fork",
}  # fmt: skip
"""Events that are wrong whatever their arguments are. What an engine does by itself is none of them."""
_OWN = ("/sbin/ldconfig", "uname")
"""Programs that Python's own modules run when libraries are imported."""
_LURES = {"antigravity", "this", "webbrowser", "pip", "idlelib", "pty", "ftplib", "telnetlib", "smtplib", "nntplib"}
"""Modules that payloads name and this program does not import."""


def install(report: Callable[[str], object]) -> None:
    """From now on `report` gets a line for each thing that must not be done. It cannot be taken back."""
    known = _LURES & sys.modules.keys()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and arguments[0] in _OWN:
            return
        if event in _NEVER or (event == "import" and arguments[0] in _LURES - known) or _is_marked(arguments):
            report(f"{event} {arguments!r:.200}\n")

    sys.addaudithook(hook)


def _is_marked(arguments: tuple[Any, ...]) -> bool:
    for argument in arguments:
        if isinstance(argument, str) and MARK in argument:
            return True
        if isinstance(argument, bytes) and MARK.encode() in argument:
            return True
    return False


def to_file(path: Path) -> Callable[[str], object]:
    """Appends to the file `path`. It is opened now: opening it later would be an event itself."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return lambda line: os.write(number, line.encode("utf-8", "replace"))


if __name__ == "__main__":
    install(to_file(Path(sys.argv[1])))
    from resnet_gui.cli.main import main

    sys.exit(main(sys.argv[2:]))
