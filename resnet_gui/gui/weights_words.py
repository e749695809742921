"""What is known of shared weights, in a line."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from resnet_gui.events import Weights
from resnet_gui.gui.downloading import megabytes


def weights_words(weights: Weights, *more: str) -> str:
    """ "ImageNet-1k · 69.8 % right · 44.7 MB", and what there is of `more`."""
    right = QCoreApplication.translate("weights_words", "{percent} % right")
    score = right.format(percent=f"{100 * weights.top1:.1f}") if weights.top1 else ""
    return " · ".join(filter(None, (weights.trained_on, score, megabytes(1e6 * weights.megabytes), *more)))
