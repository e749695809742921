"""The window knows no torch, everything else knows no Qt: proved on what a fresh process has loaded."""

import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import resnet_gui

ROOT = Path(__file__).resolve().parent.parent

MODULES = sorted(found.name for found in pkgutil.walk_packages(resnet_gui.__path__, "resnet_gui."))
WINDOW = [name for name in MODULES if name.startswith("resnet_gui.gui")]
OTHERS = [name for name in MODULES if name not in WINDOW]

LIGHT = [
    "resnet_gui.__main__", "resnet_gui.cli.main", "resnet_gui.engine.server", "resnet_gui.config", "resnet_gui.events",
    "resnet_gui.messages", "resnet_gui.paths", "resnet_gui.data.readers.class_folders", "resnet_gui.data.image", "resnet_gui.nets.catalog",
]  # fmt: skip


def loaded_by(modules: list[str]) -> set[str]:
    """The modules that a fresh process has loaded after importing `modules`."""
    script = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script, *modules], cwd=ROOT, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_modules_were_found():
    assert {"resnet_gui.gui.window.main_window", "resnet_gui.gui.app"} <= set(WINDOW)
    assert {"resnet_gui.training.loop", "resnet_gui.prediction.predictor", "resnet_gui.engine.server"} <= set(OTHERS)
    assert set(LIGHT) <= set(OTHERS)


def test_the_window_loads_no_torch():
    loaded = loaded_by(WINDOW)
    assert "PySide6" in loaded
    assert not {"torch", "torchvision", "timm", "safetensors", "sklearn", "scipy", "jinja2", "onnx"} & loaded


def test_nothing_but_the_window_loads_qt():
    loaded = loaded_by(OTHERS)
    assert "torch" in loaded
    assert not {"PySide6", "shiboken6", "pyqtgraph"} & loaded


def test_the_modules_of_a_quick_start_load_neither_torch_nor_qt():
    assert not {"torch", "torchvision", "PySide6", "pyqtgraph"} & loaded_by(LIGHT)


def test_no_start_waits_for_what_the_plots_need():
    loaded = loaded_by(["resnet_gui.cli.main", "resnet_gui.gui.app", "resnet_gui.gui.window.main_window"])
    assert "PySide6.QtWidgets" in loaded
    assert (
        not {
            "pyqtgraph",
            "numpy",
            "PIL",
            "resnet_gui.gui.training.training_plots",
            "resnet_gui.gui.network.network_tab",
        }
        & loaded
    )


def test_an_engine_is_ready_without_what_its_own_networks_do_not_need():
    loaded = loaded_by(
        ["resnet_gui.training.loop", "resnet_gui.prediction.streaming", "resnet_gui.nets.families.resnet_cifar"]
    )
    assert "torch" in loaded
    assert not {"torchvision", "timm", "torch._dynamo", "sympy"} & loaded


def test_what_the_start_leaves_out_is_imported_in_a_thread_soon_after():
    script = "import sys; from resnet_gui.gui.window.main_window import _import_what_can_wait as later; later(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    rooms = {"gui.network.network_tab", "gui.training.training_plots", "gui.controllers.network_controller"}
    assert {f"resnet_gui.{room}" for room in rooms} | {"pyqtgraph"} <= set(done.stdout.split())
