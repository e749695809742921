"""The package is whole, and finds its resources however it was installed."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import platformdirs
import pytest

import resnet_gui
from resnet_gui.cli import main
from resnet_gui.paths import resource

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_version_is_the_same_in_both_files():
    assert PROJECT["version"] == resnet_gui.__version__


def test_the_program_starts_where_the_project_states():
    assert PROJECT["scripts"] == {"resnet-gui": f"{main.__name__}:{main.main.__name__}"}


def test_resources_hold_no_python():
    assert not list((ROOT / "resources").rglob("*.py"))


def test_a_checkout_uses_its_own_resources():
    assert resource("icons") == ROOT / "resources" / "icons"
    assert (ROOT / "resources" / "icons").is_dir()


@pytest.mark.parametrize("marker", ["<!-- run -->", "<!-- tests -->"])
def test_the_readme_has_one_line_for_each_job(marker: str):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(re.findall(rf"^{marker}\n+```\w*\n[^\n]+\n```$", readme, re.MULTILINE)) == 1


def install_package(site: Path, *, modules: bool) -> None:
    """Lays out `site/resnet_gui` as an installer does: its copy of the resources, and its modules if they are copied."""
    (site / "resnet_gui" / "resources").mkdir(parents=True)
    (site / "resnet_gui" / "resources" / "mark").write_text("installed copy")
    if modules:
        for name in ("__init__.py", "paths.py"):
            shutil.copy(ROOT / "resnet_gui" / name, site / "resnet_gui")


def mark_seen_from(site: Path) -> str:
    """What a process that has `site` as its site-packages, and no other, reads in the resource `mark`."""
    script = (
        "import site, sys; site.addsitedir(sys.argv[1]); sys.path.append(sys.argv[2])\n"
        "from resnet_gui.paths import resource; print(resource('mark').read_text())"
    )
    libraries = Path(platformdirs.__file__).parent.parent  # its .pth files, such as that of this checkout, stay unread
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, site, libraries], cwd=site, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_installed_package_uses_the_resources_inside_it(tmp_path: Path):
    install_package(tmp_path, modules=True)
    assert mark_seen_from(tmp_path) == "installed copy"


def test_an_editable_install_follows_the_checkout(tmp_path: Path):
    """It has a copy of the resources too, but from the day it was installed."""
    checkout, site = tmp_path / "checkout", tmp_path / "site"
    install_package(site, modules=False)
    (site / "_resnet_gui.pth").write_text(str(checkout))
    (checkout / "resnet_gui").mkdir(parents=True)
    for name in ("pyproject.toml", "resnet_gui/__init__.py", "resnet_gui/paths.py"):
        shutil.copy(ROOT / name, checkout / name)
    shutil.copytree(ROOT / "resources", checkout / "resources")

    (checkout / "resources" / "mark").write_text("first")
    assert mark_seen_from(site) == "first"
    (checkout / "resources" / "mark").write_text("changed since")
    assert mark_seen_from(site) == "changed since"
