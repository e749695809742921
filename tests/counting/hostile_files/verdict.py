"""What one reader made of one hostile file, and what of that must never be."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

NEVER = (
    "executed", "crashed", "hung", "over_300_MB", "without_a_sentence", "no_JSON", "success_without_a_result", "leftovers",
    "control_characters", "endless_sentences",
)  # fmt: skip

HANG = 20.0
"""Seconds of the clock after which a reader is killed."""
LONG = 5.0
"""Seconds of the processor that are as bad as a hang."""
MEGABYTES = 300
"""Of memory beyond what it takes to open an empty file."""
_LONGEST = 2000
"""Letters of a line that a user is to read."""
_BIDI = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029"


@dataclass
class Opened:
    """One reader and one file. `status` is an exit status, negative for a signal, None if it had to be killed.

    `seconds` are those of the processor, `megabytes` the most memory beyond what the reader takes for an empty file.
    `printed` is JSON by lines, `said` what a user reads. `has_result`: whether there is what a success should leave.
    """

    reader: str
    status: int | None
    seconds: float
    megabytes: float
    printed: str = ""
    said: str = ""
    executed: list[str] = field(default_factory=list)
    has_result: bool = False
    leftovers: list[str] = field(default_factory=list)

    def faults(self) -> Iterator[tuple[str, str]]:
        """What was wrong, as a name in `NEVER` and the reason."""
        yield from (("executed", line.strip()) for line in self.executed)
        if self.status is None:
            yield "hung", f"killed after {HANG:.0f} s"
            return
        if self.seconds > LONG:
            yield "hung", f"{self.seconds:.1f} s of the processor"
        if self.megabytes > MEGABYTES:
            yield "over_300_MB", f"{self.megabytes:.0f} MB"
        if self.status < 0 or self.status > 2 or "Traceback (most recent call last)" in self.said:
            yield "crashed", f"status {self.status}: {self.said[-300:]!r}"
        yield from self._faults_of_words()
        if self.status == 0 and not self.has_result:
            yield "success_without_a_result", self.printed[-200:]
        if self.status and self.leftovers:
            yield "leftovers", f"{self.leftovers}"

    def _faults_of_words(self) -> Iterator[tuple[str, str]]:
        for line in self.printed.splitlines():
            try:
                event = json.loads(line, parse_constant=_no_constant)
            except ValueError as error:
                yield "no_JSON", f"{error}: {line:.200}"
                continue
            if "internal_error" in line and isinstance(event, dict):
                yield "crashed", line[:300]
        if self.status and not self.said.strip():
            yield "without_a_sentence", f"status {self.status}"
        if wrong := sorted({letter for letter in self.said if _steers(letter)}):
            yield "control_characters", f"{wrong} in {self.said:.200}"
        if longest := max(map(len, self.said.splitlines()), default=0) > _LONGEST:
            yield "endless_sentences", f"{longest} letters: {self.said:.100}"


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _steers(letter: str) -> bool:
    return letter in _BIDI or (unicodedata.category(letter) == "Cc" and letter not in "\n\t")
