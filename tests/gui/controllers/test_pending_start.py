"""Downloads of weights with a real engine process and an HTTP server on this machine, and the dialog before them."""

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
"""Two seconds for the whole file."""


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
def download_engine(qapp, qtbot):
    download_engine = DownloadEngine(qapp)
    yield download_engine
    end(download_engine, qtbot)


def end(download_engine, qtbot):
    download_engine.end(5.0)
    qtbot.waitUntil(lambda: not download_engine.findChildren(Engine), timeout=PATIENCE)
    download_engine.deleteLater()


@pytest.fixture
def phases(download_engine):
    """The phases emitted by `changed`, without repeats in a row."""
    phases = []
    download_engine.changed.connect(lambda name, phase, *_: phases[-1:] == [phase] or phases.append(phase))
    return phases


def wait_for(qtbot, download_engine, phase):
    qtbot.waitUntil(lambda: download_engine.phase == phase, timeout=PATIENCE)


def wait_for_bytes(qtbot, download_engine):
    with qtbot.waitSignal(download_engine.changed, timeout=PATIENCE, check_params_cb=lambda *values: values[2] > 0):
        pass


def test_weights_come_and_the_engine_goes(download_engine, phases, weights, qtbot):
    assert not download_engine.is_here(weights)
    with qtbot.waitSignal(download_engine.finished, timeout=PATIENCE) as finished:
        download_engine.start("resnet18", weights)
        engine = download_engine.findChild(Engine)
    assert finished.args == ["resnet18"]
    assert (phases, download_engine.is_here(weights)) == (["running", "here"], True)
    qtbot.waitUntil(lambda: not is_alive(engine.pid) and not download_engine.findChildren(Engine), timeout=PATIENCE)


def test_a_pause_keeps_the_bytes_received_and_resuming_requests_the_rest(
    download_engine, phases, server, weights, qtbot
):
    server.answers.append(SLOW)
    download_engine.start("resnet18", weights)
    wait_for_bytes(qtbot, download_engine)
    download_engine.pause()
    download_engine.resume()  # before the engine has stopped
    download_engine.pause()
    qtbot.waitUntil(lambda: not download_engine.findChildren(Engine), timeout=PATIENCE)
    download_engine.resume()
    wait_for(qtbot, download_engine, "here")
    assert phases == ["running", "paused", "running", "paused", "running", "here"]
    assert server.ranges[0] is None
    assert server.ranges[-1].startswith("bytes=")
    assert weights_path(weights).read_bytes() == CONTENT


def test_a_download_resumed_at_once_goes_on_when_its_engine_has_stopped(download_engine, server, weights, qtbot):
    server.answers.append(SLOW)
    download_engine.start("resnet18", weights)
    wait_for_bytes(qtbot, download_engine)
    download_engine.pause()
    download_engine.resume()
    assert len(download_engine.findChildren(Engine)) == 1
    wait_for(qtbot, download_engine, "here")


@pytest.mark.parametrize("paused", [False, True])
def test_a_cancelled_download_leaves_nothing(download_engine, server, weights, qtbot, paused):
    server.answers.append(SLOW)
    download_engine.start("resnet18", weights)
    wait_for_bytes(qtbot, download_engine)
    if paused:
        download_engine.pause()
        qtbot.waitUntil(lambda: not download_engine.findChildren(Engine), timeout=PATIENCE)
    download_engine.cancel()
    qtbot.waitUntil(lambda: not download_engine.findChildren(Engine), timeout=PATIENCE)
    assert download_engine.phase == "none"
    assert not list(weights_folder().glob("*.part*"))


def test_a_failure_is_a_sentence_and_can_be_tried_again(download_engine, server, weights, qtbot):
    server.answers.append(Answer(status=404))
    texts = []
    download_engine.changed.connect(lambda *values: texts.append(values[-1]))
    download_engine.start("resnet18", weights)
    wait_for(qtbot, download_engine, "failed")
    assert server.origin.removeprefix("http://") in texts[-1]
    download_engine.resume()
    wait_for(qtbot, download_engine, "here")


def test_an_engine_that_dies_is_a_failure(download_engine, server, weights, qtbot):
    server.answers.append(SLOW)
    download_engine.start("resnet18", weights)
    wait_for_bytes(qtbot, download_engine)
    download_engine.findChild(Engine).kill()
    wait_for(qtbot, download_engine, "failed")
    download_engine.resume()
    wait_for(qtbot, download_engine, "here")
    assert server.ranges[-1].startswith("bytes=")


def test_bytes_received_before_the_window_closes_are_not_requested_again(download_engine, server, weights, qtbot):
    server.answers.append(SLOW)
    download_engine.start("resnet18", weights)
    wait_for_bytes(qtbot, download_engine)
    pid = download_engine.findChild(Engine).pid
    download_engine.end(5.0)
    assert not is_alive(pid)
    again = DownloadEngine(download_engine)
    with qtbot.waitSignal(again.finished, timeout=PATIENCE):
        again.start("resnet18", weights)
    end(again, qtbot)
    assert server.ranges[-1].startswith("bytes=")


@pytest.mark.parametrize(("count", "words"), [(44_660_000, "44.7 MB"), (548_000_000, "548 MB"), (1.2e9, "1,200 MB")])
def test_sizes_in_words(count, words):
    assert megabytes(count) == words


