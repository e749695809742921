"""One picture, from its file to an answer."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from resnet_gui.config import MachineConfig
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import Compute
from resnet_gui.messages import Problem, message
from resnet_gui.model_file import ModelMetadata, save_model
from resnet_gui.nets.build import build
from resnet_gui.prediction import adaptive_precision, optimized_network, predictor
from resnet_gui.prediction.adaptive_precision import _Comparison
from resnet_gui.prediction.predictor import Picture, Predictor
from resnet_gui.records import Prediction

ONE_THREAD = MachineConfig(device="cpu", threads=1)


def test_the_most_probable_classes_come_first(model: Path, network: nn.Module, colours: Path) -> None:
    picture, preprocessing = colours / "red" / "0.png", Preprocessing.for_size(32)
    with torch.inference_mode():
        plain = network(preprocessing.normalize(preprocessing.pixels(preprocessing.open(picture)).unsqueeze(0)))[
            0
        ].softmax(0)
    answer = Predictor(model, ONE_THREAD).predict(picture, 2)
    assert answer.labels == tuple(("blue", "green", "red")[index] for index in plain.argsort(descending=True)[:2])
    assert answer.probabilities == pytest.approx(plain.sort(descending=True).values[:2].tolist(), abs=1e-5)
    assert answer.milliseconds > 0


def test_a_photograph_is_seen_as_in_training_and_has_the_size_of_its_file(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "photograph.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.linear_gradient("L").resize((1600, 900)).convert("RGB").save(path, exif=exif)
    loaded = Predictor(model, ONE_THREAD)
    picture = loaded.open(path)
    assert isinstance(picture, Picture)
    assert (picture.width, picture.height) == (900, 1600)
    preprocessing = loaded.metadata.preprocessing
    assert torch.equal(picture.pixels, preprocessing.pixels(preprocessing.open(path)))
    answer = loaded.predict(path)
    assert (answer.width, answer.height) == (900, 1600)


def test_what_cannot_be_read_is_answered_with_its_problem(model: Path, tmp_path: Path, colours: Path) -> None:
    (tmp_path / "empty.png").touch()
    loaded = Predictor(model, ONE_THREAD)
    opened = [loaded.open(path) for path in (tmp_path / "empty.png", colours / "red" / "0.png", tmp_path / "gone.png")]
    answers = loaded.predict_batch(opened)
    assert [answer.problem and answer.problem.code for answer in answers] == ["image_empty", None, "image_missing"]
    assert [len(answer.labels) for answer in answers] == [0, 3, 0]
    nothing = Prediction("nothing")
    assert loaded.predict_batch([nothing]) == [nothing]


def test_a_model_of_the_same_network_computes_like_the_one_before_it(
    model: Path, colours: Path, tmp_path: Path
) -> None:
    picture, first = colours / "red" / "0.png", Predictor(model, ONE_THREAD)
    taken = first.inference.compute
    other = replace(taken, memory_format="contiguous" if taken.memory_format == "channels_last" else "channels_last")
    first.inference = replace(first.inference, compute=other)
    second = Predictor(model, ONE_THREAD, first)
    assert second.inference.compute == other
    assert second.predict(picture).probabilities == pytest.approx(first.predict(picture).probabilities, abs=1e-5)
    metadata = ModelMetadata("resnet20", ("no", "yes"), Preprocessing.for_size(28), 1, True)
    save_model(tmp_path / "other.safetensors", build("resnet20", 2).state_dict(), metadata)
    assert sum(
        Predictor(tmp_path / "other.safetensors", ONE_THREAD, first).predict(picture).probabilities
    ) == pytest.approx(1)


def test_weights_of_a_later_epoch_are_tried_anew_in_16_bits(
    model: Path, colours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor, "short_precision", lambda _: "bfloat16")
    monkeypatch.setattr(_Comparison, "is_worth_it", lambda self, unsure: unsure < 1)
    monkeypatch.setattr(adaptive_precision, "is_unsure", lambda found, bound: torch.zeros(len(found), dtype=torch.bool))
    earlier, later = None, None
    for _ in range(2):
        earlier, later = later, Predictor(model, ONE_THREAD, later)
        pictures = [later.open(path) for path in sorted(colours.glob("*/*.png"))]
        precisions = []
        for _ in range(4):
            precisions += [answer.precision for answer in later.predict_batch(pictures)]
            later.check()
        assert set(precisions[:90]) == {"float32"}
        assert "bfloat16" in precisions[90:]
    assert earlier is not later


def test_a_network_that_cannot_compute_in_a_precision_is_a_sentence(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("there is no such kernel")

    monkeypatch.setattr(predictor, "in_short_precision", fail)
    with pytest.raises(Problem, match="cannot compute in float16 here"):
        Predictor(model, MachineConfig(device="cpu", threads=1, precision="float16"))


def test_what_was_the_fastest_on_one_thread_is_found_out_anew_for_two(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = Predictor(model, ONE_THREAD)
    busy.inference = replace(busy.inference, compute=Compute(torch.device("cpu"), "float32", "channels_last"))
    monkeypatch.setattr(
        optimized_network, "_seconds", lambda way, pixels: float(way.compute.memory_format == "channels_last")
    )
    formats = [
        Predictor(model, MachineConfig(device="cpu", threads=threads), busy).inference.compute.memory_format
        for threads in (1, 2)
    ]
    assert formats == ["channels_last", "contiguous"]


def test_a_picture_of_several_frames_says_that_the_first_is_used(model: Path, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "still.gif")
    predictor = Predictor(model, ONE_THREAD)
    moving, still = (predictor.predict(tmp_path / name) for name in ("moving.gif", "still.gif"))
    assert moving.probabilities == still.probabilities
    assert (moving.notes, still.notes) == ((message("first_frame", name="moving.gif"),), ())
