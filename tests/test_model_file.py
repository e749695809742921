"""The model file: one file, whole or not at all, and nothing else is taken for one."""

import resource
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch

from resnet_gui.data.transforms import Preprocessing
from resnet_gui.messages import Problem
from resnet_gui.model_file import ModelMetadata, load_model, save_model
from resnet_gui.nets.build import build
from resnet_gui.records import ClassScore, TestScore
from resnet_gui.tensor_file import read_tensor_file, safetensors_metadata, write_tensor_file

METADATA = ModelMetadata(
    "resnet18", ("cat", "caf\udce9", "<b>"), Preprocessing.for_size(64), epoch=3, validated=True, val_accuracy=0.75, val_loss=0.5,
    test=TestScore(2, 3, 0.4, (ClassScore("cat", 1, 1), ClassScore("caf\udce9", 1, 1), ClassScore("<b>", 0, 1)), 1),
    test_opened=1,
)  # fmt: skip


@pytest.fixture
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return build("resnet18", 3).eval()


@pytest.fixture
def saved(tmp_path: Path, network: torch.nn.Module) -> Path:
    path = tmp_path / "model.safetensors"
    save_model(path, network.state_dict(), METADATA)
    return path


def test_a_model_comes_back_as_it_was(saved: Path, network: torch.nn.Module) -> None:
    loaded, metadata = load_model(saved)
    pictures = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(loaded(pictures), network(pictures))
    assert metadata == METADATA
    assert not loaded.training


def test_the_file_is_plain_safetensors_that_others_can_read(saved: Path) -> None:
    tensors = safetensors.torch.load_file(saved)
    assert tensors["fc.weight"].shape == (3, 512)


def with_header(saved: Path, **changes: object) -> Path:
    """The file as another version of the program would have written it, with a checksum that fits."""
    description, data = read_tensor_file(saved)
    write_tensor_file(
        saved, safetensors.torch.save(safetensors.torch.load(data), safetensors_metadata({**description, **changes}))
    )
    return saved


def test_a_newer_format_is_refused(saved: Path) -> None:
    with pytest.raises(Problem, match="in format 99"):
        load_model(with_header(saved, format=99))


def test_what_this_version_does_not_know_is_passed_over(saved: Path) -> None:
    assert load_model(with_header(saved, added_later=[1, 2]))[1] == METADATA


@pytest.mark.parametrize(
    "changes",
    [
        {"network": "resnet9000"},
        {"classes": ["one", "one"]},
        {"preprocessing": 5},
        {"classes": None},
        {"network": None},
    ],
)
def test_a_header_that_does_not_fit_is_a_sentence(saved: Path, changes: dict[str, object]) -> None:
    with pytest.raises(Problem) as caught:
        load_model(with_header(saved, **changes))
    assert caught.value.message.code == "model_field"


@pytest.mark.parametrize("length", [0, 7, 100, 50_000, -1])
def test_a_file_cut_short_is_a_sentence(saved: Path, length: int) -> None:
    saved.write_bytes(saved.read_bytes()[:length])
    with pytest.raises(Problem, match="is not a model made by this program"):
        load_model(saved)


def test_foreign_files_are_a_sentence(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(2)}, foreign)
    with pytest.raises(Problem, match="not this program's description"):
        load_model(foreign)
    (tmp_path / "text.safetensors").write_text("hello, I am a text file, not a model")
    with pytest.raises(Problem, match="is not a model"):
        load_model(tmp_path / "text.safetensors")
    header = b"[1, 2]"
    (tmp_path / "list.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(Problem, match="is not a model"):
        load_model(tmp_path / "list.safetensors")
    with pytest.raises(Problem, match="There is no model file"):
        load_model(tmp_path / "nothing.safetensors")
    with pytest.raises(Problem, match="cannot be read"):
        load_model(tmp_path)


def test_a_save_that_fails_leaves_the_old_model(saved: Path, network: torch.nn.Module) -> None:
    before = saved.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))  # a real refusal by the system, as root too
    try:
        with pytest.raises(Problem, match="could not be saved"):
            save_model(saved, network.state_dict(), replace(METADATA, epoch=4))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["model.safetensors"]
