"""Downloads of weights: with a real engine process, a real HTTP server on this machine, and the question before them."""

import dataclasses
import hashlib
import random
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton

from helpers.download_engine import engine_command_with
from helpers.http_server import Answer, Loopback
from helpers.window_actions import PATIENCE, click, is_alive, text_of
from resnet_gui.config import settings
from resnet_gui.data.samples import Listing, Sample
from resnet_gui.data.split import split_samples
from resnet_gui.gui.controllers.training_controller import TrainingController
from resnet_gui.gui.setup.download_dialog import DownloadDialog
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.text import megabytes
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.workers import engine_process
from resnet_gui.gui.workers.dataset_lister import DatasetLister
from resnet_gui.gui.workers.download_engine import DownloadEngine
from resnet_gui.gui.workers.engine_process import Engine
from resnet_gui.gui.workers.prediction_engine import PredictionEngine
from resnet_gui.gui.workers.training_engine import TrainingEngine
from resnet_gui.nets.catalog import NETWORKS
from resnet_gui.paths import weights_folder
from resnet_gui.records import Weights
from resnet_gui.weights.weight_cache import weights_path

CONTENT = random.Random(4).randbytes(20 * (1 << 16))

SLOW = Answer(pause=0.1)
"""Two seconds for all of it."""


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Loopback(CONTENT) as server:
        yield server


@pytest.fixture
def weights(server, monkeypatch):
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    weights = Weights(f"{server.origin}/net-{sha256[:8]}.pth", len(CONTENT) / 1e6, "BSD-3-Clause", sha256=sha256)
    monkeypatch.setattr(engine_process, "engine_command", lambda: engine_command_with(weights))
    return weights


@pytest.fixture
def fetching(qapp, qtbot):
    fetching = DownloadEngine(qapp)
    yield fetching
    end(fetching, qtbot)


def end(fetching, qtbot):
    fetching.end(5.0)
    qtbot.waitUntil(lambda: not fetching.findChildren(Engine), timeout=PATIENCE)
    fetching.deleteLater()


@pytest.fixture
def told(fetching):
    """The states that were told, each once in a row."""
    states = []
    fetching.changed.connect(lambda name, state, *_: states[-1:] == [state] or states.append(state))
    return states


def wait_for(qtbot, fetching, state):
    qtbot.waitUntil(lambda: fetching.state == state, timeout=PATIENCE)


def wait_for_bytes(qtbot, fetching):
    with qtbot.waitSignal(fetching.changed, timeout=PATIENCE, check_params_cb=lambda *said: said[2] > 0):
        pass


def test_weights_come_and_the_engine_goes(fetching, told, weights, qtbot):
    assert not fetching.is_here(weights)
    with qtbot.waitSignal(fetching.finished, timeout=PATIENCE) as finished:
        fetching.start("resnet18", weights)
        engine = fetching.findChild(Engine)
    assert finished.args == ["resnet18"]
    assert (told, fetching.is_here(weights)) == (["running", "here"], True)
    qtbot.waitUntil(lambda: not is_alive(engine.pid) and not fetching.findChildren(Engine), timeout=PATIENCE)


def test_a_pause_keeps_what_is_here_and_resuming_asks_for_the_rest(fetching, told, server, weights, qtbot):
    server.answers.append(SLOW)
    fetching.start("resnet18", weights)
    wait_for_bytes(qtbot, fetching)
    fetching.pause()
    fetching.resume()  # before the engine has stopped
    fetching.pause()
    qtbot.waitUntil(lambda: not fetching.findChildren(Engine), timeout=PATIENCE)
    fetching.resume()
    wait_for(qtbot, fetching, "here")
    assert told == ["running", "paused", "running", "paused", "running", "here"]
    assert server.ranges[0] is None
    assert server.ranges[-1].startswith("bytes=")
    assert weights_path(weights).read_bytes() == CONTENT


def test_a_download_resumed_at_once_goes_on_when_its_engine_has_stopped(fetching, server, weights, qtbot):
    server.answers.append(SLOW)
    fetching.start("resnet18", weights)
    wait_for_bytes(qtbot, fetching)
    fetching.pause()
    fetching.resume()
    assert len(fetching.findChildren(Engine)) == 1
    wait_for(qtbot, fetching, "here")


