"""Asks the user whether to go on with a run whose pictures have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QAbstractListModel, QSize, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QListView,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from resnet_gui.events import DatasetChanged
from resnet_gui.gui.widgets.elided_labels import one_line
from resnet_gui.gui.widgets.labels import breakable, label, set_style_property
from resnet_gui.gui.widgets.two_level_tree import Index
from resnet_gui.names import NAME

_NAMED = 8
"""How many classes are named in the sentence."""


class DatasetChangedDialog(QDialog):
    """Shows every difference and what going on would mean, and lets the user choose."""

    def __init__(self, event: DatasetChanged, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("resnet-gui")
        self._event = event
        heading = label("heading", self.tr("The pictures are not those this run began with"))
        self.facts = label("plain", breakable("\n".join(self._facts())))
        self.list = self._make_list()
        self.consequence = label("plain", self._consequence())
        self.go_on = QPushButton(self.tr("Go on without them"))
        cancel = QPushButton(self.tr("Cancel"))
        buttons = QDialogButtonBox()
        buttons.addButton(self.go_on, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(cancel, QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        set_style_property(self.go_on, "kind", "primary")
        panel = QFrame()
        panel.setProperty("kind", "card")
        inside = QVBoxLayout(panel)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.list)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        for widget in (heading, self.facts):
            column.addWidget(widget)
        column.addWidget(panel, 1)
        column.addWidget(self.consequence)
        column.addWidget(buttons)
        self.go_on.setDefault(True)
        self.go_on.setFocus()

    def sizeHint(self) -> QSize:
        """Room for a dozen names."""
        return QSize(560, 460)

    def _facts(self) -> list[str]:
        """A line for each kind of difference there is."""
        event = self._event
        lines = [
            self._names(event.classes_added, self.tr("New class: {names}"), self.tr("New classes: {names}")),
            self._names(
                event.classes_removed, self.tr("Class without pictures now: {names}"),
                self.tr("Classes without pictures now: {names}"),
            ),
            " · ".join(
                _counted(paths, one, many)
                for paths, one, many in (
                    (event.added, self.tr("{count} picture is new"), self.tr("{count} pictures are new")),
                    (event.removed, self.tr("{count} is gone"), self.tr("{count} are gone")),
                    (event.changed, self.tr("{count} has changed"), self.tr("{count} have changed")),
                )
                if paths
            ),
        ]  # fmt: skip
        return [line for line in lines if line]

    def _names(self, names: Sequence[str], one: str, many: str) -> str:
        if not names:
            return ""
        known = ", ".join(f"“{one_line(name, NAME)}”" for name in names[:_NAMED])
        others = len(names) - _NAMED
        more = self.tr(" and {count} more").format(count=others) if others > 0 else ""
        return (one if len(names) == 1 else many).format(names=known + more)

    def _consequence(self) -> str:
        """What “Go on without them” does: new pictures change nothing, lost ones do."""
        event = self._event
        sentences = []
        if event.added:
            sentences.append(self.tr("The new pictures are not used. To learn from them, start a new training."))
        if event.removed or event.changed:
            sentences.append(
                self.tr(
                    "The run goes on with the pictures that are as they were. "
                    "Its result is no longer exactly that of the undisturbed run."
                )
            )
        else:
            sentences.append(self.tr("The run goes on with the pictures it began with, and its result stays the same."))
        if event.classes_removed:
            sentences.append(self.tr("A class without pictures keeps its place in the model, and learns nothing more."))
        return " ".join(sentences)

    def _make_list(self) -> QListView:
        view = QListView(uniformItemSizes=True)
        texts = {
            self.tr("gone"): self._event.removed,
            self.tr("changed"): self._event.changed,
            self.tr("new"): self._event.added,
        }
        rows = _Differences(texts, view)
        view.setModel(rows)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        view.setAccessibleName(self.tr("Pictures that differ"))
        copy = QAction(self.tr("Copy"), view, shortcut=QKeySequence(QKeySequence.StandardKey.Copy))
        copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        copy.triggered.connect(lambda: QGuiApplication.clipboard().setText(_chosen(view, rows)))
        view.addAction(copy)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        return view


class _Differences(QAbstractListModel):
    """A row for each picture, made on demand: there may be a great many."""

    def __init__(self, paths: Mapping[str, Sequence[str]], parent: QWidget) -> None:
        super().__init__(parent)
        self._paths = paths

    def rowCount(self, parent: Index | None = None) -> int:
        """One for each picture that differs."""
        return 0 if parent is not None and parent.isValid() else sum(map(len, self._paths.values()))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> str | None:
        """The picture's path, and "gone", "changed" or "new"."""
        return self.line(index.row()) if role == Qt.ItemDataRole.DisplayRole else None

    def line(self, row: int) -> str:
        """The text of `row`. Raises `IndexError` if there is no such row."""
        for what, paths in self._paths.items():
            if row < len(paths):
                return f"{one_line(paths[row])}  ·  {what}"
            row -= len(paths)
        raise IndexError(row)


def _chosen(view: QListView, rows: _Differences) -> str:
    """The text of the selected rows, or of all if none is selected."""
    chosen = sorted(index.row() for index in view.selectedIndexes())
    return "\n".join(map(rows.line, chosen or range(rows.rowCount())))


def _counted(paths: Sequence[str], one: str, many: str) -> str:
    return (one if len(paths) == 1 else many).format(count=f"{len(paths):,}")
