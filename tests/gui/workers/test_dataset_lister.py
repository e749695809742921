"""The open folder: listed, compared and split in a thread of its own."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from resnet_gui.data.checks import duplicates
from resnet_gui.gui.workers.dataset_lister import DatasetLister, ListingThread

SETTINGS = {"data.val_fraction": 0.2, "data.test_fraction": 0.2, "training.seed": 0}


@pytest.fixture
def copies(colours: Path) -> Path:
    shutil.copy(colours / "red" / "1.png", colours / "red" / "again.png")
    shutil.copy(colours / "red" / "2.png", colours / "blue" / "which.png")
    return colours


@pytest.fixture
def lister(qtbot: QtBot) -> Iterator[DatasetLister]:
    lister = DatasetLister()
    yield lister
    lister.end()
    qtbot.waitUntil(lambda: not lister.findChildren(ListingThread))


@pytest.fixture
def reading_threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The thread in which each file was read to be compared."""
    threads: list[int] = []
    real: Callable[[str], bytes] = duplicates._digest_of_ends

    def noted(path: str) -> bytes:
        threads.append(threading.get_ident())
        return real(path)

    monkeypatch.setattr(duplicates, "_digest_of_ends", noted)
    return threads


def codes(lister: DatasetLister) -> list[str]:
    assert lister.splits is not None
    return [note.code for note in lister.splits.notes]


def test_copies_are_found_once_in_a_thread_and_reported(
    qtbot: QtBot, copies: Path, lister: DatasetLister, reading_threads: list[int]
) -> None:
    with qtbot.waitSignal(lister.opened):
        lister.open(copies, SETTINGS)
    assert lister.listing is not None
    assert lister.listing.duplicates == (("blue/which.png", "red/2.png"), ("red/1.png", "red/again.png"))
    assert codes(lister) == ["contradictions_in_train", "copies_together"]
    assert reading_threads
    assert threading.get_ident() not in reading_threads
    reading_threads.clear()
    changed: dict[str, Any] = {**SETTINGS, "training.seed": 1}
    with qtbot.waitSignal(lister.opened):
        lister.resplit(changed)
    assert codes(lister) == ["contradictions_in_train", "copies_together"]
    assert not reading_threads


def test_comparing_can_be_cancelled(
    qtbot: QtBot, copies: Path, lister: DatasetLister, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, goes_on = threading.Event(), threading.Event()
    read: list[str] = []

    def slow(path: str) -> bytes:
        read.append(path)
        began.set()
        goes_on.wait(10)
        return path.encode()

    monkeypatch.setattr(duplicates, "_digest_of_ends", slow)
    with qtbot.assertNotEmitted(lister.opened, wait=100):
        lister.open(copies, SETTINGS)
        assert began.wait(10)
        lister.cancel()
        goes_on.set()
    assert len(read) == 1
    assert lister.listing is None
