"""How the window is started, and how it is not."""

import gc
import sys

import pytest

from resnet_gui.gui.app import run_window
from resnet_gui.messages import Problem


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
def test_a_window_that_cannot_be_shown_leaves_python_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    interval = sys.getswitchinterval()
    try:
        with pytest.raises(Problem, match="There is no display"):
            run_window(None, sample=False)
    finally:
        sys.setswitchinterval(interval)
    assert gc.isenabled()
