"""The README shows the figures of the tally, and a tally only grows."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import tally

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_has_the_counts_of_the_tally() -> None:
    assert tally.table() in README.read_text(encoding="utf-8")


def test_a_long_run_goes_on_where_the_tally_ends_and_adds_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tally, "COUNTS", tmp_path / "counts.json")
    numbers: list[int] = []

    def trial(number: int) -> Mapping[str, int]:
        numbers.append(number)
        return {"kills": 2}

    for _ in range(2):
        assert tally.count("kill", trial, short=3, never=("lost",), arguments=["--minutes", "0.0005"]) == 0
    assert numbers == list(range(len(numbers)))
    assert (
        f"| `tests/counting/kill.py` | {len(numbers):,} trials: {2 * len(numbers):,} kills, 0 lost |" in tally.table()
    )
    counted = (tmp_path / "counts.json").read_bytes()
    assert tally.count("kill", trial, short=3, never=("lost",), arguments=[]) == 0
    assert (tmp_path / "counts.json").read_bytes() == counted
    assert "kill: 3 trials" in capsys.readouterr().out


def test_what_must_never_be_counted_makes_the_program_fail(capsys: pytest.CaptureFixture[str]) -> None:
    assert tally.count("kill", lambda number: {"lost": int(number == 2)}, 4, ("lost",), []) == 1
    assert "trial 2: {'lost': 1}" in capsys.readouterr().out
