"""What is printed of events that hold notes: the notes as sentences, below."""

from __future__ import annotations

import io

from resnet_gui.cli.event_printer import EventPrinter
from resnet_gui.events import Checked, Event, Predicted
from resnet_gui.messages import message
from resnet_gui.records import Prediction


def printed(event: Event) -> list[str]:
    stream = io.StringIO()
    EventPrinter(stream).show(event)
    return stream.getvalue().splitlines()


def test_the_note_on_a_picture_of_several_frames_is_below_its_answer() -> None:
    note = message("first_frame", name="a.gif")
    still, moving = Prediction("b.gif", ("cat",), (1.0,)), Prediction("a.gif", ("cat",), (1.0,), notes=(note,))
    assert printed(Predicted("m", (still, moving))) == [
        "b.gif", "  100.0%  cat", "a.gif", "  100.0%  cat",
        "  a.gif has several frames or pages, of which only the first is used.",
    ]  # fmt: skip


def test_the_notes_of_a_check_are_below_its_counts() -> None:
    note = message("first_frame_only", count=2, names="a.gif, b.tif")
    assert printed(Checked(5, 1, (note,))) == [
        "5 pictures can be read, 1 cannot.",
        "Pictures with several frames or pages, of which only the first is used: 2 (a.gif, b.tif).",
    ]