@pytest.mark.parametrize("paused", [False, True])
def test_a_cancelled_download_leaves_nothing(fetching, server, weights, qtbot, paused):
    server.answers.append(SLOW)
    fetching.start("resnet18", weights)
    wait_for_bytes(qtbot, fetching)
    if paused:
        fetching.pause()
        qtbot.waitUntil(lambda: not fetching.findChildren(Engine), timeout=PATIENCE)
    fetching.cancel()
    qtbot.waitUntil(lambda: not fetching.findChildren(Engine), timeout=PATIENCE)
    assert fetching.state == "none"
    assert not list(weights_folder().glob("*.part*"))


def test_a_failure_is_a_sentence_and_can_be_tried_again(fetching, server, weights, qtbot):
    server.answers.append(Answer(status=404))
    said = []
    fetching.changed.connect(lambda *values: said.append(values[-1]))
    fetching.start("resnet18", weights)
    wait_for(qtbot, fetching, "failed")
    assert server.origin.removeprefix("http://") in said[-1]
    fetching.resume()
    wait_for(qtbot, fetching, "here")


def test_an_engine_that_dies_is_a_failure(fetching, server, weights, qtbot):
    server.answers.append(SLOW)
    fetching.start("resnet18", weights)
    wait_for_bytes(qtbot, fetching)
    fetching.findChild(Engine).kill()
    wait_for(qtbot, fetching, "failed")
    fetching.resume()
    wait_for(qtbot, fetching, "here")
    assert server.ranges[-1].startswith("bytes=")


def test_what_is_here_when_the_window_closes_is_not_asked_for_again(fetching, server, weights, qtbot):
    server.answers.append(SLOW)
    fetching.start("resnet18", weights)
    wait_for_bytes(qtbot, fetching)
    pid = fetching.findChild(Engine).pid
    fetching.end(5.0)
    assert not is_alive(pid)
    again = DownloadEngine(fetching)
    with qtbot.waitSignal(again.finished, timeout=PATIENCE):
        again.start("resnet18", weights)
    end(again, qtbot)
    assert server.ranges[-1].startswith("bytes=")


@pytest.mark.parametrize(("count", "words"), [(44_660_000, "44.7 MB"), (548_000_000, "548 MB"), (1.2e9, "1,200 MB")])
def test_sizes_in_words(count, words):
    assert megabytes(count) == words


class Noted(TrainingEngine):
    """Notes what it is to train, and does not."""

    config: dict | None = None

    def start(self, config):
        self.config = config


@pytest.fixture
def setup(qapp, qtbot, weights):
    networks = [dataclasses.replace(NETWORKS[0], weights=weights), *NETWORKS[1:]]
    setup = SetupPane(Theme(qapp, "light"), networks, tuple(settings()))
    qtbot.addWidget(setup)
    setup.resize(300, 900)
    setup.show()
    return setup


@pytest.fixture
def running(setup, lone_tab, fetching):
    """Everything between the Start button and the engine, with 20 pictures open."""
    samples = tuple(Sample(f"{label}/{n}.jpg", label) for label in (0, 1) for n in range(10))
    dataset = DatasetLister(setup)
    dataset.listing = Listing(Path("/photos/flowers"), ("daisy", "rose"), samples, (), ())
    setup.show_dataset(dataset.listing, split_samples(dataset.listing, 0.2, 0.2, 0))
    running = TrainingController(
        Noted(setup), dataset, None, PredictionEngine(setup), setup, lone_tab, UserSettings(), fetching
    )
    yield running
    running.setParent(setup)  # and goes with it


def button(setup, name):
    return setup.findChild(QPushButton, name)


def asked(setup):
    """The question that stands open, None if there is none."""
    return next((dialog for dialog in setup.findChildren(DownloadDialog) if dialog.isVisible()), None)


