"""Names are shown without characters that deceive, honest ones as they are, and all of them are short."""

import unicodedata

import pytest

from resnet_gui.messages import Problem, first_names, message, sentence
from resnet_gui.names import NAME, plain, shown

DECEIVING = {
    "colours of a terminal": ("cat\x1b[31m", "cat\\x1b[31m"),
    "C1 control": ("cat\x9b31m", "cat\\x9b31m"),
    "a byte that is a control": ("cat\udc9bm", "cat\\x9bm"),
    "bell and DEL": ("\x07cat\x7f", "\\x07cat\\x7f"),
    "line feed": ("cat\ndog", "cat↵dog"),
    "carriage return": ("cat\rdog", "cat\\rdog"),
    "line separator": ("cat\u2028dog", "cat\\u2028dog"),
    "right-to-left override": ("\u202egnp.exe", "\\u202egnp.exe"),
    "isolate": ("\u2067cat\u2069", "\\u2067cat\\u2069"),
    "mark": ("cat\u200f", "cat\\u200f"),
    "zero width": ("c\u200ba\u200dt\ufeff", "c\\u200ba\\u200dt\\ufeff"),
    "soft hyphen": ("c\u00adat", "c\\xadat"),
    "tag": ("cat\U000e0041", "cat\\U000e0041"),
    "private": ("\uf8ff", "\\uf8ff"),
    "lone surrogate": ("cat\ud800", "cat\\ud800"),
    "selector without effect": ("cat\ufe0f", "cat\\ufe0f"),
    "blank letter": ("\u3164", "\\u3164"),
    "nothing but spaces": ("  ", "\\x20\\x20"),
    "accents on nothing": ("\u0301cat", "◌\u0301cat"),
    "a tower of accents": ("c\u0301" + "\u0351" * 200 + "at", "c\u0301\u0351\u0351\u0351…at"),
}

HONEST = [
    "Rose & Löwe", "<b>", "ciberespaço e\u0301te\u0301", "猫", "ねこ", "고양이", "قطة", "חתול", "שָׁלוֹם", "می\u200cخواهم", "क्\u200dष", "ประเทศ", "བསྒྲུབས",
    "ខ្មែរ\u200bភាសា", "👩\u200d❤\ufe0f\u200d👨", "🏴\u200d☠\ufe0f", "🧑🏽\u200d💻", "1\ufe0f\u20e3", "☎\ufe0f", "葛\U000e0100城", "caf\udce9", "✓ ok", "\U0001fae8",
]  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), DECEIVING.values(), ids=DECEIVING)
def test_a_deceiving_character_is_an_escape(name: str, expected: str):
    assert shown(name) == expected
    assert shown(expected) == expected


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_name_is_shown_as_it_is(name: str):
    assert shown(name) == name


def test_no_invisible_character_of_unicode_is_shown_between_letters():
    shown_as_they_are = {
        number
        for number in range(0x110000)
        if unicodedata.category(character := chr(number)) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
        and character in shown(f"a{character}b")
    }
    signs = {0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    assert shown_as_they_are == signs | set(range(0xDCA0, 0xDD00))


@pytest.mark.parametrize("name", ["x" * 1_000, "x" * 10_000_000, "\x1b" * 1_000, "e\u0301" * 1_000, "\u0351" * 100_000])
def test_a_long_name_is_cut_in_its_middle(name: str):
    short = shown(f"first{name}last")
    assert len(short) <= NAME
    assert short.startswith("first")
    assert short.endswith("last")
    assert "…" in short


def test_an_escape_is_not_cut_in_two():
    assert all(not shown("\x1b" * 9, longest).strip("\\x1b…").strip() for longest in range(8, 36))
    assert shown("\x1b" * 9, 13) == "\\x1b\\x1b…\\x1b"


def test_a_text_of_the_program_keeps_its_lines():
    assert plain("two\nlines\tof \x1b[0m") == "two\nlines\\tof \\x1b[0m"
    assert plain("long " * 1000) == "long " * 1000


def test_every_value_of_a_sentence_is_safe_to_show():
    text = sentence(message("one_class", path="/pictures/\x1b]0;x\x07", name="\u202e" + "cat" * 500))
    assert "/pictures/\\x1b]0;x\\x07" in text
    assert "“\\u202ecatcat" in text
    assert len(text) < 400
    assert not {"\x1b", "\x07", "\u202e"} & set(str(Problem("network_unknown", name="\x1b\x07\u202e")))


def test_a_path_is_whole_in_a_sentence_and_a_list_has_short_names():
    path = "/" + "/".join(["folder"] * 60)
    assert path in sentence(message("image_missing", path=path))
    assert len(first_names(["x" * 1_000_000] * 1_000)) < 300
