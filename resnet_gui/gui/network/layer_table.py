"""A network layer by layer: output shapes, parameters and multiply-adds, by stage, for any image size."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSpinBox, QStackedLayout, QVBoxLayout, QWidget

from resnet_gui.events import NetworkSummary
from resnet_gui.gui.network.layer_model import stage_rows
from resnet_gui.gui.network.layer_view import LayerView, TotalRow
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.widgets.labels import label, tooltip
from resnet_gui.nets.spec import NetworkSpec
from resnet_gui.nets.tables import layer_table, layers_csv

_SMALLEST, _LARGEST = 8, 1024
_WAIT = 400  # ms after the last key before another size is requested


class LayerTable(QWidget):
    """The table with its image size and its copy buttons. If a network refuses a size, it shows the reason instead."""

    size_chosen = Signal(int)
    """The image size in pixels that the user has set; emitted a moment after the last change."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._summarised: NetworkSummary | None = None
        self.view = LayerView(theme)
        self._total = TotalRow(theme, self.view)
        self._message = label("plain")
        self._message.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.size_box = QSpinBox(minimum=_SMALLEST, maximum=_LARGEST, suffix=self.tr(" px"))
        self.size_box.setAccessibleName(self.tr("Image size"))
        self.size_box.setToolTip(
            tooltip(self.tr("Side of the pictures that the table is worked out for. Training keeps its own."))
        )
        self._wait = QTimer(self, singleShot=True, interval=_WAIT)
        self._wait.timeout.connect(lambda: self.size_chosen.emit(self.size_box.value()))
        self.size_box.valueChanged.connect(lambda _: self._wait.start())
        self._copies = (
            self._button(self.tr("Copy as text"), lambda summarised: layer_table(summarised)),
            self._button(self.tr("Copy as CSV"), lambda summarised: layers_csv([summarised])),
        )
        self._build_layout()
        self.show_waiting()

    def _button(self, text: str, written: Callable[[NetworkSummary], str]) -> QPushButton:
        """A button that copies the network as the text that `written` returns."""
        button = QPushButton(text)
        button.setProperty("kind", "link")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self._copy(written))
        return button

    def _copy(self, written: Callable[[NetworkSummary], str]) -> None:
        if self._summarised is not None:
            QGuiApplication.clipboard().setText(written(self._summarised))

    def _build_layout(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(10)
        caption = label("dim", self.tr("Image size"))
        caption.setWordWrap(False)
        bar.addWidget(caption)
        bar.addWidget(self.size_box)
        bar.addStretch()
        for button in self._copies:
            bar.addWidget(button)
        table = QWidget()
        inside = QVBoxLayout(table)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(0)
        inside.addWidget(self.view, 1)
        inside.addWidget(self._total)
        self._pages = QStackedLayout()
        self._pages.addWidget(table)
        self._pages.addWidget(self._message)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(bar)
        column.addLayout(self._pages, 1)

    def set_size(self, size: int) -> None:
        """Shows another image size without emitting `size_chosen`."""
        self.size_box.blockSignals(True)
        self.size_box.setValue(size)
        self.size_box.blockSignals(False)
        self._wait.stop()

    def show_summary(self, network: NetworkSpec, summarised: NetworkSummary) -> None:
        """Shows the layers of `network`. If it is the same network as before, unfolded stages stay unfolded."""
        self._summarised = summarised
        self.view.show_rows(network.name, stage_rows(network, summarised))
        self._total.show_summary(summarised)
        self._show_page(0)

    def show_waiting(self) -> None:
        """Shows that the network's layers have been requested."""
        self._message.setText(self.tr("The network is being opened…"))
        self._show_page(1)

    def show_problem(self, text: str) -> None:
        """Shows why there is no table."""
        self._message.setText(text)
        self._show_page(1)

    def _show_page(self, page: int) -> None:
        self._pages.setCurrentIndex(page)
        for button in self._copies:
            button.setEnabled(page == 0)
