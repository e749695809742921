"""The Data tab: classes with their figures and pictures, skipped files, and quick with very many."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QTableView

from resnet_gui.data.class_rows import class_rows
from resnet_gui.data.samples import Listing, Sample, Unread
from resnet_gui.data.split import Splits, split_samples
from resnet_gui.gui.data.class_table import ClassTable
from resnet_gui.gui.data.data_tab import DataTab
from resnet_gui.gui.data.skipped_table import SkippedTable
from resnet_gui.gui.theme import Theme
from resnet_gui.messages import message
from resnet_gui.records import Thumbnail

ROOT = Path("/photos/flowers")


@pytest.fixture
def tab(qtbot, qapp):
    tab = DataTab(Theme(qapp, "light"))
    qtbot.addWidget(tab)
    tab.resize(660, 640)
    with qtbot.waitActive(tab):
        tab.show()
        tab.activateWindow()
    return tab


def listing(counts, root=ROOT):
    samples = [Sample(f"{name}/{n:05}.jpg", label) for label, name in enumerate(counts) for n in range(counts[name])]
    return Listing(root, tuple(counts), tuple(samples))


def show(tab, found, val_fraction=0.2):
    splits = split_samples(found, val_fraction, 0.2, 0)
    tab.show_dataset(found, splits, class_rows(found, splits))
    QApplication.processEvents()


def cells(view):
    """The texts of the visible columns, row by row."""
    model = view.model()
    columns = [column for column in range(model.columnCount()) if not view.isColumnHidden(column)]
    return [[model.index(row, column).data() for column in columns] for row in range(model.rowCount())]


def table(tab):
    return tab.findChild(ClassTable)


def click_header(qtbot, view, column):
    header = view.horizontalHeader()
    position = QPoint(header.sectionViewportPosition(column) + 20, header.height() // 2)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=position)


def texts(tab):
    return [label.text() for label in tab.findChildren(QLabel) if label.isVisible()]


def test_empty_tab_explains_the_layouts(tab):
    assert "Your pictures, sorted into folders" in texts(tab)
    assert {"One folder for each class", "Or already split"} <= set(texts(tab))
    assert not table(tab).isVisible()


def test_classes_are_counted(tab):
    show(tab, listing({"daisy": 10, "rose": 1200}))
    assert cells(table(tab)) == [["daisy", "", "10", "6", "2", "2"], ["rose", "", "1,200", "720", "240", "240"]]
    assert "1,210 pictures · 2 classes · Train 726 · Validation 242 · Test 242" in texts(tab)
    assert "flowers" in texts(tab)


def test_back_to_empty(tab):
    show(tab, listing({"daisy": 10, "rose": 10}))
    tab.show_empty()
    assert "Your pictures, sorted into folders" in texts(tab)
    tab.add_skipped(str(ROOT / "daisy/00001.jpg"), "too late")  # from a check of the dataset before
    assert not tab.findChild(SkippedTable).isVisible()


def test_figures_are_right_aligned_and_fit(tab):
    show(tab, listing({"daisy": 10, "rose": 12_000}))
    view = table(tab)
    for column in range(2, 6):
        index = view.model().index(1, column)
        assert index.data(Qt.ItemDataRole.TextAlignmentRole) & Qt.AlignmentFlag.AlignRight
        assert view.fontMetrics().horizontalAdvance(index.data()) < view.columnWidth(column)
    assert view.horizontalScrollBar().maximum() == 0


def test_columns_sort_as_numbers(tab, qtbot):
    show(tab, listing({"Aster": 9, "daisy": 100, "rose": 20}))
    view = table(tab)
    click_header(qtbot, view, 2)
    assert [row[2] for row in cells(view)] == ["9", "20", "100"]
    click_header(qtbot, view, 2)
    assert [row[2] for row in cells(view)] == ["100", "20", "9"]


def test_visible_rows_request_pictures_once(tab, qtbot):
    requested = []
    tab.thumbnails_requested.connect(requested.append)
    show(tab, listing({f"class {n:03}": 20 for n in range(200)}))
    qtbot.waitUntil(lambda: len(requested) == 1)
    assert requested[0][0] == str(ROOT / "class 000/00000.jpg")
    assert len(requested[0]) % 6 == 0
    assert len(requested[0]) < 6 * 20  # a screenful, not all 200
    view = table(tab)
    view.scrollToBottom()
    qtbot.waitUntil(lambda: len(requested) == 2)
    assert str(ROOT / "class 199/00000.jpg") in requested[1]
    view.scrollToTop()
    qtbot.wait(150)
    assert len(requested) == 2  # those rows have requested theirs before


def test_another_split_of_the_same_pictures_keeps_them(tab, qtbot, tmp_path):
    requested = []
    tab.thumbnails_requested.connect(requested.append)
    found = listing({"daisy": 20, "rose": 20})
    show(tab, found)
    qtbot.waitUntil(lambda: len(requested) == 1)
    show(tab, found, val_fraction=0.4)
    qtbot.wait(150)
    assert len(requested) == 1
    assert cells(table(tab))[0] == ["daisy", "", "20", "8", "8", "4"]


def test_a_fast_scroll_requests_only_where_it_ends(tab, qtbot):
    show(tab, listing({f"class {n:03}": 6 for n in range(200)}))
    requested = []
    tab.thumbnails_requested.connect(requested.append)
    bar = table(tab).verticalScrollBar()
    for value in range(0, bar.maximum(), 500):
        bar.setValue(value)
        QApplication.processEvents()
    bar.setValue(bar.maximum())
    qtbot.wait(200)
    assert sum(map(len, requested)) <= 6 * 40


def test_hidden_tab_requests_when_it_is_shown(qtbot, qapp):
    tab = DataTab(Theme(qapp, "light"))
    qtbot.addWidget(tab)
    tab.resize(660, 640)
    requested = []
    tab.thumbnails_requested.connect(requested.append)
    show(tab, listing({"daisy": 3, "rose": 8}))
    qtbot.wait(120)
    assert requested == []
    tab.show()
    qtbot.waitUntil(lambda: len(requested) == 1)
    assert len(requested[0]) == 3 + 6


def test_requested_paths_keep_bytes_that_are_not_utf8(tab, qtbot):
    requested = []
    tab.thumbnails_requested.connect(requested.extend)
    show(tab, Listing(ROOT, ("a", "b"), (Sample("a/\udcff.jpg", 0), Sample("b/1.jpg", 1))))
    qtbot.waitUntil(lambda: bool(requested))
    assert str(ROOT / "a/\udcff.jpg") in requested


def test_thumbnails_are_drawn(tab, qtbot, tmp_path):
    show(tab, listing({"daisy": 3, "rose": 3}))
    picture = QImage(112, 80, QImage.Format.Format_RGB32)
    picture.fill(QColor("#ff00ff"))
    assert picture.save(str(tmp_path / "1.png"))
    tab.show_thumbnails([Thumbnail(str(ROOT / "rose/00000.jpg"), str(tmp_path / "1.png"))])
    view = table(tab)
    shown = view.viewport().grab().toImage()
    cell = view.visualRect(view.model().index(1, 1))
    assert shown.pixelColor(cell.left() + 30, cell.center().y()) == QColor("#ff00ff")
    assert shown.pixelColor(cell.left() + 100, cell.center().y()) != QColor("#ff00ff")  # the second is still to come


def test_thumbnail_that_is_gone_is_a_blank(tab, tmp_path):
    show(tab, listing({"daisy": 3, "rose": 3}))
    tab.show_thumbnails([Thumbnail(str(ROOT / "rose/00000.jpg"), str(tmp_path / "gone.png"))])
    assert not table(tab).viewport().grab().isNull()


def test_skipped_files_are_listed_and_counted(tab):
    show(tab, listing({"daisy": 10, "rose": 10}))
    assert table(tab).isColumnHidden(6)
    path = str(ROOT / "rose/00003.jpg")
    tab.add_skipped(path, f"{path} is empty (0 bytes).")
    assert "1 file was skipped" in texts(tab)
    tab.add_skipped(str(ROOT / "rose/00004.jpg"), "It is broken.")
    assert "2 files were skipped" in texts(tab)
    assert [row[-1] for row in cells(table(tab))] == ["0", "2"]
    skipped = tab.findChild(SkippedTable)
    assert cells(skipped) == [["rose/00003.jpg", "is empty (0 bytes)."], ["rose/00004.jpg", "It is broken."]]
    assert path in skipped.model().index(0, 0).data(Qt.ItemDataRole.ToolTipRole)


def test_files_of_kinds_that_cannot_be_read_are_a_row_for_each_class_and_kind(tab):
    sentence = message("pictures_unread", what="40 HEIC pictures", folders="“rose”", remedy="Save them as JPEG.")
    unread = (
        Unread("rose", "HEIC", 40, ("1.heic", "2.heic", "3.heic"), sentence),
        Unread("rose", "DICOM", 1, ("a.dcm",), sentence),
    )
    show(tab, replace(listing({"daisy": 10, "rose": 10}), unread=unread))
    skipped = tab.findChild(SkippedTable)
    reason = "40 HEIC pictures in “rose” cannot be read. Save them as JPEG."
    assert cells(skipped) == [["rose: 1.heic, 2.heic, 3.heic, …", reason], ["rose: a.dcm", reason]]
    assert {"41 files were skipped", "20 pictures · 2 classes · Train 12 · Validation 4 · Test 4 · 41 other files skipped"} <= set(texts(tab))  # fmt: skip
    tab.add_skipped(str(ROOT / "rose/00003.jpg"), "It is broken.")
    assert "42 files were skipped" in texts(tab)
    assert any("1 of them cannot be used · 41 other files" in text for text in texts(tab))
    assert [row[-1] for row in cells(table(tab))] == ["0", "1"]


def test_skipped_file_of_a_split_folder_counts_for_its_class(tab):
    samples = [
        Sample(f"{split}/{name}/{n}.jpg", label, split)
        for split in ("train", "val")
        for label, name in enumerate("ab")
        for n in (1, 2)
    ]
    show(tab, Listing(ROOT, ("a", "b"), tuple(samples)))
    tab.add_skipped(str(ROOT / "val/b/2.jpg"), "It is broken.")
    assert [row[-1] for row in cells(table(tab))] == ["0", "1"]


def test_chosen_class_stays_chosen_when_sorted(tab, qtbot):
    show(tab, listing({"Aster": 9, "daisy": 100, "rose": 20}))
    view = table(tab)
    view.selectRow(1)
    click_header(qtbot, view, 2)
    assert [index.data() for index in view.selectionModel().selectedRows()] == ["daisy"]
    assert cells(view)[2][0] == "daisy"


def test_skipped_counts_find_their_row_when_sorted(tab, qtbot):
    show(tab, listing({"Aster": 9, "daisy": 100, "rose": 20}))
    click_header(qtbot, table(tab), 2)
    tab.add_skipped(str(ROOT / "daisy/00003.jpg"), "It is broken.")
    assert [row[-1] for row in cells(table(tab))] == ["0", "0", "1"]


def test_next_dataset_starts_without_skipped_files(tab):
    show(tab, listing({"daisy": 10, "rose": 10}))
    tab.add_skipped(str(ROOT / "rose/00003.jpg"), "It is broken.")
    show(tab, listing({"oak": 10, "rose": 10}))
    assert not tab.findChild(SkippedTable).isVisible()
    assert cells(table(tab))[1] == ["rose", "", "10", "6", "2", "2"]


def test_skipped_file_outside_every_class_is_listed_too(tab):
    show(tab, listing({"daisy": 10, "rose": 10}))
    tab.add_skipped("/elsewhere/x.jpg", "It is broken.")
    assert cells(tab.findChild(SkippedTable)) == [["/elsewhere/x.jpg", "It is broken."]]


def test_skipped_rows_can_be_copied(tab, qtbot):
    show(tab, listing({"daisy": 10, "rose": 10}))
    for name in ("rose/00003.jpg", "rose/00004.jpg"):
        tab.add_skipped(str(ROOT / name), f"{name}: broken")
    QApplication.processEvents()
    skipped = tab.findChild(SkippedTable)
    qtbot.mouseClick(
        skipped.viewport(), Qt.MouseButton.LeftButton, pos=skipped.visualRect(skipped.model().index(0, 0)).center()
    )
    QTest.keyClick(skipped, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(skipped, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QGuiApplication.clipboard().text().splitlines()
    assert copied == [f"{ROOT}/rose/0000{n}.jpg\trose/0000{n}.jpg: broken" for n in (3, 4)]


@pytest.mark.parametrize("name", ["<b>bold</b> & co", "two\nlines", "a" * 300, "日本の花", "not-utf8-\udcff"])
def test_names_from_the_disk_are_shown_as_they_are(tab, name):
    show(tab, listing({name: 5, "zzz": 5}, root=Path("/photos") / name))
    shown = {row[0] for row in cells(table(tab))}
    assert len(shown) == 2
    assert not any("\n" in text for text in shown)
    tab.add_skipped(str(Path("/photos") / name / name / "00001.jpg"), "It is broken.")
    assert cells(table(tab))[0][-1] == "1" or cells(table(tab))[1][-1] == "1"
    assert not tab.grab().isNull()


def test_tab_key_leaves_the_tables(tab):
    show(tab, listing({"daisy": 10, "rose": 10}))
    tab.add_skipped(str(ROOT / "rose/00003.jpg"), "It is broken.")
    table(tab).setFocus()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is tab.findChild(SkippedTable)


def test_very_many_pictures_are_quick(tab):
    names = [f"class {n:04}" for n in range(1000)]
    samples = tuple(Sample(f"{names[n % 1000]}/{n}.jpg", n % 1000) for n in range(200_000))
    found = Listing(ROOT, tuple(names), samples)
    splits = Splits(found.classes, samples[:120_000], samples[120_000:160_000], samples[160_000:])
    rows = class_rows(found, splits)
    began = time.process_time()
    tab.show_dataset(found, splits, rows)
    tab.grab()
    assert time.process_time() - began < 0.2  # 0.03 s on the machine it was written on
    assert cells(table(tab))[7] == ["class 0007", "", "200", "120", "40", "40"]


def test_every_table_has_a_name_for_screen_readers(tab):
    assert all(view.accessibleName() for view in tab.findChildren(QTableView))
