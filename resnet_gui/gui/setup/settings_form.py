"""A form made from settings as `config.settings()` describes them. No setting is named here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt, Signal, SignalInstance
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QGridLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)  # fmt: skip

from resnet_gui.config import Setting
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.fields import ChoiceBox, FloatBox, WholeBox, short
from resnet_gui.gui.widgets.labels import label, named, tooltip

_LABEL_SHARE, _FIELD_SHARE = 2, 3
_INT_LIMIT = 2**31 - 1
_FLOAT_LIMIT = 1e9
_STEPS = {"px": 32}
"""The step of a spin box, by unit. Pixels: networks halve their pictures five times."""


class SettingsForm(QWidget):
    """A row for each of `settings`. The important ones are visible; a link unfolds the others."""

    changed = Signal()

    def __init__(self, theme: Theme, settings: Iterable[Setting], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._settings = {setting.key: setting for setting in settings if setting.shown != "own"}
        self._fields = {key: _FIELDS[setting.kind](setting) for key, setting in self._settings.items()}
        self._folded: list[QWidget] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(0, _LABEL_SHARE)
        self._grid.setColumnStretch(1, _FIELD_SHARE)
        self._add_rows()
        theme.changed.connect(self._show_fold)

    def values(self) -> dict[str, Any]:
        """The values in the form, by dotted key."""
        return {key: field.read() for key, field in self._fields.items()}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Fills in `values` by dotted key. Unknown keys and values that do not fit are ignored."""
        for key, value in values.items():
            if key in self._fields and _fits(self._settings[key], value):
                self._fields[key].write(value)

    def reset(self) -> None:
        """Sets every setting to its default."""
        self.set_values({key: setting.default for key, setting in self._settings.items()})

    def set_automatic(self, key: str, number: float | None) -> None:
        """Shows in the empty field `key` the `number` that the program will choose; None if it is not known."""
        box = self._fields[key].widget
        assert isinstance(box, FloatBox)
        box.set_automatic(_value_text(None), number)

    def add_choices(self, key: str, choices: Iterable[str]) -> None:
        """Offers in the field `key` those of `choices` that it does not offer yet."""
        box = self._fields[key].widget
        assert isinstance(box, ChoiceBox)
        box.addItems([each for each in choices if box.findText(each) < 0])

    def set_limits(self, key: str, low: int, high: int | None) -> None:
        """Narrows the whole number `key` to `low` to `high`, and clips its value. None: the setting's own limit."""
        setting, box = self._settings[key], self._fields[key].widget
        assert isinstance(box, WholeBox)
        box.setRange(max(low, _least(setting)), min(_most(setting) if high is None else high, _most(setting)))
        box.setSingleStep(_step(setting, box.maximum() - box.minimum()))
        fixed = box.minimum() == box.maximum()
        box.setReadOnly(fixed)
        buttons = QAbstractSpinBox.ButtonSymbols
        box.setButtonSymbols(buttons.NoButtons if fixed else buttons.UpDownArrows)

    def set_locked(self, reason: str) -> None:
        """Disables every field and shows `reason` in its tooltip; "" enables them."""
        for field in self._fields.values():
            field.widget.setEnabled(not reason)
            field.widget.setToolTip(tooltip(reason) or field.widget.whatsThis())

    def _add_rows(self) -> None:
        """First the visible settings, then the link and the folded ones, if there are any."""
        for setting in self._settings.values():
            if setting.shown == "first":
                self._add_row(setting)
        self._more = named(QPushButton(), "more")
        self._more.setCheckable(True)
        self._more.setProperty("kind", "link")
        self._more.toggled.connect(self._show_fold)
        self._grid.addWidget(self._more, self._grid.rowCount(), 0, 1, 2, Qt.AlignmentFlag.AlignLeft)
        for setting in self._settings.values():
            if setting.shown == "more":
                self._folded += self._add_row(setting)
        self._more.setVisible(bool(self._folded))
        self._show_fold()

    def _add_row(self, setting: Setting) -> list[QWidget]:
        field = self._fields[setting.key]
        help = help_text(setting)
        self._describe(field.widget, setting, help)
        field.changed.connect(lambda *_: self.changed.emit())
        row = self._grid.rowCount()
        if setting.kind == "bool":  # the text belongs to the box: a click on it ticks the box
            self._grid.addWidget(field.widget, row, 0, 1, 2)
            return [field.widget]
        name = label("dim", _translated(setting.label))
        name.setToolTip(tooltip(help))
        name.setBuddy(field.widget)
        self._grid.addWidget(name, row, 0)
        self._grid.addWidget(field.widget, row, 1)
        return [name, field.widget]

    def _describe(self, widget: QWidget, setting: Setting, help: str) -> None:
        widget.setObjectName(setting.key)
        widget.setAccessibleName(_translated(setting.label))
        widget.setAccessibleDescription(help)
        widget.setToolTip(tooltip(help))
        widget.setWhatsThis(tooltip(help))
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        widget.setMinimumWidth(40)

    def _show_fold(self) -> None:
        unfolded = self._more.isChecked()
        self._more.setText(self.tr("Fewer settings") if unfolded else self.tr("More settings"))
        self._more.setIcon(self._theme.icon("chevron-down" if unfolded else "chevron-right", "accent"))
        for widget in self._folded:
            widget.setVisible(unfolded)


