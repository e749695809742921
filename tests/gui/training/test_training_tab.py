"""The training tab, fed with the events of whole runs."""

import time

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QMenu

from helpers.run_events import MODEL, RUN, STEPS, TWO_CLASSES, cell_text, score_event, show_epoch, show_start
from resnet_gui.events import EpochDone, Failed, Finished, Note, Planned, Progress, Resumed, Skipped, Started, Stopped
from resnet_gui.events import TestScored as Scored
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.training.training_tab import TrainingTab
from resnet_gui.messages import message, sentence
from resnet_gui.records import ClassScore
from resnet_gui.records import TestScore as Score
from resnet_gui.runs.history import RunHistory


def test_explains_itself_before_the_first_run(tab):
    assert not tab.table.isVisible()
    assert not tab.header.isVisible()
    assert not tab.card.isVisible()
    words = " ".join(label.text() for label in tab._pages.currentWidget().findChildren(type(tab.header.line)))
    assert "Press Start" in words


def test_shows_how_far_the_run_is(tab):
    show_start(tab)
    for number in (1, 2):
        show_epoch(tab, number)
    tab.show_event(Progress("train", 2, STEPS, 3, 0.5, 0.5, 22.8, 130.0))
    assert tab.header.heading.text() == "Epoch 3 of 12"
    assert tab.header.line.text() == "step 2 of 4 · about 2 min left"
    assert tab.header.bar.value() / tab.header.bar.maximum() == pytest.approx(2.5 / 12, abs=0.001)
    assert tab.header.best_sentence == "Best validation accuracy 39.3 % at epoch 2"
    tab.show_event(Progress("validate", 1, 2, 3))
    assert tab.header.line.text() == "validating…"
    tab.show_event(Progress("test", 1, 2, 12))
    assert tab.header.line.text() == "testing…"


def test_shows_how_many_features_are_computed(tab):
    show_start(tab)
    tab.show_event(Progress("features", 120, 480, 1, images_per_second=40.0, seconds_left=12.0))
    assert tab.header.heading.text() == "Looking at the pictures, once for all epochs"
    assert tab.header.line.text() == "picture 120 of 480 · about 10 s left"
    assert tab.header.bar.value() == 0, "no epoch of the run is done by that"
    show_epoch(tab, 1)
    assert tab.header.heading.text() == "Epoch 1 of 12"
    assert tab.header.bar.value() / tab.header.bar.maximum() == pytest.approx(1 / 12, abs=0.001)


def test_a_resumed_run_keeps_its_progress_while_features_are_computed(tab):
    tab.show_event(Resumed(RUN, 12, 9, 0, "cpu", 2))
    tab.show_history(None)
    before = tab.header.bar.value()
    assert before / tab.header.bar.maximum() == pytest.approx(8 / 12, abs=0.001)
    for step in (120, 480):
        tab.show_event(Progress("features", step, 480, 9, images_per_second=40.0, seconds_left=12.0))
        assert tab.header.bar.value() == before


def test_plots_that_come_late_show_the_run_there_is(qtbot, qapp):
    tab = TrainingTab(Theme(qapp, "light"))
    qtbot.addWidget(tab)
    tab.show_event(Resumed(RUN, 12, 1, 2, "cpu", 2))
    tab.show_history(None)
    tab.show_event(Progress("train", 3, STEPS, 1, 0.7, 0.5))
    assert tab.plots.loss.figure.running.points == [(0.75, 0.7)]


def test_the_table_has_the_newest_epoch_on_top_and_stars_the_best(tab):
    show_start(tab)
    show_epoch(tab, 1)
    show_epoch(tab, 2)
    show_epoch(tab, 3, best=False)
    assert [cell_text(tab, row, 0) for row in range(3)] == ["3", "★  2", "1"]
    assert [cell_text(tab, 1, column) for column in range(1, 7)] == [
        "0.607",
        "39.3 %",
        "0.607",
        "39.3 %",
        "4.1e-4",
        "28 s",
    ]


def test_without_validation_nothing_is_starred(tab):
    show_start(tab)
    show_epoch(tab, 1, validated=False)
    assert [cell_text(tab, 0, column) for column in (0, 3, 4)] == ["1", "–", "–"]
    assert tab.header.best_sentence == ""
    assert not tab.plots.loss.figure.validated.points


