"""What the file dialogs show: all that the program reads, and no list of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog

from resnet_gui.data.picture_kinds import picture_suffixes
from resnet_gui.gui.widgets.file_filters import (
    class_name_filter,
    model_filter,
    picture_filter,
    weight_filter,
)
from resnet_gui.weights.weight_cache import WEIGHT_SUFFIXES

FILTERS = {
    picture_filter: (*picture_suffixes(), ".JFIF", ".Jpe", ".PNM"), model_filter: (".safetensors", ".SAFETENSORS"),
    weight_filter: (*WEIGHT_SUFFIXES, ".ckpt", ".bin", ".pth.tar", ".PTH"), class_name_filter: (".json", ".csv", ".CSV"),
}  # fmt: skip


@pytest.mark.parametrize("make", FILTERS, ids=lambda make: make.__name__)
def test_a_dialog_shows_what_is_read_and_on_request_everything(qtbot, tmp_path, make):
    wanted = {f"file{index}{suffix}" for index, suffix in enumerate(FILTERS[make])}
    for name in (*wanted, "notes.doc"):
        (tmp_path / name).touch()
    dialog = QFileDialog(None, "", str(tmp_path), make())
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    qtbot.addWidget(dialog)
    dialog.show()
    assert shown(qtbot, dialog, len(wanted)) == wanted
    dialog.selectNameFilter(dialog.nameFilters()[1])
    assert shown(qtbot, dialog, len(wanted) + 1) == {*wanted, "notes.doc"}


def shown(qtbot, dialog: QFileDialog, count: int) -> set[str]:
    from PySide6.QtWidgets import QListView

    view = dialog.findChild(QListView, "listView")

    def names() -> set[str]:
        rows = range(view.model().rowCount(view.rootIndex()))
        return {Path(view.model().index(row, 0, view.rootIndex()).data()).name for row in rows}

    qtbot.waitUntil(lambda: len(names()) == count)
    return names()
