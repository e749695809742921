"""The fields of a form. They ignore the wheel until they have the focus, and write numbers in short form."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSpinBox, QWidget

if TYPE_CHECKING:
    _Part = QWidget
else:
    _Part = object  # PySide's own classes may stand only once among the bases of another


class _WheelGuard(_Part):
    """Leaves the wheel to the scroll area until the field has the focus."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Changes the value only if the field has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ChoiceBox(_WheelGuard, QComboBox):
    """One of a few choices."""


class WholeBox(_WheelGuard, QSpinBox):
    """Whole numbers. A number typed below `least` becomes `least`, except 0, which means none."""

    def __init__(self, least: int = 0) -> None:
        super().__init__()
        self._least = least

    def valueFromText(self, text: str) -> int:
        """The number that is typed, raised to `least`."""
        number = super().valueFromText(text)
        return max(number, self._least) if number > 0 else number

    def stepBy(self, steps: int) -> None:
        """Goes to the next multiple of the step: with a step of 32, from 227 to 256, or to 224."""
        step = self.singleStep()
        below = self.value() if steps > 0 else self.value() + step - 1
        self.setValue((below // step + steps) * step)


class FloatBox(_WheelGuard, QDoubleSpinBox):
    """Real numbers from `low` to `high`. If the `default` is small in that range, a step goes along 1, 2, 5, 10, 20 …

    Without a default the field may be left empty. Then the program chooses, and `set_automatic` sets what is shown.
    """

    def __init__(self, low: float, high: float, default: float | None) -> None:
        super().__init__()
        self._low = low
        self._optional = default is None
        self._automatic = low
        self._smallest = low if default is None else default / 100
        self._by_factor = 0 < self._smallest <= high / 10_000
        self.setDecimals(12)
        self.setRange(low - self._optional, high)  # the lowest stands for an empty field
        self.setSingleStep(5 * 10 ** (math.ceil(math.log10(high - low)) - 2))

    def set_automatic(self, word: str, number: float | None) -> None:
        """An empty field shows `word` and, where it is known, the `number` that it means."""
        self._automatic = self._low if number is None else number
        self.lineEdit().setPlaceholderText(word if number is None else f"{word} ({short(number)})")

    def number(self) -> float | None:
        """The value, None where the field is empty."""
        return None if self._is_empty() else self.value()

    def set_number(self, number: float | None) -> None:
        """Shows `number`; None empties the field."""
        self.setValue(self.minimum() if number is None else number)

    def _is_empty(self) -> bool:
        return self._optional and self.value() < self._low

    def textFromValue(self, value: float) -> str:
        """In its short form."""
        return "" if self._optional and value < self._low else short(value)

    def valueFromText(self, text: str) -> float:
        """The number, written with a point or a comma."""
        bare = self._bare(text)
        return float(bare) if bare else self.minimum()

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Accepts any text that can still become a number in the range."""
        bare = self._bare(text)
        try:
            inside = self._low <= float(bare) <= self.maximum()
        except ValueError:
            inside = self._optional and not bare
        if inside:
            return QValidator.State.Acceptable, text, position
        begun = re.fullmatch(r"[+-]?\d*\.?\d*(e[+-]?\d*)?", bare, re.IGNORECASE)
        return (QValidator.State.Intermediate if begun else QValidator.State.Invalid), text, position

    def fixup(self, text: str) -> str:
        """A number below the range becomes the lowest, or empties a field that may be empty; one above, the highest."""
        try:
            low = float(self._bare(text)) < self._low
        except ValueError:
            return super().fixup(text)
        nearest = "" if self._optional else short(self._low)
        return nearest if low else short(self.maximum())

    def stepBy(self, steps: int) -> None:
        """Steps by a fixed amount, or along 1, 2, 5, 10 …; an empty field starts from its automatic number."""
        if self._is_empty():
            self.setValue(self._automatic)
        if not self._by_factor:
            super().stepBy(steps)
            return
        for _ in range(abs(steps)):
            self.set_number(self._stepped(up=steps > 0))

    def _stepped(self, up: bool) -> float | None:
        """The next number; None below the lowest, where the field may be empty."""
        value = _next_up(self.value(), self._smallest) if up else _next_down(self.value(), self._smallest)
        return None if self._optional and value < self._low else value

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
    """`value` in its short form: 0.001, 1e-05."""
    return f"{value:.10g}"
