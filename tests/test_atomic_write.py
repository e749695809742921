"""A file is written whole or not at all, and what a killed writer has left goes away."""

import errno
import os
import threading
import time
from pathlib import Path
from unittest import mock

import pytest

from resnet_gui import atomic_write as module
from resnet_gui.atomic_write import atomic_write, sweep


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_pieces_come_one_after_the_other_and_replace_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a longer text than the new one")
    atomic_write(path, b"new", memoryview(b" one"), b"")
    assert path.read_bytes() == b"new one"
    assert names(tmp_path) == ["file"]


def test_without_the_folder_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic_write(tmp_path / "none" / "file", b"new")
    assert names(tmp_path) == []


def test_a_piece_that_cannot_be_written_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(TypeError):
        atomic_write(path, b"new", "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_target_that_cannot_be_replaced_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        atomic_write(tmp_path / "file", b"new")
    assert names(tmp_path) == ["file"]


def refused(times: int) -> mock.Mock:
    """A rename that is refused so often, as it is while a virus scanner holds the target. Only Windows does that."""
    real, refusals = os.replace, iter([PermissionError(errno.EACCES, "held")] * times)

    def replace(source: Path, target: Path) -> None:
        for refusal in refusals:
            raise refusal
        real(source, target)

    return mock.Mock(side_effect=replace)


@pytest.mark.parametrize("times", [1, 3])
def test_a_target_that_is_held_for_a_moment_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr(os, "replace", refused(times))
    began = time.monotonic()
    atomic_write(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert time.monotonic() - began >= 0.05 * times


def test_a_target_that_stays_held_is_given_up_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(os, "replace", refused(1000))
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(PermissionError):
        atomic_write(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_who_reads_meanwhile_sees_the_old_or_the_new_and_nothing_else(tmp_path: Path) -> None:
    path, whole = tmp_path / "file", {bytes([number]) * 100_000 for number in range(40)}
    atomic_write(path, bytes(100_000))
    writer = threading.Thread(target=lambda: [atomic_write(path, content) for content in sorted(whole)])
    writer.start()
    while writer.is_alive():
        assert path.read_bytes() in whole
    writer.join()


def test_leftovers_of_a_killed_writer_are_swept_and_nothing_else(tmp_path: Path) -> None:
    for name in (".model.safetensors.4711.part", ".config.toml.1.part", "kept.part", ".hidden", "model.safetensors"):
        (tmp_path / name).touch()
    (tmp_path / ".folder.part").mkdir()
    sweep(tmp_path)
    assert names(tmp_path) == [".folder.part", ".hidden", "kept.part", "model.safetensors"]


def test_to_sweep_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    sweep(tmp_path / "none")
