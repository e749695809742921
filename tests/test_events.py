"""Every event survives being a line of JSON."""

import json
import os
import typing

import pytest

from resnet_gui import events
from resnet_gui.events import Event, Note, Progress, from_json, to_json
from resnet_gui.messages import message
from resnet_gui.records import ClassScore, GreyRange, Prediction, TestScore, Thumbnail

ODD = os.fsdecode(b"/pictures/caf\xe9/\xff\n\"\xf0\x9f\x90\xb1'.jpg")
"""A path whose bytes are not UTF-8, with a line break and quotes."""

NOTE = message("image_too_large", path=ODD, limit=64)
SCORE = TestScore(3, 5, 0.25, (ClassScore("bee", 1, 2), ClassScore("änt", 2, 3)), 1)

EXAMPLES: tuple[Event, ...] = (
    events.Ready("cuda", 4, "2.6.0"),
    events.Planned("bfloat16", "channels_last", 2, 2, 32, 18.5, 2 * 10**9, NOTE),
    events.Started(ODD, "resnet18", ("bee", "änt"), 60, 20, 20, 12, "cpu", 2),
    events.Resumed(ODD, 12, 7, 40, "cpu", 2),
    events.DatasetChanged(ODD, ("änt",), (), (ODD,), ("a", "b"), ()),
    events.CheckpointSaved(7, 40),
    events.Waiting(NOTE),
    events.Note(NOTE),
    events.Skipped(ODD, NOTE),
    events.Progress("train", 3, 10),
    events.Progress("validate", 3, 10, 2, 1e-12, 0.5, 31.25, 1e9),
    events.EpochDone(1, 0.7, 0.5, None, None, 0.001, 3.5, False),
    events.EpochDone(2, 0.1, 1.0, 0.2, 1.0, 1e-05, 3.5, True),
    events.BestSaved(ODD, 2, None, None),
    events.BestSaved(ODD, 2, 0.75, 0.2),
    events.Stopped(ODD, 3, 7, False),
    events.Interrupted(NOTE),
    events.Interrupted(NOTE, 2751, 6000),
    events.Finished(ODD, 2, None, None),
    events.Finished(ODD, 2, 0.75, SCORE),
    events.TestScored(ODD, SCORE),
    events.TestScored(ODD, TestScore(3, 5, 0.25, (), 1, 2, 1)),
    events.FolderScored(ODD, ODD, SCORE, 3, ("änt",)),
    events.Failed(NOTE),
    events.SkippedMany((events.Skipped("a", NOTE), events.Skipped("b", NOTE))),
    events.Checked(790, 10),
    events.GreyRangeFound(GreyRange(-1024.0, 3071.5)),
    events.Thumbnails(()),
    events.Thumbnails((Thumbnail(ODD, "/cache/1.png"), Thumbnail("b.png", ODD))),
    events.SampleDrawn(ODD),
    events.ModelInfo(ODD, "resnet18", ("bee", "änt"), 224, 2, True, 0.75, SCORE, 1),
    events.Predicted(ODD, (Prediction(ODD, ("bee",), (0.9,), 640, 480, 12.5, "/cache/1.png"), Prediction("b", problem=NOTE))),
    events.NetworkSummary("resnet18", 5, 3, 224, (events.Layer("conv1", "Conv 7x7", (64, 112, 112), 9408, 118_013_952, "stem"),),
                      9408, 118_013_952, events.Weights("https://host/a-0123.pth", 44.7, "MIT", sha256="0123", top1=0.7)),
    events.NetworkNames("timm", ("convnext_tiny", "vit_tiny_patch16_224")),
    events.Downloading("https://host/a-0123.pth", 10, 0, 0.5),
    events.Downloaded("https://host/a-0123.pth", ODD),
    events.WeightsLoaded(ODD, 3, 4, (events.Mismatch("fc.weight", (5, 512), None), events.Mismatch("x", None, (1,)))),
    events.JobEnded(),
)  # fmt: skip


def test_there_is_an_example_of_every_event():
    assert {type(event) for event in EXAMPLES} == set(typing.get_args(Event))


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_as_it_was_from_one_ascii_line(event: Event):
    line = to_json(event)
    assert line.isascii()
    assert "\n" not in line
    back = from_json(line)
    assert back == event
    assert hash(back) == hash(event)  # lists in place of tuples, however deep, could not be hashed


def test_a_file_name_keeps_its_bytes():
    back = from_json(to_json(events.SampleDrawn(ODD)))
    assert isinstance(back, events.SampleDrawn)
    assert os.fsencode(back.folder) == b"/pictures/caf\xe9/\xff\n\"\xf0\x9f\x90\xb1'.jpg"


@pytest.mark.parametrize("figure", [float("nan"), float("inf"), float("-inf")])
def test_a_figure_that_is_no_number_is_refused(figure: float):
    with pytest.raises(ValueError, match="JSON compliant"):
        to_json(Progress("train", 1, 2, loss=figure))


def test_extra_keys_come_first_and_do_no_harm():
    line = to_json(Progress("train", 1, 2), id=7)
    assert list(json.loads(line))[:2] == ["id", "event"]
    assert from_json(line) == Progress("train", 1, 2)


def test_keys_of_a_newer_version_are_passed_over_however_deep():
    found = json.loads(to_json(Note(NOTE)))
    found["mood"] = found["message"]["mood"] = "calm"
    assert from_json(json.dumps(found)) == Note(NOTE)


def test_fields_that_an_older_version_did_not_write_have_their_defaults():
    line = '{"event": "Progress", "phase": "test", "step": 1, "steps": 2}'
    assert from_json(line) == Progress("test", 1, 2)


@pytest.mark.parametrize(
    "line",
    ["", "hello", "7", "[]", "null", "{}", '{"event": "Unheard"}', '{"event": "Checked"}', '{"event": ["Checked"]}',
     '{"event": "Note", "message": 7}', '{"event": "Note", "message": {"code": "of a newer version", "values": []}}',
     '{"event": "Note", "message": {"code": "no_pictures", "values": []}}', '{"event": "CheckpointSaved", "epoch": "1", "step": 2}',
     '{"event": "CheckpointSaved", "epoch": 1.5, "step": 2}', '{"event": "CheckpointSaved", "epoch": null, "step": true}',
     '{"event": "Progress", "phase": "rest", "step": 1, "steps": 2}', '{"event": "Progress", "phase": "test", "step": 1, "steps": 2, "loss": NaN}',
     '{"event": "Progress", "phase": "test", "step": 1, "steps": 2, "loss": 1e999}', '{"event": "Checked", "readable": 1, "skipped": 2, "notes": "abc"}',
     "[" * 100_000, '{"event": "Tested", "model": "m", "test": [1]}'],
)  # fmt: skip
def test_a_line_that_is_no_event_is_a_value_error(line: str):
    # JSON's own words or ours: a reader catches this one kind.
    with pytest.raises(ValueError):  # noqa: PT011
        from_json(line)
