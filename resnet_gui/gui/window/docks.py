"""The docks at the sides, with a slim handle instead of a title, and the centre between them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QDockWidget, QFrame, QVBoxLayout, QWidget

from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.labels import named

_GAP = 12


class DockTitleBar(QWidget):
    """A dock's title bar: the mouse drags the dock by it, and a double click makes the dock float."""

    def __init__(self, theme: Theme, title: str) -> None:
        super().__init__()
        self._theme = theme
        self.setCursor(Qt.CursorShape.SizeAllCursor)
        self.setToolTip(self.tr("Drag to move “{title}”; double-click to set it free").format(title=title))

    def sizeHint(self) -> QSize:
        return QSize(40, _GAP)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("dim" if self.underMouse() else "line"))
        painter.drawRoundedRect(self.width() // 2 - 14, self.height() // 2 - 1, 28, 3, 1.5, 1.5)


def make_dock(name: str, title: str, pane: QWidget, theme: Theme, width: int) -> QDockWidget:
    """A dock around `pane`, `width` pixels wide at first, that can be moved, made floating, and hidden from the menu."""
    dock = named(QDockWidget(title), name)
    dock.setTitleBarWidget(DockTitleBar(theme, title))
    dock.setWidget(_with_margins(pane, top=0, sides=8))
    dock.widget().setMinimumWidth(width - 60)
    return dock


def make_centre(above: QWidget, content: QWidget) -> QWidget:
    """A panel around `content`, aligned with the docks beside it; `above` is over it while visible."""
    panel = QFrame()
    panel.setProperty("kind", "card")
    inside = QVBoxLayout(panel)
    inside.setContentsMargins(1, 4, 1, 1)
    inside.addWidget(content)
    both = QWidget()
    column = QVBoxLayout(both)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(_GAP)
    column.addWidget(above)
    column.addWidget(panel, 1)
    return _with_margins(both, top=_GAP, sides=0)


def _with_margins(content: QWidget, top: int, sides: int) -> QWidget:
    around = QWidget()
    room = QVBoxLayout(around)
    room.setContentsMargins(sides, top, sides, _GAP)
    room.addWidget(content)
    return around
