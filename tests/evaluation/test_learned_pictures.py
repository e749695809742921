"""A score never says “never seen” of pictures that were learned from."""

import io
import shutil
import threading
from pathlib import Path

import pytest

from resnet_gui.cli.event_printer import EventPrinter
from resnet_gui.config import make_config
from resnet_gui.data.split import read_split
from resnet_gui.evaluation.evaluate import score_test_split
from resnet_gui.evaluation.learned_pictures import learned_by
from resnet_gui.events import BestSaved, Event, Finished, Note, TestScored, from_json, to_json
from resnet_gui.model_file import read_metadata
from resnet_gui.records import ClassScore, TestScore
from resnet_gui.training.loop import resume, train


def printed(*events: Event) -> str:
    stream = io.StringIO()
    printer = EventPrinter(stream)
    for event in events:
        printer.show(event)
    return stream.getvalue()


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Path:
    """4 of the 9 test pictures are training pictures: copies, a link, another class's; so is 1 of 6 for validation."""
    root = tmp_path_factory.mktemp("leaky") / "colours"
    for name in ("blue", "green", "red"):
        for split, numbers in (("train", range(5)), ("val", range(5, 7)), ("test", range(7, 10))):
            (root / split / name).mkdir(parents=True)
            for number in numbers:
                shutil.copy(drawn / name / f"{number}.png", root / split / name)
    shutil.copy(root / "train/blue/1.png", root / "test/blue/another name.png")
    (root / "test/blue/9.png").unlink()
    (root / "test/green/7.png").unlink()
    (root / "test/green/7.png").symlink_to(root / "train/green/2.png")
    shutil.copy(root / "train/red/0.png", root / "test/red/7.png")
    shutil.copy(root / "train/red/0.png", root / "test/green/8.png")
    shutil.copy(root / "train/red/3.png", root / "val/red/5.png")
    for split in ("train", "test"):
        (root / split / "red" / "broken.png").write_bytes(b"no picture")
    return root


@pytest.fixture(scope="module")
def events(leaky: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    config = make_config(
        {"dataset": str(leaky), "out": str(tmp_path_factory.mktemp("runs")), "network": "resnet20",
         "data.image_size": 32, "training.epochs": 1, "training.batch_size": 8}
    )  # fmt: skip
    return list(train(config, threading.Event()))


@pytest.fixture
def run(events: list[Event], tmp_path: Path) -> Path:
    """A copy of the run's folder."""
    finished = events[-1]
    assert isinstance(finished, Finished)
    return Path(shutil.copytree(Path(finished.model).parent, tmp_path / "run"))


def test_a_run_counts_the_pictures_that_it_had_learned_from(events: list[Event]) -> None:
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.test is not None
    assert (finished.test.total, finished.test.leaked) == (9, 4)
    assert from_json(to_json(finished)) == finished
    metadata = read_metadata(Path(finished.model))
    assert (metadata.test, metadata.val_leaked) == (finished.test, 1)
    assert [event.val_leaked for event in events if isinstance(event, BestSaved)] == [1]
    codes = [event.message.code for event in events if isinstance(event, Note)]
    assert {"test_in_train", "val_in_train", "contradictions"} <= {*codes}


def test_the_sentence_gives_the_score_without_them(events: list[Event]) -> None:
    score = TestScore(6, 9, 0.5, (ClassScore("blue", 6, 9),), 1, 4, 3)
    said = printed(Finished("model", 1, 0.5, score))
    assert "never seen" not in said
    assert said.startswith("Of 9 test pictures, 6 were right (67 %).\n")
    assert "byte for byte: 4." in said
    assert "without them, 3 of 5 were right (60 %)" in said
    assert "never seen" not in printed(*events)


def test_all_pictures_learned_from_leave_no_score_without_them() -> None:
    said = printed(TestScored("model", TestScore(9, 9, 0.5, (ClassScore("blue", 9, 9),), 1, 9, 9)))
    assert "All of them are also training pictures" in said


def test_scoring_again_counts_them_again(run: Path) -> None:
    *_, scored = score_test_split(run, threading.Event())
    assert isinstance(scored, TestScored)
    assert (scored.test.total, scored.test.leaked) == (9, 4)


def test_they_are_known_from_the_files_where_no_checkpoint_is_left(run: Path) -> None:
    shutil.rmtree(run / "checkpoints")
    *_, scored = score_test_split(run, threading.Event())
    assert isinstance(scored, TestScored)
    assert scored.test.leaked == 4
    assert learned_by(run) == set()


def test_they_are_known_after_a_run_got_more_epochs(run: Path) -> None:
    *_, finished = resume(run, threading.Event(), epochs=2)
    assert isinstance(finished, Finished)
    assert finished.test is not None
    assert finished.test.leaked == 4


def test_they_are_known_where_the_run_starts_from_an_earlier_one(run: Path, drawn: Path, tmp_path: Path) -> None:
    """Its own split holds other pictures for test, and the earlier run has learned from some of these."""
    config = make_config(
        {"dataset": str(drawn), "out": str(tmp_path / "later"), "network": "resnet20", "data.image_size": 32,
         "training.epochs": 1, "training.batch_size": 8, "start.start_from": "run", "start.start_path": str(run)}
    )  # fmt: skip
    *_, finished = train(config, threading.Event())
    assert isinstance(finished, Finished)
    assert finished.test is not None
    tested = {drawn / sample.path for sample in read_split(Path(finished.model).with_name("split.csv")).test}
    learned = {path for path in drawn.rglob("*.png") if path.stem in "01234"}
    assert tested & learned
    assert finished.test.leaked == len(tested & learned)
