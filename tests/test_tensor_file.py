"""Every single flipped bit and every cut of a file is noticed; nothing is taken for what it is not."""

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from resnet_gui.data.transforms import Preprocessing
from resnet_gui.model_file import ModelMetadata, load_model, save_model
from resnet_gui.nets.build import build
from resnet_gui.tensor_file import (
    FORMAT,
    NewerFormat,
    read_description,
    read_tensor_file,
    safetensors_metadata,
    write_tensor_file,
)

TENSORS = {"weight": torch.arange(6.0), "count": torch.tensor(3)}
DESCRIPTION = {"kind": "model", "classes": ["caf\udce9", '"sha256": "'], "score": 0.5}


def content(description: dict[str, Any]) -> bytes:
    return safetensors.torch.save(TENSORS, safetensors_metadata(description))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file.safetensors"
    write_tensor_file(path, content(DESCRIPTION))
    return path


def test_what_was_written_comes_back(path: Path) -> None:
    description, data = read_tensor_file(path)
    assert description | DESCRIPTION == description == read_description(path)
    assert data == path.read_bytes()
    assert torch.equal(safetensors.torch.load(data)["weight"], TENSORS["weight"])


def test_equal_content_is_an_equal_file(path: Path, tmp_path: Path) -> None:
    write_tensor_file(tmp_path / "again.safetensors", content(DESCRIPTION))
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_every_flipped_bit_is_damage(path: Path) -> None:
    """Damage, and not a newer version's format, which would make the user look for an update."""
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - any sentence will do, but one kind of it
            read_tensor_file(path)
        assert not isinstance(caught.value, NewerFormat), f"bit {bit}"


def test_every_cut_is_damage(path: Path) -> None:
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"complete|header|char|checksum|damaged|empty"):
            read_tensor_file(path)


def test_what_was_added_behind_it_is_damage(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ValueError, match="tells of 32 bytes of tensors, not 33"):
        read_tensor_file(path)


def test_a_newer_format_is_told_from_damage(path: Path) -> None:
    write_tensor_file(path, content({"format": FORMAT + 1}))
    for read in (read_tensor_file, read_description):
        with pytest.raises(NewerFormat) as caught:
            read(path)
        assert caught.value.args == (FORMAT + 1,)


def test_a_model_of_format_1_had_no_checksum_and_still_loads(tmp_path: Path) -> None:
    path, network = tmp_path / "model.safetensors", build("resnet20", 2)
    metadata = ModelMetadata("resnet20", ("cat", "dog"), Preprocessing.for_size(32), epoch=3, validated=False)
    save_model(path, network.state_dict(), metadata)
    description, data = read_tensor_file(path)
    del description["sha256"]
    old = {"resnet_gui": json.dumps({**description, "format": 1})}
    path.write_bytes(safetensors.torch.save(safetensors.torch.load(data), old))
    loaded, found = load_model(path)
    assert found == metadata
    assert all(torch.equal(found, each) for found, each in zip(loaded.parameters(), network.parameters(), strict=True))


def test_format_2_is_nothing_without_its_checksum(path: Path) -> None:
    path.write_bytes(safetensors.torch.save(TENSORS, {"resnet_gui": json.dumps({"format": FORMAT})}))
    with pytest.raises(ValueError, match="checksum"):
        read_tensor_file(path)


def test_a_figure_that_is_no_number_is_refused_before_anything_is_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        safetensors_metadata({"score": float("nan")})


def test_a_header_that_claims_gigabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    path.write_bytes((1 << 62).to_bytes(8, "little") + b"{}")
    with pytest.raises(ValueError, match="not a complete"):
        read_description(path)
