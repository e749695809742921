"""How events are printed where there are very many of a kind."""

import io
import json

from resnet_gui.cli.event_printer import EventPrinter
from resnet_gui.events import Checked, EpochDone, Progress, Skipped, SkippedMany
from resnet_gui.messages import message


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
