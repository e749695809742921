"""What else a model made of weights depends on: folded away, because the program chooses what is left empty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractSpinBox, QGridLayout, QLineEdit, QPushButton, QWidget

from resnet_gui.config import settings
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.elided_labels import one_line
from resnet_gui.gui.widgets.fields import ChoiceBox, FloatBox, WholeBox
from resnet_gui.gui.widgets.labels import label, named, tooltip
from resnet_gui.names import NAME
from resnet_gui.nets.spec import NetworkSpec
from resnet_gui.records import Weights

_SIZES = next(setting for setting in settings() if setting.key == "data.image_size")
_SHARES = next(setting for setting in settings() if setting.key == "data.middle_share")
_USUAL = Weights("", 0.0, "")
"""What is usual: the preprocessing of ImageNet."""
_SMALL = 64
"""Of pictures of up to so many pixels the network sees all."""
LABEL_WIDTH = 92


class AdoptSettings(QWidget):
    """A link that unfolds the fields, in two columns. An empty field says what the program takes.

    The field for the part of the file is there without a click where the user must choose one.
    """

    changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._network: NetworkSpec | None = None
        self._parts: tuple[str, ...] = ()
        """The parts of the file that fit equally well, if the user must choose one."""
        self._make_fields()
        self._build_layout()
        self._describe()
        self.set_parts(())
        self._more.toggled.connect(self._show_fold)
        theme.changed.connect(self._show_fold)
        self._show_fold()

    def set_network(self, network: NetworkSpec | None) -> None:
        """Fits the fields to `network`: the sizes it takes, and what is chosen where a field is empty."""
        self._network = network
        self._show_automatic()
        self.changed.emit()

    def set_parts(self, parts: Sequence[str]) -> None:
        """Lets the user choose one of `parts` of the file; without any, the program chooses unless a name is typed."""
        self._parts = tuple(parts)
        self._part_name.clear()
        self._part.clear()
        self._part.addItems([one_line(part, NAME) for part in parts])
        self._part.setCurrentIndex(-1)
        self._part.setPlaceholderText(self.tr("Choose one of {count}").format(count=len(parts)))
        self._show_fold()
        if parts:
            self._part.setFocus()

    @property
    def needs_part(self) -> bool:
        """Whether the user must choose a part of the file first."""
        return bool(self._parts) and self._part.currentIndex() < 0

    @property
    def problem(self) -> str:
        """What cannot be right, "" if everything can."""
        network, size = self._network, self._size.value()
        if size and network and network.is_curated and not network.takes(size):
            sizes = self.tr("{network} does not take pictures of {size} px. It takes: {sizes} px.")
            return sizes.format(network=network.title, size=size, sizes=network.sizes)
        mean, std = numbers(self._mean.text()), numbers(self._std.text())
        if mean is None or len(mean) not in (0, 1, 3):
            return self.tr("“Mean” is one number for grey, or three for red, green and blue: 0.485, 0.456, 0.406.")
        if std is None or len(std) not in (0, 1, 3) or any(each <= 0 for each in std):
            return self.tr(
                "“Std” is one number above 0 for grey, or three for red, green and blue: 0.229, 0.224, 0.225."
            )
        return ""

    def values(self) -> dict[str, Any]:
        """The values as the engine's job “adopt” takes them; what is empty is left to the program."""
        return {
            "size": self._size.value(),
            "middle_share": self._share.number() or 0.0,
            "mean": list(numbers(self._mean.text()) or ()),
            "std": list(numbers(self._std.text()) or ()),
            "colour": self._colour.currentData(),
            "part": self._chosen_part(),
        }

    def _chosen_part(self) -> str:
        if self._parts:
            return self._parts[self._part.currentIndex()] if self._part.currentIndex() >= 0 else ""
        return self._part_name.text().strip()

    def _make_fields(self) -> None:
        self._more = named(QPushButton(), "more_adopt")
        self._more.setCheckable(True)
        self._more.setProperty("kind", "link")
        self._size, self._colour, self._part = WholeBox(int(_SIZES.low or 1)), ChoiceBox(), ChoiceBox()
        self._size.setRange(0, int(_SIZES.high or 1024))
        self._size.setSingleStep(32)
        self._size.setSuffix(" px")
        self._share = FloatBox(_SHARES.least, 1.0, None)
        self._mean, self._std, self._part_name = QLineEdit(), QLineEdit(), QLineEdit()
        self._part_name.setPlaceholderText(self.tr("automatic"))
        for edit in (self._mean, self._std, self._part_name):
            edit.setAcceptDrops(False)  # a file that is dropped here is meant for the dialog
        for text, colour in ((self.tr("automatic"), "auto"), (self.tr("colour"), "colour"), (self.tr("grey"), "grey")):
            self._colour.addItem(text, colour)
        for box in (self._size, self._share):
            box.setCorrectionMode(QAbstractSpinBox.CorrectionMode.CorrectToNearestValue)
            box.lineEdit().setAcceptDrops(False)
            box.lineEdit().setTextMargins(5, 0, 0, 0)  # the stylesheet's padding does not reach inside a spin box
        self._size.valueChanged.connect(self._show_automatic)
        self._size.valueChanged.connect(self.changed)
        self._share.valueChanged.connect(self.changed)
        self._mean.textChanged.connect(self.changed)
        self._std.textChanged.connect(self.changed)
        self._colour.currentIndexChanged.connect(self.changed)
        self._part.currentIndexChanged.connect(self.changed)
        self._part_name.textChanged.connect(self.changed)

    def _build_layout(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(6)
        grid.addWidget(self._more, 0, 0, 1, 4, Qt.AlignmentFlag.AlignLeft)
        self._folded = [
            *self._add_field(grid, 1, 0, self.tr("Image size"), self._size),
            *self._add_field(grid, 1, 2, self.tr("Middle share"), self._share),
            *self._add_field(grid, 2, 0, self.tr("Mean"), self._mean, 3),
            *self._add_field(grid, 3, 0, self.tr("Std"), self._std, 3),
            *self._add_field(grid, 4, 0, self.tr("Colour"), self._colour),
        ]
        text = self.tr("Part of the file")
        self._part_row = self._add_field(grid, 5, 0, text, self._part_name, 3)
        self._folded += self._part_row
        self._question = self._add_field(grid, 5, 0, text, self._part, 3)
        grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)

    def _add_field(
        self, grid: QGridLayout, row: int, column: int, text: str, field: QWidget, columns: int = 1
    ) -> list[QWidget]:
        name = label("dim", text)
        name.setWordWrap(False)
        name.setBuddy(field)
        field.setAccessibleName(text)
        field.setMinimumWidth(60)
        field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        grid.addWidget(name, row, column)
        grid.addWidget(field, row, column + 1, 1, columns)
        return [name, field]

    def _describe(self) -> None:
        """A sentence of help for each field, in its tooltip and for a screen reader."""
        part = self.tr(
            "Where the file holds several sets of weights: the one to take. Automatic takes the one that fits best."
        )
        helps = {
            self._size: self.tr("The side of the square that the network sees, as it was trained."),
            self._share: self.tr(
                "How much of a picture's shorter side the network sees: 1 is all of it, 0.875 leaves out a border."
            ),
            self._mean: self.tr("What is subtracted from the values of a picture, which go from 0 to 1."),
            self._std: self.tr("What the values of a picture are divided by after that."),
            self._part: part,
            self._part_name: part,
            self._colour: self.tr("Whether the network sees colours or shades of grey; automatic goes by the weights."),
        }
        for field, help in helps.items():
            field.setToolTip(tooltip(help))
            field.setAccessibleDescription(help)

    def _show_automatic(self) -> None:
        """Says in each empty field what is taken then: that of weights which others share, or what is usual."""
        network = self._network
        shared = network.weights if network else None
        usual = shared or _USUAL
        size = shared.image_size if shared else network.default_size if network and network.is_curated else 0
        chosen = self._size.value() or size
        keeps_its_share = shared is not None and chosen == size
        share = 1.0 if 0 < chosen <= _SMALL and not keeps_its_share else usual.image_size / usual.resize
        self._size.setSpecialValueText(self._automatic(f"{size} px" if size else ""))
        self._share.set_automatic(self.tr("automatic"), share if chosen else None)
        for edit, values in ((self._mean, usual.mean), (self._std, usual.std)):
            edit.setPlaceholderText(self._automatic(", ".join(f"{value:g}" for value in values)))

    def _automatic(self, text: str) -> str:
        word = self.tr("automatic")
        return f"{word} ({text})" if text else word

    def _show_fold(self) -> None:
        unfolded = self._more.isChecked()
        self._more.setText(self.tr("Fewer settings") if unfolded else self.tr("More settings"))
        self._more.setIcon(self._theme.icon("chevron-down" if unfolded else "chevron-right", "accent"))
        for widget in self._folded:
            widget.setVisible(unfolded and not (self._parts and widget in self._part_row))
        for widget in self._question:
            widget.setVisible(bool(self._parts))


def numbers(text: str) -> tuple[float, ...] | None:
    """The finite numbers in `text`, separated by commas, semicolons or spaces; None if there is anything else."""
    try:
        found = tuple(float(each) for each in text.strip("[]() ").replace(",", " ").replace(";", " ").split())
    except ValueError:
        return None
    return found if all(map(math.isfinite, found)) else None
