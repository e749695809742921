"""What the engine writes: progress at most ten times a second, the newest wins; everything else arrives, in order."""

import io
import json
import time

from resnet_gui.engine.outbox import Outbox
from resnet_gui.events import Checked, Downloaded, Downloading, JobEnded, Progress


def test_of_much_progress_the_newest_is_sent_ten_times_a_second() -> None:
    stream = io.StringIO()
    outbox = Outbox(stream)
    began = time.monotonic()
    step = 0
    while time.monotonic() - began < 0.55:
        step += 1
        outbox.put(1, Progress("check", step, 10**9))
        time.sleep(0.001)
    outbox.close()
    took = time.monotonic() - began  # longer where other programs compute
    steps = [json.loads(line)["step"] for line in stream.getvalue().splitlines()]
    assert 3 <= len(steps) <= 2 + took / 0.1
    assert steps == sorted(steps)
    assert steps[-1] == step


def test_everything_else_arrives_in_order_and_old_progress_never_after_it() -> None:
    stream = io.StringIO()
    outbox = Outbox(stream)
    for number in range(500):
        outbox.put(1, Progress("check", number, 500))
        outbox.put(1, Checked(number, 0))
    outbox.put(1, JobEnded())
    outbox.close()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["readable"] for line in lines if line["event"] == "Checked"] == list(range(500))
    assert lines[-1]["event"] == "JobEnded"


def test_jobs_do_not_hold_back_each_other() -> None:
    stream = io.StringIO()
    outbox = Outbox(stream)
    outbox.put(1, Progress("check", 1, 2))
    outbox.put(2, Progress("check", 1, 2))
    outbox.close()
    assert {json.loads(line)["id"] for line in stream.getvalue().splitlines()} == {1, 2}


def test_download_progress_is_thinned_out_and_never_follows_the_end() -> None:
    stream = io.StringIO()
    outbox = Outbox(stream)
    for done in range(500):
        outbox.put(1, Downloading("https://example.org/a", done, 500, 1.0))
    outbox.put(1, Downloaded("https://example.org/a", "/cache/a"))
    outbox.close()
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events[-1] == "Downloaded"
    assert len(events) < 50
