"""A picture that is replaced is noticed, one that is only copied or touched is not."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from resnet_gui.data.samples import Sample
from resnet_gui.data.snapshot import Snapshot

SAMPLES = [Sample(f"{name}/{number}.png", label) for label, name in enumerate(("blue", "red")) for number in range(3)]
PICTURE = "red/1.png"
INDEX = [sample.path for sample in SAMPLES].index(PICTURE)


@pytest.fixture
def snapshot(colours: Path) -> Snapshot:
    taken = Snapshot.take(colours, SAMPLES)
    taken.read(colours, SAMPLES)
    return taken


def replaced(path: Path) -> None:
    path.write_bytes(path.with_name("2.png").read_bytes())


def replaced_with_all_its_times(path: Path) -> None:
    """Another content of one size, and the same time of change: only the system's own time is another."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(data)
    os.utime(path, ns=times)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def touched(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def copied_anew(path: Path) -> None:
    shutil.copyfile(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


@pytest.mark.parametrize(
    ("alter", "holds"),
    [(replaced, False), (replaced_with_all_its_times, False), (cut_short, False), (touched, True), (copied_anew, True)],
)
def test_what_counts_is_the_content(
    snapshot: Snapshot, colours: Path, alter: Callable[[Path], None], holds: bool
) -> None:
    alter(colours / PICTURE)
    assert snapshot.holds(INDEX, colours / PICTURE) == holds
    assert snapshot.holds(INDEX, colours / PICTURE) == holds, "and it stays so"
    assert snapshot.compare(colours, SAMPLES, ()) == ([], [] if holds else [INDEX])


def test_one_that_was_never_read_is_only_known_by_its_times(colours: Path) -> None:
    unread = Snapshot.take(colours, SAMPLES)
    touched(colours / PICTURE)
    assert not unread.holds(INDEX, colours / PICTURE)


def test_removed_changed_and_left_out_pictures_are_distinguished(snapshot: Snapshot, colours: Path) -> None:
    (colours / PICTURE).unlink()
    assert snapshot.compare(colours, SAMPLES, ()) == ([INDEX], [])
    assert snapshot.compare(colours, SAMPLES, {INDEX}) == ([], [])
    assert not snapshot.holds(INDEX, colours / PICTURE)


def test_of_no_pictures_there_is_a_snapshot_too(tmp_path: Path) -> None:
    assert Snapshot.take(tmp_path, []).compare(tmp_path, [], ()) == ([], [])
