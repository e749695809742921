"""The layers of a network as a tree for Qt: stages, and below each its layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from PySide6.QtCore import QItemSelection, QModelIndex, QObject, Qt
from PySide6.QtGui import QFont

from resnet_gui.events import NetworkSummary
from resnet_gui.gui.network.diagram.stages import outgoing, stage_title
from resnet_gui.gui.text import shape_text
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.labels import tooltip
from resnet_gui.gui.widgets.two_level_tree import Index, TwoLevelModel
from resnet_gui.nets.spec import NetworkSpec
from resnet_gui.records import Layer

NAME, KIND, SHAPE, PARAMETERS, MULTIPLY_ADDS = range(5)
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_STAGE = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
_LAYER = _STAGE | Qt.ItemFlag.ItemNeverHasChildren


@dataclass(frozen=True, slots=True)
class StageRow:
    """The layers of one stage, and its `title`. A stage of a single layer is shown as that layer."""

    title: str
    layers: tuple[Layer, ...]
    shape: tuple[int, ...]

    @property
    def sums(self) -> Layer:
        """The stage as if it were one layer: its output shape, and the sums."""
        if len(self.layers) == 1:
            return self.layers[0]
        return Layer(self.title, "", self.shape, *_sum(self.layers))


class LayerModel(TwoLevelModel):
    """Stages are the branches, their layers the leaves."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._bold = QFont()
        self._bold.setWeight(QFont.Weight.DemiBold)
        self._short = False
        self.rows: Sequence[StageRow] = ()
        self._sums: list[Layer] = []
        self._widest_shape = ""
        self._titles = (
            self.tr("Name"), self.tr("Kind"), self.tr("Output"), self.tr("Parameters"), self.tr("Multiply-adds"),
        )  # fmt: skip

    def set_rows(self, rows: Sequence[StageRow]) -> None:
        """Replaces all rows."""
        self.beginResetModel()
        self.rows = rows
        self._sums = [row.sums for row in rows]
        self._widest_shape = max((shape_text(layer.shape) for row in rows for layer in row.layers), key=len, default="")
        self.endResetModel()

    def set_short(self, short: bool) -> None:
        """If `short`, multiply-adds are in millions and shapes without spaces."""
        self._short = short
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, MULTIPLY_ADDS)

    def widest(self) -> list[str]:
        """The longest text of output, parameters and multiply-adds, titles included."""
        parameters, multiply_adds = _sum(self._sums)
        texts = (self.shape(self._widest_shape), f"{parameters:,}", self.multiply_adds(multiply_adds))
        titles = (self.headerData(column, Qt.Orientation.Horizontal) for column in (SHAPE, PARAMETERS, MULTIPLY_ADDS))
        return [max(pair, key=len) for pair in zip(texts, titles, strict=True)]

    def multiply_adds(self, count: int) -> str:
        """ "118,013,952", or "118.0 M" where there is little room."""
        return f"{count / 1e6:,.1f} M" if self._short and count else f"{count:,}"

    def shape(self, text: str) -> str:
        """The text of a shape, without spaces where there is little room."""
        return text.replace(" ", "") if self._short else text

    def layer(self, index: Index) -> Layer:
        """The layer at `index`, or the sums of a stage."""
        if index.internalId():
            return self.rows[index.internalId() - 1].layers[index.row()]
        return self._sums[index.row()]

    def inside(self, selection: QItemSelection) -> list[Layer]:
        """The layers and stages of `selection` in the order of the rows, each stage before its layers."""
        parts = map(selection.at, range(selection.count()))
        rows = {(part.parent().row(), row) for part in parts for row in range(part.top(), part.bottom() + 1)}
        ordered = sorted((row, -1) if stage < 0 else (stage, row) for stage, row in rows)
        return [self.rows[stage].layers[row] if row >= 0 else self._sums[stage] for stage, row in ordered]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Stages, and the layers of each; a single layer is its own stage."""
        if not parent.isValid():
            return len(self.rows)
        inside = 0 if parent.internalId() or parent.column() else len(self.rows[parent.row()].layers)
        return inside if inside > 1 else 0

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Name, kind, output, parameters, multiply-adds."""
        return len(self._titles)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Only stages unfold."""
        return _LAYER if index.internalId() else _STAGE

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The columns' names, above their figures."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.tr("Mult-adds") if self._short and section == MULTIPLY_ADDS else self._titles[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return LEFT if section <= KIND else RIGHT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell's text. Figures are right-aligned and exact in the tooltip; stages are bold."""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return LEFT if index.column() <= KIND else RIGHT
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(index)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(cells(self.layer(index))[index.column()])
        if role == Qt.ItemDataRole.FontRole and not index.internalId() and index.column() == NAME:
            return self._bold
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == KIND:
            return self._theme.color("dim")
        return None

    def _text(self, index: Index) -> str:
        """The text is made on demand: a key that is typed searches the names of thousands of layers."""
        layer, column = self.layer(index), index.column()
        if column == NAME:
            return layer.name.removeprefix(f"{layer.stage}.") if index.internalId() else layer.name
        if column == KIND:
            return layer.kind.replace("2d", "")  # all are 2d, and there is little room
        if column == SHAPE:
            return self.shape(shape_text(layer.shape))
        return f"{layer.parameters:,}" if column == PARAMETERS else self.multiply_adds(layer.multiply_adds)


def stage_rows(network: NetworkSpec, summarised: NetworkSummary) -> list[StageRow]:
    """The layers by stage, in order. A library's network has no stages in its spec: it is grouped by name prefix."""
    stages = {stage.name: stage for stage in network.stages}
    rows = []
    for name, group in groupby(summarised.layers, key=lambda layer: layer.stage or layer.name.partition(".")[0]):
        stage, layers = stages.get(name), tuple(group)
        rows.append(StageRow(stage_title(stage) if stage else name, layers, outgoing(layers, stage)))
    return rows


def cells(layer: Layer) -> list[str]:
    """A layer's name, kind, output, parameters and multiply-adds, each to its last digit."""
    return [layer.name, layer.kind, shape_text(layer.shape), f"{layer.parameters:,}", f"{layer.multiply_adds:,}"]


def _sum(layers: Sequence[Layer]) -> tuple[int, int]:
    """All parameters, and all multiply-adds."""
    return sum(layer.parameters for layer in layers), sum(layer.multiply_adds for layer in layers)
