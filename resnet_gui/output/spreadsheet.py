"""Tables as CSV for people, who open them with a spreadsheet. The files of a run are not written by this.

A spreadsheet takes a text that begins with `=`, `+`, `-` or `@` for a formula and computes it, so such a text gets an
apostrophe in front. Numbers are written as they are.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from typing import TextIO

BOM = "\ufeff"
"""The first character of a file, by which a spreadsheet knows that it is UTF-8. A stream has none."""

_FORMULA = tuple("=+-@＝＋－＠")
"""The full-width ones are taken for the others by Japanese and Chinese spreadsheets."""


class SpreadsheetWriter:
    """Writes rows to `file`, a text stream without newline translation. Nothing is collected."""

    def __init__(self, file: TextIO, lineterminator: str = "\r\n") -> None:
        self._rows = csv.writer(file, lineterminator=lineterminator)

    def write(self, cells: Iterable[object]) -> None:
        """Writes one row. Raises what the file raises, and `ValueError` for a number that is none, or infinite."""
        cells = list(cells)
        if any(isinstance(cell, float) and not math.isfinite(cell) for cell in cells):
            raise ValueError("a table holds numbers only")
        self._rows.writerow([text_cell(cell) if isinstance(cell, str) else cell for cell in cells])


def text_cell(text: str) -> str:
    """`text` so that a spreadsheet shows it and does not compute it. White space in front does not hide a formula."""
    is_formula = text[:1] in ("\t", "\r", "\n") or text.lstrip().lstrip("\ufeff\u200b").startswith(_FORMULA)
    return f"'{text}" if is_formula else text
