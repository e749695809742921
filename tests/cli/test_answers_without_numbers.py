"""A model whose numbers overflow gives no answer, and never “nan %”: a problem for the picture, and status 1."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from resnet_gui.cli.main import main
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.events import EpochDone
from resnet_gui.model_file import ModelMetadata, save_model
from resnet_gui.nets.build import build
from resnet_gui.output.spreadsheet import SpreadsheetWriter
from resnet_gui.records import from_plain
from resnet_gui.runs.event_log import write_results


@pytest.fixture
def overflowing(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = build("resnet20", 3)
    torch.nn.init.constant_(
        list(network.parameters())[-2], 3e38
    )  # of the head: they are finite, and their sums are not
    path = tmp_path / "overflowing.safetensors"
    classes = ("blue", "green", "red")
    save_model(path, network.state_dict(), ModelMetadata("resnet20", classes, Preprocessing.for_size(32), 1, True))
    return path


def parsed(line: str) -> Any:
    return json.loads(line, parse_constant=lambda constant: pytest.fail(constant))


def test_a_picture_without_an_answer_is_a_problem(
    overflowing: Path, colours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, table = ["predict", str(overflowing), str(colours / "red"), "--device", "cpu"], tmp_path / "table.csv"
    assert main(command) == 1
    printed = capsys.readouterr().out
    assert "The model gives no number for" in printed
    assert "nan" not in printed
    assert main([*command, "--json", "--csv", str(table)]) == 1
    lines = [parsed(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["problem"]["code"] for line in lines] == ["answer_not_finite"] * 10
    assert "nan" not in table.read_text(encoding="utf-8-sig")


def test_a_score_without_numbers_is_a_problem(
    overflowing: Path, colours: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(overflowing), str(colours), "--json", "--device", "cpu"]) == 1
    printed = capsys.readouterr()
    assert "there is no score" in printed.err
    assert [parsed(line)["event"] for line in printed.out.splitlines()][-1] == "Failed"


def test_no_table_takes_a_number_that_is_none(tmp_path: Path) -> None:
    with (tmp_path / "table.csv").open("w") as file, pytest.raises(ValueError, match="numbers only"):
        SpreadsheetWriter(file).write(["a", float("nan")])
    write_results(tmp_path, [EpochDone(1, float("nan"), 0.5, float("inf"), 0.5, 0.1, 1.0, False)])
    assert (tmp_path / "results.csv").read_text().splitlines()[1] == "1,,0.5,,0.5,0.1,1.0,False"
    with pytest.raises(TypeError, match="nan is no float"):
        from_plain(EpochDone, {"train_loss": float("nan")})


def test_a_model_of_one_class_answers(colours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "one.safetensors"
    save_model(
        path,
        build("resnet20", 1).state_dict(),
        ModelMetadata("resnet20", ("one",), Preprocessing.for_size(32), 1, True),
    )
    assert main(["predict", str(path), str(colours / "red"), "--device", "cpu", "--json"]) == 0
    assert {parsed(line)["probabilities"][0] for line in capsys.readouterr().out.splitlines()} == {1.0}
