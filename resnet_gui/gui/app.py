"""Starts the window, or reports in a sentence why it cannot be shown."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_gui.messages import Problem

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from resnet_gui.gui.window.main_window import MainWindow

_PACKAGES = (
    "libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0 "
    "libxcb-render-util0 libxkbcommon-x11-0"
)
"""Debian's and Ubuntu's packages of the system libraries that Qt needs and does not bring along."""


def run_window(path: Path | None, sample: bool) -> int:
    """Shows the window, opened on `path` (a folder or a model file) or on the sample, until it is closed.

    Raises `Problem` where there is no display, or a system library that Qt needs is missing.
    """
    sys.setswitchinterval(0.001)  # seconds after which a thread that reads or lists yields to the window
    gc.disable()  # while the window is built: none of it is garbage
    try:
        app, window = _make_window(path, sample)
    finally:
        gc.enable()
    if window is None:
        return 0
    status = app.exec()
    window.end_engines()
    return status


def _make_window(path: Path | None, sample: bool) -> tuple[QApplication, MainWindow | None]:
    """Shows the window. Returns None as the window if one is open already: that one is brought back instead."""
    try:
        from PySide6.QtWidgets import QApplication
    except ModuleNotFoundError:
        raise
    except ImportError as error:
        raise _missing_library(str(error)) from error
    _check_display()
    from resnet_gui.gui.theme import Theme
    from resnet_gui.gui.user_settings import UserSettings
    from resnet_gui.gui.window.main_window import MainWindow
    from resnet_gui.gui.window.single_instance import notify

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends the window at once, and its engines save and follow
    app = QApplication([sys.argv[0]])
    app.setApplicationName("resnet-gui")
    app.setDesktopFileName("resnet-gui")
    if path is None and not sample and notify():
        return app, None
    app.setQuitOnLastWindowClosed(False)  # after “Stop and save” the program saves before it ends
    user_settings = UserSettings()
    theme = Theme(app, user_settings.theme())
    app.setWindowIcon(theme.icon("app"))
    window = MainWindow(theme, user_settings)
    window.show()
    if sample:
        window.open_sample()
    elif path is not None:
        window.open_path(path)
    gc.freeze()  # these objects stay; each collection that visits them would block the window for 20 ms
    return app, window


def _check_display() -> None:
    """Raises `Problem` where Qt would abort the process: no display, or a missing library."""
    platform = os.environ.get("QT_QPA_PLATFORM") or ("wayland" if os.environ.get("WAYLAND_DISPLAY") else "xcb")
    if not sys.platform.startswith("linux") or not platform.startswith("xcb"):
        return
    if not os.environ.get("DISPLAY"):
        raise Problem("no_display")
    import PySide6

    plugin = Path(PySide6.__file__).parent / "Qt" / "plugins" / "platforms" / "libqxcb.so"
    try:
        ctypes.CDLL(str(plugin))
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError as error:
        raise _missing_library(str(error)) from error
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    if failed:
        raise Problem("display_refused", display=os.environ["DISPLAY"])


def _missing_library(error: str) -> Problem:
    """`error` begins with the library's name: "libEGL.so.1: cannot open shared object file". Where one is missing,
    others usually are, so all are named at once.
    """
    return Problem("library_missing", library=Path(error.partition(":")[0]).name, packages=_PACKAGES)
