"""Keeps the libraries that decode pictures from writing to the terminal: what they find is in `data/image.py`'s sentences."""

from __future__ import annotations

import contextlib
import ctypes
import logging

from PIL import _imaging


def silence() -> None:
    """Silences Pillow's log and libtiff, for the whole process."""
    logging.getLogger("PIL").addHandler(logging.NullHandler())  # else Python prints what Pillow logs as an error
    _silence_libtiff()


def _silence_libtiff() -> None:
    """Takes away libtiff's handlers, which print to the standard error. Pillow offers no way to do so.

    The library that Pillow has loaded is found through Pillow's own: a name is searched in what that one links to. Where
    it cannot be found, as where libtiff is part of Pillow's own and its names are hidden, nothing is changed.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(_imaging.__file__)
        for setter in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
            setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
            setter(None)
