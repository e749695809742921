"""The first card of the setup pane: the dataset's folder, its counts, and notes about it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import attrgetter

from PySide6.QtCore import QCoreApplication, QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from resnet_gui.data.samples import Listing
from resnet_gui.data.split import Splits
from resnet_gui.gui.text import message_text, shares, totals
from resnet_gui.gui.theme import CLASS_COLOURS, Theme
from resnet_gui.gui.widgets.card import Card
from resnet_gui.gui.widgets.elided_labels import ElidedLabel, one_line
from resnet_gui.gui.widgets.fitting_scroll_area import FittingScrollArea
from resnet_gui.gui.widgets.labels import breakable, label, tooltip
from resnet_gui.messages import Message

_NOTES_SHOWN = 50
_NOTES_HEIGHT = 132


class DatasetCard(Card):
    """Empty, listing, loaded, or with a problem; each state has its own texts and buttons."""

    folder_requested = Signal()
    sample_requested = Signal()
    cancel_requested = Signal()
    layout_requested = Signal()
    """The user wants the folders to be read differently."""
    state_changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__(1, QCoreApplication.translate("PicturesCard", "Pictures"))
        self._listing: Listing | None = None
        self._build_words(theme)
        self._build_buttons()
        self.show_again()

    def _build_words(self, theme: Theme) -> None:
        self._intro = label("dim", self.tr("A folder with one sub-folder of pictures for each class."))
        self._problem = label("bad")
        self._found = label("dim")
        self._busy = QProgressBar(maximum=0, textVisible=False)
        self._busy.setAccessibleName(self.tr("Looking for pictures"))
        self._folder = ElidedLabel("strong")
        self._totals = label("dim")
        self._bar = ClassBar(theme)
        self._shares = label("dim")
        self._checking = label("dim")
        self._notes = _Notes(theme)
        self._messages: tuple[Message, ...] = ()
        self._hint = label("dim")
        self._parts: list[QWidget] = [
            self._intro, self._problem, self._folder, self._bar, self._totals, self._shares, self._checking,
            self._notes, self._found, self._busy, self._hint,
        ]  # fmt: skip
        for widget in self._parts:
            self.body.addWidget(widget)

    def _build_buttons(self) -> None:
        self._choose = QPushButton(self.tr("Choose folder…"))
        self._choose.clicked.connect(self.folder_requested)
        self._sample = _link(self.tr("Try the sample pictures"))
        self._sample.clicked.connect(self.sample_requested)
        self._cancel = _link(self.tr("Cancel"))
        self._cancel.clicked.connect(self.cancel_requested)
        self._cancel.clicked.connect(self.show_again)
        self._layout = _link(self.tr("Read the folders differently…"))
        self._layout.clicked.connect(self.layout_requested)
        self.body.addWidget(self._choose)
        self.body.addWidget(self._layout, alignment=Qt.AlignmentFlag.AlignHCenter)
        self.body.addWidget(self._sample, alignment=Qt.AlignmentFlag.AlignHCenter)
        self.body.addWidget(self._cancel, alignment=Qt.AlignmentFlag.AlignHCenter)
        self._parts += [self._choose, self._layout, self._sample, self._cancel]

    @property
    def is_ready(self) -> bool:
        """Whether there are pictures, and no other folder is being read."""
        return self._listing is not None and self._busy.isHidden()

    @property
    def is_listing(self) -> bool:
        """Whether a folder is being read."""
        return not self._busy.isHidden()

    def show_empty(self) -> None:
        """Shows that there are no pictures yet, what is needed, and where to get some."""
        self._listing = None
        self.show_again()

    def show_again(self) -> None:
        """Shows the state from before a folder was read: the dataset, or none."""
        self._choose.setText(self.tr("Choose another folder…") if self._listing else self.tr("Choose folder…"))
        notes = (self._notes,) if self._notes.count else ()
        layout = (self._layout,) if self._listing and self._listing.is_nested else ()
        loaded = (self._folder, self._totals, self._bar, self._shares, *notes, self._choose, *layout)
        self._show_only(*(loaded if self._listing else (self._intro, self._choose, self._sample)))
        self.state_changed.emit()

    def show_listing(self, count: int) -> None:
        """Shows that a folder is being read, and that `count` pictures have been found so far."""
        self._found.setText(self.tr("{count} pictures found…").format(count=f"{count:,}"))
        if self._busy.isHidden():
            self._show_only(self._found, self._busy, self._cancel)
            self.state_changed.emit()

    def show_comparing(self, step: int, steps: int) -> None:
        """Shows that the pictures that were found are searched for equal ones."""
        text = self.tr("Looking for equal pictures: {step} of {steps}")
        self._found.setText(text.format(step=f"{step:,}", steps=f"{steps:,}"))

    def show_dataset(self, listing: Listing, splits: Splits) -> None:
        """Shows a folder's classes and the size of each split."""
        self._listing = listing
        self._folder.set_name(listing.root.name or str(listing.root), hint=str(listing.root))
        counts = Counter(map(attrgetter("label"), listing.samples))
        self._bar.set_counts(listing.classes, [counts[label] for label in range(len(listing.classes))])
        self._shares.setText(shares(splits))
        self._messages = (*listing.notes, *splits.notes)
        self._notes.set_messages(self._messages)
        self.set_skipped(0)
        self.show_again()

    def show_problem(self, text: str) -> None:
        """Shows why a folder cannot be used; the dataset that was there before stays."""
        self.show_again()
        self._intro.hide()
        self._problem.setText(breakable(one_line(text)))
        self._problem.show()

    def show_hint(self, text: str) -> None:
        """Shows a hint until the next state."""
        self._hint.setText(text)
        self._hint.show()

    def set_skipped(self, count: int) -> None:
        """Shows how many of the pictures could not be read."""
        if self._listing is None:
            return
        skipped = [self.tr("{count} skipped").format(count=f"{count:,}")] if count else []
        self._totals.setText(" · ".join([totals(self._listing), *skipped]))

    def show_checking(self, step: int, steps: int) -> None:
        """Shows the check that decodes each picture once; training need not wait for it."""
        self._checking.setText(
            self.tr("Checking pictures: {step} of {steps}").format(step=f"{step:,}", steps=f"{steps:,}")
        )
        self._checking.show()

    def add_notes(self, notes: Sequence[Message]) -> None:
        """Shows further notes about the dataset, below those that came with it."""
        if notes and self._listing:
            self._notes.set_messages((*self._messages, *notes))
            self._notes.setVisible(not self._folder.isHidden())

    def hide_checking(self) -> None:
        """Hides the line about the check."""
        self._checking.hide()

    def set_locked(self, reason: str) -> None:
        """Disables the buttons and shows `reason` in their tooltips; "" enables them."""
        for button in (self._choose, self._layout, self._sample):
            button.setEnabled(not reason)
            button.setToolTip(tooltip(reason))

    def _show_only(self, *shown: QWidget) -> None:
        for widget in self._parts:
            widget.setVisible(widget in shown)


