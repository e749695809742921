"""Class names in a text: one on each line, with or without a number, or a column of a table."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence

from resnet_gui.data.readers.plain_names import NamesFound, in_order, told_apart

_NUMBER_FIRST = re.compile(r"(\d{1,9})(?:\s*[,:;=]\s*|[.)]\s+|\s+)(\S.*)")
_NUMBER_LAST = re.compile(r"(\S.*?)\s*[,:;=\t]\s*(\d{1,9})")
_NUMBER_AFTER_SPACE = re.compile(r"(\S+)\s+(\d{1,9})")
_WORDNET_FIRST = re.compile(r"(n\d{8})\s+(\S.*)")

_NUMBER_WORDS = (
    "index",
    "idx",
    "id",
    "classid",
    "classindex",
    "classidx",
    "labelid",
    "number",
    "target",
    "label",
    "class",
)
_NAME_WORDS = (
    "name",
    "classname",
    "labelname",
    "class",
    "label",
    "category",
    "categoryname",
    "signname",
    "title",
    "species",
    "breed",
)


def text_of(data: bytes) -> str:
    """`data` as text, without a byte order mark. Raises `ValueError` if it is not UTF-8, or UTF-16 with such a mark."""
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError("it is not a text in UTF-8") from error
    if "\0" in text:
        raise ValueError("it is not a text")
    return text


def lines_of(text: str) -> list[str]:
    """The lines of `text` without spaces around them; empty ones at its end do not count."""
    return [line.strip() for line in re.split(r"\r\n|\r|\n", text.rstrip())]


def names_in_lines(text: str) -> NamesFound:
    """One name on each line, perhaps beside its number or WordNet id."""
    lines = lines_of(text)
    found = [match for line in lines if (match := _WORDNET_FIRST.fullmatch(line))]
    if len(found) == len(lines):
        return told_apart(
            [each[2] for each in found], [each[1] for each in found], "a WordNet id and a name on each line"
        )
    for pattern, number, name, how in (
        (_NUMBER_FIRST, 1, 2, "a number and a name on each line"), (_NUMBER_LAST, 2, 1, "a name and its number on each line"),
        (_NUMBER_AFTER_SPACE, 2, 1, "a name and its number on each line"),
    ):  # fmt: skip
        matches = [match for line in lines if (match := pattern.fullmatch(line))]
        names = _numbered([(int(each[number]), each[name]) for each in matches], len(lines))
        if names:
            return NamesFound(names, how)
    return NamesFound(tuple(lines), "one name on each line")


def _numbered(pairs: list[tuple[int, str]], wanted: int) -> tuple[str, ...]:
    """The names in the order of their numbers; () if these are no numbers of classes, but parts of the names."""
    if len(pairs) != wanted or len({name for _, name in pairs}) != wanted:
        return ()
    try:
        return in_order(pairs)[0]
    except ValueError:
        return ()


def delimiter_of(first: str, is_table: bool) -> str:
    """What divides the columns of a table whose first line is `first`; "" if that is no heading, and `is_table` false."""
    cells = {delimiter: first.split(delimiter) for delimiter in "\t;,"}
    most = max(cells, key=lambda delimiter: len(cells[delimiter]))
    headed = len(cells[most]) > 1 and any(_word(cell) in _NAME_WORDS for cell in cells[most])
    return most if headed or is_table else ""


def names_in_table(text: str, delimiter: str) -> NamesFound | None:
    """The names in a table: of the column that is called so, in the order of the column with numbers if there is one.

    None if it is no table: one column without a heading. Raises `ValueError`, with the reason.
    """
    try:
        rows = [
            row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(map(str.strip, row))
        ]
    except csv.Error as error:
        raise ValueError(f"its table cannot be read ({error})") from error
    head = [_word(cell) for cell in rows[0]]
    if not any(cell in _NAME_WORDS or cell in _NUMBER_WORDS for cell in head):
        return _without_heading(rows)
    cells = rows[1:]
    if not cells or any(len(row) != len(head) for row in cells):
        raise ValueError("its rows have not all the same number of columns")
    number = _column(head, _NUMBER_WORDS, cells, numbers=True)
    name = _column(head, _NAME_WORDS, cells, numbers=False)
    if name is None:
        raise ValueError(f"none of its columns ({', '.join(rows[0])}) is called name or class")
    if number is None:
        return NamesFound(tuple(row[name].strip() for row in cells), f"the column “{rows[0][name]}” of a table")
    names, first = in_order((int(row[number]), row[name].strip()) for row in cells)
    return NamesFound(names, f"the column “{rows[0][name]}” of a table, by “{rows[0][number]}”, from {first} on")


def _column(head: Sequence[str], words: Sequence[str], rows: Sequence[Sequence[str]], numbers: bool) -> int | None:
    """The column with the first of `words` as its heading that holds nothing but numbers, or else something more."""
    wanted = [head.index(word) for word in words if word in head]
    return next((each for each in wanted if all(row[each].strip().isdecimal() for row in rows) is numbers), None)


def _without_heading(rows: list[list[str]]) -> NamesFound | None:
    if all(len(row) == 1 for row in rows):
        return None
    for number, name in ((0, 1), (1, 0)):
        if all(len(row) == 2 and row[number].strip().isdecimal() for row in rows):
            names, first = in_order((int(row[number]), row[name].strip()) for row in rows)
            return NamesFound(names, f"numbers from {first} on with their names")
    raise ValueError(f"none of its columns ({', '.join(rows[0])}) is called name or class")


def _word(cell: str) -> str:
    """A heading in small letters, without what is between words."""
    return re.sub(r"[\W_]", "", cell).lower()
