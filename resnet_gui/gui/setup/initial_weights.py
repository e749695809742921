"""Which weights a network starts from, and which part of it is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QMenu, QPushButton, QWidget

from resnet_gui.config import Setting
from resnet_gui.gui.setup.settings_form import help_text
from resnet_gui.gui.text import weights_text
from resnet_gui.gui.thread_pool import run_in_thread
from resnet_gui.gui.widgets.elided_labels import ElidedLabel, one_line
from resnet_gui.gui.widgets.fields import ChoiceBox
from resnet_gui.gui.widgets.file_filters import weight_filter
from resnet_gui.gui.widgets.labels import breakable, label, named, tooltip
from resnet_gui.names import LIST, NAME
from resnet_gui.nets.catalog import NETWORKS
from resnet_gui.records import Weights
from resnet_gui.weights.weight_cache import cached

FROM, PATH, PART = "start.start_from", "start.start_path", "start.train_part"
FILE_PART = "start.start_part"
_FEW = 5_000
"""With fewer pictures than this, a network learns little from random weights."""
_RUNS = 8
"""How many of the newest runs are offered by name."""


class InitialWeightsPicker(QWidget):
    """“Start from” and “Train”, each with its list, and a line that explains the choice.

    Until the user chooses, it is "auto": pretrained if the network has weights, else random.
    """

    changed = Signal()
    _path_checked = Signal(object)
    _runs_found = Signal(object)

    def __init__(self, settings: Iterable[Setting], runs_folder: Callable[[], Path]) -> None:
        """`runs_folder` returns the folder of the user's runs."""
        super().__init__()
        self._help = {setting.key: help_text(setting) for setting in settings}
        self._runs_folder = runs_folder
        self._weights: Weights | None = None
        self._known = True
        self._pictures = 0
        self._chosen = "auto"
        self._paths = {"file": "", "run": ""}
        self._file_part = ""
        """The part of the file that the user has chosen, where several fit equally well; "" if none was asked for."""
        self._missing_path = ""
        self._build()
        self._from.activated.connect(lambda: self._take(self._from.currentData()))
        self._part.currentIndexChanged.connect(self._show_change)
        self._choose.clicked.connect(self._choose_source)
        self._path_checked.connect(self._on_path_checked)
        self._runs_found.connect(self._offer_runs)
        self._update_choices()

    def _build(self) -> None:
        self._from, self._part = named(ChoiceBox(), FROM), named(ChoiceBox(), PART)
        self._part.addItem(self.tr("Everything"), "everything")
        self._part.addItem(self.tr("Head only"), "head")
        self._meaning, self._warning = label("dim"), label("warning")
        self._file, self._choose = ElidedLabel("plain"), named(QPushButton(self.tr("Choose…")), "choose_start")
        self._path_row = QWidget()
        row = QHBoxLayout(self._path_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._file, 1)
        row.addWidget(self._choose)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        self._add_row(grid, 0, self.tr("Start from"), self._from)
        for line, widget in enumerate((self._path_row, self._meaning, self._warning), 1):
            grid.addWidget(widget, line, 0, 1, 2)
        self._add_row(grid, 4, self.tr("Train"), self._part)

    def _add_row(self, grid: QGridLayout, row: int, text: str, box: ChoiceBox) -> None:
        name = label("dim", text)
        name.setWordWrap(False)
        name.setBuddy(box)
        name.setToolTip(tooltip(self._help[box.objectName()]))
        box.setAccessibleName(text)
        box.setToolTip(name.toolTip())
        box.setMinimumWidth(40)
        box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        grid.addWidget(name, row, 0)
        grid.addWidget(box, row, 1)

    @property
    def start(self) -> str:
        """The effective choice: "pretrained", "random", "file" or "run"; "auto" while it is not known."""
        if self._chosen in ("auto", "pretrained"):
            return "pretrained" if self._weights else "random" if self._known else "auto"
        return self._chosen

    @property
    def weights(self) -> Weights | None:
        """The pretrained weights to start from; None if the choice is something else."""
        return self._weights if self.start == "pretrained" else None

    @property
    def missing(self) -> str:
        """A sentence on what is missing before a run can start, "" if nothing is."""
        if self.start == "auto":
            return self.tr("Asking the library whether it has trained weights…")
        path = self._paths.get(self.start)
        if path is None or (path and path != self._missing_path):
            return ""
        return self.tr("Choose a file of weights.") if self.start == "file" else self.tr("Choose an earlier run.")

    def values(self) -> dict[str, Any]:
        """Values by dotted key. An unfinished choice, or weights that the network does not have, count as "auto"."""
        path = self._paths.get(self.start)
        undone = path == "" or (self._chosen == "pretrained" and not self._weights)
        values = {FROM: "auto" if undone else self._chosen, PATH: path or None, PART: self._part.currentData()}
        return {**values, FILE_PART: self._file_part} if self.start == "file" and self._file_part else values

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Fills in the known keys of `values`, without emitting `changed`. A warning shows if the file is gone."""
        chosen, path = values.get(FROM), values.get(PATH)
        if chosen in ("auto", "random", "pretrained", "file", "run"):
            self._chosen = chosen
        if isinstance(path, str | Path) and self._chosen in self._paths:
            self._paths[self._chosen] = str(path)
            self._file_part = str(values.get(FILE_PART) or "") if self._chosen == "file" else ""
        if (row := self._part.findData(values.get(PART))) >= 0:
            with QSignalBlocker(self._part):
                self._part.setCurrentIndex(row)
        self._update_choices()

    def reset(self) -> None:
        """Sets everything to its default."""
        self.set_values({FROM: "auto", PART: "everything"})

    def set_file_part(self, part: str) -> None:
        """Sets the part of the chosen file to start from. Choosing a file forgets it."""
        self._file_part = part
        self._show_change()

    def set_weights(self, weights: Weights | None, known: bool = True) -> None:
        """Sets the network's `weights`, None for none. They are not `known` until the library has reported them."""
        self._weights, self._known = weights, known
        self._update_choices()

    def set_pictures(self, count: int) -> None:
        """Sets how many pictures there are to learn from."""
        self._pictures = count
        self._update_text()

    def look_again(self) -> None:
        """Updates the text, after weights may have come to this machine."""
        self._update_text()

    def set_locked(self, reason: str) -> None:
        """Disables every field and shows `reason` in its tooltip; "" enables them."""
        for widget in (self._from, self._part, self._choose):
            widget.setEnabled(not reason)
            widget.setToolTip(tooltip(reason or self._help.get(widget.objectName(), "")))

    def _update_choices(self) -> None:
        """Lists what the network can start from."""
        self._from.clear()
        if self._weights:
            self._from.addItem(self.tr("Pretrained weights"), "pretrained")
        elif not self._known:
            self._from.addItem(self.tr("Automatic"), "auto")
        self._from.addItem(self.tr("Random weights"), "random")
        self._from.addItem(self.tr("A file…"), "file")
        self._from.addItem(self.tr("An earlier run…"), "run")
        self._from.setCurrentIndex(self._from.findData(self.start))
        self._check_path()
        self._update_text()

    def _take(self, chosen: str) -> None:
        self._chosen = chosen
        self._check_path()
        self._show_change()

    def _show_change(self) -> None:
        self._update_text()
        self.changed.emit()

    def _update_text(self) -> None:
        path = self._paths.get(self.start)
        self._path_row.setVisible(path is not None)
        nothing = self.tr("No file yet") if self.start == "file" else self.tr("No run yet")
        self._file.set_name(Path(path).name if path else nothing, hint=path or "")
        self._show(self._meaning, self._meaning_text())
        self._show(self._warning, self._warning_text())

    def _show(self, line: Any, text: str) -> None:
        line.setText(text)
        line.setVisible(bool(text))

    def _meaning_text(self) -> str:
        if weights := self.weights:
            return pretrained(weights)
        match self.start:
            case "auto":
                return self.tr("Pretrained weights if the library shares any, else random ones.")
            case "file" if self._file_part:
                text = self.tr(
                    "What fits the network is taken from “{part}” in the file, the rest starts from random weights."
                )
                return breakable(text.format(part=one_line(self._file_part, NAME)))
            case "file":
                return self.tr("What fits the network is taken, the rest starts from random weights.")
            case "run":
                return self.tr("Starts from the best model of that run.")
        return from_scratch(self._pictures, has_weights=self._weights is not None)

    def _warning_text(self) -> str:
        if self.start == "random" and self._part.currentData() == "head":
            return self.tr("With random weights below it, the head alone learns little.")
        path = self._paths.get(self.start)
        return self.tr("It is no longer there.") if path and path == self._missing_path else ""

    def _check_path(self) -> None:
        """Checks in a thread whether the chosen path exists: its disk may be slow."""
        if path := self._paths.get(self.start):
            run_in_thread(lambda: (path, Path(path).exists()), self._path_checked)

    def _on_path_checked(self, found: tuple[str, bool]) -> None:
        path, there = found
        gone = "" if there else path
        if path == self._paths.get(self.start) and gone != self._missing_path:
            self._missing_path = gone
            self._show_change()

    def _choose_source(self) -> None:
        if self.start == "run":
            folder = self._runs_folder()
            run_in_thread(lambda: _newest(folder), self._runs_found)
            return
        path, _ = QFileDialog.getOpenFileName(
            self, self.tr("Choose a file of weights"), str(Path(self._paths["file"] or Path.home()).parent),
            weight_filter(),
        )  # fmt: skip
        self._take_path("file", path)

    def _offer_runs(self, runs: Sequence[tuple[str, str]]) -> None:
        menu = named(QMenu(self), "runs")
        menu.aboutToHide.connect(menu.deleteLater)
        for path, text in runs:
            self._add_run(menu, path, text)
        if runs:
            menu.addSeparator()
        menu.addAction(self.tr("Other…"), self._choose_run_folder)
        menu.popup(self._choose.mapToGlobal(QPoint(0, self._choose.height())))

    def _add_run(self, menu: QMenu, path: str, text: str) -> None:
        menu.addAction(one_line(text, LIST).replace("&", "&&"), lambda: self._take_path("run", path))

    def _choose_run_folder(self) -> None:
        title = self.tr("Choose the folder of a run")
        self._take_path("run", QFileDialog.getExistingDirectory(self, title, str(self._runs_folder())))

    def _take_path(self, kind: str, path: str) -> None:
        if path:
            self._paths[kind], self._missing_path, self._file_part = path, "", ""
            self._take(kind)


