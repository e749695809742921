"""`resnet-gui predict` when it is stopped, when its output is gone, and where its table cannot be written."""

import csv
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from resnet_gui.cli.main import main
from resnet_gui.events import Predicted
from resnet_gui.messages import message
from resnet_gui.prediction import predictor, streaming
from resnet_gui.records import Prediction


@pytest.fixture
def at_third(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What happens at the third picture: a signal, or an exception. No network computes."""
    happens: list[object] = []

    def predict_files(_: object, files: list[Path], stop: threading.Event, top: int) -> Iterator[Predicted]:
        for number, file in enumerate(files):
            if number == 3 and happens:
                [what] = happens
                if isinstance(what, Exception):
                    raise what
                signal.raise_signal(what)  # type: ignore[arg-type]
            if stop.is_set():
                return
            if file.name == "cut.jpg":
                yield Predicted("m", (Prediction(str(file), problem=message("image_empty", path=str(file))),))
            else:
                yield Predicted("m", (Prediction(str(file), ("=cat", "狗")[:top], (0.75, 0.25)[:top]),))

    monkeypatch.setattr(
        predictor, "Predictor", lambda *_: SimpleNamespace(metadata=SimpleNamespace(classes="ab"), note=None)
    )
    monkeypatch.setattr(streaming, "predict_files", predict_files)
    return happens


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number:04}.jpg").touch()
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_is_in_the_status_the_output_and_the_table(
    at_third: list[object], pictures: Path, capsys: pytest.CaptureFixture[str], how: signal.Signals
) -> None:
    at_third.append(how)
    assert main(["predict", "m", "pictures", "--csv", "t.csv"]) == 128 + how
    table = Path("t.csv").absolute()
    said = "Stopped after 3 of 30 pictures."
    assert capsys.readouterr().out.splitlines()[-1] == f"{said} The rows that were done are in {table}."
    *done, last = rows(table)
    assert [row["path"] for row in done] == [f"pictures/{number:04}.jpg" for number in range(3)]
    assert (last["path"], last["problem"]) == (said, "stopped")
    assert sorted(path.name for path in Path().iterdir()) == ["pictures", "t.csv"]


def test_a_whole_table_is_not_replaced_by_a_stopped_one(
    at_third: list[object], pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "m", "pictures", "--csv", "t.csv"]) == 0
    at_third.append(signal.SIGINT)
    assert main(["predict", "m", "pictures", "--csv", "t.csv", "--json"]) == 130
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["done"], last["total"]) == ("Interrupted", 3, 30)
    assert len(rows(Path("t.csv"))) == 30
    assert rows(Path("t.stopped.csv"))[-1]["problem"] == "stopped"


def test_the_rows_before_an_error_are_kept(at_third: list[object], pictures: Path) -> None:
    at_third.append(RuntimeError("out of memory"))
    with pytest.raises(RuntimeError):
        main(["predict", "m", "pictures", "--csv", "t.csv"])
    assert len(rows(Path("t.csv"))) == 4


def test_a_table_begins_with_a_mark_and_holds_no_formulas(at_third: list[object], pictures: Path) -> None:
    (pictures / "cut.jpg").touch()
    assert main(["predict", "m", "pictures", "--csv", "t.csv", "--top", "9"]) == 1
    assert Path("t.csv").read_bytes().startswith(b"\xef\xbb\xbfpath,problem,label_1,probability_1,label_2")
    assert Path("t.csv").read_bytes().count(b"\xef\xbb\xbf") == 1
    first, *_, cut = rows(Path("t.csv"))
    assert (first["label_1"], first["probability_1"], first["label_2"]) == ("'=cat", "0.75", "狗")
    assert "is empty" in cut["problem"]


def test_a_hyphen_prints_the_table_and_nothing_else(
    at_third: list[object], pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", "m", "pictures/0001.jpg", "--csv", "-", "--top", "1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "path,problem,label_1,probability_1", "pictures/0001.jpg,,'=cat,0.75",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nowhere/t.csv", "No such file or directory. Make the folder first"),
        ("pictures", "Is a directory. There is a folder of this name"),
        ("pictures/0001.jpg", "is a picture or one of the files to read"),
        ("m", "is a picture or one of the files to read"),
    ],
)
def test_a_table_that_cannot_be_is_refused_before_anything_is_loaded(
    pictures: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, sentence: str
) -> None:
    Path("m").write_text("a model")
    monkeypatch.setitem(sys.modules, "resnet_gui.prediction.predictor", None)
    assert main(["predict", "m", "pictures", "--csv", name]) == 1
    assert sentence in capsys.readouterr().err
    assert Path("m").read_text() == "a model"


@pytest.mark.parametrize(("table", "status"), [([], 141), (["--csv", "t.csv"], 0)])
def test_a_reader_that_has_read_enough_ends_the_work_unless_there_is_a_table(
    at_third: list[object], pictures: Path, monkeypatch: pytest.MonkeyPatch, table: list[str], status: int
) -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "w", encoding="cp1252") as closed:  # noqa: PTH123 - a descriptor
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", closed)
            assert main(["predict", "m", "pictures", *table]) == status
        with open(os.devnull, "wb") as null:  # noqa: PTH123 - for what is still buffered
            os.dup2(null.fileno(), write)
    assert not table or len(rows(Path("t.csv"))) == 30
