"""Every test runs offscreen, with a cache and a documents folder of its own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
_home = Path(tempfile.mkdtemp(prefix="resnet-gui-tests-"))
for variable, name in (
    ("XDG_CACHE_HOME", "cache"), ("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"),
    ("XDG_DOCUMENTS_DIR", "documents"), ("XDG_RUNTIME_DIR", "runtime"), ("HOME", "home"),
):  # fmt: skip
    folder = _home / name
    folder.mkdir(mode=0o700)
    os.environ[variable] = str(folder)
