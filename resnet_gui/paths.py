"""Paths on this machine: the program's resources, the user's runs, the cache."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def resource(name: str) -> Path:
    """The file `resources/<name>`: that of the checkout if there is one, else the copy in the installed package.

    An editable install copies `resources/` once and never again, so the checkout comes first.
    """
    package = Path(__file__).resolve().parent
    checkout = package.parent
    live = checkout / "resources"
    return (live if live.is_dir() and (checkout / "pyproject.toml").is_file() else package / "resources") / name


def cache_folder(name: str) -> Path:
    """A folder for things that can be made again, in the user's cache; made if missing."""
    folder = platformdirs.user_cache_path("resnet-gui", appauthor=False) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def log_folder() -> Path:
    """Where engines write what their libraries print. Not made here."""
    return platformdirs.user_cache_path("resnet-gui", appauthor=False) / "logs"


def weights_folder() -> Path:
    """Where downloaded weights are kept. Not made here."""
    return platformdirs.user_cache_path("resnet-gui", appauthor=False) / "weights"


def runs_folder() -> Path:
    """Where runs go unless a setting says otherwise: `resnet-gui/runs` in the documents folder. Not made here."""
    return platformdirs.user_documents_path() / "resnet-gui" / "runs"


def models_folder() -> Path:
    """Where models made of weights go unless the user chooses otherwise: `resnet-gui/models` in the documents folder.

    Not made here.
    """
    return platformdirs.user_documents_path() / "resnet-gui" / "models"
