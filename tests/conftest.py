"""Every test runs offscreen and offline, with a cache and a documents folder of its own."""

from __future__ import annotations

import atexit
import os
import random
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from PIL import Image

# What the user has set for the terminal, Qt, Python and the network decides nothing here, nor in a child process.
_OTHERS = ("http_proxy", "all_proxy", "no_proxy", "language", "force_color", "no_color", "pythonwarnings",
           "pythonioencoding", "pythonutf8", "pythondevmode", "pyqtgraph_qt_lib")  # fmt: skip
for variable in list(os.environ):
    if variable.lower() in _OTHERS or variable.startswith("QT_"):
        del os.environ[variable]
os.environ |= {
    "QT_QPA_PLATFORM": "offscreen", "OMP_WAIT_POLICY": "PASSIVE",  # the latter as the program itself sets it
    "LC_ALL": "C.UTF-8", "TZ": "UTC", "COLUMNS": "80",
    "CUDA_VISIBLE_DEVICES": "",  # what is equal to the bit on a processor need not be so on a GPU
}  # fmt: skip
if hasattr(time, "tzset"):
    time.tzset()
if (_worker := os.environ.get("PYTEST_XDIST_WORKER")) and hasattr(os, "sched_setaffinity"):
    # Each worker and its engines have one core, and so one thread of torch: more would only wait for one another.
    _cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {_cores[int(_worker.removeprefix("gw")) % len(_cores)]})
for variable in ("https_proxy", "HTTPS_PROXY"):
    os.environ[variable] = "http://127.0.0.1:9"  # where nobody answers: no test reaches a server on the internet
_home = Path(tempfile.mkdtemp(prefix="resnet-gui-tests-"))
atexit.register(shutil.rmtree, _home, ignore_errors=True)
for variable, name in (
    ("XDG_CACHE_HOME", "cache"), ("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"),
    ("XDG_DOCUMENTS_DIR", "documents"), ("XDG_RUNTIME_DIR", "runtime"), ("HOME", "home"),
):  # fmt: skip
    folder = _home / name
    folder.mkdir(mode=0o700)
    os.environ[variable] = str(folder)

# As on another processor, but for engines, which are child processes: RESNET_GUI_TEST_SHORT_PRECISION=none or bfloat16.
if _precision := os.environ.get("RESNET_GUI_TEST_SHORT_PRECISION"):
    from resnet_gui import device

    device.short_precision = {"none": lambda _: None, "bfloat16": lambda _: "bfloat16"}[_precision]

_BEGAN = time.monotonic()


def pytest_runtest_setup() -> None:
    """`.ci/run --quick` has little time: what has not begun after RESNET_GUI_TEST_SECONDS is left for the whole run."""
    if time.monotonic() - _BEGAN > float(os.environ.get("RESNET_GUI_TEST_SECONDS", "inf")):
        pytest.skip("no time left in a quick run")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes that differ in colour, 10 pictures each: easy to learn in a moment."""
    root = tmp_path_factory.mktemp("drawn") / "colours"
    chance = random.Random(1)
    for name, colour in (("blue", (40, 60, 220)), ("green", (40, 200, 60)), ("red", (220, 50, 40))):
        (root / name).mkdir(parents=True)
        for index in range(10):
            size = chance.randint(40, 70), chance.randint(40, 70)
            shade = tuple(min(255, max(0, channel + chance.randint(-30, 30))) for channel in colour)
            Image.new("RGB", size, shade).save(root / name / f"{index}.png")
    return root


@pytest.fixture
def colours(drawn: Path, tmp_path: Path) -> Path:
    """A dataset folder of one's own: blue, green and red, 10 small pictures each."""
    return Path(shutil.copytree(drawn, tmp_path / "colours"))


@pytest.fixture
def quick(colours: Path, tmp_path: Path) -> dict[str, object]:
    """Settings of a run on `colours` that takes a few seconds."""
    return {
        "dataset": str(colours), "out": str(tmp_path / "runs"), "network": "resnet20", "data.image_size": 32,
        "training.epochs": 2, "training.batch_size": 8,
    }  # fmt: skip
