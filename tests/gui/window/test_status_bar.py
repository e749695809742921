"""The status bar with the events of a run."""

import pytest

from helpers.window_actions import text_of
from resnet_gui.events import Finished, Planned, Progress, Ready, Started
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.window.status_bar import StatusBar
from resnet_gui.messages import message, sentence


@pytest.fixture
def status(qapp, qtbot):
    bar = StatusBar(Theme(qapp, "light"))
    qtbot.addWidget(bar)
    bar.show()
    bar.show_event(Started("/runs/1", "resnet18", ("daisy", "rose"), 480, 160, 160, 12, "cpu", 2))
    return bar


@pytest.mark.parametrize(("device", "shown"), [("cuda", "GPU · "), ("cuda:1", "GPU 1 · "), ("mps", "Apple GPU · ")])
def test_names_the_card(status, device, shown):
    status.show_event(Started("/runs/1", "resnet18", ("daisy", "rose"), 480, 160, 160, 12, device, 2))
    assert status._device.text().startswith(shown)


def test_shows_step_speed_and_time(status):
    status.show_event(Progress("train", 2, 4, 3, 0.5, 0.5, 22.84, 130.0))
    assert "22.8 images/s" in text_of(status)
    assert "step 2 of 4 · about 2 min left" in text_of(status)
    assert (status._bar.value(), status._bar.maximum()) == (10, 48)


def test_shows_the_progress_of_features_in_pictures(status):
    status.show_event(Progress("features", 120, 480, 1, images_per_second=40.0, seconds_left=12.0))
    assert "40.0 images/s" in text_of(status)
    assert "picture 120 of 480 · about 10 s left" in text_of(status)
    assert status._bar.isHidden(), "it is the run's, of which no epoch is done by that"
    status.show_event(Progress("train", 1, 4, 1, 0.5, 0.5, 2000.0, 5.0))
    assert "picture" not in text_of(status)
    assert (status._bar.value(), status._bar.maximum()) == (1, 48)
    status.show_event(Finished("/runs/1/model.safetensors", 12, 0.9, None))
    assert status._bar.isHidden()


def test_shows_the_compute_plan_of_a_run_until_the_engine_is_ready_again(status):
    note = message("plan_set", precision="bfloat16", layout="channels last", threads=2)
    status.show_engine("training")
    status.show_event(Planned("bfloat16", "channels_last", 2, 2, 16, 22.84, 1_234_000_000, note))
    ready = Ready("cpu", 1, "2.9.9")
    status.show_event(ready)  # the other engine, which has died meanwhile
    assert status._device.text() == "CPU · 2 threads · bfloat16"
    for words in (sentence(note), "Batch size: 16", "Speed when tried: 22.8 images/s", "Expected memory: 1.2 GB"):
        assert words in status._device.toolTip()
    status.show_engine("ready")
    status.show_event(ready)
    assert "bfloat16" not in text_of(status)
    assert "2.9.9" in status._device.toolTip()
