from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from resnet_gui.data.transforms import Preprocessing
from resnet_gui.model_file import ModelMetadata, save_model
from resnet_gui.nets.build import build
from resnet_gui.prediction import predictor

CLASSES = ("blue", "green", "red")


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Leaves torch the threads that it had."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """A ResNet-20 whose norms do something, as after a training. Its answers are compared to 1e-5: none is in 16 bits."""
    monkeypatch.setattr(predictor, "short_precision", lambda _: None)
    torch.manual_seed(0)
    network = build("resnet20", 3)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.2, 0.2)
            nn.init.uniform_(layer.running_var, 0.6, 1.4)
    return network.eval()


@pytest.fixture
def model(network: nn.Module, tmp_path: Path) -> Path:
    """The same as a model file."""
    path = tmp_path / "model.safetensors"
    save_model(path, network.state_dict(), ModelMetadata("resnet20", CLASSES, Preprocessing.for_size(32), 1, True))
    return path
