"""Whole runs on disks and folders that are not as they should be: a sentence each, and nothing lost."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resnet_gui.events import BestSaved, Finished, Note, from_json
from resnet_gui.model_file import load_model
from resnet_gui.runs.run_status import read_status

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2145\nsize 12345\n"


def resnet_gui(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "resnet_gui", *map(str, arguments)], capture_output=True, text=True, timeout=200
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB: room for a run of ResNet-20 with its three checkpoints of 4 MB, and for little else."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk can only be mounted by root: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(disk: Path) -> Path:
    """Takes all the room there is."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(1 << 12)):
            pass
    return filler


def test_a_disk_without_room_for_checkpoints_is_refused_at_the_start(small_disk: Path, drawn: Path) -> None:
    done = resnet_gui("train", drawn, "--out", small_disk, "--image-size", 32)
    assert done.returncode == 1
    assert "24 MB free" in done.stderr or "25 MB free" in done.stderr
    assert "Free some space or choose another runs folder" in done.stderr
    assert "epoch" not in done.stdout
    assert not list(small_disk.iterdir())


def test_a_run_reports_a_full_disk_and_is_whole_once_there_is_room(small_disk: Path, drawn: Path) -> None:
    command = [sys.executable, "-m", "resnet_gui", "train", drawn, "--out", small_disk, "--json", "--epochs", "12",
               "--network", "resnet20", "--image-size", "32", "--batch-size", "8"]  # fmt: skip
    with subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        events, filler = [], None
        for line in process.stdout:
            events.append(from_json(line))
            if filler is None and isinstance(events[-1], BestSaved):
                filler = fill(small_disk)
            elif filler and isinstance(events[-1], Note) and events[-1].message.code == "checkpoint_failed":
                filler.unlink(missing_ok=True)
    assert process.returncode == 0
    assert isinstance(events[-1], Finished)
    assert any(isinstance(event, Note) and event.message.code == "checkpoint_failed" for event in events)
    [run] = small_disk.iterdir()
    _, metadata = load_model(run / "model.safetensors")
    assert (metadata.epoch, metadata.test) == (events[-1].best_epoch, events[-1].test)
    status = read_status(run)
    assert status
    assert (status.epoch, status.step, status.ended) == (13, 0, "finished")
    assert not list(run.rglob("*.part"))


def test_a_runs_folder_that_cannot_be_written_is_refused_at_the_start(tmp_path: Path, drawn: Path) -> None:
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
    assert done.stdout.count("is a Git LFS placeholder") == 4  # three of the 460 training pictures, and the last
    assert "Skipped: 457 more were skipped for the same reason." in done.stdout
    assert "found 0" in done.stderr
