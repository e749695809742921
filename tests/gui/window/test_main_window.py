"""The whole window with real engines, used as a user would."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from helpers.window_actions import (
    PATIENCE,
    answered,
    click_in_box,
    drop,
    is_alive,
    open_colours,
    press,
    text_of,
    wait_for,
)
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.events import EpochDone, Finished, Progress, Resumed, Stopped
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.window.main_window import MainWindow
from resnet_gui.gui.window.single_instance import notify
from resnet_gui.gui.workers import training_engine
from resnet_gui.gui.workers.engine_process import Engine
from resnet_gui.model_file import ModelMetadata, load_model, save_model
from resnet_gui.nets.build import build
from resnet_gui.paths import cache_folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that knows two classes, untrained."""
    torch.manual_seed(0)
    path = tmp_path / "mine.safetensors"
    metadata = ModelMetadata(
        "resnet18", ("ja", "nein"), Preprocessing.for_size(32), epoch=1, validated=True, val_accuracy=0.5
    )
    save_model(path, build("resnet18", 2).state_dict(), metadata)
    return path


def test_the_main_job(window: MainWindow, qtbot: QtBot, colours: Path) -> None:
    """Drop a folder, press Start, drop pictures before, during and after the training."""
    pane = window.predict_pane
    drop(pane, colours / "red" / "0.png")
    assert "0.png waits: there is no model yet" in text_of(pane)
    open_colours(window, qtbot, colours, epochs=3)
    assert window.tabs.currentWidget() is window.data_tab
    assert "Train 18 · Validation 6 · Test 6" in text_of(window.setup)

    press(window, "start")
    assert window.tabs.currentWidget() is window.training_tab
    assert "Getting ready" in text_of(window.training_tab)
    assert window.setup.findChild(QPushButton, "start").text() == "Pause"
    assert "ready after epoch 1" in pane.model_label.whole
    drop(pane, colours / "red" / "0.png")
    assert "after epoch 1" in pane.message.text()
    wait_for(window, qtbot, EpochDone)
    qtbot.waitUntil(lambda: "best model so far" in pane.model_label.whole, timeout=PATIENCE)
    qtbot.waitUntil(lambda: answered(window), timeout=PATIENCE)  # the picture that waited

    finished = wait_for(window, qtbot, Finished)
    qtbot.waitUntil(lambda: window.training_engine.phase == "idle", timeout=PATIENCE)
    text = text_of(window.training_tab)
    assert f"Of 6 pictures it had never seen, {finished.test.right} were right" in text
    assert window.training_tab.table.model().rowCount() == 3
    assert window.setup.findChild(QPushButton, "start").text() == "Start training"
    drop(pane, colours / "blue")
    qtbot.waitUntil(lambda: pane.position.text() == "1 of 10", timeout=PATIENCE)
    assert set(colours.rglob("*")) == set(colours.glob("*")) | set(colours.glob("*/*.png"))


