"""Loss and accuracy by epoch, side by side, drawn while the run computes."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from pyqtgraph.graphicsItems.ScatterPlotItem import drawSymbol
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QFontInfo, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from resnet_gui.gui.theme import Theme
from resnet_gui.runs.curves import Curve, Metric, RunCurves, per_cent

REDRAW_MS = 200
"""The least time between two drawings of the same plot."""
_MARKED_EPOCHS = 60
"""With more epochs than this, markers would hide the line."""
_JOINED = 200
"""With more points than this, the joins of a line's pieces are not visible."""


class LegendKey(QWidget):
    """A sample of a line or marker with its name; a value joins the name while the mouse is on an epoch."""

    def __init__(self, theme: Theme, name: str, colour: str, width: float, symbol: str = "") -> None:
        super().__init__()
        self._theme, self._name, self._colour, self._width, self._symbol = theme, name, colour, width, symbol
        self._text = name
        self.setObjectName("legend")
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_value(self, value: str) -> None:
        """Shows `value` behind the name; "" removes it."""
        self._text = f"{self._name} {value}" if value else self._name
        self.updateGeometry()
        self.update()

    @property
    def text(self) -> str:
        """The text beside the sample."""
        return self._text

    def sizeHint(self) -> QSize:
        """The sample and the text."""
        metrics = self.fontMetrics()
        return QSize(26 + metrics.horizontalAdvance(self._text), metrics.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paints the sample and the text."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour, middle = self._theme.color(self._colour), self.height() / 2
        painter.setPen(self._theme.color("dim"))
        painter.drawText(self.rect().adjusted(26, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self._text)
        if self._width:
            painter.setPen(pg.mkPen(colour, width=self._width))
            painter.drawLine(QPointF(0, middle), QPointF(20, middle))
        if self._symbol:
            painter.translate(10, middle)
            drawSymbol(painter, self._symbol, 14 if self._symbol == "star" else 7, pg.mkPen(None), pg.mkBrush(colour))


class MetricPlot(QWidget):
    """One figure by epoch: training a thin line, validation a strong one with markers, the best epoch a star."""

    hovered = Signal(float)
    """The mouse is at this x, in epochs."""
    left = Signal()

    def __init__(self, theme: Theme, title: str, bounded: bool) -> None:
        """`bounded` for a per cent figure: the scale then ends at 100."""
        super().__init__()
        self._theme, self._bounded = theme, bounded
        self.figure = Metric()
        self.plot = self._make_plot(title)
        self._training = self.plot.plot(antialias=True)
        self._validation = self.plot.plot(antialias=True)
        self._star = self.plot.plot(symbol="star", symbolSize=17, pen=None, antialias=True)
        self._lines = [pg.InfiniteLine(angle=angle) for angle in (90, 0)]
        for line in self._lines:
            self.plot.addItem(line, ignoreBounds=True)
        self._build_layout(title)
        self.mark_epoch(None)
        self.restyle()

    def set_figure(self, figure: Metric) -> None:
        """Shows `figure` from the next `redraw` on."""
        self.figure = figure
        self.mark_epoch(None)

    def mark_epoch(
        self, epoch: int | None, training: str = "", validation: str = "", height: float | None = None
    ) -> None:
        """Puts the crosshair on `epoch` and writes its values into the legend; None removes it."""
        self.epoch_label.setText("" if epoch is None else self.tr("epoch {epoch}").format(epoch=epoch))
        self.training_key.set_value(training)
        self.validation_key.set_value(validation)
        for line, position in zip(self._lines, (epoch, height), strict=True):
            line.setVisible(epoch is not None)
            line.setValue(position or 0)

    def redraw(self) -> None:
        """Draws all points, those added since the last call too."""
        running, validated = (_drawn(curve) for curve in (self.figure.running, self.figure.validated))
        best = self.figure.best
        _draw(self._training, running)
        _draw(self._validation, validated, symbol="o" if len(validated) <= _MARKED_EPOCHS else None)
        self._star.setData([best[0]] if best else [], [best[1]] if best else [])
        if len(running):
            self._scale(running[-1, 0], np.concatenate((running[:, 1], validated[:, 1])))

    def restyle(self) -> None:
        """Takes the theme's colours."""
        color = self._theme.color
        self.plot.setBackground(color("panel"))
        for name in ("left", "bottom"):
            axis = self.plot.getAxis(name)
            axis.setPen(color("line"))
            axis.setTextPen(color("dim"))
            axis.setTickFont(self._small_font())
        size = QFontInfo(self._small_font()).pixelSize()
        self.plot.setLabel("bottom", self.tr("epoch"), color=color("dim").name(), **{"font-size": f"{size}px"})
        self.plot.getAxis("bottom").setHeight(round(2.9 * size))
        dots = self.devicePixelRatioF()  # pyqtgraph counts pens in dots of the screen
        self._training.setPen(pg.mkPen(color("accent"), width=dots))
        self._validation.setPen(pg.mkPen(color("second"), width=2.4 * dots))
        for item, token in ((self._validation, "second"), (self._star, "good")):
            item.setSymbolBrush(color(token))
            item.setSymbolPen(color("panel"))
        self._validation.setSymbolSize(8)
        for line in self._lines:
            line.setPen(pg.mkPen(color("dim"), width=dots, style=Qt.PenStyle.DashLine))

    def event(self, event: QEvent) -> bool:
        """Restyles on another screen, whose pixels may be smaller."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.restyle()
        return super().event(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Emits `left`."""
        self.left.emit()

    def _make_plot(self, title: str) -> pg.PlotWidget:
        plot = pg.PlotWidget(enableMenu=False)
        plot.setAccessibleName(self.tr("{title} by epoch").format(title=title))
        plot.setAcceptDrops(False)  # a picture that is dragged across is not meant for it
        plot.setMouseEnabled(False, False)
        plot.hideButtons()
        plot.showGrid(x=True, y=True, alpha=0.35)
        for side in ("bottom", "left"):
            plot.getAxis(side).setZValue(-1)  # its grid lies behind the curves
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the table's rows move the crosshair for the keyboard
        plot.setMinimumSize(200, 120)
        plot.scene().sigMouseMoved.connect(self._hover)
        return plot

    def _build_layout(self, title: str) -> None:
        heading, self.epoch_label = QLabel(title), QLabel()
        heading.setProperty("kind", "strong")
        self.epoch_label.setProperty("kind", "dim")
        self.training_key = LegendKey(self._theme, self.tr("training"), "accent", 1)
        self.validation_key = LegendKey(self._theme, self.tr("validation"), "second", 2.4, "o")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(4)
        star_key = LegendKey(self._theme, self.tr("best"), "good", 0, "star")
        for widgets in ((heading, self.epoch_label, None, star_key), (self.training_key, self.validation_key, None)):
            row = QHBoxLayout()
            row.setSpacing(12)
            for widget in widgets:
                row.addWidget(widget) if widget else row.addStretch()
            rows.addLayout(row)
        rows.addWidget(self.plot, 1)

    def _small_font(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(round(QFontInfo(font).pixelSize() * 0.92))
        return font

    def _hover(self, position: QPointF) -> None:
        self.hovered.emit(self.plot.getViewBox().mapSceneToView(position).x())

    def _scale(self, last_epoch: float, values: np.ndarray) -> None:
        """Epochs from 0 to the current one; loss from 0; accuracy from the multiple of ten below its lowest to 100."""
        epochs = max(1, math.ceil(last_epoch))
        step = _whole_step(epochs / 8)
        self.plot.getAxis("bottom").setTickSpacing(levels=[(step, 0)])
        self.plot.setXRange(0, epochs, padding=0.03)
        top = 100.0 if self._bounded else max(values.max(), 1e-6)
        low = 10 * (values.min() // 10) if self._bounded else -0.03 * top
        self.plot.setYRange(low, top + 0.04 * (top - low), padding=0)


class TrainingPlots(QWidget):
    """Both plots. Each is drawn at most five times a second, in turns to keep pauses short, and only while visible."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.loss = MetricPlot(theme, self.tr("Loss"), bounded=False)
        self.accuracy = MetricPlot(theme, self.tr("Accuracy (%)"), bounded=True)
        self._curves = RunCurves()
        self._stale: list[MetricPlot] = []
        self._timer = QTimer(self, singleShot=True, interval=REDRAW_MS // 2)
        self._timer.timeout.connect(self._redraw_next)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(18)
        for plot in (self.loss, self.accuracy):
            row.addWidget(plot, 1)
            plot.hovered.connect(self._hover)
            plot.left.connect(lambda: self.mark_epoch(None))
            theme.changed.connect(plot.restyle)

    def show_curves(self, curves: RunCurves) -> None:
        """Replaces the curves. Call `follow` when they have grown."""
        self._curves = curves
        self.loss.set_figure(curves.loss)
        self.accuracy.set_figure(curves.accuracy)
        self.follow()

    def follow(self) -> None:
        """Schedules a redraw, after the curves have grown."""
        self._stale += [plot for plot in (self.loss, self.accuracy) if plot not in self._stale]
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def mark_epoch(self, epoch: int | None) -> None:
        """Puts both crosshairs on `epoch`, if it is done; None removes them."""
        done = None if epoch is None else self._curves.nearest(epoch)
        if done is None or done.epoch != epoch:
            self.loss.mark_epoch(None)
            self.accuracy.mark_epoch(None)
            return
        loss, accuracy = (done.train_loss, done.val_loss), (per_cent(done.train_accuracy), per_cent(done.val_accuracy))
        for plot, (training, validation), digits in ((self.loss, loss, 3), (self.accuracy, accuracy, 1)):
            first, second = (f"{value:.{digits}f}" if value is not None else "" for value in (training, validation))
            plot.mark_epoch(epoch, first, second, height=training if validation is None else validation)

    def showEvent(self, event: QShowEvent) -> None:
        """Draws what was added while the plots were hidden."""
        super().showEvent(event)
        self._redraw_next()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Removes the crosshairs: the plots have moved under the mouse, and Qt sends no leave event then."""
        super().resizeEvent(event)
        self.mark_epoch(None)

    def _hover(self, x: float) -> None:
        nearest = self._curves.nearest(x)
        self.mark_epoch(nearest.epoch if nearest else None)

    def _redraw_next(self) -> None:
        if self._stale and self.isVisible():
            self._stale.pop(0).redraw()
            self._timer.start()


def _drawn(curve: Curve) -> np.ndarray:
    """The points of `curve`, [n, 2]: x and y."""
    return np.array(curve.points).reshape(-1, 2)


def _draw(line: pg.PlotDataItem, points: np.ndarray, **looks: object) -> None:
    """Shows `points` [n, 2]. Qt takes very long to join the pieces of a wide line, so many are drawn unjoined."""
    apart = len(points) > _JOINED and pg.mkPen(line.opts["pen"]).widthF() > 1
    line.curve.setSegmentedLineMode("on" if apart else "off")
    line.setData(points, **looks)


def _whole_step(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50, … that is at least `least`."""
    for power in range(12):
        for digit in (1, 2, 5):
            step: int = digit * 10**power
            if step >= least:
                return step
    raise ValueError(f"no step for {least}")
