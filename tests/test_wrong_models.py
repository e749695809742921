"""A model file from anywhere may be wrong in every field: it is refused in a sentence, before anything is allocated."""

import json
import struct
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from helpers.model_files import changed, entries_of, parts_of, write_model
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.messages import Problem
from resnet_gui.model_fields import FORMATS
from resnet_gui.model_file import ModelMetadata, load_model, preprocessing_in, read_metadata, save_model
from resnet_gui.nets.build import build
from resnet_gui.nets.catalog import NETWORKS
from resnet_gui.nets.without_memory import build_to_be_filled, build_without_memory
from resnet_gui.records import LATER, ClassScore, TestScore
from resnet_gui.tensor_file import FORMAT

METADATA = ModelMetadata(
    "lenet5", ("cat", "dog"), Preprocessing(32, 36, mean=(0.5,), std=(0.25,)), epoch=3, validated=True, val_accuracy=0.75,
    val_loss=0.5, test=TestScore(2, 3, 0.4, (ClassScore("cat", 1, 1), ClassScore("dog", 1, 2)), 1), test_opened=1,
)  # fmt: skip

INFINITE = float("inf")
BEYOND = "preprocessing.grey_range"
WRONG_FIELDS: list[dict[str, Any]] = [
    *({"network": value} for value in (None, 5, "", "lenet6", "x" * 300, "../../etc/passwd", "timm", "le\udce9net", ["lenet5"])),
    *({"classes": value} for value in (None, "ab", 7, [], {}, ["cat", "cat"], ["cat", ""], ["cat", 3], [["cat"], "dog"])),
    *({"classes": value} for value in (["cat", "x" * 1001], ["cat", "\ud800"], ["cat", None], ["x"] * 100_001)),
    *({"preprocessing": value} for value in (None, 5, [], "x")),
    *({"preprocessing.image_size": value} for value in (0, -5, 7, 33, 100_000, 10**30, 32.0, "32", True, None, ...)),
    *({"preprocessing.resize": value} for value in (0, -36, 31, 4000, 10**30, "36", None, ...)),
    *({"preprocessing.interpolation": value} for value in ("nearest", "", None, 2, ["bilinear"])),
    *({"preprocessing.mean": value} for value in (None, 0.5, [], ["x"], [None], [0.5, 0.5], [0.5] * 3, [1e300], [True])),
    *({"preprocessing.std": value} for value in (None, [0], [0.0], [-0.25], [1e-9], [1e300], [0.2] * 4, "0.25")),
    *({BEYOND: value} for value in (5, [0, 1], {}, {"low": 1, "high": 0}, {"low": 1, "high": 1}, {"low": "0", "high": 1})),
    {BEYOND: {"low": 0, "high": 1, "stretch": 1}},
    *({"epoch": value} for value in (-1, 1.5, "3", None, True, 10**20, ...)),
    *({"validated": value} for value in (0, "yes", None)),
    *({"val_accuracy": value} for value in (-0.1, 1.1, "0.5", True)),
    *({"val_loss": value} for value in (-1, "x", [])),
    *({"test": value} for value in (5, [], {}, "x")),
    *({"test.right": value} for value in (-1, 4, 1, 2.0, "2")),
    *({"test.total": value} for value in (1, 4, None)),
    *({"test.loss": value} for value in (None, -1, "x")),
    *({"test.classes": value} for value in (None, [], [5, 6], "ab")),
    *({"test.classes.0.name": value} for value in ("dog", 5, None)),
    *({"test.classes.1.right": value} for value in (-1, 3, "1")),
    *({"test.leaked": value} for value in (-1, 4, "1")),
    {"test.leaked": 3, "test.leaked_right": 0},
    *({"test_opened": value} for value in (-1, "1", None)),
    {"val_leaked": -1}, {"resnet_gui": 5}, {"torch": "x" * 201}, {"dataset_fingerprint": None},
]  # fmt: skip

