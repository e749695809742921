"""Labels that shorten long names in the middle, and show them whole in the tooltip."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QFocusEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from resnet_gui.gui.widgets.labels import PlainLabel, drawable, tooltip
from resnet_gui.names import LIST, WHOLE, shown


def one_line(text: str, longest: int = WHOLE) -> str:
    """`text` from a file as one line that Qt can draw, of at most `longest` characters: see `names.shown`."""
    return drawable(shown(text, longest))


class ElidedLabel(PlainLabel):
    """One line of plain text in which only the name is shortened, not the text before and after it."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.setWordWrap(False)
        self.setProperty("kind", kind)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._before = self._name = self._after = self._hint = ""

    def set_name(self, name: str, template: str = "{name}", hint: str = "") -> None:
        """Shows `template` with `name` in its {name}. The tooltip is `hint`, or else the whole text if shortened."""
        self._before, _, self._after = template.partition("{name}")
        self._name, self._hint = one_line(name, LIST), one_line(hint)
        self.setAccessibleName(self.whole)
        self.updateGeometry()
        self._fit()

    @property
    def whole(self) -> str:
        """The whole text, not shortened."""
        return self._before + self._name + self._after

    def sizeHint(self) -> QSize:
        """The size of the whole text."""
        width = self.fontMetrics().horizontalAdvance(self.whole) + 2
        return QSize(width, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """A few letters of the name."""
        return QSize(min(48, self.sizeHint().width()), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shortens to the new width."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Shortens again for another font."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        metrics = self.fontMetrics()
        width = self.contentsRect().width() - metrics.horizontalAdvance(self._before + self._after)
        name = metrics.elidedText(self._name, Qt.TextElideMode.ElideMiddle, max(width, 0))
        text = self._before + name + self._after
        if text != self.text():
            self.setText(text)
        self.setToolTip(tooltip(self._hint or (self.whole if name != self._name else "")))


class PathLine(QLineEdit):
    """A path to read and copy: shortened in the middle, but whole and selected while it has the focus."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("path")
        self.setReadOnly(True)
        self._path = ""

    def set_path(self, path: str) -> None:
        """Shows `path`."""
        self._path = one_line(path)
        self.setToolTip(tooltip(self._path))
        self._fit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Shows the whole path, to be copied."""
        super().focusInEvent(event)
        self._fit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Shortens the path again."""
        super().focusOutEvent(event)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shortens to the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self.hasFocus():
            self.setText(self._path)
            self.selectAll()
            return
        width = self.contentsRect().width() - 8
        self.setText(self.fontMetrics().elidedText(self._path, Qt.TextElideMode.ElideMiddle, width))
        self.setCursorPosition(0)