def test_missing_weights_are_asked_for_once_and_then_the_run_starts(running, setup, qtbot):
    click(button(setup, "start"))
    said = text_of(asked(setup))
    assert "ResNet-18 can start from weights that were trained on ImageNet-1k." in said
    assert "They are 1.3 MB, licence BSD-3-Clause, from 127.0.0.1" in said
    assert "expect much less with 20 pictures" in said
    click(asked(setup).download)
    assert "The weights of ResNet-18" in text_of(setup.download)
    assert not button(setup, "start").isEnabled()
    qtbot.waitUntil(lambda: running._training.config is not None, timeout=PATIENCE)
    assert running._training.config["start.start_from"] == "auto"
    assert "on this machine" in text_of(setup)
    assert not setup.download.isVisible()

    running._training.config = None
    click(button(setup, "start"))
    assert running._training.config is not None


def test_one_may_start_from_scratch_this_time(running, setup):
    click(button(setup, "start"))
    click(asked(setup).scratch)
    assert running._training.config["start.start_from"] == "random"
    assert setup.values()["start.start_from"] == "auto"


def test_to_cancel_the_question_changes_nothing(running, setup):
    click(button(setup, "start"))
    asked(setup).reject()
    assert running._training.config is None
    assert button(setup, "start").isEnabled()


def test_while_weights_come_nothing_can_be_changed_and_a_cancel_frees_it(running, setup, server, fetching, qtbot):
    server.answers.append(SLOW)
    click(button(setup, "start"))
    click(asked(setup).download)
    wait_for_bytes(qtbot, fetching)
    assert "1.3 MB" in text_of(setup.download)
    choice = setup.findChild(type(setup._beginning._from), "network")
    assert not choice.isEnabled()
    assert "being downloaded" in choice.toolTip()
    click(button(setup, "pause_download"))
    assert "paused" in text_of(setup.download)
    running.start()  # by its shortcut
    assert asked(setup) is None
    click(button(setup, "resume_download"))
    click(button(setup, "cancel_download"))
    assert choice.isEnabled()
    assert not setup.download.isVisible()
    assert running._training.config is None


def test_when_weights_do_not_come_one_may_try_again_or_start_without(running, setup, server, qtbot):
    server.answers.extend([Answer(status=404)] * 2)
    click(button(setup, "start"))
    click(asked(setup).download)
    qtbot.waitUntil(lambda: "did not come" in text_of(setup.download), timeout=PATIENCE)
    assert button(setup, "start").isEnabled()
    click(button(setup, "again"))
    qtbot.waitUntil(lambda: button(setup, "scratch").isVisible(), timeout=PATIENCE)
    click(button(setup, "scratch"))
    assert running._training.config["start.start_from"] == "random"
    assert not setup.download.isVisible()


def test_a_failure_is_old_news_when_another_network_is_chosen(running, setup, server, qtbot):
    server.answers.append(Answer(status=404))
    click(button(setup, "start"))
    click(asked(setup).download)
    qtbot.waitUntil(lambda: "did not come" in text_of(setup.download), timeout=PATIENCE)
    setup.choose_network("resnet20")
    assert not setup.download.isVisible()


def test_other_pictures_opened_meanwhile_are_not_trained_on(running, setup, fetching, qtbot):
    click(button(setup, "start"))
    click(asked(setup).download)
    running._dataset.listing = dataclasses.replace(running._dataset.listing, root=Path("/photos/birds"))
    wait_for(qtbot, fetching, "here")
    assert running._training.config is None
    assert button(setup, "start").isEnabled()


def test_what_is_on_its_way_already_is_not_asked_for(running, setup, fetching, server, weights, qtbot):
    server.answers.append(SLOW)
    fetching.start("resnet18", weights)  # from the Network tab
    assert not setup.download.isVisible()
    click(button(setup, "start"))
    assert asked(setup) is None
    assert not button(setup, "start").isEnabled()
    qtbot.waitUntil(lambda: running._training.config is not None, timeout=PATIENCE)


def test_another_download_takes_the_place_of_the_one_that_was_waited_for(running, setup, fetching, server, weights):
    server.answers.append(SLOW)
    click(button(setup, "start"))
    click(asked(setup).download)
    fetching.start("resnet34", weights)
    assert not setup.download.isVisible()
    assert button(setup, "start").isEnabled()


def test_without_the_file_to_start_from_nothing_starts(running, setup):
    setup.set_values({"start.start_from": "file"})
    running.start()  # by its shortcut
    assert running._training.config is None
