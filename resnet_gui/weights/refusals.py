"""Why a file of weights is refused, and the sentence for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from resnet_gui.memory import free_memory
from resnet_gui.messages import Problem, reason


class UnsafePickle(Exception):
    """Reading the pickle as its author meant it could run a program; `str()` names what would be called."""


class Damaged(ValueError):
    """What the file says cannot be true; `str()` says why."""


class CutShort(Exception):
    """The file ends before its content does; `str()` says where."""


class Unsupported(Exception):
    """The file may be whole, but is of a kind that is not read; `str()` is the kind, for the end of a sentence."""


class OtherFormat(Exception):
    """The file holds something else than tensors of PyTorch; `str()` is what, and `advice` the code of what to do."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what)
        self.advice = advice


@contextlib.contextmanager
def problems_of(path: Path) -> Iterator[None]:
    """Turns every exception from reading the file of weights `path` into a `Problem`."""
    try:
        yield
    except Problem:
        raise
    except FileNotFoundError as error:
        raise Problem("weights_missing", path=str(path)) from error
    except UnsafePickle as error:
        raise Problem("weights_not_plain", path=str(path), what=_ascii(error)) from error
    except CutShort as error:
        raise Problem("weights_cut_short", path=str(path), reason=_ascii(error)) from error
    except Unsupported as error:
        raise Problem("weights_unsupported", path=str(path), what=str(error)) from error
    except OtherFormat as error:
        raise Problem("weights_other_format", path=str(path), what=str(error), advice=error.advice) from error
    except Exception as error:  # whatever a reader throws at a damaged file: KeyError, struct.error, BadZipFile, …
        if isinstance(error, OSError) and error.errno:
            raise Problem("weights_unreadable", path=str(path), reason=reason(error)) from error
        why = _ascii(error) if isinstance(error, Damaged) else "what it says of its contents does not fit together"
        raise Problem("weights_damaged", path=str(path), reason=why) from error


def refuse_if_larger_than_memory(path: Path, needed: int) -> None:
    """Raises `Problem` (`weights_too_large`) if fewer than `needed` bytes of memory are free."""
    free = free_memory()
    if needed > free:
        raise Problem("weights_too_large", path=str(path), needed=round(needed / 1e9, 1), free=round(free / 1e9, 1))


def _ascii(error: Exception) -> str:
    """The first line of an error as ASCII, at most 100 characters, since it may contain text from an unknown file."""
    return ascii(str(error).strip().partition("\n")[0])[1:-1][:100] or type(error).__name__
