"""Names that folders, files and classes can have, and what of them must not reach a terminal or a screen."""

import re
import sys

NASTY = [
    "red\x1b[31m", "title\x1b]0;owned\x07", "two\nlines", "back\rover", "bell\x07", "\u202egnp.cat", "\u2067isolated\u2069",
    "c1\x9b2Jcleared", "line\u2028separator", "zero\u200bwidth", "mark\u200f", "tag\U000e0041", "tower\u0351\u0352\u0353\u0354\u0355\u0356\u0357",
    "<img src='x.png'>", "<b>bold", "&amp; & &&", "%s %d {name}", "long " + "x" * 150, "قطة جميلة", "כלב", "猫 と 犬", "👩\u200d🚀", "  ",
]  # fmt: skip
"""Each can be the name of a folder or a file on Linux."""
if sys.platform == "win32":
    NASTY = [name for name in NASTY if not re.search(r'[\x00-\x1f<>:"/\\|?*]', name) and name.strip()]

FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ue000-\uf8ff\U000e0000-\U000e0fff]"
)
"""Controls without the line feed, characters that turn text around, invisible and private ones."""


def deceiving(text: str) -> list[str]:
    """The characters of `text` that must not be shown."""
    return FORBIDDEN.findall(text)