class RecordingEngine(TrainingEngine):
    """Records the config of a start, and trains nothing."""

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
def controller(setup, lone_tab, download_engine):
    """The controller between the Start button and the engine, with 20 pictures open."""
    samples = tuple(Sample(f"{label}/{n}.jpg", label) for label in (0, 1) for n in range(10))
    dataset = DatasetLister(setup)
    dataset.listing = Listing(Path("/photos/flowers"), ("daisy", "rose"), samples, (), ())
    setup.show_dataset(dataset.listing, split_samples(dataset.listing, 0.2, 0.2, 0))
    controller = TrainingController(
        RecordingEngine(setup), dataset, None, PredictionEngine(setup), setup, lone_tab, UserSettings(), download_engine
    )
    yield controller
    controller.setParent(setup)  # and is deleted with it


def button(setup, name):
    return setup.findChild(QPushButton, name)


def dialog_in(setup):
    """The open dialog, None if there is none."""
    return next((dialog for dialog in setup.findChildren(DownloadDialog) if dialog.isVisible()), None)


def test_the_run_starts_when_its_missing_weights_are_downloaded(controller, setup, qtbot):
    click(button(setup, "start"))
    text = text_of(dialog_in(setup))
    assert "ResNet-18 can start from weights that were trained on ImageNet-1k." in text
    assert "They are 1.3 MB, licence BSD-3-Clause, from 127.0.0.1" in text
    assert "expect much less with 20 pictures" in text
    click(dialog_in(setup).download)
    assert "The weights of ResNet-18" in text_of(setup.download)
    assert not button(setup, "start").isEnabled()
    qtbot.waitUntil(lambda: controller._training_engine.config is not None, timeout=PATIENCE)
    assert controller._training_engine.config["start.start_from"] == "auto"
    assert "on this machine" in text_of(setup)
    assert not setup.download.isVisible()

    controller._training_engine.config = None
    click(button(setup, "start"))
    assert controller._training_engine.config is not None


def test_one_may_start_from_scratch_this_time(controller, setup):
    click(button(setup, "start"))
    click(dialog_in(setup).scratch)
    assert controller._training_engine.config["start.start_from"] == "random"
    assert setup.values()["start.start_from"] == "auto"


def test_cancelling_the_dialog_changes_nothing(controller, setup):
    click(button(setup, "start"))
    dialog_in(setup).reject()
    assert controller._training_engine.config is None
    assert button(setup, "start").isEnabled()


def test_while_weights_come_nothing_can_be_changed_and_a_cancel_frees_it(
    controller, setup, server, download_engine, qtbot
):
    server.answers.append(SLOW)
    click(button(setup, "start"))
    click(dialog_in(setup).download)
    wait_for_bytes(qtbot, download_engine)
    assert "1.3 MB" in text_of(setup.download)
    choice = setup.findChild(type(setup._initial_weights._from), "network")
    assert not choice.isEnabled()
    assert "being downloaded" in choice.toolTip()
    click(button(setup, "pause_download"))
    assert "paused" in text_of(setup.download)
    controller.start()  # by its shortcut
    assert dialog_in(setup) is None
    click(button(setup, "resume_download"))
    click(button(setup, "cancel_download"))
    assert choice.isEnabled()
    assert not setup.download.isVisible()
    assert controller._training_engine.config is None


def test_when_weights_do_not_come_one_may_try_again_or_start_without(controller, setup, server, qtbot):
    server.answers.extend([Answer(status=404)] * 2)
    click(button(setup, "start"))
    click(dialog_in(setup).download)
    qtbot.waitUntil(lambda: "did not come" in text_of(setup.download), timeout=PATIENCE)
    assert button(setup, "start").isEnabled()
    click(button(setup, "again"))
    qtbot.waitUntil(lambda: button(setup, "scratch").isVisible(), timeout=PATIENCE)
    click(button(setup, "scratch"))
    assert controller._training_engine.config["start.start_from"] == "random"
    assert not setup.download.isVisible()


def test_a_failure_is_hidden_when_another_network_is_chosen(controller, setup, server, qtbot):
    server.answers.append(Answer(status=404))
    click(button(setup, "start"))
    click(dialog_in(setup).download)
    qtbot.waitUntil(lambda: "did not come" in text_of(setup.download), timeout=PATIENCE)
    setup.choose_network("resnet20")
    assert not setup.download.isVisible()


def test_other_pictures_opened_meanwhile_are_not_trained_on(controller, setup, download_engine, qtbot):
    click(button(setup, "start"))
    click(dialog_in(setup).download)
    controller._pending_start._dataset_lister.listing = dataclasses.replace(
        controller._pending_start._dataset_lister.listing, root=Path("/photos/birds")
    )
    wait_for(qtbot, download_engine, "here")
    assert controller._training_engine.config is None
    assert button(setup, "start").isEnabled()


def test_no_dialog_opens_for_a_download_that_runs_already(controller, setup, download_engine, server, weights, qtbot):
    server.answers.append(SLOW)
    download_engine.start("resnet18", weights)  # from the Network tab
    assert not setup.download.isVisible()
    click(button(setup, "start"))
    assert dialog_in(setup) is None
    assert not button(setup, "start").isEnabled()
    qtbot.waitUntil(lambda: controller._training_engine.config is not None, timeout=PATIENCE)


def test_another_download_replaces_the_one_that_a_run_waits_for(controller, setup, download_engine, server, weights):
    server.answers.append(SLOW)
    click(button(setup, "start"))
    click(dialog_in(setup).download)
    download_engine.start("resnet34", weights)
    assert not setup.download.isVisible()
    assert button(setup, "start").isEnabled()


def test_without_the_file_to_start_from_nothing_starts(controller, setup):
    setup.set_values({"start.start_from": "file"})
    controller.start()  # by its shortcut
    assert controller._training_engine.config is None
