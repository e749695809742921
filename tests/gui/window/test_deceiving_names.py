"""Whatever folders, files, classes and runs are called: no text of the window deceives, or is taken for markup."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QModelIndex, Qt
from PySide6.QtGui import Qt as QtOfGui
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from helpers.deceiving_names import NASTY, deceiving
from helpers.window_actions import PATIENCE, drop
from resnet_gui.data.samples import FolderUse, LayoutUnclear, Reading
from resnet_gui.events import DatasetChanged, Failed, Finished, Note, Predicted, Skipped, Started, Waiting
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.training.dataset_changed_dialog import DatasetChangedDialog
from resnet_gui.gui.training.moved_dataset_dialog import MovedDatasetDialog
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.window.main_window import MainWindow
from resnet_gui.messages import Message, Problem, message
from resnet_gui.records import ClassScore, ModelInfo, Prediction, TestScore
from resnet_gui.runs.run_status import RunStatus

EVIL = "<img src='x.png'><b>\x1b]0;x\x07\u202e\n\u200b&" + "x" * 100_000
mightBeRichText = QtOfGui.mightBeRichText  # noqa: N816 - Qt's own name
MARKUP = ("<img", "<b>bold", "<b>\\x1b")
FRAGMENTS = ("png", "bold", "owned")
"""Parts of names, which show that a walk has come by."""


@pytest.fixture(scope="module")
def window(qapp: QApplication) -> Iterator[MainWindow]:
    """One window for all tests, which is not shown, and whose engine is never asked."""
    window = MainWindow(Theme(qapp, "light"), UserSettings())
    window.prediction_engine.request = lambda *_, **__: 0
    window.training_engine.prepare = lambda: None
    yield window
    window.end_engines()
    window.deleteLater()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder for each class, with a few files that are pictures by their names."""
    root = tmp_path / "<b>bold\x1b[0m\u202e"
    for name in NASTY:
        (root / name).mkdir(parents=True)
        for number in range(4):
            (root / name / f"{name}{number}.png").write_bytes(f"{name} {number}".encode())
    return root


def texts_of(widget: QWidget) -> Iterator[tuple[str, bool]]:
    """Everything that a user of `widget` can read or hear, and whether Qt would show markup in it as such."""
    for plain in (widget.windowTitle(), widget.accessibleName(), widget.accessibleDescription(), widget.statusTip()):
        yield plain, False
    yield from ((widget.toolTip(), True), (widget.whatsThis(), True))
    if isinstance(widget, QLineEdit | QAbstractButton):
        yield widget.text(), False
    if isinstance(widget, QLabel):
        yield widget.text(), widget.textFormat() != Qt.TextFormat.PlainText
    if isinstance(widget, QComboBox):
        yield from ((widget.itemText(row), False) for row in range(widget.count()))
    if isinstance(widget, QMenu):
        yield from ((action.text(), False) for action in widget.actions())
    if isinstance(widget, QAbstractItemView) and (model := widget.model()):
        yield from texts_in(model)


def texts_in(model: QAbstractItemModel) -> Iterator[tuple[str, bool]]:
    for row in range(model.rowCount(QModelIndex())):
        for column in range(1 if isinstance(model, QAbstractListModel) else model.columnCount(QModelIndex())):
            index = model.index(row, column, QModelIndex())
            yield str(index.data(Qt.ItemDataRole.DisplayRole) or ""), False
            yield str(index.data(Qt.ItemDataRole.ToolTipRole) or ""), True


def assert_honest(*tops: QWidget) -> None:
    """No text in `tops` holds a character that deceives, is very long, or shows the markup in a name as markup."""
    read = 0
    for widget in (each for top in tops for each in (top, *top.findChildren(QWidget))):
        for text, may_be_markup in texts_of(widget):
            assert not deceiving(text), f"{widget!r} shows {text[:200]!r}"
            assert len(text) < 12_000, f"{widget!r} shows {len(text)} characters"
            is_markup = may_be_markup and mightBeRichText(text)
            assert not (is_markup and any(each in text for each in MARKUP)), (
                f"{widget!r} takes {text[:200]!r} for markup"
            )
            read += any(each in text for each in FRAGMENTS)
    assert read, "no name was shown at all"


