"""Tables for a spreadsheet: no text becomes a formula, and numbers stay numbers."""

import io

import pytest

from resnet_gui.output.spreadsheet import SpreadsheetWriter, text_cell


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+49 30", "-1", "@SUM(A1)", "\t=1", "\ttext", "\r=1", "\n=1", "  =1", "\u3000＝1", "＝1", "＋1", "－1", "＠x", "\u200b=1", "\ufeff=1"],
)  # fmt: skip
def test_a_text_that_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    assert text_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["", "cat", "a=b", "'=1", "data/=1/1.png", "猫", " cat", "1-2", "é"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert text_cell(text) == text


def test_numbers_stay_numbers_and_texts_with_commas_are_quoted() -> None:
    file = io.StringIO(newline="")
    SpreadsheetWriter(file).write(["a,b", -1, -0.5, 1e-9, "-1"])
    assert file.getvalue() == '"a,b",-1,-0.5,1e-09,\'-1\r\n'
