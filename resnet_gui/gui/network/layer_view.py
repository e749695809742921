"""The widgets that show a network's layers: a tree of stages, and the sums below it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import (
    QAction,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from resnet_gui.events import NetworkSummary
from resnet_gui.gui.network.layer_model import (
    LEFT,
    MULTIPLY_ADDS,
    NAME,
    PARAMETERS,
    RIGHT,
    LayerModel,
    StageRow,
    cells,
)
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.labels import tooltip
from resnet_gui.gui.widgets.two_level_tree import Index, TwoLevelView

_NAMES, _LEAST_NAMES, _PADDING = 220, 130, 10
"""In pixels: preferred and least width of name and kind together; the space around a figure."""
_FEW = 24
"""Up to so many layers are unfolded at first; more are folded by stage."""


class LayerView(TwoLevelView):
    """Stages that unfold into their layers. Ctrl+C copies the selected rows."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.layers = LayerModel(theme, self)
        self._network = ""
        self.setModel(self.layers)
        self.setObjectName("layers")
        self.setAccessibleName(self.tr("Layers"))
        self.setUniformRowHeights(True)
        self.setIndentation(12)
        self.setItemDelegateForColumn(NAME, _ElideLeft(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(30)
        header.setSectionsMovable(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        copy = QAction(self.tr("Copy"), self, shortcut=QKeySequence(QKeySequence.StandardKey.Copy))
        copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        copy.triggered.connect(self.copy)
        self.addAction(copy)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def show_rows(self, network: str, rows: Sequence[StageRow]) -> None:
        """Replaces all rows by `rows` of `network`."""
        unfolded = {
            stage.title for row, stage in enumerate(self.layers.rows) if self.isExpanded(self.layers.index(row, 0))
        }
        few = sum(len(stage.layers) for stage in rows) <= _FEW
        same, self._network = network == self._network, network
        self.layers.set_rows(rows)
        for row, stage in enumerate(rows):
            self.setExpanded(self.layers.index(row, 0), stage.title in unfolded if same else few)
        self._share_width()

    def copy(self) -> None:
        """Copies the selected rows, tab-separated, from top to bottom."""
        lines = ("\t".join(cells(layer)) for layer in self.layers.inside(self.selectionModel().selection()))
        QGuiApplication.clipboard().setText("\n".join(lines))

    def selectAll(self) -> None:
        """Selects all unfolded rows, stage by stage: Qt would call the model for each row."""
        stages = [self.layers.index(row, 0) for row in range(self.layers.rowCount())]
        everything = QItemSelection()
        for parent in (QModelIndex(), *filter(self.isExpanded, stages)):
            if rows := self.layers.rowCount(parent):
                everything.select(
                    self.layers.index(0, NAME, parent), self.layers.index(rows - 1, MULTIPLY_ADDS, parent)
                )
        self.selectionModel().select(everything, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shares the new width among the columns."""
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """Figures get the width of the largest. If that leaves too little for names, multiply-adds are shortened."""
        self.layers.set_short(False)
        if self._rest() < _NAMES:
            self.layers.set_short(True)
        rest = max(_LEAST_NAMES, self._rest())
        name = round(rest * 0.58)
        for column, width in enumerate((name, rest - name, *self._needed())):
            self.header().resizeSection(column, width)

    def _needed(self) -> list[int]:
        metrics = QFontMetrics(self.font())
        return [metrics.horizontalAdvance(text) + _PADDING for text in self.layers.widest()]

    def _rest(self) -> int:
        """The width in pixels that the figures leave for names and kinds."""
        return self.viewport().width() - sum(self._needed())


class _ElideLeft(QStyledItemDelegate):
    """Shortens a layer's long name on the left: its end is most useful."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """As the view draws it, but elided on the left."""
        super().initStyleOption(option, index)
        option.textElideMode = Qt.TextElideMode.ElideLeft


class TotalRow(QWidget):
    """The sums, each under its column. The row stays while the rows above it scroll."""

    def __init__(self, theme: Theme, view: LayerView) -> None:
        super().__init__()
        self._theme, self._view = theme, view
        self._summarised: NetworkSummary | None = None
        self.setFixedHeight(30)
        view.header().sectionResized.connect(self.update)
        theme.changed.connect(self.update)

    def show_summary(self, summarised: NetworkSummary) -> None:
        """Shows the sums of `summarised`."""
        self._summarised = summarised
        total = self.tr("Total: {parameters} parameters, {multiply_adds} multiply-adds")
        figures = total.format(parameters=f"{summarised.parameters:,}", multiply_adds=f"{summarised.multiply_adds:,}")
        self.setAccessibleName(figures)
        self.setToolTip(tooltip(figures))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._summarised is None:
            return
        painter = QPainter(self)
        painter.setPen(self._theme.color("line"))
        painter.drawLine(0, 0, self.width(), 0)
        painter.setPen(self._theme.color("text"))
        multiply_adds = self._view.layers.multiply_adds(self._summarised.multiply_adds)
        painter.setFont(_bold(self._view.font()))
        painter.drawText(self.rect().adjusted(6, 0, 0, 0), LEFT, self.tr("Total"))
        painter.setFont(self._view.font())
        for column, text in ((PARAMETERS, f"{self._summarised.parameters:,}"), (MULTIPLY_ADDS, multiply_adds)):
            header = self._view.header()
            right = header.sectionViewportPosition(column) + header.sectionSize(column)
            painter.drawText(0, 0, right - 3, self.height(), RIGHT, text)


def _bold(font: QFont) -> QFont:
    bold = QFont(font)
    bold.setWeight(QFont.Weight.DemiBold)
    return bold