def test_no_figure_of_the_table_is_cut_off(tab):
    show_start(tab)
    for number in (998, 999):
        tab.show_event(EpochDone(number, 0.5, 1.0, 0.5, 1.0, 0.00041, 1725.0, True))
    QApplication.processEvents()
    table = tab.table
    for column in range(table.epochs.columnCount()):
        assert table.columnWidth(column) >= table.sizeHintForColumn(column)
    assert tab.width() == 600
    assert not table.horizontalScrollBar().isVisible()


def test_ctrl_c_copies_rows_for_a_spreadsheet(qtbot, tab):
    show_start(tab)
    for number in (1, 2, 3):
        show_epoch(tab, number)
    tab.table.setFocus()
    tab.table.selectRow(1)
    qtbot.keyClick(tab.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QApplication.clipboard().text().split("\n")
    assert lines[0].split("\t")[:2] == ["Epoch", "Train loss"]
    assert lines[1:] == ["2\t0.607\t39.3 %\t0.607\t39.3 %\t4.1e-4\t28 s"]
    tab.table.clearSelection()
    qtbot.keyClick(tab.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert len(QApplication.clipboard().text().split("\n")) == 4


def test_plots_are_drawn_in_view_of_colours_and_shapes(qtbot, tab):
    show_start(tab)
    for number in (1, 2, 3):
        show_epoch(tab, number)
    plot = tab.plots.accuracy
    qtbot.wait(300)
    assert list(plot._validation.getData()[0]) == [1, 2, 3]
    assert list(plot._star.getData()[0]) == [3]
    low, high = plot.plot.viewRange()[1]
    assert low >= 0
    assert 100 <= high <= 105
    image = plot.plot.grab().toImage()
    colours = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(0, image.height(), 2)}
    assert QColor(tab._theme.color("panel")).name() in colours
    assert QColor(tab._theme.color("second")).name() in colours


def test_plots_follow_the_theme(qtbot, tab):
    show_start(tab)
    show_epoch(tab, 1)
    tab._theme.set_mode("dark")
    try:
        assert tab.plots.loss.plot.backgroundBrush().color() == tab._theme.color("panel")
        assert tab.plots.loss._validation.opts["pen"].color() == tab._theme.color("second")
    finally:
        tab._theme.set_mode("light")


def test_nothing_is_drawn_more_than_five_times_a_second(qtbot, tab, monkeypatch):
    show_start(tab)
    drawn = []
    monkeypatch.setattr(tab.plots.loss, "redraw", lambda: drawn.append(time.monotonic()))
    began = time.monotonic()
    while time.monotonic() - began < 0.55:
        tab.show_event(Progress("train", 1, STEPS, 1, 0.5, 0.5))
        QApplication.processEvents()
    took = time.monotonic() - began  # longer where other programs compute
    assert 2 <= len(drawn) <= 2 + took / 0.2


def test_nothing_is_drawn_while_hidden(qtbot, tab, monkeypatch):
    show_start(tab)
    tab.plots.hide()
    show_epoch(tab, 1)
    drawn = []
    monkeypatch.setattr(tab.plots.loss, "redraw", lambda: drawn.append(len(tab.plots.loss.figure.running.points)))
    qtbot.wait(150)
    assert drawn == []
    tab.plots.show()
    qtbot.waitUntil(lambda: drawn == [STEPS + 1])


def test_the_mouse_reads_values_off_both_plots(qtbot, tab):
    show_start(tab)
    for number in (1, 2, 3):
        show_epoch(tab, number)
    plot = tab.plots.loss
    qtbot.wait(150)
    view = plot.plot.getViewBox()
    position = plot.plot.mapFromScene(view.mapViewToScene(QPointF(2.1, 0.5)))
    qtbot.mouseMove(plot.plot.viewport(), position)
    qtbot.waitUntil(lambda: plot.epoch_label.text() == "epoch 2")
    assert plot.training_key.text == "training 0.607"
    assert tab.plots.accuracy.validation_key.text == "validation 39.3"
    assert plot._lines[0].isVisible()
    tab.plots.mark_epoch(None)
    assert plot.epoch_label.text() == ""
    assert plot.training_key.text == "training"


def test_rows_move_the_crosshair_by_keyboard(qtbot, tab):
    show_start(tab)
    for number in (1, 2, 3):
        show_epoch(tab, number)
    tab.table.setFocus()
    tab.table.selectRow(0)
    qtbot.keyClick(tab.table, Qt.Key.Key_Down)
    assert tab.plots.loss.epoch_label.text() == "epoch 2"


def test_plots_cannot_be_dragged_away_and_have_no_menu(qtbot, tab):
    show_start(tab)
    show_epoch(tab, 1)
    qtbot.wait(150)
    view = tab.plots.loss.plot
    before = view.viewRange()
    middle = view.viewport().rect().center()
    qtbot.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(view.viewport(), middle / 2)
    qtbot.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=middle / 2)
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.RightButton, pos=middle)
    assert view.viewRange() == before
    assert not any(menu.isVisible() for menu in QApplication.topLevelWidgets() if isinstance(menu, QMenu))


