"""Times in words: how long something took, how long it will take."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication


def time_left(seconds: float) -> str:
    """ "about 2 min left", for an estimate in seconds."""
    if seconds < 10:
        return _tr("a few seconds left")
    if seconds < 57:
        return _tr("about {count} s left").format(count=5 * round(seconds / 5))
    minutes = max(1, round(seconds / 60))
    if minutes < 90:
        return _tr("about {count} min left").format(count=minutes)
    return _tr("about {hours} h {minutes} min left").format(hours=minutes // 60, minutes=minutes % 60)


def time_taken(seconds: float) -> str:
    """ "0.8 s", "28 s", "1:28 min" or "1:02 h", for a measured time in seconds."""
    if seconds < 9.95:
        return _tr("{count} s").format(count=f"{seconds:.1f}")
    whole = round(seconds)
    if whole < 60:
        return _tr("{count} s").format(count=whole)
    if whole < 3600:
        return _tr("{minutes}:{seconds} min").format(minutes=whole // 60, seconds=f"{whole % 60:02}")
    return _tr("{hours}:{minutes} h").format(hours=whole // 3600, minutes=f"{whole % 3600 // 60:02}")


def _tr(text: str) -> str:
    return QCoreApplication.translate("durations", text)