DAMAGED = "model_not_one"
WRONG_DESCRIPTIONS = {
    "NaN": '{"format": 2, "epoch": NaN, "sha256": "%s"}',
    "Infinity": '{"format": 2, "epoch": Infinity, "sha256": "%s"}',
    "beyond": '{"format": 2, "val_loss": 1e999, "sha256": "%s"}',
    "twice": '{"format": 2, "network": "lenet5", "network": "resnet18", "sha256": "%s"}',
    "deep": '{"format": 2, "classes": ' + "[" * 100_000 + "]" * 100_000 + ', "sha256": "%s"}',
    "parts": '{"format": 2, "classes": [' + "[]," * 600_000 + '[]], "sha256": "%s"}',
    "list": '["format", 2, "sha256", "%s"]',
    "text": '"format"',
    "number": "5",
    "null": "null",
    "digits": '{"format": ' + "9" * 5000 + ', "sha256": "%s"}',
    "unended": '{"format": 2, "sha256": "%s"',
    "nothing": "{}",
}
WRONG_FORMATS = [None, 0, -1, True, 2.0, "2", [], 10**9, ...]


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """The parts of a right model."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("right") / "model.safetensors"
    save_model(path, build("lenet5", 2, 1).state_dict(), METADATA)
    return parts_of(path)


def refused(path: Path, code: str) -> dict[str, Any]:
    """The values of the problem that `path` is refused with, whose sentence is short and plain ASCII but for quotes."""
    with pytest.raises(Problem) as caught:
        load_model(path)
    assert caught.value.message.code == code, str(caught.value)
    values = dict(caught.value.message.values)
    assert len(str(caught.value)) - len(str(path)) < 700
    assert str(values.get("value", "")).isascii()
    return values


def test_what_is_right_opens(right: Any, tmp_path: Path) -> None:
    network, metadata = load_model(write_model(tmp_path / "model.safetensors", *right))
    assert metadata == METADATA
    assert network(torch.zeros(1, 1, 32, 32)).shape == (1, 2)
    odd = {"classes.0": "caf\udce9", "test.classes.0.name": "caf\udce9", BEYOND: {"low": -1, "high": 2.5}, "later": [1]}
    path = write_model(tmp_path / "model.safetensors", changed(right[0], odd), *right[1:])
    assert read_metadata(path).classes[0] == "caf\udce9"


@pytest.mark.parametrize("changes", WRONG_FIELDS, ids=lambda changes: f"{next(iter(changes))}")
def test_a_wrong_field_is_named(changes: dict[str, Any], right: Any, tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.safetensors", changed(right[0], changes), *right[1:])
    named = refused(path, "model_field")["field"]
    group = next(iter(changes)).partition(".")[0]
    assert named.startswith((group, "preprocessing.std")), named
    with pytest.raises(Problem):
        preprocessing_in(path)


@pytest.mark.parametrize("name", WRONG_DESCRIPTIONS)
def test_a_description_that_is_no_plain_json_is_refused(name: str, right: Any, tmp_path: Path) -> None:
    text = WRONG_DESCRIPTIONS[name].replace("%s", "0" * 64)
    path = write_model(tmp_path / "model.safetensors", text, *right[1:])
    assert refused(path, DAMAGED)["reason"].startswith(("its header", "Expecting", "Exceeds"))


@pytest.mark.parametrize("number", WRONG_FORMATS)
def test_a_format_that_is_no_number_is_damage(number: Any, right: Any, tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.safetensors", changed(right[0], {"format": number}), *right[1:])
    assert refused(path, DAMAGED)["reason"] == "its header is damaged"


@pytest.mark.parametrize("version", ["0.9", None, "x" * 50, "0.9\n\x1b[31m"])
def test_a_newer_file_names_the_version_that_wrote_it(version: Any, right: Any, tmp_path: Path) -> None:
    newer = changed(right[0], {"format": FORMAT + 1, "resnet_gui": version, "preprocessing": 5})
    values = refused(write_model(tmp_path / "model.safetensors", newer, *right[1:]), "model_newer")
    assert values["version"] == ("0.9" if version == "0.9" else "(a newer version)")
    assert (values["format"], values["known"]) == (FORMAT + 1, FORMAT)


def entry(dtype: Any = "F32", shape: Any = (), offsets: Any = (0, 4)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


WRONG_ENTRIES = {
    "overlap": {"a": entry(), "b": entry(offsets=(2, 6))},
    "gap": {"a": entry(), "b": entry(offsets=(5, 9))},
    "beyond": {"a": entry(shape=[2**40], offsets=(0, 2**42))},
    "negative": {"a": entry(offsets=(-4, 0))},
    "backwards": {"a": entry(offsets=(4, 0))},
    "size": {"a": entry(shape=[3])},
    "shape": {"a": {"dtype": "F32", "shape": "x", "data_offsets": [0, 4]}},
    "side": {"a": entry(shape=[-1])},
    "fraction": {"a": entry(shape=[1.0])},
    "bool": {"a": entry(shape=[True])},
    "sides": {"a": entry(shape=[1] * 100)},
    "type": {"a": entry("F31")},
    "no type": {"a": entry(None)},
    "empty": {"a": {}},
    "no group": {"a": 5},
}


@pytest.mark.parametrize("name", WRONG_ENTRIES)
def test_a_header_that_lies_about_tensors_is_refused(name: str, right: Any, tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.safetensors", right[0], WRONG_ENTRIES[name], b"\0" * 4)
    assert refused(path, DAMAGED)["reason"].startswith("its header")


def test_a_tensor_twice_in_the_header_is_refused(right: Any, tmp_path: Path) -> None:
    twice = f'{{"a": {json.dumps(entry())}, "a": {json.dumps(entry())}}}'
    assert "twice" in refused(write_model(tmp_path / "m", right[0], twice, b"\0" * 4), DAMAGED)["reason"]


@pytest.mark.parametrize("dtype", ["F16", "BF16", "I16"])
def test_weights_of_another_type_are_refused(dtype: str, right: Any, tmp_path: Path) -> None:
    description, entries, data = right
    other = {
        name: {**each, "dtype": dtype, "data_offsets": [n // 2 for n in each["data_offsets"]]}
        for name, each in entries.items()
    }
    values = refused(write_model(tmp_path / "m", description, other, data[: len(data) // 2]), "model_tensors")
    assert values["count"] == len(entries)
    assert f"and is 6 × 1 × 5 × 5 {dtype}" in values["first"]


@pytest.mark.parametrize("dtype", ["C64", "F8_E4M3"])
def test_complex_and_tiny_numbers_are_refused(dtype: str, right: Any, tmp_path: Path) -> None:
    size = 8 if dtype == "C64" else 1
    values = refused(
        write_model(tmp_path / "m", right[0], {"a": entry(dtype, (), (0, size))}, b"\0" * size), "model_tensors"
    )
    assert "\na should be missing" not in values["first"]


def test_other_tensors_are_shown_with_both_shapes(right: Any, tmp_path: Path) -> None:
    path = write_model(tmp_path / "m", changed(right[0], {"classes": ["a", "b", "c"], "test": None}), *right[1:])
    values = refused(path, "model_tensors")
    assert values["count"] == 2
    assert "should be 3 × 84 F32 and is 2 × 84 F32; " in values["first"]
    named = {f"x\x1b{number}" * 20: (1,) for number in range(9)}
    values = refused(write_model(tmp_path / "m", right[0], entries_of(named), b"\0" * 36), "model_tensors")
    assert values["count"] == 9 + len(right[1])
    assert values["first"].count(" should be ") == 3


@pytest.mark.parametrize("value", [float("nan"), INFINITE, -INFINITE])
def test_weights_that_are_no_numbers_are_refused(value: float, right: Any, tmp_path: Path) -> None:
    description, entries, data = right
    name, each = list(entries.items())[-1]
    begin = each["data_offsets"][0]
    data = data[:begin] + struct.pack("<f", value) + data[begin + 4 :]
    assert refused(write_model(tmp_path / "m", description, entries, data), "model_not_finite")["name"] == name


def test_a_wrong_field_of_a_damaged_file_is_told_as_damage(right: Any, tmp_path: Path) -> None:
    path = write_model(tmp_path / "m", *right)
    path.write_bytes(path.read_bytes().replace(b'\\"epoch\\": 3', b'\\"epoch\\": -'))
    assert refused(path, DAMAGED)
    path = write_model(tmp_path / "m", *right)
    path.write_bytes(path.read_bytes().replace(b"lenet5", b"lenet6"))
    assert "checksum" in refused(path, DAMAGED)["reason"]


@pytest.mark.parametrize("length", [0, 1, 7, 8, 100])
def test_a_header_longer_than_the_file_is_refused(length: int, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes((2**62).to_bytes(8, "little")[:length] + b" " * max(0, length - 8))
    assert ("not a complete" if length else "is empty") in refused(tmp_path / "m", DAMAGED)["reason"]


def test_a_network_of_gigabytes_is_not_built_to_be_compared(tmp_path: Path) -> None:
    script = (
        "import resource, sys\n"
        "from resnet_gui.model_file import load_model\n"
        "from pathlib import Path\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "before = peak()\n"
        "try: load_model(Path(sys.argv[1]))\n"
        "except Exception as error: print(error.message.code, peak() - before)\n"
    )
    description = {
        "format": 2, "network": "vgg_e", "classes": [f"{number}" for number in range(100_000)], "epoch": 1, "validated": False,
        "preprocessing": {"image_size": 224, "resize": 256},
    }  # fmt: skip
    path = write_model(tmp_path / "m", description, entries_of({"fc.bias": (250_000,)}), bytes(1_000_000))
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True)
    code, megabytes = done.stdout.split()
    assert code == "model_tensors", done.stderr
    assert int(megabytes) < 100, "of 2,100 that its numbers would take"


def test_our_networks_hold_nothing_that_a_state_dict_does_not() -> None:
    """So they can be built without numbers, and filled."""
    one_of_each_family = {spec.family: spec for spec in NETWORKS if spec.source == "ours" and spec.depth < 60}
    for spec in one_of_each_family.values():
        shadow = build_without_memory(spec.name, 2, spec.channels)
        loose = [
            value for module in shadow.modules() for value in vars(module).values() if isinstance(value, torch.Tensor)
        ]
        assert not loose, spec.name
        assert dict(shadow.named_buffers()).keys() <= shadow.state_dict().keys(), spec.name
    network, whole = build_to_be_filled(build_without_memory("resnet20", 2, 3), "resnet20", 2, 3), build("resnet20", 2)
    network.load_state_dict(whole.state_dict())
    pictures = torch.randn(2, 3, 32, 32)
    assert torch.equal(network(pictures), whole(pictures))


def test_every_later_field_has_its_format() -> None:
    first = {"image_size", "resize", "interpolation", "mean", "std"}
    later = {f"preprocessing.{field.name}" for field in fields(Preprocessing) if field.name not in first}
    assert later == {name for name in FORMATS if name.startswith("preprocessing.")}
    for kind, group in ((ModelMetadata, ""), (TestScore, "test."), (Preprocessing, "preprocessing.")):
        marked = {group + field.name for field in fields(kind) if field.metadata == LATER}
        assert marked <= FORMATS.keys(), "it must be said which format of the file a reader needs for it"


def test_a_header_larger_than_that_of_any_model_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "m").open("wb") as file:
        file.write((10**8).to_bytes(8, "little") + b'{"resnet_gui"')
        file.truncate(2 * 10**8)
    assert refused(tmp_path / "m", DAMAGED)["reason"] == "its header is larger than that of any model"


def test_what_cannot_be_opened_is_not_written(tmp_path: Path) -> None:
    weights = build("lenet5", 2, 1).state_dict()
    for wrong in (
        {"classes": ("", "dog"), "test": None}, {"epoch": -1}, {"preprocessing": Preprocessing(32, 36, mean=(0.5,), std=(0.0,))},
    ):  # fmt: skip
        with pytest.raises(Problem, match="could not be saved"):
            save_model(tmp_path / "m", weights, replace(METADATA, **wrong))
    next(iter(weights.values()))[0] = INFINITE
    with pytest.raises(Problem, match="infinite"):
        save_model(tmp_path / "m", weights, METADATA)
    assert not any(tmp_path.iterdir())
