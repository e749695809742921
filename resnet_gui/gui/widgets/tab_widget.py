"""A tab widget that repaints less."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QTabWidget, QWidget


class TabWidget(QTabWidget):
    """Repaints a page only when its size hints change. Qt's own would repaint it whenever one word on it changes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDocumentMode(True)
        self.tabBar().setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._hints: tuple[QSize, QSize] | None = None

    def event(self, event: QEvent) -> bool:
        """Ignores a layout request if the size hints are unchanged."""
        if event.type() == QEvent.Type.LayoutRequest:
            hints = self.minimumSizeHint(), self.sizeHint()
            if hints == self._hints:
                return True
            self._hints = hints
        return super().event(event)