def test_notes_are_listed_and_skipped_pictures_counted(qtbot, tab):
    show_start(tab)
    assert not tab.notes.isVisible()
    for path in ("/a.jpg", "/b.jpg"):
        tab.show_event(Skipped(path, message("image_empty", path=path)))
    for name in ("fern", "moss", "reed"):
        tab.show_event(Note(message("class_untrained", name=name)))
    assert tab.notes.text.startswith("2 pictures could not be read")
    assert "reed" in tab.notes.text  # the newest, which may be that a save has failed
    assert "fern" not in tab.notes.text
    assert tab.notes._more.text() == "Show 2 more notes"
    qtbot.mouseClick(tab.notes._more, Qt.MouseButton.LeftButton)
    assert "fern" in tab.notes.text


def test_notes_show_how_a_run_computes_also_when_it_is_opened_again(tab):
    note = message("plan_set", precision="bfloat16", layout="channels last", threads=2)
    plan = Planned("bfloat16", "channels_last", 2, 2, 32, None, None, note)
    show_start(tab)
    tab.show_event(plan)
    assert sentence(note) in tab.notes.text
    history = RunHistory(RUN)
    history.add(plan)
    tab.clear()
    assert not tab.notes.isVisible()
    tab.show_history(history)
    assert sentence(note) in tab.notes.text


