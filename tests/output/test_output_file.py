"""A table is tried before the work, and an earlier one stays until the new one is whole."""

import os
import resource
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from resnet_gui.messages import Problem
from resnet_gui.output.output_file import check_new_folder, check_output, open_output

NOT_UTF_8 = os.fsdecode(b"caf\xe9.csv")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("nowhere/x.csv", "Make the folder first"),
        ("file/x.csv", "is a file, not a folder"),
        ("folder", "There is a folder of this name"),
        ("n" * 300 + ".csv", "Choose a shorter"),
        ("circle.csv", "Choose a shorter or simpler name"),
        ("to_nowhere.csv", "Make the folder first"),
        ("/proc/x.csv", "could not be written"),
    ],
)
def test_what_cannot_be_written_is_found_at_once(tmp_path: Path, name: str, advice: str) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    (tmp_path / "circle.csv").symlink_to("circle.csv")
    (tmp_path / "to_nowhere.csv").symlink_to("nowhere/x.csv")
    before = sorted(tmp_path.rglob("*"))
    for attempt in (check_output, lambda path: open_output(path).__enter__()):
        with pytest.raises(Problem, match=advice):
            attempt(tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["x.csv", NOT_UTF_8, "猫" * 80 + ".csv", "n" * 250 + ".csv", "-x", ".csv"])
def test_a_table_appears_when_it_is_whole(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    check_output(path)
    assert not list(tmp_path.iterdir())
    with open_output(path) as output:
        output.file.write("猫\n" + NOT_UTF_8)
        assert not path.exists()
    assert path.read_bytes() == "猫\n".encode() + b"caf\xe9.csv"
    assert list(tmp_path.iterdir()) == [path]


def test_an_earlier_table_survives_an_error_and_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("earlier")
    with pytest.raises(KeyError), open_output(path) as output:
        output.file.write("half")
        raise KeyError
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_fills_up_ends_the_table_and_keeps_the_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("earlier")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(Problem, match="does not take files so large"), open_output(path) as output:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
            output.file.write("x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_a_mode_stays_as_it_was(tmp_path: Path) -> None:
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("earlier")
    real.chmod(0o640)
    link.symlink_to(real)
    with open_output(link) as output:
        output.file.write("new")
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("new", 0o640)


def test_an_unfinished_table_replaces_no_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    for expected in ("x.csv", "x.stopped.csv", "x.stopped-2.csv"):
        with open_output(path) as output:
            output.file.write(expected)
            output.keep_unfinished()
        assert output.path == tmp_path / expected
        assert (tmp_path / expected).read_text() == expected
    assert path.read_text() == "x.csv"


def test_a_pipe_and_the_null_device_are_written_in_place(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    check_output(pipe)  # does not wait for a reader
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    for path in (pipe, Path(os.devnull)):
        with open_output(path) as output:
            output.file.write("row")
            assert output.is_stream
    reader.join(5)
    assert read == ["row"]
    assert pipe.is_fifo()


def test_a_runs_folder_is_tried_and_not_made(tmp_path: Path) -> None:
    check_new_folder(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    with pytest.raises(Problem, match="is a file, not a folder"):
        check_new_folder(tmp_path / "file" / "runs")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux refuses to write a program that runs")
def test_a_file_that_another_program_holds_is_found_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    shutil.copy(str(shutil.which("sleep")), path)
    with subprocess.Popen([path, "60"]) as holds_it:
        with pytest.raises(Problem, match="Another program has it open"):
            check_output(path)
        holds_it.kill()
