"""How much memory is free, and how much this process takes. All in bytes."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import psutil


def free_memory() -> int:
    """The memory that a program could still take: that of the machine, or less if a container sets a limit."""
    free: int = psutil.virtual_memory().available
    with contextlib.suppress(OSError, ValueError, KeyError):
        group = Path("/sys/fs/cgroup")
        limit, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        files = int(statistics["active_file"]) + int(
            statistics["inactive_file"]
        )  # caches that the system drops when memory is short
        free = min(free, limit - used + files)
    return free


def taken_memory() -> int:
    """The memory that this process takes now."""
    taken: int = psutil.Process().memory_info().rss
    return taken


def peak_memory() -> int:
    """The most memory that this process has taken so far."""
    if sys.platform == "win32":
        peak: int = psutil.Process().memory_info().peak_wset
        return peak
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
