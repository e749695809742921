"""A run's events, read while they are written."""

from pathlib import Path

import pytest

from resnet_gui.events import EpochDone, Event, Note, Progress, Skipped, Started, Stopped, to_json
from resnet_gui.gui.run_file import RunFile, story_of
from resnet_gui.messages import message

STARTED = Started("/elsewhere/1", "resnet20", ("a", "b"), 18, 6, 6, 3, "cpu", 2)


def epoch(number: int) -> EpochDone:
    return EpochDone(number, 0.9 / number, 0.5, 0.8 / number, 0.6, 0.001, 1.5, True)


def write(run: Path, *events: Event, torn: str = "") -> None:
    with (run / "events.jsonl").open("a") as file:
        file.write("".join(to_json(event) + "\n" for event in events) + torn)


def test_only_what_was_added_is_read_and_a_torn_line_waits(tmp_path: Path) -> None:
    file = RunFile(tmp_path)
    line = to_json(epoch(1)) + "\n"
    write(tmp_path, STARTED, torn=line[:20])
    assert file.read() == ([STARTED], True)
    assert file.read() == ([], False)
    write(tmp_path, torn=line[20:])
    assert file.read() == ([epoch(1)], False)
    write(tmp_path, torn='{"event": "FromTheFuture"}\nnonsense\n\xff\n')
    write(tmp_path, epoch(2))
    assert file.read() == ([epoch(2)], False)


def test_a_file_that_was_written_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    file = RunFile(tmp_path)
    write(tmp_path, STARTED, epoch(1), epoch(2))
    file.read()
    (tmp_path / "other").mkdir()
    write(tmp_path / "other", STARTED, epoch(1))
    (tmp_path / "other" / "events.jsonl").replace(tmp_path / "events.jsonl")
    assert file.read() == ([STARTED, epoch(1)], True)
    (tmp_path / "events.jsonl").write_text(to_json(STARTED) + "\n")  # shorter, in place
    assert file.read() == ([STARTED], True)


def test_a_run_without_events_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        RunFile(tmp_path).read()


def test_a_story_lies_where_its_run_lies_now(tmp_path: Path) -> None:
    note = Note(message("no_test"))
    skipped = Skipped("/a.jpg", message("image_empty", path="/a.jpg"))
    stopped = Stopped("/elsewhere/1/model.safetensors", 2, 1, True)
    story = story_of(
        tmp_path,
        [STARTED, note, note, skipped, skipped, Progress("train", 1, 2, 1, 0.9, 0.5), epoch(1), epoch(2), stopped],
    )
    assert story.model == str(tmp_path / "model.safetensors")
    assert story.run == str(tmp_path)
    assert list(story.notes) == [note.message]
    assert len(story.skipped) == 1
    assert [x for x, _ in story.curves.loss.running.points] == [0.5, 1.0, 2.0]
    assert story.curves.accuracy.best == (2, 60.0)
    assert [end.model for end in story.ends if isinstance(end, Stopped)] == [story.model]


def test_of_a_very_long_run_enough_progress_is_read_for_its_plots(tmp_path: Path) -> None:
    steps = [Progress("train", step, 10_000, 1, 1 / step, 0.5) for step in range(1, 10_001)]
    write(tmp_path, STARTED, *steps, epoch(1))
    events, _ = RunFile(tmp_path).read()
    taken = events[1:-1]
    assert (events[0], events[-1]) == (STARTED, epoch(1))
    assert taken == [*steps[::4], steps[-1]]
    assert 2000 < len(taken) <= 4000
