"""A run's events, read while they are written."""

from pathlib import Path

import pytest

from resnet_gui.events import EpochDone, Event, Note, Progress, Skipped, Started, Stopped, to_json
from resnet_gui.messages import message
from resnet_gui.runs.log_reader import LogReader, history_of

STARTED = Started("/elsewhere/1", "resnet20", ("a", "b"), 18, 6, 6, 3, "cpu", 2)


def epoch(number: int) -> EpochDone:
    return EpochDone(number, 0.9 / number, 0.5, 0.8 / number, 0.6, 0.001, 1.5, True)


def write(run: Path, *events: Event, torn: str = "") -> None:
    with (run / "events.jsonl").open("a") as file:
        file.write("".join(to_json(event) + "\n" for event in events) + torn)


def test_only_what_was_added_is_read_and_a_torn_line_waits(tmp_path: Path) -> None:
    file = LogReader(tmp_path)
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
    file = LogReader(tmp_path)
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
        LogReader(tmp_path).read()


def test_a_story_lies_where_its_run_lies_now(tmp_path: Path) -> None:
    note = Note(message("no_test"))
    skipped = Skipped("/a.jpg", message("image_empty", path="/a.jpg"))
    stopped = Stopped("/elsewhere/1/model.safetensors", 2, 1, True)
    history = history_of(
        tmp_path,
        [STARTED, note, note, skipped, skipped, Progress("train", 1, 2, 1, 0.9, 0.5), epoch(1), epoch(2), stopped],
    )
    assert history.model == str(tmp_path / "model.safetensors")
    assert history.run == str(tmp_path)
    assert list(history.notes) == [note.message]
    assert len(history.skipped) == 1
    assert [x for x, _ in history.curves.loss.running.points] == [0.5, 1.0, 2.0]
    assert history.curves.accuracy.best == (2, 60.0)
    assert [end.model for end in history.ends if isinstance(end, Stopped)] == [history.model]


def test_a_very_long_run_that_is_opened_again_has_the_peaks_it_had(tmp_path: Path) -> None:
    figures = {step: (0.5 + step % 7 / 100, 0.7 - step % 5 / 100) for step in range(1, 20_001)}
    figures |= {9_001: (20.5, 0.7), 9_003: (1e-07, 0.7), 12_345: (0.5, 0.01), 12_347: (0.5, 1.0)}
    steps = [Progress("train", step, 20_000, 1, loss, right) for step, (loss, right) in figures.items()]
    write(tmp_path, STARTED, *steps, epoch(1), Progress("validate", 1, 2, 1))
    events, _ = LogReader(tmp_path).read()
    assert events[0] == STARTED
    assert events[-3:] == [steps[-1], epoch(1), Progress("validate", 1, 2, 1)]
    assert 2000 < len(events) < 8100, "a fraction of them"
    curves = history_of(tmp_path, events).curves
    assert {(9_001 / 20_000, 20.5), (9_003 / 20_000, 1e-07)} <= set(curves.loss.running.points)
    assert {(12_345 / 20_000, 1.0), (12_347 / 20_000, 100.0)} <= set(curves.accuracy.running.points)
