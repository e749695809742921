"""Names from files as they are shown: on one line, of a bounded length, and without characters that deceive.

A class, a folder or a tensor may be called anything: its name may move a terminal's cursor, turn a line around, look
like another name, or be 10 MB long. Files keep the true name; what is for people to read goes through `shown`.

A character that cannot be seen, or acts on those around it, becomes an escape such as `\\x1b` or `\\u202e`. Escapes are
plain ASCII: every font, terminal and encoding has them, they say which character it is, and `output.safe_stream` writes
the same. A line break, the only one of them in honest names, is “↵”. What has been through once is not changed again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

NAME = 80
"""The most characters of a name that are shown in a sentence or in the cell of a table."""
LIST = 300
"""Those of several names, or of a reason."""
WHOLE = 1000
"""Those of a path, which the user may need in full, and of a tooltip."""

_MARKS = 4
"""How many accents may be stacked on one letter. Hebrew and Tibetan need three."""
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that nobody can see."""
_NUMBER_SIGNS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
"""Signs around numbers in Arabic, Syriac and Kaithi. Unicode counts them among the invisible characters."""
_COMPLEX = re.compile("[\u0600-\u07ff\u0840-\u109f\u1780-\u18af\ua800-\uabff]")
"""Letters and marks of scripts in which an invisible character decides how those beside it are joined or broken."""
_EMOJI = re.compile("[\u2190-\u2bff\u3030\u303d\u3297\u3299\ufe0f\U0001f000-\U0001faff\u00a9\u00ae\u203c\u2049]")
_IDEOGRAPH = re.compile("[\u1000-\u109f\u1820-\u18aa\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""Characters of Myanmar, Mongolian and Chinese that come in several forms, chosen by a selector after them."""
_SELECTORS = re.compile("[\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_HARMLESS = re.compile(
    "[ -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u058f\u05d0-\u05ea\u0620-\u064a\u0660-\u066f\u2010-\u2027\u2030-\u205e"
    "\u3001-\u3029\u3041-\u3096\u30a1-\u30fa\u3400-\u9fff\uac00-\ud7a3]*"
)  # fmt: skip
"""Most names consist of these, which need no closer look: letters and punctuation without accents of their own."""


def shown(name: str, longest: int = NAME) -> str:
    """`name` on one line, of at most `longest` characters, for people to read; a longer one is cut in its middle.

    The bytes of a path that is not UTF-8 (lone surrogates) stay, unless a terminal could take them for a control.
    """
    ends = elided(name, 4 * longest)  # the rest cannot be seen, and may be 10 MB
    if _HARMLESS.fullmatch(ends) and not ends.isspace():
        return elided(name, longest)
    pieces = list(map(_escape, ends) if ends.isspace() else _pieces(ends))
    if sum(map(len, pieces)) <= longest:
        return "".join(pieces)
    tail = longest // 3
    head, end = _fitting(pieces, longest - tail - 1), _fitting(reversed(pieces), tail)
    return f"{''.join(head).rstrip(chr(0x200D))}…{''.join(reversed(end)).lstrip(chr(0x200D))}"


def elided(text: str, longest: int) -> str:
    """`text` as it is, but with “…” in its middle if it is longer than `longest` characters."""
    if len(text) <= longest:
        return text
    tail = longest // 3
    return f"{text[: longest - tail - 1]}…{text[len(text) - tail :]}"


def plain(text: str, kept: str = "\n") -> str:
    """A text of the program with all characters that deceive as escapes, except those in `kept`. It is not shortened."""
    if _HARMLESS.fullmatch(text):
        return text
    return "".join(_pieces(text, kept))


def _fitting(pieces: Iterable[str], room: int) -> list[str]:
    """The first of `pieces` that have together at most `room` characters."""
    taken = []
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            break
        taken.append(piece)
    return taken


def _pieces(text: str, kept: str = "") -> Iterator[str]:
    """What is shown for each character of `text`; accents come with their letter."""
    piece, marks = "", 0
    for index, character in enumerate(text):
        if character in kept or not _is_mark(character):
            yield piece
            piece, marks = character if character in kept else _visible(text, index), 0
            continue
        marks += 1
        if marks <= _MARKS:
            piece = (piece or "◌") + character
        elif marks == _MARKS + 1:
            piece += "…"
    yield piece


def _is_mark(character: str) -> bool:
    return (
        character not in _BLANKS and not _SELECTORS.match(character) and unicodedata.category(character) in ("Mn", "Me")
    )


def _visible(text: str, index: int) -> str:
    """What is shown for the character of `text` at `index`."""
    character = text[index]
    return character if _is_visible(character) or _is_needed(text, index) else _escape(character)


def _is_visible(character: str) -> bool:
    """Whether it can be seen, or is an honest space, and leaves those around it alone."""
    if character in _BLANKS or _SELECTORS.match(character):
        return False
    match unicodedata.category(character):
        case "Cc" | "Zl" | "Zp" | "Co":
            return False
        case "Cf":
            return character in _NUMBER_SIGNS
        case "Cs":
            return "\udca0" <= character <= "\udcff"
        case "Cn":  # emoji that are younger than Python's tables can be seen
            return (
                ord(character) & 0xFFFE != 0xFFFE and not "\ufdd0" <= character <= "\ufff8" and character < "\U000e0000"
            )
    return True


def _is_needed(text: str, index: int) -> bool:
    """Whether an invisible character decides how those beside it look, as in Persian, Hindi, Khmer and emoji."""
    character, before, after = text[index], text[index - 1 : index], text[index + 1 : index + 2]
    if _SELECTORS.match(character):
        keycap = before in tuple("#*0123456789") and after == "\u20e3"
        return keycap or bool(_IDEOGRAPH.match(before) or (character in "\ufe0e\ufe0f" and _EMOJI.match(before)))
    if character == "\u200d" and _EMOJI.match(before) and _EMOJI.match(after):
        return True
    return character in "\u200b\u200c\u200d" and bool(_COMPLEX.match(before) and _COMPLEX.match(after))


def _escape(character: str) -> str:
    if character == "\n":
        return "↵"
    if "\udc80" <= character <= "\udcff":  # a byte of a path
        character = chr(ord(character) & 0xFF)
    return character.encode("unicode_escape").decode("ascii") if character != " " else "\\x20"