def test_a_dataset_with_such_folders(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    with qtbot.waitSignal(window.dataset_lister.opened, timeout=PATIENCE):
        drop(window.setup, pictures)
    for name in NASTY:
        path = str(pictures / name / f"{name}0.png")
        window.dataset_controller.add_skipped(path, message("image_broken", path=path, reason=EVIL))
    window.setup.add_notes([message("contradictions", count=2, names=EVIL), message("class_empty", name=EVIL)])
    QApplication.processEvents()
    assert_honest(window)
    assert window.data_tab._table.model().rowCount() == len(NASTY)
    window.data_tab._skipped.selectAll()
    window.data_tab._skipped.copy()
    assert len(QApplication.clipboard().text().split("\n")) == len(NASTY)
    assert not deceiving(QApplication.clipboard().text().replace("\t", ""))


def test_what_such_folders_are_is_asked(window: MainWindow) -> None:
    folders = tuple(FolderUse(name, 3, split="train", folders=tuple(NASTY)) for name in NASTY)
    reading = Reading("splits", tuple(NASTY), folders, folders[:2])
    window.data_tab.ask_for_layout(LayoutUnclear(Path(EVIL[:200]), (reading,)), "")
    assert_honest(window)


def test_a_model_and_its_answers(window: MainWindow, qtbot: QtBot) -> None:
    pane, controller = window.predict_pane, window.prediction_controller
    controller._on_model_event(ModelInfo(f"/{EVIL}", EVIL, (EVIL, *NASTY), 32, 1, True, None, None, 0))
    assert "png" in pane.message.text()
    assert_honest(window)
    pane.set_model_name(EVIL, EVIL)
    pane.offer_model("Back to the loaded model", EVIL)
    note = message("first_frame", name=EVIL)
    controller._request_predictions = lambda paths: None
    controller._is_first = True
    controller._on_prediction_event(
        Predicted("m", (Prediction(f"/{EVIL}", (EVIL, *NASTY[:4]), (0.2,) * 5, 8, 8, notes=(note,)),))
    )
    assert_honest(window)
    pane.copy()
    assert not deceiving(QApplication.clipboard().text().replace("\t", ""))
    assert len(QApplication.clipboard().text().split("\n")) == 7
    pane.start_batch(1)
    pane.show_predictions([Prediction(EVIL, problem=message("image_empty", path=EVIL))])
    assert_honest(window)


def test_a_run(window: MainWindow) -> None:
    window.tabs.setCurrentWidget(window.training_tab)
    tab, run = window.training_tab, f"/runs/{EVIL[:200]}"
    tab.show_event(Started(run, EVIL, (EVIL, *NASTY), 9, 9, 9, 2, "cpu", 1))
    tab.show_event(Note(message("class_missing", name=EVIL, split=EVIL)))
    tab.show_event(Skipped(EVIL, message("image_empty", path=EVIL)))
    tab.show_event(Waiting(message("dataset_gone", path=EVIL)))
    assert_honest(window)
    scores = tuple(ClassScore(name, 1, 2) for name in (EVIL, *NASTY))
    tab.show_event(Finished(f"{run}/model.safetensors", 1, 0.5, TestScore(9, 18, 0.5, scores, 1)))
    assert_honest(window)
    tab.show_event(Failed(message("dataset_missing", path=EVIL)))
    window.status.show_event(Waiting(message("dataset_gone", path=EVIL)))
    window.banner.offer(RunStatus(run, EVIL, EVIL, 1, 1, 2, "stopped"))
    assert_honest(window)


def test_dialogs_and_menus(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    window.runs_controller._report_problem(Problem("not_a_run", path=EVIL))
    box = window.findChild(QMessageBox)
    assert_honest(box)
    box.close()
    changed = DatasetChangedDialog(DatasetChanged("/", (EVIL, *NASTY), (EVIL,), tuple(NASTY), tuple(NASTY), ()), window)
    moved = MovedDatasetDialog(str(Problem("dataset_missing", path=EVIL)), window)
    assert_honest(changed)
    assert_honest(moved)
    monkeypatch.setattr(
        window._user_settings, "recent", lambda kind: [f"/{kind}/{name}" for name in (EVIL[:300], *NASTY)]
    )
    menus = [menu for menu in window.findChildren(QMenu) if menu.title().startswith("Recent")]
    for menu in menus:
        menu.aboutToShow.emit()
        assert_honest(menu)
        assert menu.actions()[0].text().count("&") == 2  # a mnemonic otherwise
    assert len(menus) == 3


def test_a_sentence_of_a_library_is_no_markup(window: MainWindow) -> None:
    problem: Message = message("internal_error", error=f"<b>bold ImportError: {EVIL}")
    window.setup.show_problem(str(Problem(problem.code, **dict(problem.values))))
    assert_honest(window)
