"""How events are printed: very many of a kind, and those that hold notes."""

import io
import json

from resnet_gui.cli.event_printer import EventPrinter
from resnet_gui.events import Checked, EpochDone, Event, Predicted, Progress, Skipped, SkippedMany
from resnet_gui.messages import message
from resnet_gui.records import Prediction


def skipped(code: str, number: int) -> Skipped:
    path = f"{number}.jpg"
    return Skipped(path, message(code, path=path))


def test_equal_reasons_are_printed_three_times_and_then_counted() -> None:
    stream = io.StringIO()
    printer = EventPrinter(stream)
    for number in range(3453):
        printer.show(skipped("image_lfs_pointer", number))
        printer.show(Progress("train", number, 3453))
    printer.show(SkippedMany(tuple(skipped("image_empty", number) for number in range(2))))
    printer.show(EpochDone(1, 1.0, 0.5, None, None, 0.1, 1.0, False))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3 + 2 + 1 + 1
    assert lines[2].startswith("Skipped: 2.jpg is a Git LFS placeholder")
    assert lines[5].startswith("Skipped: 3,450 more were skipped for the same reason. The last: 3452.jpg is a Git LFS")
    assert lines[6].startswith("epoch 1/")


def test_one_more_than_three_is_printed_in_full() -> None:
    stream = io.StringIO()
    printer = EventPrinter(stream)
    printer.show(SkippedMany(tuple(skipped("image_empty", number) for number in range(4))))
    printer.show(Checked(0, 4))
    assert [line.split()[1] for line in stream.getvalue().splitlines()[:4]] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    printer.end()
    assert stream.getvalue().count("\n") == 5


def test_json_leaves_nothing_out() -> None:
    stream = io.StringIO()
    printer = EventPrinter(stream, as_json=True)
    for number in range(10):
        printer.show(skipped("image_empty", number))
    printer.end()
    assert [json.loads(line)["path"] for line in stream.getvalue().splitlines()] == [f"{n}.jpg" for n in range(10)]


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
