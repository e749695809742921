"""Short files that make a lot of a little are refused before they have taken time or memory."""

import resource
import struct
import time
import zipfile
from pathlib import Path

import pytest
from hostile_files.amplified import amplified
from hostile_files.containers import parts, zip_of, zipped
from hostile_files.opcodes import pickled, storage, tensor

from resnet_gui.messages import Problem
from resnet_gui.weights.state_dict import choose
from resnet_gui.weights.weight_file import read_contents

NUMBERS = struct.pack("<6f", *range(6))
WEIGHT = tensor(storage("0", 6), (2, 3))
SECONDS, MEGABYTES = 5.0, 400
"""Far above what a quiet machine takes, and far below what each took before it was refused."""

VALUES = amplified()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.pth"


def code_of(path: Path) -> str:
    """The code with which the file is refused, "" if it is read; in little time and memory in any case."""
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        choose(read_contents(path), {"w": (2, 3)}).tensors["w"].read()
        code = ""
    except Problem as problem:
        code = problem.message.code
    assert time.process_time() - began < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1024 * MEGABYTES
    return code


@pytest.mark.parametrize(
    "name",
    [
        "a list that is copied two thousand times", "a set that is copied two thousand times",
        "a dict that is copied a thousand times", "a dict of pairs that is made a thousand times",
        "a dict with a hundred thousand states", "stand-ins that share a large list",
        "stand-ins that share a large argument",
    ],
)  # fmt: skip
def test_what_is_named_again_and_again_is_counted(name: str, path: Path) -> None:
    path.write_bytes(zipped(pickled({"w": WEIGHT, "x": VALUES[name]}), [NUMBERS]))
    assert code_of(path) == "weights_unsupported"


@pytest.mark.parametrize(
    "name",
    [
        "a hundred thousand pairs that have one hash", "two hundred thousand numbers that have one hash",
        "tensors without numbers that share a long shape", "a module by a name that takes for ever to print",
        "names to leave out that are many", "dicts that share what they hold, sixty deep",
    ],
)  # fmt: skip
def test_what_would_take_for_ever_beside_weights_does_not_matter(name: str, path: Path) -> None:
    path.write_bytes(zipped(pickled({"w": WEIGHT, "x": VALUES[name]}), [NUMBERS]))
    assert code_of(path) == ""


@pytest.mark.parametrize(
    "name",
    [
        "modules that share their weights", "a view by a key that takes for ever to hash", "names made of one large text",
        "a name of a hundred thousand dots",
    ],
)  # fmt: skip
def test_what_no_network_has_is_damage(name: str, path: Path) -> None:
    path.write_bytes(zipped(pickled({"w": WEIGHT, "x": VALUES[name]}), [NUMBERS]))
    assert code_of(path) == "weights_damaged"


def test_a_stand_in_is_printed_without_what_it_holds(path: Path) -> None:
    """It may be a tuple in a tuple, each twice, sixty times."""
    value = {"w": WEIGHT, "x": {VALUES["a tuple that takes for ever to print"]: WEIGHT}}
    path.write_bytes(zipped(pickled(value), [NUMBERS]))
    [key] = read_contents(path)["x"]
    assert repr(key) == "<builtins.tuple>"


def test_weights_that_fill_the_memory_from_a_small_file_are_refused(path: Path) -> None:
    numel = 20_000_000
    data = zip_of(parts(pickled({"w": tensor(storage("0", numel), (2, 3))}), [bytes(4 * numel)]), zipfile.ZIP_DEFLATED)
    assert len(data) < 200_000
    path.write_bytes(data)
    assert code_of(path) == "weights_unsupported"


def test_a_tar_archive_whose_headers_take_hours_is_not_read(path: Path) -> None:
    block = bytearray(512)
    block[:3], block[156:157], block[257:265] = b"pax", b"x", b"ustar\x0000"
    block[124:136] = b"%011o\0" % 500_000
    block[148:156] = b"%06o\0 " % (sum(block) + 8 * ord(" "))
    path.write_bytes(bytes(block) + b"1" * 500_000 + bytes(2048))
    assert code_of(path) == "weights_not_weights"
