"""A model is scored on folders that it was not trained from: classes by name, what does not match is reported."""

import io
import shutil
import threading
from pathlib import Path

import pytest
import torch

from resnet_gui.cli.event_printer import EventPrinter
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.evaluation.labelled_folder import score_folder
from resnet_gui.events import Event, FolderScored, Note, Skipped
from resnet_gui.messages import Problem, sentence
from resnet_gui.model_file import ModelMetadata, save_model
from resnet_gui.nets.build import build

CLASSES = ("Blue", "green", "red", "test")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model that knows blue, green and red, and a class called test."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    torch.manual_seed(0)
    network = build("resnet20", len(CLASSES), 3)
    preprocessing = Preprocessing(image_size=32, resize=36, mean=(0.5,) * 3, std=(0.5,) * 3)
    save_model(path, network.state_dict(), ModelMetadata("resnet20", CLASSES, preprocessing, 1, True))
    return path


def put(drawn: Path, folder: Path, count: int = 2, kind: str = "red") -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        shutil.copy(drawn / kind / f"{number}.png", folder)


def score(model: Path, folder: Path, split: str | None = None) -> tuple[dict[str, int], FolderScored, list[Event]]:
    """The pictures of each class that were scored, the result and the other events."""
    *others, result = score_folder(model, folder, split, threading.Event())
    assert isinstance(result, FolderScored)
    return {row.name: row.total for row in result.score.classes if row.total}, result, others


def codes(events: list[Event]) -> list[str]:
    assert all(sentence(event.message) for event in events if isinstance(event, Note | Skipped))
    return [event.message.code for event in events if isinstance(event, Note | Skipped)]


def test_class_folders_are_matched_by_name_and_the_rest_is_reported(model: Path, drawn: Path, tmp_path: Path) -> None:
    put(drawn, tmp_path / "blue", 3)
    put(drawn, tmp_path / "RED" / "deeper", 2)
    put(drawn, tmp_path / "zebra", 4)
    (tmp_path / "RED" / "broken.png").write_bytes(b"no picture")
    counts, result, others = score(model, tmp_path)
    assert counts == {"Blue": 3, "red": 2}
    assert (result.left_out, result.absent) == (4, ("green", "test"))
    assert codes(others) == ["folder_left_out", "folder_classes_absent", "image_format"]
    stream = io.StringIO()
    EventPrinter(stream).show(result)
    assert stream.getvalue().startswith(f"Of 5 pictures in {tmp_path}, {result.score.right} were right (")
    assert "never seen" not in stream.getvalue()


def test_nothing_is_written(model: Path, drawn: Path, tmp_path: Path) -> None:
    before = model.read_bytes()
    put(drawn, tmp_path / "data" / "red")
    score(model, tmp_path / "data")
    assert model.read_bytes() == before
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["data", "red", "0.png", "1.png"]


@pytest.mark.parametrize("test", ["test", "Testing", "seg_test/seg_test", "data/test_set"])
def test_the_test_folder_of_a_split_one_is_scored_and_named(
    model: Path, drawn: Path, tmp_path: Path, test: str
) -> None:
    put(drawn, tmp_path / "train" / "red", 5)
    put(drawn, tmp_path / test / "green", 3)
    assert score(model, tmp_path)[0] == {"green": 3}
    assert "folder_one_split" in codes(score(model, tmp_path)[2])
    assert score(model, tmp_path, "all")[0] == {"green": 3, "red": 5}
    assert score(model, tmp_path, "train")[0] == {"red": 5}
    with pytest.raises(Problem, match="no pictures in a val folder"):
        score(model, tmp_path, "val")


def test_a_class_that_is_called_like_a_split_is_a_class(model: Path, drawn: Path, tmp_path: Path) -> None:
    put(drawn, tmp_path / "test", 3)
    put(drawn, tmp_path / "red", 2)
    assert score(model, tmp_path)[0] == {"test": 3, "red": 2}
    put(drawn, tmp_path / "splits" / "test" / "red", 1)
    put(drawn, tmp_path / "splits" / "test" / "test", 2)
    assert score(model, tmp_path / "splits")[0] == {"test": 2, "red": 1}


def test_the_folder_of_one_class_is_enough(model: Path, drawn: Path, tmp_path: Path) -> None:
    put(drawn, tmp_path / "green", 2)
    assert score(model, tmp_path / "green")[0] == {"green": 2}


@pytest.mark.parametrize(
    ("folder", "code"),
    [("zebra", "folder_no_match"), ("missing", "not_a_folder"), ("red", "folder_unreadable_pictures")],
)
def test_what_cannot_be_scored_is_a_sentence(model: Path, drawn: Path, tmp_path: Path, folder: str, code: str) -> None:
    put(drawn, tmp_path / "zebra")
    (tmp_path / "red").mkdir()
    (tmp_path / "red" / "1.png").write_bytes(b"")
    with pytest.raises(Problem) as caught:
        score(model, tmp_path / folder)
    assert caught.value.message.code == code


def test_names_that_differ_in_case_alone_are_matched_exactly(model: Path, drawn: Path, tmp_path: Path) -> None:
    twins = tmp_path / "twins.safetensors"
    network = build("resnet20", 2, 3)
    preprocessing = Preprocessing(image_size=32, resize=36, mean=(0.5,) * 3, std=(0.5,) * 3)
    save_model(twins, network.state_dict(), ModelMetadata("resnet20", ("Cat", "cat"), preprocessing, 1, True))
    put(drawn, tmp_path / "data" / "cat", 2)
    put(drawn, tmp_path / "data" / "CAT", 3)
    counts, result, _ = score(twins, tmp_path / "data")
    assert (counts, result.left_out) == ({"cat": 2}, 3)
