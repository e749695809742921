"""Whole runs on disks and folders that are not as they should be: a sentence each, and nothing lost."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resnet_gui.model import load_model

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2145\nsize 12345\n"


def resnet_gui(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "resnet_gui", *map(str, arguments)], capture_output=True, text=True, timeout=200
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 60 MB: room for one ResNet-18 of 45 MB, not for a second beside it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk can only be mounted by root: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_on_a_disk_that_fills_up_the_last_model_stands(small_disk: Path, drawn: Path) -> None:
    done = resnet_gui("train", drawn, "--out", small_disk, "--image-size", 32, "--epochs", 6, "--batch-size", 8)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "epoch 6/6" in done.stdout
    [run] = small_disk.iterdir()
    _, card = load_model(run / "model.safetensors")
    assert card.validated
    assert card.test is None
    assert not [path for path in run.iterdir() if path.name.endswith(".part")]


def test_a_folder_where_no_run_can_be_kept_is_told_before_anything_is_computed(tmp_path: Path, drawn: Path) -> None:
    (tmp_path / "file").touch()
    done = resnet_gui("train", drawn, "--out", tmp_path / "file" / "runs")
    assert done.returncode == 1
    assert "could not be written" in done.stderr
    assert "epoch" not in done.stdout


def test_764_placeholders_of_git_lfs_are_named_for_what_they_are(tmp_path: Path) -> None:
    for index in range(764):
        path = tmp_path / "data" / ("cats" if index % 2 else "dogs") / f"{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(POINTER)
    done = resnet_gui("train", tmp_path / "data", "--out", tmp_path / "runs")
    assert done.returncode == 1
    assert done.stdout.count("is a Git LFS placeholder") == 460  # the training pictures
    assert "found 0" in done.stderr
