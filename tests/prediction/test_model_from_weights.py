"""Shared weights as they are become a model that answers."""

import argparse
import io
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision import transforms

from resnet_gui.config import MachineConfig
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.engine.job_runner import JobRunner
from resnet_gui.engine.outbox import Outbox
from resnet_gui.events import Event, Note, WeightsLoaded
from resnet_gui.messages import Problem, Value
from resnet_gui.model_file import ModelMetadata, load_model, save_model
from resnet_gui.nets import catalog
from resnet_gui.nets.build import build
from resnet_gui.prediction.model_from_weights import Adoption, adopt, imagenet_classes, make_model
from resnet_gui.prediction.predictor import Predictor
from resnet_gui.records import ModelInfo, Weights
from resnet_gui.tensor_file import read_description

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


FIVE = ("ant", "bee", "cat", "dog", "elk")


def adopted(file: Path, network: str = "resnet20", classes: tuple[str, ...] = FIVE, **wishes: Any) -> list[Event]:
    adoption = Adoption(file, network, classes, file.with_name("adopted.safetensors"), **wishes)
    return list(adopt(adoption, threading.Event()))


def refused(file: Path, network: str = "resnet20", classes: tuple[str, ...] = FIVE, **wishes: Any) -> tuple[str, str]:
    """The code and the sentence of the problem. No file was left behind."""
    with pytest.raises(Problem) as caught:
        adopted(file, network, classes, **wishes)
    assert not list(file.parent.glob("*adopted*"))
    return caught.value.message.code, str(caught.value)


def test_a_cifar_network_with_projections_is_adopted(tmp_path: Path):
    """As they are shared with 1x1 convolutions in the shortcuts, and a head called fc."""
    state = build("resnet20_b", 5).state_dict()
    assert {"layer2.0.downsample.0.weight", "layer3.0.downsample.1.running_var"} < state.keys()
    file = tmp_path / "cifar_resnet20.pt"
    torch.save({name.replace("linear", "fc"): tensor for name, tensor in state.items()}, file)
    events = adopted(file, "resnet20_b")
    assert notes(events)["weights_head_named"] == {"found": "fc", "wanted": "linear"}
    network, metadata = load_model(tmp_path / "adopted.safetensors")
    assert metadata.network == "resnet20_b"
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())


def notes(events: list[Event]) -> dict[str, dict[str, Value]]:
    return {event.message.code: dict(event.message.values) for event in events if isinstance(event, Note)}


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    return dict(build("resnet20", 5).state_dict())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "weights.pth"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": {f"module.{name}": each for name, each in state.items()}, "best_prec1": 91.7},
        lambda state: {"epoch": 1, "weights": {f"net._orig_mod.{name}": each for name, each in state.items()}},
    ],
)
def test_published_weights_answer_as_their_own_network_to_the_bit(
    wrap: Any, state: dict[str, torch.Tensor], file: Path, colours: Path
) -> None:
    torch.save(wrap(state), file)
    adopted(file, mean=(0.5, 0.4, 0.3), std=(0.2,))
    network = build("resnet20", 5)
    network.load_state_dict(state)
    picture = Image.open(colours / "red" / "0.png").convert("RGB")
    prepare = transforms.Compose([
        transforms.Resize(36), transforms.CenterCrop(32), transforms.ToTensor(), transforms.Normalize((0.5, 0.4, 0.3), (0.2,) * 3),
    ])  # fmt: skip
    with torch.inference_mode():
        wanted = network.eval()(prepare(picture)[None]).softmax(1)[0].tolist()
    predictor = Predictor(file.with_name("adopted.safetensors"), MachineConfig(precision="float32"))
    answer = predictor.predict(colours / "red" / "0.png")
    assert [dict(zip(answer.labels, answer.probabilities, strict=True))[name] for name in FIVE] == wanted


def test_what_is_assumed_is_told_and_needs_the_newest_format(state: dict[str, torch.Tensor], file: Path) -> None:
    torch.save(state, file)
    told = notes(adopted(file, "resnet20", size=40, mean=(0.5,)))["prepared_shared"]
    assert told["options"] == "--middle-share, --interpolation, --std"
    assert (told["size"], told["share"], told["mean"]) == (40, "1", "0.5, 0.5, 0.5")
    assert read_description(file.with_name("adopted.safetensors"))["format"] == 4


