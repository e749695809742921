"""What the headers of the training pictures say before a run."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image

from resnet_gui.config import DataConfig
from resnet_gui.data.checks import survey as module
from resnet_gui.data.checks.survey import Survey, survey
from resnet_gui.data.samples import Sample
from resnet_gui.events import Progress


def found(root: Path, names: Sequence[str], image_size: int = 32) -> Survey:
    steps = survey(root, [Sample(name, 0) for name in names], DataConfig(image_size=image_size), threading.Event())
    try:
        while True:
            next(steps)
    except StopIteration as end:
        value: Survey = end.value
        return value


def squares(root: Path, sides: Sequence[int], suffix: str = "png") -> list[str]:
    for index, side in enumerate(sides):
        Image.new("RGB", (side + 9, side)).save(root / f"{index}.{suffix}")
    return [f"{index}.{suffix}" for index in range(len(sides))]


@pytest.mark.parametrize(
    ("sides", "small"), [([32, 32, 33], True), ([32, 33], False), ([1], True), ([33, 200, 20], False), ([], False)]
)
def test_most_short_sides_decide(tmp_path: Path, sides: list[int], small: bool) -> None:
    assert found(tmp_path, squares(tmp_path, sides)).small == small


def test_what_cannot_be_read_does_not_count(tmp_path: Path) -> None:
    names = squares(tmp_path, [200, 200, 20, 20, 20])
    for name in names[2:]:
        (tmp_path / name).write_bytes(b"no picture")
    (tmp_path / "folder.png").mkdir()
    assert not found(tmp_path, [*names, "folder.png", "gone.png"]).small


def test_of_very_many_photographs_some_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ENOUGH", 10)
    names = squares(tmp_path, [200, 20, 20] * 10, "jpg")  # of three, one is read
    assert not found(tmp_path, names).small
    names = squares(tmp_path, [200, 20, 20] * 10)  # a PNG may be of more than 8 bits
    assert found(tmp_path, names).small


def test_it_stops_and_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.Throttle, "ready", lambda _: True)
    samples, stop = [Sample(name, 0) for name in squares(tmp_path, [8] * 200)], threading.Event()
    steps: Iterator[Progress] = survey(tmp_path, samples, DataConfig(image_size=32), stop)
    assert next(steps) == Progress("survey", 64, 200)
    stop.set()
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value is None