def test_stop_saves_the_model_and_tests_it_only_on_a_click(window: MainWindow, qtbot: QtBot, colours: Path) -> None:
    open_colours(window, qtbot, colours, epochs=500)
    press(window, "start")
    wait_for(window, qtbot, EpochDone)
    press(window, "stop")
    stopped = wait_for(window, qtbot, Stopped)
    qtbot.waitUntil(lambda: window.training_engine.phase == "idle", timeout=PATIENCE)
    assert load_model(Path(stopped.model))[1].test_opened == 0
    qtbot.mouseClick(window.training_tab.card.test, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Of 6 pictures it had never seen" in text_of(window.training_tab), timeout=PATIENCE)
    assert load_model(Path(stopped.model))[1].test_opened == 1


def test_the_model_of_a_finished_run_is_loaded_before_the_first_picture(
    window: MainWindow, qtbot: QtBot, colours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[tuple[str, object]] = []
    request = Engine.request

    def record(engine: Engine, do: str, **values: object) -> int:
        requests.append((do, values.get("model")))
        return request(engine, do, **values)

    monkeypatch.setattr(Engine, "request", record)
    open_colours(window, qtbot, colours, epochs=1)
    press(window, "start")
    finished = wait_for(window, qtbot, Finished)
    qtbot.waitUntil(lambda: window.training_engine.phase == "idle", timeout=PATIENCE)
    assert ("model", finished.model) in requests


def test_an_engine_waits_for_the_next_run_and_is_replaced_when_killed(
    window: MainWindow, qtbot: QtBot, colours: Path
) -> None:
    ready: list[str] = []
    window.training_engine.engine_phase_changed.connect(ready.append)
    open_colours(window, qtbot, colours, epochs=1)
    qtbot.waitUntil(lambda: "ready" in ready, timeout=PATIENCE)
    warm = window.training_engine._engine
    qtbot.wait(500)
    assert window.training_engine._engine is warm
    assert ready == ["starting", "ready"]
    os.kill(warm.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: ready == ["starting", "ready", "gone", "starting", "ready"], timeout=PATIENCE)


def test_pictures_dropped_with_a_model_are_predicted_by_it(
    window: MainWindow, qtbot: QtBot, colours: Path, model: Path
) -> None:
    drop(window.predict_pane, model, colours / "red" / "0.png")
    qtbot.waitUntil(lambda: answered(window), timeout=PATIENCE)
    assert "nein" in window.predict_pane.view.as_text()


def test_a_later_answer_gets_its_picture_when_it_is_shown(
    window: MainWindow, qtbot: QtBot, colours: Path, model: Path
) -> None:
    pane = window.predict_pane
    drop(pane, model, colours)
    qtbot.waitUntil(lambda: pane.position.text() == "1 of 30", timeout=PATIENCE)
    pane.step(25)
    assert pane.position.text() == "26 of 30"
    qtbot.waitUntil(lambda: is_red(pane.view.picture), timeout=PATIENCE)


def is_red(picture: QWidget) -> bool:
    colour = picture.grab().toImage().pixelColor(picture.width() // 2, 20)
    return colour.red() > colour.green() + 50


def test_nothing_else_can_be_opened_while_a_run_computes(window: MainWindow, qtbot: QtBot, colours: Path) -> None:
    open_colours(window, qtbot, colours, epochs=500)
    assert all(action.isEnabled() for action in window._opening_commands)
    press(window, "start")
    assert not any(action.isEnabled() for action in window._opening_commands)


def test_shares_changed_in_quick_succession_end_in_the_last(window: MainWindow, qtbot: QtBot, colours: Path) -> None:
    open_colours(window, qtbot, colours, epochs=1)
    for fraction in (0.1, 0.3, 0.4):
        window.setup.set_values({"data.test_fraction": fraction})
    qtbot.waitUntil(lambda: len(window.dataset_lister.splits.test) == 12, timeout=PATIENCE)


def test_a_cancelled_listing_leaves_the_earlier_folder_ready_for_training(
    window: MainWindow, qtbot: QtBot, colours: Path
) -> None:
    open_colours(window, qtbot, colours, epochs=1)
    window.dataset_controller.open(colours)
    assert not window._start.isEnabled()
    window.setup.cancel_requested.emit()
    assert window._start.isEnabled()


def test_a_drawing_of_the_sample_can_be_cancelled(window: MainWindow, qtbot: QtBot) -> None:
    shutil.rmtree(cache_folder("sample"))
    window.open_sample()
    qtbot.waitUntil(lambda: "pictures found" in text_of(window.setup), timeout=PATIENCE)
    window.setup.cancel_requested.emit()
    with qtbot.assertNotEmitted(window.dataset_lister.opened, wait=4000):
        pass


def test_a_silent_engine_is_shown_and_left_alone(
    window: MainWindow, qtbot: QtBot, colours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_engine, "SILENCE", 1.0)
    open_colours(window, qtbot, colours, epochs=500)
    press(window, "start")
    wait_for(window, qtbot, EpochDone)
    window.training_engine._longest_step = 0.1  # the start of the engine was the longest so far
    engine = window.training_engine._engine.pid
    os.kill(engine, signal.SIGSTOP)
    qtbot.waitUntil(lambda: "No news from the engine" in text_of(window.status), timeout=10_000)
    assert window.training_engine.phase == "running"
    os.kill(engine, signal.SIGCONT)
    qtbot.waitUntil(lambda: "No news" not in text_of(window.status), timeout=10_000)
    wait_for(window, qtbot, EpochDone)
    window.training_engine._longest_step = 0.1
    os.kill(engine, signal.SIGSTOP)
    again = next(link for link in window.status.findChildren(QPushButton) if "Restart" in link.text())
    qtbot.waitUntil(again.isVisible, timeout=10_000)
    run = window.training_engine.run
    qtbot.mouseClick(again, Qt.MouseButton.LeftButton)
    resumed = wait_for(window, qtbot, Resumed)
    assert (resumed.run, window.training_engine.phase) == (run, "running")
    wait_for(window, qtbot, EpochDone)

    window.training_engine._longest_step = 0.1
    os.kill(window.training_engine._engine.pid, signal.SIGSTOP)
    press(window, "stop")
    end = next(link for link in window.status.findChildren(QPushButton) if link.text() == "End the run")
    qtbot.waitUntil(end.isVisible, timeout=10_000)
    assert not again.isVisible()
    qtbot.mouseClick(end, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.training_engine.phase == "idle", timeout=5000)
    assert "stopped unexpectedly" in text_of(window.training_tab)


def test_a_killed_prediction_engine_is_reported_and_replaced(
    window: MainWindow, qtbot: QtBot, colours: Path, model: Path
) -> None:
    with qtbot.waitSignal(window.prediction_controller.model_loaded, timeout=PATIENCE):
        drop(window.predict_pane, model)
    os.kill(window.prediction_engine._engine.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: "stopped unexpectedly" in window.predict_pane.message.text(), timeout=3000)
    drop(window.predict_pane, colours / "red" / "0.png")
    qtbot.waitUntil(lambda: answered(window), timeout=PATIENCE)


def test_a_model_that_the_user_loaded_is_never_displaced_without_a_click(
    window: MainWindow, qtbot: QtBot, colours: Path, model: Path
) -> None:
    pane = window.predict_pane
    with qtbot.waitSignal(window.prediction_controller.model_loaded, timeout=PATIENCE):
        drop(pane, model)
    assert pane.model_label.whole == "mine.safetensors"
    open_colours(window, qtbot, colours, epochs=1)
    press(window, "start")
    wait_for(window, qtbot, Finished)
    assert pane.model_label.whole == "mine.safetensors"
    drop(pane, colours / "red" / "0.png")
    qtbot.waitUntil(lambda: answered(window), timeout=PATIENCE)
    assert "nein" in pane.view.as_text()
    assert pane.offer.isVisible()
    qtbot.mouseClick(pane.offer, Qt.MouseButton.LeftButton)
    assert "epoch 1" in pane.model_label.whole
    assert pane.offer.text() == "Back to the loaded model"
    assert "mine.safetensors" in pane.offer.toolTip()
    drop(pane, colours / "red" / "0.png")
    qtbot.waitUntil(lambda: "green" in pane.view.as_text(), timeout=PATIENCE)


@pytest.mark.parametrize("name", ["text.safetensors", "gone.safetensors"])
def test_a_file_that_is_no_model_is_reported_and_the_model_before_answers(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, model: Path, name: str
) -> None:
    (tmp_path / "text.safetensors").write_text("not a model")
    with qtbot.waitSignal(window.prediction_controller.model_loaded, timeout=PATIENCE):
        drop(window.predict_pane, model)
    drop(window.predict_pane, tmp_path / name)
    qtbot.waitUntil(lambda: name in window.predict_pane.message.text(), timeout=PATIENCE)
    assert window.predict_pane.model_label.whole == "mine.safetensors"


def test_a_picture_that_cannot_be_read_is_a_sentence(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, model: Path
) -> None:
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam")
    with qtbot.waitSignal(window.prediction_controller.model_loaded, timeout=PATIENCE):
        drop(window.predict_pane, model)
    drop(window.predict_pane, tmp_path / "letter.txt")
    qtbot.waitUntil(lambda: "is not a picture in a known format" in text_of(window.predict_pane), timeout=PATIENCE)


def test_an_unusable_folder_is_reported_and_the_earlier_one_stays_open(
    window: MainWindow, qtbot: QtBot, colours: Path, tmp_path: Path
) -> None:
    open_colours(window, qtbot, colours, epochs=1)
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", colours / "red", tmp_path / "nowhere"):
        with qtbot.waitSignal(window.dataset_lister.failed, timeout=PATIENCE) as failed:
            window.dataset_controller.open(path)
        assert str(failed.args[0]).split(str(path))[1][:3] in text_of(window.setup)
        assert window.dataset_lister.listing.root == colours


def test_bad_pictures_are_found_by_the_check_and_listed(window: MainWindow, qtbot: QtBot, colours: Path) -> None:
    (colours / "red" / "empty.jpg").touch()
    (colours / "red" / "pointer.jpg").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    open_colours(window, qtbot, colours, epochs=1)
    qtbot.waitUntil(lambda: "2 skipped" in text_of(window.setup), timeout=PATIENCE)


def test_other_shares_split_again_at_once(window: MainWindow, qtbot: QtBot, colours: Path) -> None:
    open_colours(window, qtbot, colours, epochs=1)
    with qtbot.waitSignal(window.dataset_lister.opened, timeout=PATIENCE):
        window.setup.set_values({"data.test_fraction": 0.4})
    assert "Train 12 · Validation 6 · Test 12" in text_of(window.setup)


def test_the_sample_brings_its_settings_and_takes_them_along_again(
    window: MainWindow, qtbot: QtBot, colours: Path
) -> None:
    before = window.setup.values()
    with qtbot.waitSignal(window.dataset_lister.opened, timeout=PATIENCE):
        window.open_sample()
    assert window.setup.values()["data.image_size"] == 64
    assert "240 pictures · 4 classes" in text_of(window.setup)
    with qtbot.waitSignal(window.dataset_lister.opened, timeout=PATIENCE):
        drop(window.setup, colours)
    assert window.setup.values() == before


def test_closing_an_idle_window_ends_its_engines(window: MainWindow, qtbot: QtBot, colours: Path) -> None:
    open_colours(window, qtbot, colours, epochs=1)
    qtbot.waitUntil(
        lambda: bool(window.prediction_engine._engine.pid and window.training_engine._engine.pid), timeout=PATIENCE
    )
    pids = [window.prediction_engine._engine.pid, window.training_engine._engine.pid]
    window.close()
    assert not window.isVisible()
    window.end_engines()
    assert not any(is_alive(pid) for pid in pids)


def test_closing_while_training_asks_and_cancel_changes_nothing(
    window: MainWindow, qtbot: QtBot, colours: Path
) -> None:
    open_colours(window, qtbot, colours, epochs=500)
    press(window, "start")
    wait_for(window, qtbot, Progress)
    QTimer.singleShot(0, click_in_box("Cancel"))
    window.close()
    assert window.isVisible()
    assert window.training_engine.phase == "running"

    QTimer.singleShot(0, click_in_box("Keep training"))
    window.close()
    assert window.isMinimized()
    assert window.training_engine.phase == "running"
    assert notify()
    qtbot.waitUntil(lambda: not window.isMinimized(), timeout=PATIENCE)

    engine = window.training_engine._engine.pid
    QTimer.singleShot(0, click_in_box("Stop and save"))
    window.close()
    assert not window.isVisible()
    stopped = wait_for(window, qtbot, Stopped)
    assert load_model(Path(stopped.model))
    window.end_engines()
    deadline = time.monotonic() + 10
    while is_alive(engine):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_everything_chosen_is_there_again_at_the_next_start(
    window: MainWindow, qapp: QApplication, qtbot: QtBot
) -> None:
    window.setup.set_values({"training.epochs": 33, "network": "resnet50"})
    window._choose_theme("dark")
    precisions = next(menu for menu in window.findChildren(QMenu) if menu.title() == "P&recision of predictions")
    assert [action.isChecked() for action in precisions.actions()] == [True, False, False, False]
    precisions.actions()[1].trigger()
    assert window.prediction_engine.precision == "float32"
    window.predict_dock.setFloating(True)
    window.close()
    window.end_engines()
    again = MainWindow(Theme(qapp, UserSettings().theme()), UserSettings())
    qtbot.addWidget(again)
    values = again.setup.values()
    assert (values["training.epochs"], values["network"]) == (33, "resnet50")
    assert again._theme.dark
    assert again.prediction_engine.precision == "float32"
    again.show()
    assert again.predict_dock.isFloating()
    assert again.predict_dock.isVisible()
    again.close()
    again.end_engines()


def test_a_librarys_weights_are_looked_up_while_the_network_tab_is_hidden(window: MainWindow, qtbot: QtBot) -> None:
    window.setup.choose_network("torchvision/shufflenet_v2_x0_5")
    assert window.setup.weights is None
    qtbot.waitUntil(lambda: window.setup.weights is not None, timeout=60_000)
    assert window.setup.weights.host == "download.pytorch.org"
