"""The power is cut and the disk refuses, as `power.py` and `disk.py` do at length; and both notice a bad writer."""

import collections
import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from unittest import mock

import disk
import power
import pytest
import safetensors.torch
import small_data
import torch
from file_calls import Call, fsync_disabled, watched
from power_cut import Disk, key

from resnet_gui.atomic_write import atomic_write
from resnet_gui.tensor_file import read_tensor_file, safetensors_metadata, write_tensor_file

Writer = Callable[..., None]
WRITER = "resnet_gui.tensor_file.atomic_write"


@pytest.fixture(autouse=True)
def _quick_disk() -> Iterator[None]:
    with fsync_disabled():
        yield


def in_place(path: Path, *pieces: bytes, sync: bool = True) -> None:
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        if sync:
            os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def without_fsync(path: Path, *pieces: bytes) -> None:
    in_place(path.with_suffix(".part"), *pieces, sync=False)
    path.with_suffix(".part").replace(path)
    sync_folder(path)


def without_fsync_of_the_folder(path: Path, *pieces: bytes) -> None:
    in_place(path.with_suffix(".part"), *pieces)
    path.with_suffix(".part").replace(path)


def renamed_before_the_fsync(path: Path, *pieces: bytes) -> None:
    beside = path.with_suffix(".part")
    with beside.open("wb", buffering=0) as file:
        for piece in pieces:
            file.write(piece)
        beside.replace(path)
        os.fsync(file.fileno())
    sync_folder(path)


def deleted_before_the_rename(path: Path, *pieces: bytes) -> None:
    in_place(path.with_suffix(".part"), *pieces)
    path.unlink(missing_ok=True)
    path.with_suffix(".part").replace(path)
    sync_folder(path)


def that_swallows_errors(path: Path, *pieces: bytes) -> None:
    with contextlib.suppress(OSError):
        atomic_write(path, *pieces)


def saves(writer: Writer, root: Path, count: int = 3) -> list[Call | int]:
    """The calls of so many saves of one file by `writer`; after each its number."""
    root.mkdir()
    recorder, trace = power.Recorder(root), []
    for number in range(1, count + 1):
        data = safetensors.torch.save(
            {"w": torch.full((3000,), float(number))}, safetensors_metadata({"number": number})
        )
        recorder.trace = []
        with mock.patch(WRITER, writer), watched(root, recorder):
            write_tensor_file(root / "file.safetensors", data)
        trace += [*recorder.trace, number]
    return trace


def lost_files(trace: list[Call | int], root: Path) -> Iterator[str]:
    """What is wrong in each state of each power cut: the file must be as it was promised last, or the one after."""
    on_disk, promised, seen = Disk(root), 0, set()
    for each in [*trace, None]:
        for state in on_disk.states(Random(1)):
            if (key(state), promised) not in seen:
                seen.add((key(state), promised))
                content = state.get(Path("file.safetensors"))
                yield verdict(content, promised, root.parent / "found")
        if isinstance(each, Call):
            on_disk.follow(each)
        elif each:
            promised = each


def verdict(content: bytes | None, promised: int, path: Path) -> str:
    if content is None:
        return "lost" if promised else "good"
    path.write_bytes(content)
    try:
        number = read_tensor_file(path)[0]["number"]
    except ValueError:
        return "unreadable"
    return "good" if number in (promised, promised + 1) else "lost"


def test_after_every_power_cut_in_a_save_the_old_or_the_new_file_is_there(tmp_path: Path) -> None:
    found = collections.Counter(lost_files(saves(atomic_write, tmp_path / "disk"), tmp_path / "disk"))
    assert set(found) == {"good"}
    assert found["good"] > 40


@pytest.mark.parametrize(
    ("writer", "fault"),
    [
        (in_place, "unreadable"), (without_fsync, "unreadable"), (renamed_before_the_fsync, "unreadable"),
        (without_fsync_of_the_folder, "lost"), (deleted_before_the_rename, "lost"),
    ],
)  # fmt: skip
def test_a_writer_that_leaves_something_out_is_found(writer: Writer, fault: str, tmp_path: Path) -> None:
    assert fault in lost_files(saves(writer, tmp_path / "disk"), tmp_path / "disk")


def cut(tmp_path: Path, number: int, share: float) -> dict[str, int]:
    """What `power.py` counts in a share of the states."""
    root = tmp_path / "disk"
    root.mkdir()
    trace = power.traced(number, root, small_data.draw(tmp_path / "pictures", 4))
    return power.count(trace, root, Random(number), share)


def test_no_power_cut_costs_a_run_what_it_has_promised(tmp_path: Path) -> None:
    counted = cut(tmp_path, 1, 0.25)
    assert counted["states"] > 20
    assert not [what for what in power.NEVER if counted[what]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> disk.Runs:
    return disk.Runs(tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize(("number", "every"), [(0, 17), (5, 17), (10, 17)])
def test_a_disk_that_refuses_costs_nothing_and_is_told(runs: disk.Runs, number: int, every: int) -> None:
    counted = disk.refusals(runs, number, every)
    assert counted["disturbed_runs"] > 2
    assert counted["told"]
    assert not [what for what in disk.NEVER if counted[what]]


@pytest.mark.parametrize(("writer", "fault"), [(that_swallows_errors, "silent_successes"), (in_place, "corruptions")])
def test_a_program_that_hides_a_refusal_is_found(runs: disk.Runs, writer: Writer, fault: str) -> None:
    refuser = disk.Refuser(errno.ENOSPC, lambda number, call: call.what == "write" and "epoch-00003" in call.path.name)
    with mock.patch(WRITER, writer):
        assert fault in list(runs.disturbed("train", refuser))


def test_a_call_is_refused_as_the_system_would_and_only_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    refuser = disk.Refuser(errno.ENOSPC, lambda number, call: number >= 2)
    with watched(tmp_path / "in", refuser):
        (tmp_path / "out.txt").write_text("whole")
        with pytest.raises(OSError, match="No space left"):
            (tmp_path / "in" / "a.txt").write_text("half of it")
    assert refuser.refused[:2] == ["write a.txt", "write a.txt"]
    assert (tmp_path / "in" / "a.txt").read_text() == "half "
    assert (tmp_path / "out.txt").read_text() == "whole"
