"""Every sentence is used, every code has a sentence, and every placeholder is filled where it is used."""

import ast
import string
from pathlib import Path

import pytest

import resnet_gui
from resnet_gui.messages import SENTENCES, Message, Problem, message, reason, sentence

SOURCES = sorted(Path(resnet_gui.__file__).parent.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


TOLD_BY_EARLIER_VERSIONS = {"class_untrained", "weights_program", "weights_protocol"}
"""They stand in the logs of runs, which are still shown."""


def makes_message(call: ast.Call) -> bool:
    """Whether `call` is `Problem(…)` or `message(…)`, plain or behind a module's name."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in ("Problem", "message") and bool(call.args)


def literals(code: ast.expr) -> list[str]:
    """The codes that the expression `code` can be, as far as they are written out there."""
    if isinstance(code, ast.IfExp):
        return literals(code.body) + literals(code.orelse)
    return [code.value] if isinstance(code, ast.Constant) and isinstance(code.value, str) else []


CALLS = [
    pytest.param(code, call, id=f"{path.stem}-{call.lineno}-{code}")
    for path, tree in TREES.items()
    for call in ast.walk(tree)
    if isinstance(call, ast.Call) and makes_message(call)
    for code in literals(call.args[0])
]


def placeholders(code: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(SENTENCES[code]) if name is not None}


def test_the_program_speaks():
    assert len(CALLS) > 20


@pytest.mark.parametrize(("code", "call"), CALLS)
def test_a_code_has_a_sentence_whose_placeholders_are_the_values_given(code: str, call: ast.Call):
    assert code in SENTENCES
    given = {keyword.arg for keyword in call.keywords}
    if None not in given:  # **values cannot be read here
        assert given == placeholders(code)


def test_every_sentence_is_used():
    written = {
        node.value
        for path, tree in TREES.items()
        if path.name != "messages.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(SENTENCES) - written == TOLD_BY_EARLIER_VERSIONS


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_begins_and_ends_as_one(code: str):
    text = SENTENCES[code].format_map({name: name for name in placeholders(code)})
    assert text.endswith(".") or SENTENCES[code].endswith("}")  # what ends in a command to copy has no full stop
    assert "  " not in text
    assert text[0].isupper() or SENTENCES[code].startswith("{")


def test_values_fill_the_sentence():
    assert sentence(message("image_too_large", path="a.jpg", limit=64)) == "a.jpg is larger than 64 MB."


def test_a_translation_is_looked_up_by_template_not_by_filled_sentence():
    too_large = message("image_too_large", path="a.jpg", limit=64)
    german = {"{path} is larger than {limit} MB.": "{path} ist größer als {limit} MB."}
    assert sentence(too_large, german.__getitem__) == "a.jpg ist größer als 64 MB."


def test_braces_in_a_file_name_are_only_letters():
    assert sentence(message("image_missing", path="{limit} {0}.jpg")) == "There is no file {limit} {0}.jpg."


def test_a_problem_is_a_message_that_reads_as_its_sentence():
    problem = Problem("image_missing", path="a.jpg")
    assert problem.message == Message("image_missing", (("path", "a.jpg"),))
    assert str(problem) == "There is no file a.jpg."


def test_the_systems_reason_comes_without_the_path(tmp_path: Path):
    with pytest.raises(FileNotFoundError) as caught:
        (tmp_path / "gone").read_bytes()
    assert reason(caught.value) == "No such file or directory"
    assert reason(OSError()) == "OSError"


def test_what_an_earlier_version_wrote_gets_the_advice_it_had():
    old = message("cannot_write", path="a", reason="No space left on device")
    text = "a could not be written: No space left on device. Free some space or choose another folder."
    assert sentence(old) == text
    newer = message("cannot_write", path="a", reason="x", advice="advice_of_a_later_version")
    assert sentence(newer) == "a could not be written: x. Free some space or choose another folder."
