"""Limits how often a job reports: it may work faster than anyone can read."""

from __future__ import annotations

import time


class Throttle:
    """Is ready when `seconds` have passed since it last was; the first time at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = float("-inf")

    def ready(self) -> bool:
        """True at most once in `seconds`."""
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True
