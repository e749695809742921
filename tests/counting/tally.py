"""How a counting program is run, and what it adds to the committed tally, `tests/counts.json`.

A program counts in trials, each a function of its number: `python tests/counting/kill.py` does a few, the same every
time; with `--minutes 30` it goes on from the number where the tally ends, and adds to it what it counted.
`python tests/counting/tally.py` prints the tally as the README has it.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

COUNTS = Path(__file__).parent.parent / "counts.json"

Trial = Callable[[int], Mapping[str, int]]
"""From a trial's number to what it counted, by name."""


def count(name: str, trial: Trial, short: int, never: Sequence[str], arguments: Sequence[str] | None = None) -> int:
    """Runs the counting program `name`: `short` trials, or for so many minutes. Prints what was counted.

    Returns the exit status: 1 if anything was counted that must `never` be.
    """
    parser = argparse.ArgumentParser(description=f"Counts what becomes of runs: {name}.")
    parser.add_argument("--trials", type=int, default=short, help=f"how many (default {short})")
    parser.add_argument("--minutes", type=float, help="go on from the tally for so long, and add to it")
    parser.add_argument("--first", type=int, default=0, help="the number of the first trial, to repeat one that failed")
    options = parser.parse_args(arguments)
    tally = _read().get(name, {})
    first = tally.get("trials", 0) if options.minutes else options.first
    end = time.monotonic() + 60 * options.minutes if options.minutes else float("inf")
    counted: collections.Counter[str] = collections.Counter(dict.fromkeys(("trials", *never), 0))
    number = first
    while time.monotonic() < end and (options.minutes or number < first + options.trials):
        found = trial(number)
        counted.update(found)
        counted["trials"] += 1
        if wrong := {what: found[what] for what in never if found.get(what)}:
            print(f"trial {number}: {wrong}", flush=True)
        number += 1
        if options.minutes:
            _add(name, tally, counted)
    print(f"{name}: " + ", ".join(f"{value} {what}" for what, value in counted.items()), flush=True)
    return 1 if any(counted[what] for what in never) else 0


def _read() -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = json.loads(COUNTS.read_text()) if COUNTS.is_file() else {}
    return found


def _add(name: str, before: Mapping[str, int], counted: Mapping[str, int]) -> None:
    """Writes the tally anew after each trial, so that a program that is cut off has not counted for nothing."""
    total = collections.Counter(before)
    total.update(counted)
    text = json.dumps({**_read(), name: dict(total)}, indent=2, sort_keys=True)
    COUNTS.write_text(text + "\n")


def run(name: str, trial: Trial, short: int, never: Sequence[str]) -> None:
    """`count` as a program's last line."""
    sys.exit(count(name, trial, short, never))


def table() -> str:
    """The tally as Markdown: a row for each program, with what must never be counted among the rest.

    Where exactly the kills fell is in the tally alone.
    """
    rows = ["| program | counted |", "|---|---|"]
    for name, counts in sorted(_read().items()):
        shown = {what: value for what, value in sorted(counts.items()) if not what.startswith(("trials", "kills "))}
        others = (f"{value:,} {what.replace('_', ' ')}" for what, value in shown.items())
        rows.append(f"| `tests/counting/{name}.py` | {counts['trials']:,} trials: {', '.join(others)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