class ClassBar(QWidget):
    """A thin bar in which each class has its colour and its share."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._names: Sequence[str] = ()
        self._counts: Sequence[int] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Share of each class"))
        theme.changed.connect(self.update)

    def set_counts(self, names: Sequence[str], counts: Sequence[int]) -> None:
        """Shows `counts[i]` pictures of class `names[i]`."""
        self._names, self._counts = names, counts
        self.update()

    def sizeHint(self) -> QSize:
        """Thin, and as wide as there is room."""
        return QSize(60, 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paints one piece for each class, with gaps while there is room for them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        gap = self._gap()
        for index, (left, right) in enumerate(itertools.pairwise(self._edges())):
            painter.setBrush(self._theme.color(f"class{index % CLASS_COLOURS}"))
            radius = 2.5 if gap else 0
            painter.drawRoundedRect(QRectF(left, 1, max(right - left - gap, 0.5), self.height() - 2), radius, radius)

    def event(self, event: QEvent) -> bool:
        """Shows the name and the count of the piece under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            self._show_tooltip(event)
            return True
        return super().event(event)

    def _gap(self) -> int:
        return 2 if self.width() > 6 * len(self._counts) else 0

    def _edges(self) -> list[float]:
        """Where each class begins and the last one's gap ends, in pixels."""
        scale = (self.width() + self._gap()) / max(1, sum(self._counts))
        return [scale * count for count in itertools.accumulate(self._counts, initial=0)]

    def _show_tooltip(self, event: QHelpEvent) -> None:
        for name, count, right in zip(self._names, self._counts, self._edges()[1:], strict=True):
            if event.pos().x() < right:
                QToolTip.showText(event.globalPos(), tooltip(f"{one_line(name)}: {count:,}"), self)
                return


class _Notes(FittingScrollArea):
    """Sentences about the folder, one below the other; many of them scroll."""

    def __init__(self, theme: Theme) -> None:
        content = QWidget()
        super().__init__(content, _NOTES_HEIGHT)
        self._theme = theme
        self.count = 0
        self._rows = QVBoxLayout(content)
        self._rows.setContentsMargins(0, 0, 8, 0)
        self._rows.setSpacing(5)
        self._icons: list[QLabel] = []
        self.setAccessibleName(self.tr("Notes about the pictures"))
        theme.changed.connect(self._update_icons)

    def set_messages(self, messages: Sequence[Message]) -> None:
        """Shows the sentences of `messages`; of many, the first ones and how many more there are."""
        self._clear()
        self.count = len(messages)
        for text in _sentences(messages[:_NOTES_SHOWN]):
            self._add(text)
        if len(messages) > _NOTES_SHOWN:
            self._add(self.tr("And {count} more.").format(count=f"{len(messages) - _NOTES_SHOWN:,}"))
        scrolls = Qt.FocusPolicy.StrongFocus if len(messages) > 1 else Qt.FocusPolicy.NoFocus
        self.setFocusPolicy(scrolls)  # by keyboard too
        self._update_icons()

    def _add(self, text: str) -> None:
        row = QHBoxLayout()
        row.setSpacing(6)
        self._icons.append(QLabel())
        row.addWidget(self._icons[-1], 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(label("dim", breakable(text)), 1)
        self._rows.addLayout(row)

    def _clear(self) -> None:
        self._icons.clear()
        while row := self._rows.takeAt(0):
            layout = row.layout()
            while item := layout.takeAt(0) if layout else None:
                if widget := item.widget():
                    widget.hide()  # at once: deletion waits for the event loop
                    widget.deleteLater()

    def _update_icons(self) -> None:
        pixmap = self._theme.icon("info", "dim").pixmap(QSize(14, 14), self.devicePixelRatioF())
        for icon in self._icons:
            icon.setPixmap(pixmap)


def _sentences(messages: Iterable[Message]) -> list[str]:
    return [one_line(message_text(each)) for each in messages]


def _link(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("kind", "link")
    return button
