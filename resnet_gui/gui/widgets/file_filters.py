"""What the file dialogs show: built from the lists of what the program reads, and “All files” beside it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from resnet_gui.data.picture_kinds import picture_suffixes
from resnet_gui.gui.widgets.mime_data import MODEL_SUFFIX
from resnet_gui.weights.weight_cache import WEIGHT_SUFFIXES


def picture_filter() -> str:
    """The filters for pictures that can be read here."""
    return _with_all_files(_tr("Pictures"), picture_suffixes())


def weight_filter() -> str:
    """The filters for files of weights."""
    return _with_all_files(_tr("Weights"), WEIGHT_SUFFIXES)


def model_filter() -> str:
    """The filters for model files."""
    return _with_all_files(_tr("Models"), (MODEL_SUFFIX,))


def model_or_weight_filter() -> str:
    """The filters for model files and, as their second choice, for files of weights, of which a model can be made."""
    return f"{_titled(_tr('Models'), (MODEL_SUFFIX,))};;{weight_filter()}"


def class_name_filter() -> str:
    """The filters for files with the names of classes."""
    return _with_all_files(_tr("Names of classes"), (".txt", ".json", ".csv", ".tsv", ".names"))


def _with_all_files(title: str, suffixes: Sequence[str]) -> str:
    """As `QFileDialog` takes them: "Models (*.safetensors);;All files (*)"."""
    return f"{_titled(title, suffixes)};;{_tr('All files')} (*)"


def _titled(title: str, suffixes: Sequence[str]) -> str:
    """One filter: "Models (*.safetensors)".

    Each ending is there in capitals too where file names have upper and lower case: not every desktop's dialog ignores
    it.
    """
    endings = [*suffixes, *(map(str.upper, suffixes) if sys.platform == "linux" else ())]
    return f"{title} ({' '.join(f'*{each}' for each in endings)})"


def _tr(text: str) -> str:
    return QCoreApplication.translate("FileFilters", text)