def help_text(setting: Setting) -> str:
    """The setting's sentence, its default and its range."""
    default = None if setting.least else setting.default
    facts = [f"{QCoreApplication.translate('SettingsForm', 'Default')}: {_value_text(default)}"]
    span = replace(setting, low=setting.least or setting.low).range_text
    if span:
        facts.append(f"{QCoreApplication.translate('SettingsForm', 'Range')}: {span} {setting.unit}".rstrip())
    return f"{_translated(setting.help)}\n{' · '.join(facts)}"


@dataclass(frozen=True, slots=True)
class _Field:
    """The widget of one setting, and how to read, write and watch its value."""

    widget: QWidget
    read: Callable[[], Any]
    write: Callable[[Any], None]
    changed: SignalInstance


def _whole(setting: Setting) -> _Field:
    box = WholeBox(int(setting.least))
    box.setRange(_least(setting), _most(setting))
    box.setSingleStep(_step(setting, box.maximum() - box.minimum()))
    box.setValue(setting.default)
    if setting.least:
        box.setSpecialValueText(_value_text(None))
    _set_up_box(box, setting)
    return _Field(box, box.value, box.setValue, box.valueChanged)


def _real(setting: Setting) -> _Field:
    """If its default is None, or if 0 means that the program chooses, the field may be left empty."""
    default = setting.default or None if setting.least else setting.default
    low = setting.least or _limit(setting.low, -_FLOAT_LIMIT)
    box = FloatBox(low, _limit(setting.high, _FLOAT_LIMIT), default)
    box.set_number(default)
    box.set_automatic(_value_text(None), None)
    _set_up_box(box, setting)
    if not setting.least:
        return _Field(box, box.number, box.set_number, box.valueChanged)
    return _Field(box, lambda: box.number() or 0.0, lambda value: box.set_number(value or None), box.valueChanged)


def _set_up_box(box: WholeBox | FloatBox, setting: Setting) -> None:
    box.setSuffix(f" {_translated(setting.unit)}" if setting.unit else "")
    box.setCorrectionMode(QAbstractSpinBox.CorrectionMode.CorrectToNearestValue)
    box.lineEdit().setAcceptDrops(False)  # a folder that is dropped here is meant for the pane
    box.lineEdit().setTextMargins(5, 0, 0, 0)  # the stylesheet's padding does not reach inside a spin box


def _least(setting: Setting) -> int:
    return int(_limit(setting.low, -_INT_LIMIT))


def _most(setting: Setting) -> int:
    return int(_limit(setting.high, _INT_LIMIT))


def _step(setting: Setting, span: int) -> int:
    """The step of a spin box; 1 if the range is less than four steps of the usual size."""
    step = _STEPS.get(setting.unit, int(max(1, setting.least or _least(setting))))
    return step if span >= 4 * step else 1


def _choice(setting: Setting) -> _Field:
    box = ChoiceBox()
    box.addItems(setting.choices)
    box.setCurrentText(setting.default)

    def write(value: str) -> None:
        if box.findText(value) < 0:  # such as a graphics card of another machine
            box.addItem(value)
        box.setCurrentText(value)

    return _Field(box, box.currentText, write, box.currentTextChanged)


def _switch(setting: Setting) -> _Field:
    box = QCheckBox(_translated(setting.label))
    box.setChecked(setting.default)
    return _Field(box, box.isChecked, box.setChecked, box.toggled)


def _line(setting: Setting) -> _Field:
    edit = QLineEdit(str(setting.default or ""))
    return _Field(edit, edit.text, lambda value: edit.setText(str(value or "")), edit.textChanged)


def _folder(setting: Setting) -> _Field:
    """A line for a folder. If it is empty, the program chooses."""
    edit = QLineEdit(str(setting.default or ""), clearButtonEnabled=True)
    edit.setPlaceholderText(QCoreApplication.translate("SettingsForm", "automatic"))

    def read() -> str | None:
        text = edit.text().strip()
        return os.path.expanduser(text) if text else None  # noqa: PTH111 - Path raises if there is no such user

    return _Field(edit, read, lambda value: edit.setText(str(value or "")), edit.textChanged)


_FIELDS: dict[str, Callable[[Setting], _Field]] = {
    "int": _whole,
    "float": _real,
    "choice": _choice,
    "bool": _switch,
    "text": _line,
    "path": _folder,
}


def _fits(setting: Setting, value: Any) -> bool:
    """Whether a field for `setting` can hold `value`."""
    if setting.kind == "choice":
        return setting.takes(value)
    if setting.kind in ("int", "float"):
        if value is None:
            return setting.default is None
        kinds = (int,) if setting.kind == "int" else (int, float)
        in_range = isinstance(value, kinds) and _limit(setting.low, -_INT_LIMIT) <= value <= _limit(
            setting.high, _INT_LIMIT
        )
        return in_range and not isinstance(value, bool) and not 0 < value < setting.least
    return isinstance(value, bool) == (setting.kind == "bool")


def _limit(limit: float | None, otherwise: float) -> float:
    return otherwise if limit is None else limit


def _value_text(value: Any) -> str:
    if isinstance(value, bool):
        return QCoreApplication.translate("SettingsForm", "on" if value else "off")
    if value is None:
        return QCoreApplication.translate("SettingsForm", "automatic")
    return short(value) if isinstance(value, float) else str(value)


def _translated(text: str) -> str:
    return QCoreApplication.translate("settings", text) if text else ""