def pretrained(weights: Weights) -> str:
    """`weights` in words: "ImageNet-1k · 69.8 % right · 44.7 MB · BSD-3-Clause · on this machine"."""
    if cached(weights):
        location = _tr("on this machine")
    else:
        location = _tr("will be downloaded from {host}").format(host=weights.host)
    return weights_text(weights, weights.licence, location)


def from_scratch(pictures: int, has_weights: bool) -> str:
    """What to expect of random weights with so many `pictures` (0: not known yet)."""
    if 0 < pictures < _FEW:
        text = _tr("From scratch: expect much less with {count} pictures.")
        if not has_weights:
            text = _tr("From scratch: {count} pictures are few for that, so do not expect too much.")
        return text.format(count=f"{pictures:,}")
    return _tr("From scratch: it takes longer, and wants many pictures.") if has_weights else ""


def _newest(folder: Path) -> list[tuple[str, str]]:
    """The newest runs in `folder` that have a model, each with the text of its menu entry."""
    from resnet_gui.runs.run_folder import newest_runs

    runs = [run for run in newest_runs(folder) if (run / "model.safetensors").is_file()]
    return [(str(run), _named(run)) for run in runs[:_RUNS]]


def _named(run: Path) -> str:
    """ "ResNet-18 · flowers · 2026-03-01-120000", or the folder's name where its checkpoints cannot be read."""
    from resnet_gui.runs.run_status import read_status

    status = read_status(run)
    if status is None:
        return run.name
    titles = {network.name: network.title for network in NETWORKS}
    when = run.name.removesuffix(f"-{status.network.replace('/', '-')}")
    return " · ".join((titles.get(status.network, status.network), Path(status.dataset).name, when))


def _tr(text: str) -> str:
    return QCoreApplication.translate("StartChoice", text)
