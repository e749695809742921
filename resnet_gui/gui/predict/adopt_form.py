"""What the user tells of a file of weights: its network, the names of the classes, and where the model is saved."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QPushButton, QWidget

from resnet_gui.gui.predict.adopt_settings import LABEL_WIDTH, AdoptSettings
from resnet_gui.gui.predict.class_names import ClassNames
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.thread_pool import run_in_thread
from resnet_gui.gui.widgets.elided_labels import ElidedLabel
from resnet_gui.gui.widgets.file_filters import model_filter, weight_filter
from resnet_gui.gui.widgets.labels import label, named, set_style_property
from resnet_gui.gui.widgets.mime_data import MODEL_SUFFIX
from resnet_gui.gui.widgets.network_field import NetworkField
from resnet_gui.nets.spec import NetworkSpec
from resnet_gui.nets.tables import short_count
from resnet_gui.paths import models_folder
from resnet_gui.weights.weight_cache import WEIGHT_SUFFIXES


class AdoptForm(QWidget):
    """The fields of the dialog."""

    changed = Signal()
    weights_changed = Signal()
    _out_found = Signal(object)

    def __init__(self, theme: Theme, networks: Sequence[NetworkSpec]) -> None:
        super().__init__()
        self.weights = ""
        """The file of weights, "" before one is chosen."""
        self._out, self._is_out_chosen = "", False
        self._file, self._target = ElidedLabel("plain"), ElidedLabel("plain")
        self._choose = self._make_button(self.tr("Choose…"), "choose_weights", self._choose_weights)
        self._change = self._make_button(self.tr("Change…"), "choose_model_path", self._choose_out)
        self._network = named(NetworkField(networks), "adopt_network")
        self._network.setAccessibleName(self.tr("Network"))
        self._facts = label("dim")
        self.classes = ClassNames()
        self.settings = AdoptSettings(theme)
        self._build_layout()
        for part in (self.classes, self.settings):
            part.changed.connect(self.changed)
        self._network.network_changed.connect(self._on_network_changed)
        self._out_found.connect(self._on_out_found)
        self._on_network_changed()
        self._show_paths()

    def set_network(self, network: NetworkSpec) -> None:
        """Chooses `network`."""
        self._network.set_network(network)

    def set_weights(self, path: str) -> None:
        """Chooses the file of weights. What was chosen for another file, a part of it, is forgotten."""
        self.weights = path
        self.settings.set_parts(())
        self.propose_out()
        self._show_paths()
        self.weights_changed.emit()
        self.changed.emit()

    def propose_out(self, anew: bool = False) -> None:
        """Proposes a new file in the folder of models, unless the user has chosen one; `anew`: even then."""
        self._is_out_chosen = self._is_out_chosen and not anew
        if self.weights and not self._is_out_chosen:
            weights, self._out = self.weights, ""  # what was proposed before is named after another file, or taken
            run_in_thread(lambda: (weights, unused_model_path(weights)), self._out_found)

    def set_focus(self) -> None:
        """Puts the focus on the first field that is not filled in."""
        first: QWidget = self.classes.editor if self.weights else self._choose
        first.setFocus()

    @property
    def is_complete(self) -> bool:
        """Whether a model can be made."""
        is_named = self._network.network is not None and not self.classes.problem
        return is_named and not (self.missing or self.settings.needs_part)

    @property
    def missing(self) -> str:
        """A sentence on what is missing or wrong, "" if nothing is, or if it stands beside its field already."""
        if not self.weights:
            return self.tr("Choose a file of weights first.")
        return self.settings.problem

    def values(self) -> dict[str, Any]:
        """The values of the engine's job “adopt”, for a complete form. `out` may still be "", if it is not chosen."""
        network = self._network.network
        return {
            "weights": self.weights, "network": network.name if network else "", "classes": list(self.classes.names),
            "out": self._out, "interpolation": "", **self.settings.values(),
        }  # fmt: skip

    @property
    def is_out_chosen(self) -> bool:
        """Whether the user has chosen where the model is saved, and so has agreed to replace a file that is there."""
        return self._is_out_chosen

    def _make_button(self, text: str, name: str, clicked: object) -> QPushButton:
        button = named(QPushButton(text), name)
        button.setProperty("kind", "inline")
        button.clicked.connect(clicked)
        return button

    def _build_layout(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(6)
        grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        grid.setColumnStretch(1, 1)
        self._add_row(grid, 0, self.tr("Weights"), self._choose, self._file)
        self._add_row(grid, 1, self.tr("Network"), self._network)
        grid.addWidget(self._facts, 2, 1, 1, 2)
        self._add_row(grid, 3, self.tr("Classes"), self.classes)
        self._add_row(grid, 4, self.tr("Save as"), self._change, self._target)
        grid.addWidget(self.settings, 5, 0, 1, 3)
        grid.setRowStretch(3, 1)

    def _add_row(self, grid: QGridLayout, row: int, text: str, field: QWidget, beside: QWidget | None = None) -> None:
        """A row with a label, and a field over two columns or a button with the path `beside` it."""
        name = label("dim", text)
        name.setWordWrap(False)
        name.setBuddy(field)
        if field is self.classes:  # which is higher than a line
            name.setContentsMargins(0, 7, 0, 0)
            name.setBuddy(self.classes.editor)
        grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop if field is self.classes else Qt.AlignmentFlag(0))
        if beside is not None:
            grid.addWidget(beside, row, 1)
            grid.addWidget(field, row, 2)
        else:
            grid.addWidget(field, row, 1, 1, 2)

    def _choose_weights(self) -> None:
        folder = str(Path(self.weights).parent if self.weights else Path.home())
        path, _ = QFileDialog.getOpenFileName(self, self.tr("Choose a file of weights"), folder, weight_filter())
        if path:
            self.set_weights(path)

    def _choose_out(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, self.tr("Save the model as"), self._out or str(Path.home()), model_filter()
        )
        if path:
            self._out = path if path.lower().endswith(MODEL_SUFFIX) else f"{path}{MODEL_SUFFIX}"
            self._is_out_chosen = True
            self._show_paths()
            self.changed.emit()

    def _on_network_changed(self) -> None:
        network = self._network.network
        unknown = self.tr("There is no network of this name. Choose one from the list.")
        set_style_property(self._facts, "kind", "dim" if network else "warning")
        self._facts.setText(self._facts_of(network) if network else unknown)
        self.settings.set_network(network)

    def _facts_of(self, network: NetworkSpec) -> str:
        if not network.is_curated:
            return self.tr("From {library}").format(library=network.source)
        parameters = self.tr("{count} parameters").format(count=short_count(network.parameters))
        return " · ".join((network.paper, self.tr("{count} layers").format(count=network.depth), parameters))

    def _on_out_found(self, found: tuple[str, str]) -> None:
        weights, out = found
        if weights == self.weights and not self._is_out_chosen:
            self._out = out
            self._show_paths()
            self.changed.emit()

    def _show_paths(self) -> None:
        nothing = self.tr("Drop a file here, or choose one")
        set_style_property(self._file, "kind", "plain" if self.weights else "dim")
        self._file.set_name(Path(self.weights).name if self.weights else nothing, hint=self.weights)
        self._target.set_name(self._out or "–", hint=self._out)
        self._choose.setAccessibleName(self.tr("Choose a file of weights"))
        self._change.setAccessibleName(self.tr("Choose where the model is saved"))
        self._change.setEnabled(bool(self._out))


def unused_model_path(weights: str) -> str:
    """A path in the folder of models, named like the file `weights`, at which there is nothing yet."""
    name = Path(weights).name
    suffix = max((each for each in WEIGHT_SUFFIXES if name.lower().endswith(each)), key=len, default="")
    stem = name[: len(name) - len(suffix)] or "model"
    names = (f"{stem}{'' if number == 1 else f'-{number}'}{MODEL_SUFFIX}" for number in itertools.count(1))
    return next(str(path) for path in map(models_folder().joinpath, names) if not path.exists())
