"""Only one process writes to a run, and others can see that it does."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from resnet_gui.atomic_write import atomic_write, sweep
from resnet_gui.messages import Problem, reason
from resnet_gui.regular_file import read_regular

_PATIENCE = 1.0
"""Seconds to wait for another writer: `is_written` also takes the lock for a moment."""
_MOST_BYTES = 10_000
"""Of `owner.json`, which takes a hundred."""


@contextlib.contextmanager
def only_writer(run: Path) -> Iterator[None]:
    """Holds the run's lock, so that no other process writes to it. The system frees the lock if the process dies.

    Raises `Problem` (`run_in_use`, which names the other process; `run_cannot_lock`).
    """
    lock = FileLock(run / "run.lock", thread_local=False)
    try:
        lock.acquire(timeout=_PATIENCE)
    except Timeout:
        pid, host = _owner(run)
        raise Problem("run_in_use", path=str(run), pid=pid, host=host) from None
    except (OSError, NotImplementedError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise Problem("run_cannot_lock", path=str(run), reason=why) from error
    try:
        for folder in (run, run / "checkpoints"):
            sweep(folder)
        with contextlib.suppress(OSError):  # only names the process in the message of `run_in_use`
            owner = json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
            atomic_write(run / "owner.json", owner.encode("ascii"))  # if it is a pipe or a link, that is replaced
        yield
    finally:
        with contextlib.suppress(OSError):
            (run / "owner.json").unlink()
        lock.release()


def _owner(run: Path) -> tuple[int | str, str]:
    try:
        found = json.loads(read_regular(run / "owner.json", _MOST_BYTES))
        return int(found["pid"]), str(found["host"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "?", "?"


def is_written(run: Path) -> bool:
    """Whether a process holds the lock of `run` now."""
    if not (run / "run.lock").exists():
        return False
    lock = FileLock(run / "run.lock", thread_local=False)
    try:
        lock.acquire(timeout=0.05)  # another window may check at the same moment
    except Timeout:
        return True
    except (OSError, NotImplementedError):
        return False
    lock.release()
    return False
