"""torchvision and timm, imported when they are first needed, for that takes seconds, and by one thread at a time.

Two jobs of an engine that import them at once would each get half a library: their modules import one another in circles.
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
