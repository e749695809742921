"""The training tab while a run is paused, waits, is resumed or cannot be resumed."""

import pytest

from helpers.run_events import MODEL, RUN, STEPS, cell_text, run_status, show_epoch, show_start
from resnet_gui.events import CheckpointSaved, EpochDone, Failed, Finished, Progress, Resumed, Started, Stopped, Waiting
from resnet_gui.messages import message
from resnet_gui.runs.history import RunHistory


def test_a_paused_run_keeps_its_header_until_it_is_stopped(tab):
    show_start(tab)
    show_epoch(tab, 1)
    tab.show_event(CheckpointSaved(2, 0))
    assert tab.header.saved.text() == "saved at the end of epoch 1"
    tab.show_event(CheckpointSaved(3, 12))
    assert tab.header.saved.text() == "saved at epoch 3, step 12"
    tab.show_event(Stopped(MODEL, 3, 12, True), paused=True)
    assert tab.header.heading.text() == "Paused at epoch 3, step 12"
    assert not tab.card.isVisible()
    assert tab.header.saved.text() == ""
    tab.end()
    assert not tab.header.isVisible()
    assert tab.card.headline.text() == "Stopped at epoch 3, step 12. The best model so far is kept."


def test_what_is_waited_for_is_shown_until_it_comes(tab):
    show_start(tab)
    tab.show_event(Waiting(message("dataset_gone", path="/photos")))
    assert "/photos" in tab.header.line.text().replace("\u200b", "")
    assert tab.header.line.property("kind") == "warning"
    tab.show_event(Progress("train", 1, STEPS, 1, 0.5, 0.5, 22.8, 120.0))
    assert tab.header.line.text().startswith("step 1 of 4")
    assert tab.header.line.property("kind") == "dim"


def test_a_resumed_run_shows_its_earlier_epochs_and_then_the_new_ones(qtbot, tab):
    show_start(tab)
    for number in (1, 2, 3):  # the third is lost: the checkpoint is of the second
        show_epoch(tab, number)
    tab.show_event(Failed(message("engine_died", how="signal 9")))
    tab.show_resuming()
    assert not tab.card.isVisible()
    with qtbot.waitSignal(tab.history_requested) as requested:
        tab.show_event(Resumed(RUN, 5, 3, 2, "cpu", 2))
    assert requested.args == [RUN]
    tab.show_event(Progress("train", 4, STEPS, 3, 0.5, 0.5, 22.8, 120.0))
    tab.show_event(EpochDone(3, 0.25, 0.75, 0.5, 0.5, 0.00041, 28.4, False))

    history = RunHistory(RUN)
    history.add(Started(RUN, "resnet18", ("daisy", "rose"), 480, 160, 160, 12, "cpu", 2))
    for number in (1, 2):
        history.add(EpochDone(number, 0.9, 0.5, 0.8, 0.6, 0.00041, 28.4, number == 2))
    history.add(Resumed(RUN, 5, 3, 2, "cpu", 2))
    tab.show_history(history)
    assert [cell_text(tab, row, 0) for row in range(3)] == ["3", "★  2", "1"]
    assert cell_text(tab, 0, 1) == "0.250"
    assert tab.header.heading.text() == "Epoch 3 of 5"
    assert tab.header.isVisible()
    assert not tab.card.isVisible()
    assert [y for _, y in tab.plots.loss.figure.validated.points] == [0.8, 0.8, 0.5]


def test_a_run_that_cannot_go_on_is_shown_as_it_was_and_why(tab):
    show_start(tab)
    tab.show_event(Stopped(MODEL, 3, 12, True))
    tab.show_status(run_status())
    assert tab.card.resume.isVisible()
    tab.show_resuming()
    tab.show_event(Failed(message("run_in_use", path=RUN, pid=7, host="here")))
    assert tab.card.headline.text().startswith("Stopped at epoch 3, step 12.")
    assert "process 7 on here" in tab.card.problem.text()
    assert tab.card.resume.isVisible()


def test_a_run_whose_resume_failed_is_shown_as_it_was(tab):
    show_start(tab)
    tab.show_event(Stopped(MODEL, 3, 12, True))
    tab.show_resuming()
    tab.end()
    assert tab.card.isVisible()
    assert not tab.header.isVisible()


@pytest.mark.parametrize(
    ("end", "resume", "further"),
    [(Stopped(MODEL, 1, 2, True), True, False), (Finished(MODEL, 1, 0.9, None), False, True), (None, True, False)],
)
def test_what_is_offered_fits_the_end(tab, end, resume, further):
    show_start(tab)
    if end:
        tab.show_event(end)
    assert not tab.card.resume.isVisible()
    tab.show_status(run_status())
    assert (tab.card.resume.isVisible(), tab.card.further.isVisible()) == (resume, further)
    if end is None:
        assert tab.card.headline.text() == "Interrupted, but saved up to epoch 3, step 12."
    tab.show_status(None)
    assert not tab.card.resume.isVisible()
    assert not tab.card.further.isVisible()
