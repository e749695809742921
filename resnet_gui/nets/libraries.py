"""Imports torchvision and timm when they are first needed, since that takes seconds, and in one thread at a time.

Two jobs of an engine that import them at once would each get half a library, since their imports are circular.
"""

from __future__ import annotations

import threading
from typing import Any

_turn = threading.RLock()


def torchvision_models() -> Any:
    """The module `torchvision.models`."""
    with _turn:
        from torchvision import models
    return models


def timm_models() -> Any:
    """The module `timm`."""
    with _turn:
        import timm
    return timm
