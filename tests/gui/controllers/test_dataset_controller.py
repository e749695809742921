"""Thumbnails of pictures with more than 8 bits: drawn anew when their range is known, or is to be another."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from resnet_gui.config import settings
from resnet_gui.events import Checked, Event, GreyRangeFound, Thumbnails
from resnet_gui.gui.controllers.dataset_controller import DatasetController
from resnet_gui.gui.data.data_tab import DataTab
from resnet_gui.gui.data.thumbnail_delegate import ThumbnailDelegate
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.workers.dataset_lister import DatasetLister
from resnet_gui.gui.workers.prediction_engine import PredictionEngine
from resnet_gui.nets.catalog import NETWORKS
from resnet_gui.records import GreyRange, Thumbnail

RANGE = {"low": 0.0, "high": 4095.0, "stretch": False}
STRETCHED = {"low": 0.0, "high": 0.0, "stretch": True}


class Requests(PredictionEngine):
    """An engine that only notes what it is asked for, and answers when the test wants it to."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[tuple[str, Callable[[Event], None], dict[str, Any]]] = []

    def request(self, do: str, on_event: Callable[[Event], None], **values: Any) -> int:
        self.made.append((do, on_event, values))
        return len(self.made)

    def ranges(self) -> list[object]:
        """Those of the thumbnails that were asked for."""
        return [values["grey_range"] for do, _, values in self.made if do == "thumbnails"]

    def answer(self, do: str, event: Event) -> None:
        """Sends `event` to the first request of this kind."""
        next(on_event for made, on_event, _ in self.made if made == do)(event)


@pytest.fixture
def shown(qapp: QApplication, qtbot: QtBot, colours: Path) -> tuple[DatasetController, Requests, SetupPane]:
    theme, engine = Theme(qapp, "light"), Requests()
    setup, tab = SetupPane(theme, NETWORKS, tuple(settings())), DataTab(theme)
    for widget in (setup, tab):
        qtbot.addWidget(widget)
    controller = DatasetController(DatasetLister(setup), engine, setup, tab, UserSettings())
    tab.show()
    controller.open(colours)
    qtbot.waitUntil(lambda: len(engine.ranges()) == 1)
    return controller, engine, setup


def test_thumbnails_wait_for_no_range_and_follow_it(
    shown: tuple[DatasetController, Requests, SetupPane], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, engine, setup = shown
    drawn: list[str] = []
    monkeypatch.setattr(ThumbnailDelegate, "add", lambda _, items: drawn.extend(item.png for item in items))
    [config] = [values["config"] for do, _, values in engine.made if do == "check"]
    splitting = {"data.val_fraction": 0.2, "data.test_fraction": 0.2, "training.seed": 0}
    assert config == {**splitting, "data.layout": "classes", "data.validation_fold": 1}
    engine.answer("check", GreyRangeFound(GreyRange(0.0, 4095.0)))
    qtbot.waitUntil(lambda: engine.ranges() == [None, RANGE])
    engine.answer("thumbnails", Thumbnails((Thumbnail("a", "too late.png"),)))
    assert drawn == []

    setup.set_values({"data.grey_levels": "picture"})
    qtbot.waitUntil(lambda: engine.ranges() == [None, RANGE, STRETCHED])
    setup.set_values({"data.grey_levels": "dataset", "training.epochs": 7})
    qtbot.waitUntil(lambda: engine.ranges() == [None, RANGE, STRETCHED, RANGE])


def test_pictures_of_8_bits_are_drawn_once(shown: tuple[DatasetController, Requests, SetupPane], qtbot: QtBot) -> None:
    _, engine, setup = shown
    engine.answer("check", Checked(30, 0))
    setup.set_values({"data.grey_levels": "picture", "training.epochs": 7})
    qtbot.wait(150)
    assert engine.ranges() == [None]