def test_names_come_from_the_file_where_they_are_in_it(state: dict[str, torch.Tensor], file: Path) -> None:
    numbers = {name: number for number, name in enumerate(FIVE)}
    torch.save({"model": state, "args": argparse.Namespace(classes=["x" * 1001, *"bcde"], class_to_idx=numbers)}, file)
    events = adopted(file, classes=())
    assert notes(events)["classes_in_file"]["names"] == "ant, bee, cat and 2 more"
    assert isinstance(events[-1], ModelInfo)
    assert events[-1].classes == FIVE
    turned = notes(adopted(file, classes=FIVE[::-1]))["classes_otherwise"]
    assert turned["names"] == "ant, bee, cat and 2 more"


def test_a_model_of_this_program_brings_its_names_and_preprocessing(state: dict[str, torch.Tensor], file: Path) -> None:
    preprocessing = Preprocessing(32, 33, "bicubic", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    save_model(file, state, ModelMetadata("resnet20", FIVE, preprocessing, 3, True))
    adopted(file, classes=())
    metadata = load_model(file.with_name("adopted.safetensors"))[1]
    assert (metadata.classes, metadata.preprocessing) == (FIVE, preprocessing)


def test_several_lists_of_names_are_not_guessed_from(state: dict[str, torch.Tensor], file: Path) -> None:
    torch.save({"model": state, "classes": list(FIVE), "names": list(FIVE[::-1])}, file)
    code, sentence = refused(file, classes=())
    assert code == "classes_missing"
    assert "has 5 classes" in sentence


def test_grey_weights_make_a_grey_model_unless_the_user_says_otherwise(file: Path) -> None:
    torch.save(build("resnet20", 5, 1).state_dict(), file)
    for colour, channels in (("auto", 1), ("colour", 3)):
        events = adopted(file, colour=colour)
        assert load_model(file.with_name("adopted.safetensors"))[1].preprocessing.channels == channels
        assert ("channels_spread" in notes(events)) == (colour == "colour")


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"linear.weight": torch.ones(5, 128)}, "weights_not_whole", "linear.weight: wanted 5 × 64, found 5 × 128"),
        ({"linear.weight": torch.ones(6, 64)}, "classes_count", "6 classes (linear.weight: 6 × 64), and 5 names"),
        ({"linear.weight": torch.ones(1, 64)}, "head_of_one", "one output"),
        ({"linear.weight": None, "linear.bias": None}, "weights_no_head", "has no head"),
        ({"layer2.1.conv1.weight": None}, "weights_not_whole", "1 of its 97 tensors"),
        ({"conv1.weight": torch.ones(16, 4, 3, 3)}, "weights_channels", "takes 4 channels"),
        ({"layer1.3.conv1.weight": torch.ones(16, 16, 3, 3)}, "weights_without_place", "layer1.3.conv1.weight"),
        (
            {
                "linear.weight": None,
                "linear.bias": None,
                "fc.weight": torch.ones(5, 64),
                "layer2.0.downsample.0.weight": torch.ones(32, 16, 1, 1),
            },
            "weights_without_place",
            "layer2.0.downsample.0.weight: 32 × 16 × 1 × 1",
        ),
        ({"bn1.running_var": torch.full((16,), -1.0)}, "weights_no_answer", "no numbers at all"),
        ({"bn1.weight": torch.full((16,), float("nan"))}, "weights_not_finite", "bn1.weight"),
    ],
)
def test_weights_that_would_not_answer_rightly_are_refused(
    change: dict[str, torch.Tensor | None], code: str, said: str, state: dict[str, torch.Tensor], file: Path
) -> None:
    torch.save({name: each for name, each in {**state, **change}.items() if each is not None}, file)
    found, sentence = refused(file)
    assert found == code
    assert said in sentence


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"mean": (123.675, 116.28, 103.53)}, "0.485, 0.456, 0.406"),
        ({"mean": (125.0, 0.5, 0.5)}, "0.490196, 0.00196078, 0.00196078"),
        ({"mean": (-0.5,)}, "from 0 to 1"),
        ({"mean": (300.0,)}, "from 0 to 1"),
        ({"std": (0.0,) * 3}, "from 0.001 to 1"),
        ({"std": (float("nan"),)}, "from 0.001 to 1"),
        ({"std": (float("inf"),)}, "from 0.001 to 1"),
        ({"std": (0.5, 0.5)}, "3 for colour or 1 for grey"),
        ({"size": 5}, "8 to 1024"),
        ({"size": -5}, "8 to 1024"),
        ({"middle_share": 1.5}, "0.1 to 1"),
        ({"middle_share": float("nan")}, "0.1 to 1"),
        ({"interpolation": "nearest"}, "bilinear, bicubic"),
        ({"colour": "red"}, "auto, colour, grey"),
    ],
)
def test_a_preprocessing_that_cannot_be_is_refused_before_the_file_is_read(
    wishes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    code, sentence = refused(tmp_path / "not there.pth", **wishes)
    assert code == "setting_invalid"
    assert said in sentence


def test_names_that_no_model_can_have_are_refused_at_once(tmp_path: Path) -> None:
    for names, code in (((*FIVE[:4], " "), "class_nameless"), ((*FIVE[:4], "ant"), "class_named_twice")):
        assert refused(tmp_path / "not there.pth", classes=names)[0] == code
    assert refused(tmp_path / "not there.pth", classes=(*FIVE[:4], "x" * 1001))[0] == "class_name_long"


def test_weights_of_another_network_of_the_catalogue_are_told(state: dict[str, torch.Tensor], file: Path) -> None:
    torch.save(state, file)
    code, sentence = refused(file, "resnet44")
    assert code == "weights_recognised"
    assert "Choose resnet20." in sentence


def test_two_sets_of_weights_are_asked_about_and_a_part_decides(state: dict[str, torch.Tensor], file: Path) -> None:
    other = {name: each * 1.1 if each.is_floating_point() else each for name, each in state.items()}
    torch.save({"student": state, "teacher": other}, file)
    assert refused(file)[0] == "weights_tie"
    adopted(file, part="teacher")
    network = load_model(file.with_name("adopted.safetensors"))[0]
    assert torch.equal(network.state_dict()["linear.bias"], other["linear.bias"])


def test_auxiliary_classifiers_may_be_missing_since_they_do_not_answer(file: Path) -> None:
    state = build("googlenet", 5).state_dict()
    torch.save({name: each for name, each in state.items() if not name.startswith("aux")}, file)
    events = adopted(file, "googlenet")
    assert events[0] == WeightsLoaded(str(file), 287, 287, ())
    assert [*notes(events)] == ["prepared_shared"]


def test_the_file_of_weights_is_not_written_over(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    file = tmp_path / "adopted.safetensors"
    save_file(state, file)
    before = file.read_bytes()
    with pytest.raises(Problem) as caught:
        adopted(file)
    assert caught.value.message.code == "output_is_input"
    assert file.read_bytes() == before


def test_a_stop_leaves_no_file(state: dict[str, torch.Tensor], file: Path) -> None:
    torch.save(state, file)
    stop = threading.Event()
    stop.set()
    out = file.with_name("adopted.safetensors")
    assert not any(isinstance(event, ModelInfo) for event in adopt(Adoption(file, "resnet20", FIVE, out), stop))
    assert not out.exists()


def test_the_engine_makes_a_model_too(state: dict[str, torch.Tensor], file: Path) -> None:
    torch.save(state, file)
    out = file.with_name("adopted.safetensors")
    request = {"do": "adopt", "weights": str(file), "network": "resnet20", "classes": list(FIVE), "out": str(out)}
    request |= {"mean": [0.5], "std": [0.25], "size": 0, "middle_share": 1.0, "interpolation": "", "colour": "auto"}
    *_, last = JobRunner(Outbox(io.StringIO()))._job(request, threading.Event())
    assert isinstance(last, ModelInfo)
    assert load_model(out)[1].preprocessing == Preprocessing(
        32, 32, mean=(0.5,) * 3, std=(0.25,) * 3, as_torchvision=True
    )
