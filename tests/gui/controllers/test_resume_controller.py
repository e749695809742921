"""Resuming runs after a pause, a crash or a change, at the next start, and from their folder; with real engines."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from helpers.window_actions import PATIENCE, click, is_alive, open_colours, press, text_of, wait_for
from resnet_gui.config import make_config
from resnet_gui.events import DatasetChanged, EpochDone, Finished, Progress, Resumed, Started, Stopped, Waiting
from resnet_gui.gui.training.dataset_changed_dialog import DatasetChangedDialog
from resnet_gui.gui.training.more_epochs_dialog import MoreEpochsDialog
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.window.main_window import MainWindow
from resnet_gui.gui.workers import engine_process
from resnet_gui.gui.workers.engine_process import Engine
from resnet_gui.runs.run_status import read_status
from resnet_gui.training.loop import train


def button(window: MainWindow, name: str) -> QPushButton:
    return window.setup.findChild(QPushButton, name)


def phase_is(window: MainWindow, qtbot: QtBot, phase: str) -> None:
    qtbot.waitUntil(lambda: window.training_engine.phase == phase, timeout=PATIENCE)


def results(run: str | Path) -> list[dict[str, str]]:
    """The rows of `results.csv`, without the times."""
    with (Path(run) / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def shown(window: MainWindow) -> dict[str, object]:
    """What the training tab shows about a run."""
    tab = window.training_tab
    points = [figure.validated.points for figure in (tab.plots.loss.figure, tab.plots.accuracy.figure)]
    return {
        "table": tab.table.epochs.as_text(list(range(tab.table.epochs.rowCount()))),
        "validation": points,
        "last": tab.plots.loss.figure.running.points[-1][0],
        "notes": tab.notes.text,
        "card": text_of(tab.card),
        "best": tab.header.best_sentence,
    }


def elsewhere(*arguments: str | Path) -> subprocess.Popen[bytes]:
    """Another program that trains: the command line."""
    command = [sys.executable, "-m", "resnet_gui", "train", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def unfinished(quick: dict[str, object]) -> Path:
    """A run that was stopped in its second epoch of four."""
    stop = threading.Event()
    run = ""
    for event in train(make_config({**quick, "training.epochs": 4}), stop):
        match event:
            case Started():
                run = event.run
            case EpochDone():
                stop.set()
    return Path(run)


def test_a_paused_run_resumes_to_the_same_end_and_can_be_extended_later(
    window: MainWindow, qtbot: QtBot, colours: Path, quick: dict[str, object], tmp_path: Path
) -> None:
    undisturbed = {**quick, "training.epochs": 4, "out": str(tmp_path / "undisturbed")}
    run = next(
        event.run for event in list(train(make_config(undisturbed), threading.Event())) if isinstance(event, Started)
    )
    expected = results(run)

    open_colours(window, qtbot, colours, epochs=4)
    press(window, "start")
    wait_for(window, qtbot, EpochDone)
    engine = window.training_engine._engine.pid
    press(window, "start")
    assert (window.training_engine.phase, button(window, "start").isEnabled()) == ("pausing", False)
    stopped = wait_for(window, qtbot, Stopped)
    phase_is(window, qtbot, "paused")
    assert "Paused at" in text_of(window.training_tab)
    assert not window.training_tab.card.isVisible()
    assert window.training_tab.table.epochs.rowCount() == len(results(window.training_engine.run))
    assert button(window, "start").text() == "Resume"
    assert button(window, "stop").isVisible()
    assert not window.setup.findChild(QPushButton, "start").isHidden()
    assert not any(action.isEnabled() for action in window._opening_commands)
    assert window._start.text() == "&Resume training"
    qtbot.waitUntil(lambda: not is_alive(engine), timeout=PATIENCE)  # its memory is free again

    window._start.trigger()
    resumed = wait_for(window, qtbot, Resumed)
    assert (resumed.epoch, resumed.step) == (stopped.epoch, stopped.step)
    wait_for(window, qtbot, Finished)
    phase_is(window, qtbot, "idle")
    assert results(window.training_engine.run) == expected
    assert window.training_tab.table.epochs.rowCount() == 4

    card = window.training_tab.card
    qtbot.waitUntil(card.further.isVisible, timeout=PATIENCE)
    assert not card.resume.isVisible()
    live = shown(window)
    window.training_tab.clear()
    with qtbot.waitSignal(window.runs_controller.opened, timeout=PATIENCE):
        window.open_path(Path(resumed.run))
    assert shown(window) == live
    qtbot.waitUntil(card.further.isVisible, timeout=PATIENCE)

    click(card.further)
    dialog = window.findChild(MoreEpochsDialog)
    dialog.box.setValue(1)
    assert "has 5 epochs then" in dialog.facts.text()
    dialog.train.click()
    assert wait_for(window, qtbot, Resumed).epochs == 5
    wait_for(window, qtbot, Finished)
    phase_is(window, qtbot, "idle")
    assert [row["epoch"] for row in results(resumed.run)] == ["1", "2", "3", "4", "5"]
    assert window.training_tab.table.epochs.rowCount() == 5


def test_a_killed_engine_is_reported_and_its_run_resumed_on_new_pictures(
    window: MainWindow, qtbot: QtBot, colours: Path
) -> None:
    open_colours(window, qtbot, colours, epochs=200)
    press(window, "start")
    wait_for(window, qtbot, EpochDone)
    card = window.training_tab.card
    killed = time.monotonic()
    os.kill(window.training_engine._engine.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: "stopped unexpectedly" in text_of(card), timeout=PATIENCE)
    assert time.monotonic() - killed < 1.0
    qtbot.waitUntil(card.resume.isVisible, timeout=PATIENCE)

    (colours / "red" / "1.png").unlink()
    shutil.copytree(colours / "blue", colours / "violet")
    click(card.resume)
    wait_for(window, qtbot, DatasetChanged)
    qtbot.waitUntil(lambda: window.findChild(DatasetChangedDialog) is not None, timeout=PATIENCE)
    assert "stopped unexpectedly" in text_of(card)  # unchanged, in case the user cancels
    dialog = window.findChild(DatasetChangedDialog)
    assert "New class: “violet”\n10 pictures are new · 1 is gone" in text_of(dialog)
    rows = [dialog.list.model().index(row, 0).data() for row in range(11)]
    assert (rows[0], rows[1]) == ("red/1.png  ·  gone", "violet/0.png  ·  new")
    assert "no longer exactly" in text_of(dialog)
    dialog.go_on.click()
    wait_for(window, qtbot, EpochDone)
    qtbot.waitUntil(lambda: "pictures that are as they were" in window.training_tab.notes.text, timeout=PATIENCE)
    run = window.training_engine.run
    press(window, "stop")
    phase_is(window, qtbot, "idle")
    assert window._user_settings.is_dismissed(run)  # stopped for good: not offered at the next start
    qtbot.waitUntil(card.resume.isVisible, timeout=PATIENCE)


def test_start_stop_start_in_a_moment_and_closing_while_it_saves(
    window: MainWindow, qtbot: QtBot, colours: Path, tmp_path: Path
) -> None:
    open_colours(window, qtbot, colours, epochs=200)
    for name in ("start", "stop", "start"):
        press(window, name)
    phase_is(window, qtbot, "idle")
    press(window, "start")
    wait_for(window, qtbot, Progress)
    press(window, "start")
    assert window.training_engine.phase == "pausing"
    window.close()  # and no question is asked
    assert not window.isVisible()
    assert QApplication.activeModalWidget() is None
    phase_is(window, qtbot, "paused")
    statuses = [read_status(run) for run in (tmp_path / "runs").iterdir()]
    assert statuses
    assert all(status is not None and status.ended == "stopped" for status in statuses)
    assert not window._user_settings.is_dismissed(window.training_engine.run)


def test_the_next_start_offers_what_is_unfinished_and_goes_on_with_it(
    window: MainWindow, qtbot: QtBot, unfinished: Path, colours: Path
) -> None:
    banner = window.banner
    assert not banner.isVisible()
    window._user_settings.set_values({**window.setup.values(), "out": str(unfinished.parent)})
    window.runs_controller.look_for_unfinished()
    qtbot.waitUntil(banner.isVisible, timeout=PATIENCE)
    assert "The training of ResNet-20" in text_of(banner)
    assert "on “colours” stopped at" in text_of(banner)
    click(banner.look)
    qtbot.waitUntil(window.training_tab.card.resume.isVisible, timeout=PATIENCE)
    assert window.tabs.currentWidget() is window.training_tab
    assert "model of the run · epoch 1" in window.predict_pane.model_label.whole

    window.training_tab.clear()
    window.runs_controller.look_for_unfinished()
    qtbot.waitUntil(banner.isVisible, timeout=PATIENCE)
    click(banner.resume)
    wait_for(window, qtbot, Resumed)
    qtbot.waitUntil(lambda: window.dataset_lister.listing is not None, timeout=PATIENCE)
    assert window.dataset_lister.listing.root == colours
    assert window.setup.values()["training.epochs"] == 4
    assert window.dataset_controller.own_values()["training.epochs"] == 12  # the user's own value is kept
    assert window.tabs.currentWidget() is window.training_tab
    wait_for(window, qtbot, Finished)
    phase_is(window, qtbot, "idle")
    window.training_tab.clear()
    with qtbot.waitSignal(window.runs_controller._unfinished, timeout=PATIENCE):
        window.runs_controller.look_for_unfinished()
    assert not banner.isVisible()


def test_not_now_is_remembered(qtbot: QtBot, window: MainWindow, unfinished: Path) -> None:
    window._user_settings.set_values({"out": str(unfinished.parent)})
    window.runs_controller.look_for_unfinished()
    qtbot.waitUntil(window.banner.isVisible, timeout=PATIENCE)
    click(window.banner.not_now)
    assert not window.banner.isVisible()
    assert UserSettings().is_dismissed(str(unfinished))
    with qtbot.waitSignal(window.runs_controller._unfinished, timeout=PATIENCE) as found:
        window.runs_controller.look_for_unfinished()
    assert found.args == [None]


def test_a_folder_that_is_no_run_is_reported(window: MainWindow, qtbot: QtBot, colours: Path) -> None:
    window.runs_controller.open(colours)
    qtbot.waitUntil(lambda: window.findChild(QMessageBox) is not None, timeout=PATIENCE)
    box = window.findChild(QMessageBox)
    assert "is not the folder of a run" in box.text()
    box.close()


def test_a_run_that_another_program_trains_is_followed_and_not_touched(
    window: MainWindow, qtbot: QtBot, unfinished: Path, colours: Path
) -> None:
    with qtbot.waitSignal(window.runs_controller.opened, timeout=PATIENCE):
        window.open_path(unfinished)
    card, header = window.training_tab.card, window.training_tab.header
    qtbot.waitUntil(card.resume.isVisible, timeout=PATIENCE)
    other = elsewhere("--resume", unfinished, "--epochs", "500")
    try:
        qtbot.waitUntil(lambda: read_status(unfinished).ended == "running", timeout=PATIENCE)
        with qtbot.waitSignal(window.training_engine.phase_changed, timeout=PATIENCE):
            click(card.resume)
        phase_is(window, qtbot, "idle")
        assert f"process {other.pid}" in text_of(card)

        with qtbot.waitSignal(window.runs_controller.opened, timeout=PATIENCE):
            window.open_path(unfinished)
        qtbot.waitUntil(card.isHidden, timeout=PATIENCE)
        qtbot.waitUntil(lambda: "another program trains this run" in text_of(header), timeout=PATIENCE)
        rows = window.training_tab.table.epochs.rowCount()
        qtbot.waitUntil(lambda: window.training_tab.table.epochs.rowCount() > rows + 2, timeout=PATIENCE)
    finally:
        other.kill()
        other.wait()
    qtbot.waitUntil(lambda: "Interrupted, but saved" in text_of(card), timeout=PATIENCE)
    qtbot.waitUntil(card.resume.isVisible, timeout=PATIENCE)


def test_a_folder_that_vanishes_is_waited_for(window: MainWindow, qtbot: QtBot, colours: Path) -> None:
    open_colours(window, qtbot, colours, epochs=200)
    press(window, "start")
    wait_for(window, qtbot, EpochDone)
    away = colours.with_name("away")
    colours.rename(away)
    wait_for(window, qtbot, Waiting)
    assert "cannot be reached any more" in text_of(window.training_tab.header)
    assert "Waiting…" in text_of(window.status)
    away.rename(colours)
    wait_for(window, qtbot, Progress)
    assert "cannot be reached" not in text_of(window.training_tab.header)
    assert "Waiting…" not in text_of(window.status)


def test_a_child_that_holds_the_pipe_does_not_delay_the_news_of_a_death(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import subprocess, os, sys; subprocess.Popen(['sleep', '5']); os.kill(os.getpid(), 9)"
    monkeypatch.setattr(engine_process, "engine_command", lambda: [sys.executable, "-c", code])
    engine = Engine("with a child")
    began = time.monotonic()
    with qtbot.waitSignal(engine.died, timeout=PATIENCE):
        engine.start()
    assert time.monotonic() - began < 1.5  # of which the start of Python takes a part
    assert engine.wait(1000)