def test_a_finished_run_is_summed_up_in_one_sentence(qtbot, tab):
    show_start(tab)
    show_epoch(tab, 1)
    tab.show_event(Finished(MODEL, 1, 0.919, score_event()))
    card = tab.card
    assert card.isVisible()
    assert not tab.header.isVisible()
    assert card.headline.text() == "Of 160 pictures it had never seen, 143 were right (89 %)"
    assert card.opened.text() == "The test pictures were used once for a score."
    assert card.scores.bars.accessibleDescription() == "daisy 71/80, rose 72/80"
    assert not card.test.isVisible()
    with qtbot.waitSignal(tab.save_model_requested) as saved:
        qtbot.mouseClick(card.save, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(tab.run_folder_requested) as folder:
        qtbot.mouseClick(card.folder, Qt.MouseButton.LeftButton)
    assert (saved.args, folder.args) == ([MODEL], [RUN])


def test_a_score_on_training_pictures_is_not_called_unseen(tab):
    show_start(tab)
    show_epoch(tab, 1)
    leaky = Score(143, 160, 0.3, TWO_CLASSES, 1, leaked=33, leaked_right=33)
    tab.show_event(Finished(MODEL, 1, 0.919, leaky))
    assert tab.card.headline.text() == "Of 160 test pictures, 143 were right (89 %)"
    assert tab.card.leaked.isVisible()
    assert "byte for byte: 33." in tab.card.leaked.text()
    assert "110 of 127 were right (87 %)" in tab.card.leaked.text()
    tab.show_event(Scored(MODEL, score_event()))
    assert not tab.card.leaked.isVisible()


def test_only_all_right_is_a_hundred_per_cent(tab):
    tab.show_event(Scored(MODEL, score_event(999, 1000)))
    assert "(99 %)" in tab.card.headline.text()
    tab.show_event(Scored(MODEL, score_event(1000, 1000)))
    assert "(100 %)" in tab.card.headline.text()


def test_looking_again_is_gently_warned_about(tab):
    tab.show_event(Scored(MODEL, score_event(opened=3)))
    assert tab.card.opened.text().startswith("The test pictures were used 3 times for a score. ")


def test_a_run_without_test_pictures_has_a_sentence_for_it(tab):
    show_start(tab, test=0)
    show_epoch(tab, 1)
    tab.show_event(Finished(MODEL, 1, 0.2, None))
    assert tab.card.headline.text() == "There were no test pictures, so there is no test score."
    assert tab.card.best.text() == "Best validation accuracy 22.1 % at epoch 1"
    assert not tab.card.scores.isVisible()


def test_many_classes_are_folded_weakest_first(qtbot, tab):
    classes = tuple(ClassScore(f"class {index}", index, 100) for index in reversed(range(40)))
    show_start(tab)
    tab.show_event(Finished(MODEL, 1, 0.2, score_event(classes=classes)))
    bars, fold = tab.card.scores.bars, tab.card.scores._fold
    assert bars.accessibleDescription().split(", ") == [f"class {index} {index}/100" for index in range(8)]
    qtbot.mouseClick(fold, Qt.MouseButton.LeftButton)
    assert len(bars.accessibleDescription().split(", ")) == 40
    assert tab.card.height() < 330


@pytest.mark.parametrize(
    ("validated", "words"),
    [
        (True, "Stopped at epoch 3, step 12. The best model so far is kept."),
        (False, "Stopped at epoch 3, step 12. This model has not been validated."),
    ],
)
def test_a_stopped_run_can_be_scored_on_demand(qtbot, tab, validated, words):
    show_start(tab)
    tab.show_event(Stopped(MODEL, 3, 12, validated))
    assert tab.card.headline.text() == words
    with qtbot.waitSignal(tab.test_requested) as requested:
        qtbot.mouseClick(tab.card.test, Qt.MouseButton.LeftButton)
    assert requested.args == [RUN]
    assert not tab.card.test.isEnabled()
    tab.show_event(Failed(message("test_split_empty")))
    assert tab.card.headline.text() == words
    assert tab.card.problem.isVisible()
    assert tab.card.test.isEnabled()
    tab.show_event(Scored(MODEL, score_event()))
    assert tab.card.headline.text().startswith("Of 160 pictures")
    assert not tab.card.test.isVisible()
    assert not tab.card.problem.isVisible()


def test_a_stopped_run_without_test_pictures_offers_no_score(tab):
    show_start(tab, test=0)
    tab.show_event(Stopped(MODEL, 1, 2, False))
    assert not tab.card.test.isVisible()


def test_a_failed_run_keeps_its_model_in_reach(tab):
    show_start(tab)
    show_epoch(tab, 1)
    tab.show_event(Failed(message("loss_not_finite", epoch=2, step=3)))
    assert "infinite or not a number at epoch 2, step 3" in tab.card.problem.text()
    assert "Traceback" not in tab.card.problem.text()
    assert tab.card.path.isVisible()
    assert tab.card.save.isVisible()


def test_a_run_that_never_began_shows_only_the_sentence(tab):
    tab.show_event(Failed(message("too_few_pictures", count=1)))
    assert tab.card.problem.isVisible()
    assert not tab.card.path.isVisible()
    assert not tab.card.folder.isVisible()


def test_a_new_run_starts_from_nothing(qtbot, tab):
    show_start(tab)
    show_epoch(tab, 1)
    tab.show_event(Note(message("no_test")))
    tab.show_event(Finished(MODEL, 1, 0.9, score_event()))
    show_start(tab, epochs=3)
    assert tab.header.isVisible()
    assert not tab.card.isVisible()
    assert not tab.notes.isVisible()
    assert tab.table.epochs.rowCount() == 0
    assert not tab.plots.loss.figure.running.points
    assert tab.header.best.text() == ""
    assert tab.header.heading.text() == "Epoch 1 of 3"


def test_the_crosshair_goes_when_the_plots_move(tab):
    show_start(tab)
    show_epoch(tab, 1)
    tab.plots.mark_epoch(1)
    tab.show_event(Finished(MODEL, 1, 0.9, score_event()))
    QApplication.processEvents()
    assert tab.plots.loss.epoch_label.text() == ""


def test_the_path_shortens_in_the_middle_and_is_whole_when_focused(qtbot, tab):
    run = "/home/anna/" + "a-long-folder/" * 12 + "run"
    model = run + "/model.safetensors"
    tab.show_event(Started(run, "resnet18", ("daisy", "rose"), 480, 160, 160, 12, "cpu", 2))
    tab.show_event(Stopped(model, 1, 2, True))
    QApplication.processEvents()
    path = tab.card.path
    assert "…" in path.text()
    path.setFocus()
    assert path.selectedText() == model
    tab.card.save.setFocus()
    assert "…" in path.text()


def test_fits_into_the_middle_of_a_small_window(tab):
    show_start(tab)
    for number in (1, 2):
        show_epoch(tab, number)
    tab.plots.mark_epoch(2)
    QApplication.processEvents()
    assert tab.minimumSizeHint().width() <= 560
    tab.show_event(Finished(MODEL, 1, 0.919, score_event(opened=2)))
    QApplication.processEvents()
    assert tab.minimumSizeHint().width() <= 560
    assert tab.minimumSizeHint().height() <= 600
