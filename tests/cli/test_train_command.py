"""`resnet-gui train` where what is printed cannot be, and where its run cannot be kept."""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from resnet_gui.cli.main import main
from resnet_gui.config import TrainConfig
from resnet_gui.events import EpochDone, Event, Finished, Started
from resnet_gui.training import loop


@pytest.fixture
def came_to_its_end(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether a training with Chinese class names got to its end; it computes nothing."""
    ends: list[bool] = []

    def train(_: TrainConfig, stop: threading.Event) -> Iterator[Event]:
        yield Started("run", "resnet20", ("猫", "狗"), 60, 20, 20, 3, "cpu", 2)
        for epoch in (1, 2, 3):
            yield EpochDone(epoch, 1.0, 0.5, 1.0, 0.5, 0.1, 1.0, False)
        ends.append(not stop.is_set())
        yield Finished("run/猫.safetensors", 3, 0.5, None)

    monkeypatch.setattr(loop, "train", train)
    return ends


@pytest.mark.parametrize("gone", ["pipe", "full", "none", "closed"])
def test_a_training_goes_on_when_its_output_is_gone(
    came_to_its_end: list[bool], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], gone: str
) -> None:
    read, write = os.pipe()
    os.close(read)
    number = os.open("/dev/full", os.O_WRONLY) if gone == "full" else write
    stream = open(number, "w", encoding="cp1252")  # noqa: PTH123, SIM115 - a descriptor
    if gone == "closed":
        stream.close()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None if gone == "none" else stream)
        assert main(["train", "pictures"]) == 0
    assert came_to_its_end == [True]
    assert ("What was to be printed could not be written" in capsys.readouterr().err) == (gone in ("full", "closed"))
    if gone != "closed":
        with open(os.devnull, "wb") as null:  # noqa: PTH123 - for what is still buffered
            os.dup2(null.fileno(), number)
        stream.close()


def test_a_runs_folder_that_cannot_be_is_refused_before_anything_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setitem(sys.modules, "resnet_gui.training.loop", None)
    assert main(["train", str(tmp_path), "--out", str(tmp_path / "file" / "runs")]) == 1
    assert "A part of this path is a file, not a folder" in capsys.readouterr().err
    assert main(["pretrained", "resnet18", "--out", str(tmp_path / "none" / "m")]) == 1
    assert "Make the folder first" in capsys.readouterr().err
