"""Pages, one of them in view, with their titles above them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QTabWidget, QWidget


class TabWidget(QTabWidget):
    """Qt's own, which would paint a whole page anew whenever one word on it changes; this one where sizes change."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDocumentMode(True)
        self.tabBar().setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._wanted: tuple[QSize, QSize] | None = None

    def event(self, event: QEvent) -> bool:
        """What is laid out within a page is that page's affair, unless it wants more room or less."""
        if event.type() == QEvent.Type.LayoutRequest:
            wanted = self.minimumSizeHint(), self.sizeHint()
            if wanted == self._wanted:
                return True
            self._wanted = wanted
        return super().event(event)
