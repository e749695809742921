"""Shared weights as they are become a model that answers."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from resnet_gui.config import MachineConfig
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.events import Event, WeightsLoaded
from resnet_gui.messages import Problem
from resnet_gui.model_file import load_model
from resnet_gui.nets import catalog
from resnet_gui.nets.build import build
from resnet_gui.prediction.model_from_weights import imagenet_classes, make_model
from resnet_gui.prediction.predictor import Predictor
from resnet_gui.records import ModelInfo, Weights

WEIGHTS = Weights(
    "https://host.example/resnet20-0123abcd.pth", 1.1, "MIT", image_size=32, resize=36, mean=(0.5,) * 3, std=(0.5,) * 3
)


@pytest.fixture(autouse=True)
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ResNet-20 for which there are weights: small enough for a test."""
    monkeypatch.setitem(catalog._BY_NAME, "resnet20", replace(catalog.find("resnet20"), weights=WEIGHTS))


def made(name: str, file: Path, out: Path) -> list[Event]:
    return list(make_model(name, file, out, threading.Event()))


def weights_file(folder: Path, classes: int) -> Path:
    torch.manual_seed(3)
    path = folder / "weights.safetensors"
    save_file(build("resnet20", classes).state_dict(), path)
    return path


def test_the_model_has_the_weights_the_names_and_the_preprocessing(tmp_path: Path, colours: Path):
    file, out = weights_file(tmp_path, 1000), tmp_path / "model.safetensors"
    events = made("resnet20", file, out)
    assert [type(event) for event in events] == [WeightsLoaded, ModelInfo]
    network, metadata = load_model(out)
    assert metadata.classes == imagenet_classes()
    assert metadata.preprocessing == Preprocessing(32, 36, "bilinear", (0.5,) * 3, (0.5,) * 3)
    assert not metadata.validated
    torch.manual_seed(3)
    assert torch.equal(network.state_dict()["linear.weight"], build("resnet20", 1000).state_dict()["linear.weight"])
    answer = Predictor(out, MachineConfig()).predict(colours / "red" / "0.png")
    assert len(set(answer.labels) & set(imagenet_classes())) == 5


def test_the_classes_are_those_of_the_competition_in_their_order():
    classes = imagenet_classes()
    assert len(classes) == 1000
    assert (classes[0], classes[985], classes[999]) == ("tench", "daisy", "toilet tissue")


def test_weights_of_other_classes_are_refused_and_nothing_is_written(tmp_path: Path):
    out = tmp_path / "model.safetensors"
    with pytest.raises(Problem) as caught:
        made("resnet20", weights_file(tmp_path, 10), out)
    assert caught.value.message.code == "classes_count"
    assert not out.exists()


def test_a_network_without_shared_weights_is_a_sentence(tmp_path: Path):
    with pytest.raises(Problem) as caught:
        list(make_model("resnet32", None, tmp_path / "model.safetensors", threading.Event()))
    assert caught.value.message.code == "no_pretrained"


def test_a_file_that_is_missing_is_told_whoever_shares_weights(tmp_path: Path):
    with pytest.raises(Problem) as caught:
        made("resnet32", tmp_path / "none.pth", tmp_path / "model.safetensors")
    assert caught.value.message.code == "weights_missing"
