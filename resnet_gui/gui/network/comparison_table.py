"""Two networks side by side."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from resnet_gui.events import NetworkSummary
from resnet_gui.gui.network.weights_view import weights_of
from resnet_gui.gui.text import weights_text
from resnet_gui.gui.widgets.elided_labels import ElidedLabel
from resnet_gui.gui.widgets.labels import label, named
from resnet_gui.nets.spec import NetworkSpec
from resnet_gui.nets.tables import short_count

_UNKNOWN = "–"


class ComparisonTable(QWidget):
    """Two networks' figures side by side, and their ratio. Neither is called better."""

    ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heads = (ElidedLabel("strong"), ElidedLabel("strong"))
        self._basis = label("dim")
        self._end = named(QPushButton(self.tr("End comparing")), "end")
        self._end.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._end.clicked.connect(self.ended)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(14)
        self._grid.setVerticalSpacing(7)
        for column_index, stretch in enumerate((4, 5, 5, 2)):
            self._grid.setColumnStretch(column_index, stretch)
        for column_index, head in enumerate(self._heads, start=1):
            self._grid.addWidget(head, 0, column_index)
        self._rows: list[tuple[QLabel, ...]] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addLayout(self._grid)
        column.addWidget(self._basis)
        column.addWidget(self._end, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch()

    def show_both(
        self, one: tuple[NetworkSpec, NetworkSummary | None], other: tuple[NetworkSpec, NetworkSummary | None]
    ) -> None:
        """Shows `one` beside `other`, each with its summary once that is known."""
        for head, (network, _) in zip(self._heads, (one, other), strict=True):
            head.set_name(network.title)
        same = one[1] is not None and other[1] is not None and one[1].image_size == other[1].image_size
        basis = (one[1], other[1]) if same else (None, None)
        self._basis.setText(_basis(basis[0]))
        rows = _compared(one[0], other[0], basis)
        for row, texts in enumerate(rows):
            while row >= len(self._rows):
                self._add_row()
            for part, text in zip(self._rows[row], texts, strict=True):
                part.setText(text)

    def _add_row(self) -> None:
        row = (label("dim"), label("plain"), label("plain"), label("dim"))
        for column, part in enumerate(row):
            self._grid.addWidget(part, len(self._rows) + 1, column, Qt.AlignmentFlag.AlignTop)
        row[3].setWordWrap(False)
        row[3].setAlignment(Qt.AlignmentFlag.AlignRight)
        self._rows.append(row)


def _basis(summarised: NetworkSummary | None) -> str:
    if summarised is None:
        return _tr("As published, each with its own number of classes and its usual picture size.")
    return _tr("Both for {classes} classes and pictures of {size} × {size} pixels.").format(
        classes=f"{summarised.classes:,}", size=summarised.image_size
    )


def _compared(
    one: NetworkSpec, other: NetworkSpec, basis: tuple[NetworkSummary | None, NetworkSummary | None]
) -> list[tuple[str, ...]]:
    a, b = basis[0] or one, basis[1] or other
    alike = basis[0] is not None or one.default_size == other.default_size
    return [
        (_tr("Parameters"), short_count(a.parameters), short_count(b.parameters), _ratio(a.parameters, b.parameters)),
        (_tr("Multiply-adds"), short_count(a.multiply_adds), short_count(b.multiply_adds), _ratio(a.multiply_adds, b.multiply_adds) if alike else ""),
        (_tr("Layers"), f"{one.depth:,}" if one.depth else _UNKNOWN, f"{other.depth:,}" if other.depth else _UNKNOWN, _ratio(one.depth, other.depth)),
        (_tr("Usual picture"), f"{one.default_size} × {one.default_size}", f"{other.default_size} × {other.default_size}", ""),
        (_tr("Sides it takes"), one.sizes, other.sizes, ""),
        (_tr("Paper"), one.paper or _UNKNOWN, other.paper or _UNKNOWN, ""),
        (_tr("Weights"), _shared(one, basis[0]), _shared(other, basis[1]), ""),
    ]  # fmt: skip


def _shared(network: NetworkSpec, summarised: NetworkSummary | None) -> str:
    weights = weights_of(network, summarised)
    return weights_text(weights) if weights else _tr("none are shared")


def _ratio(one: int, other: int) -> str:
    """ "2.2 ×": the larger number divided by the smaller."""
    low, high = sorted((one, other))
    return f"{high / low:.1f} ×" if low else ""


def _tr(text: str) -> str:
    return QCoreApplication.translate("comparison", text)
