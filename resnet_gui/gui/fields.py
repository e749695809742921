"""The fields of a form: they leave the wheel alone until chosen, and write numbers in their short form."""

from __future__ import annotations

import math
import re

from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSpinBox


class _Patient:
    """Leaves the wheel to the scroll area around until the field has the focus."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Changes the value of the chosen field only."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ChoiceBox(_Patient, QComboBox):
    """One of a few words."""


class WholeBox(_Patient, QSpinBox):
    """Whole numbers."""


class FloatBox(_Patient, QDoubleSpinBox):
    """Real numbers from `low` to `high`. Where the `usual` one is small in that range, a step goes along 1, 2, 5, 10, 20 …"""

    def __init__(self, low: float, high: float, usual: float) -> None:
        super().__init__()
        self._smallest = usual / 100
        self._by_factor = 0 < usual <= high / 100
        self.setDecimals(12)
        self.setRange(low, high)
        self.setSingleStep(5 * 10 ** (math.ceil(math.log10(high - low)) - 2))

    def textFromValue(self, value: float) -> str:
        """In its short form."""
        return short(value)

    def valueFromText(self, text: str) -> float:
        """With a point or a comma."""
        return float(self._bare(text))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Whatever could still become a number in the range may be typed."""
        bare = self._bare(text)
        try:
            inside = self.minimum() <= float(bare) <= self.maximum()
        except ValueError:
            inside = False
        if inside:
            return QValidator.State.Acceptable, text, position
        begun = re.fullmatch(r"[+-]?\d*\.?\d*(e[+-]?\d*)?", bare, re.IGNORECASE)
        return (QValidator.State.Intermediate if begun else QValidator.State.Invalid), text, position

    def stepBy(self, steps: int) -> None:
        """By a fixed amount, or along 1, 2, 5, 10 …"""
        if not self._by_factor:
            super().stepBy(steps)
            return
        for _ in range(abs(steps)):
            self.setValue(
                _next_up(self.value(), self._smallest) if steps > 0 else _next_down(self.value(), self._smallest)
            )

    def _bare(self, text: str) -> str:
        return text.removesuffix(self.suffix()).strip().replace(",", ".")


def _next_up(value: float, smallest: float) -> float:
    """The first of 1, 2, 5, 10, 20 … (times a power of ten) above `value`."""
    if value < smallest:
        return smallest
    power = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return next(factor * power for factor in (1, 2, 5, 10, 20) if factor * power > value * (1 + 1e-6))


def _next_down(value: float, smallest: float) -> float:
    """The first of … 20, 10, 5, 2, 1 below `value`; zero below `smallest`."""
    if value <= smallest * (1 + 1e-6):
        return 0.0
    power = 10.0 ** math.floor(math.log10(value) + 1e-9)
    return next(factor * power for factor in (5, 2, 1, 0.5) if factor * power < value * (1 - 1e-6))


def short(value: float) -> str:
    """`value` as people of the trade write it: 0.001, 1e-05."""
    return f"{value:.10g}"
