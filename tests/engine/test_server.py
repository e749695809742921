"""The engine's contract, against a real engine process."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resnet_gui.events import (
    Checked,
    EpochDone,
    Event,
    Failed,
    Finished,
    JobEnded,
    NetworkNames,
    NetworkSummary,
    Note,
    Predicted,
    Progress,
    Ready,
    Resumed,
    SkippedMany,
    Started,
    Stopped,
    from_json,
)
from resnet_gui.gui.workers.engine_process import engine_command
from resnet_gui.model_file import load_model
from resnet_gui.records import ModelInfo
from resnet_gui.runs.event_log import read_events
from resnet_gui.runs.run_status import read_status

PATIENCE = 90


class Engine:
    """A real engine process and its events so far. Used in a `with`, which ends it."""

    def __init__(self, cwd: Path, **environment: str) -> None:
        self.process = subprocess.Popen(
            engine_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
            env={**os.environ, **environment}, start_new_session=True,
        )  # fmt: skip
        self.times: list[tuple[float, int, Event]] = []
        self._events: queue.SimpleQueue[tuple[int, Event] | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            job, event = json.loads(line)["id"], from_json(line.decode())
            self.times.append((time.monotonic(), job, event))
            self._events.put((job, event))
        self._events.put(None)

    def send(self, **request: Any) -> None:
        self.send_line(json.dumps(request))

    def send_line(self, line: str) -> None:
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def until(self, job: int, kind: type) -> list[Event]:
        """The events of `job` up to its first of `kind`."""
        events: list[Event] = []
        deadline = time.monotonic() + PATIENCE
        while not events or not isinstance(events[-1], kind):
            item = self._events.get(timeout=max(0.1, deadline - time.monotonic()))
            assert item is not None, self.process.stderr.read().decode()
            if item[0] == job:
                events.append(item[1])
        return events

    def end(self) -> int:
        self.process.stdin.close()
        return self.process.wait(timeout=PATIENCE)

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path) as engine:
        yield engine


def test_it_trains_answers_and_goes_when_its_input_ends(engine: Engine, quick: dict, colours: Path) -> None:
    ready = engine.until(0, Ready)[-1]
    assert ready.threads >= 1
    engine.send(id=1, do="train", config={**quick, "training.epochs": 1})
    events = engine.until(1, JobEnded)
    began = next(event for event in events if not isinstance(event, Note))  # the machine may have been tried first
    assert isinstance(began, Started)
    finished = events[-2]
    assert isinstance(finished, Finished)

    engine.send(id=2, do="model", model=finished.model, busy=True)
    info = engine.until(2, JobEnded)[0]
    assert isinstance(info, ModelInfo)
    assert info.test_opened == 1

    pictures = [str(colours / "red" / "0.png"), str(colours / "nothing.png"), str(colours / "blue")]
    engine.send(id=3, do="predict", model=finished.model, paths=pictures, busy=True)
    answers = [item for event in engine.until(3, JobEnded) if isinstance(event, Predicted) for item in event.items]
    assert len(answers) == 12
    assert sum(answers[0].probabilities) == pytest.approx(1, abs=1e-5)
    assert answers[1].problem.code == "image_missing"
    assert engine.end() == 0


def test_stop_is_a_message_and_leaves_a_usable_model(engine: Engine, quick: dict) -> None:
    engine.send(id=1, do="train", config={**quick, "training.epochs": 500})
    engine.until(1, Progress)
    sent = time.monotonic()
    engine.send(stop=1)
    stopped = engine.until(1, Stopped)[-1]
    assert time.monotonic() - sent < 20
    load_model(Path(stopped.model))
    assert engine.process.poll() is None


def test_end_of_input_in_mid_training_saves_and_exits(engine: Engine, quick: dict) -> None:
    engine.send(id=1, do="train", config={**quick, "training.epochs": 500})
    run = next(event for event in engine.until(1, Progress) if isinstance(event, Started)).run
    assert engine.end() == 0
    load_model(Path(run) / "model.safetensors")


def test_killed_in_mid_training_it_is_gone_on_with_by_another_engine(tmp_path: Path, quick: dict) -> None:
    with Engine(tmp_path) as engine:
        engine.send(id=1, do="train", config={**quick, "training.epochs": 40})
        events = engine.until(1, EpochDone) + engine.until(1, EpochDone)
        engine.process.kill()
    done = [event for event in events if isinstance(event, EpochDone)]
    with Engine(tmp_path) as engine:
        engine.send(id=1, do="resume", run=events[0].run, epochs=None, accept=False)
        resumed = engine.until(1, Resumed)[-1]
        assert resumed.epoch > done[-1].epoch
        engine.send(stop=1)
        assert engine.until(1, JobEnded)
    assert [event for event in read_events(Path(events[0].run)) if isinstance(event, EpochDone)][:2] == done


def test_asked_to_end_by_the_system_it_saves_and_exits(engine: Engine, quick: dict) -> None:
    engine.send(id=1, do="train", config={**quick, "training.epochs": 500})
    run = next(event for event in engine.until(1, Progress) if isinstance(event, Started)).run
    engine.process.terminate()
    assert engine.process.wait(timeout=PATIENCE) == 0
    assert read_status(Path(run)).ended == "stopped"


def test_the_process_that_asked_may_be_killed_and_leaves_no_orphan(tmp_path: Path, quick: dict) -> None:
    """A window that dies sends nothing: its engine sees the end of its input."""
    script = (
        "import json, subprocess, sys, time\n"
        "from resnet_gui.gui.workers.engine_process import engine_command\n"
        "engine = subprocess.Popen(engine_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)\n"
        "engine.stdin.write(sys.argv[1].encode() + b'\\n'); engine.stdin.flush()\n"
        "for line in engine.stdout:\n"
        "    if b'Progress' in line: break\n"
        "print(engine.pid, flush=True); time.sleep(600)\n"
    )
    request = json.dumps({"id": 1, "do": "train", "config": {**quick, "training.epochs": 500}})
    window = subprocess.Popen([sys.executable, "-c", script, request], stdout=subprocess.PIPE, cwd=tmp_path)
    with window.stdout:
        engine_pid = int(window.stdout.readline())
    window.send_signal(signal.SIGKILL)
    window.wait()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{engine_pid}").exists() and _state(engine_pid) != "Z":
        assert time.monotonic() < deadline, "the engine outlived the window"
        time.sleep(0.05)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_what_is_wrong_with_a_request_is_a_sentence_and_the_engine_lives(engine: Engine, tmp_path: Path) -> None:
    engine.send_line("this is not JSON")
    assert engine.until(-1, Failed)[-1].message.code == "engine_request"
    engine.send(id=1, do="dance")
    assert engine.until(1, JobEnded)[0].message.code == "engine_request"
    engine.send(id=2, do="train", config={"dataset": str(tmp_path / "nothing")})
    assert engine.until(2, JobEnded)[0].message.code == "not_a_folder"
    engine.send(id=3, do="predict", model=str(tmp_path / "no.safetensors"), paths=["x"])
    assert engine.until(3, JobEnded)[0].message.code == "model_missing"
    engine.send(stop=99)
    assert engine.process.poll() is None


def test_files_in_the_current_folder_are_not_executed(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('executed')\n")
    with Engine(tmp_path) as engine:
        assert engine.until(0, Ready)


def test_what_libraries_print_is_log_and_never_protocol(tmp_path: Path) -> None:
    """A library that prints while it is imported, from Python and past it, and one that reads its input."""
    package = tmp_path / "noise"
    package.mkdir()
    (package / "sitecustomize.py").write_text(
        "import builtins, os, sys\n"
        "real = builtins.__import__\n"
        "def noisy(name, *rest, **named):\n"
        "    if name == 'torch' and 'torch' not in sys.modules:\n"
        "        print('hello from a library'); os.write(1, b'and from C\\n'); assert sys.stdin.read() == ''\n"
        "    return real(name, *rest, **named)\n"
        "builtins.__import__ = noisy\n"
    )
    with Engine(tmp_path, PYTHONPATH=str(package)) as engine:
        assert engine.until(0, Ready)
        assert engine.end() == 0
        log = engine.process.stderr.read().decode()
    assert "hello from a library" in log
    assert "and from C" in log


def test_progress_is_held_back_and_nothing_else_is(engine: Engine, colours: Path) -> None:
    for index in range(300):
        (colours / "red" / f"bad{index}.jpg").write_bytes(b"")
    engine.send(id=1, do="check", dataset=str(colours))
    events = engine.until(1, JobEnded)
    assert events[-2] == Checked(readable=30, skipped=300)
    assert sum(len(event.items) for event in events if isinstance(event, SkippedMany)) == 300
    progress = [when for when, job, event in engine.times if isinstance(event, Progress)]
    took = engine.times[-1][0] - engine.times[0][0]
    assert len(progress) <= 2 + took / 0.1


def test_it_opens_networks_and_knows_what_the_libraries_offer(engine: Engine) -> None:
    engine.send(id=1, do="summary", network="resnet20", classes=10, channels=3, size=32)
    [opened, _] = engine.until(1, JobEnded)
    assert isinstance(opened, NetworkSummary)
    assert (opened.parameters, len(opened.layers[0].shape)) == (269_722, 3)
    engine.send(id=2, do="summary", network="alexnet_2012", classes=10, channels=3, size=32)
    assert engine.until(2, JobEnded)[0].message.code == "size_not_taken"
    for job, (source, name) in enumerate({"torchvision": "regnet_y_400mf", "timm": "convnext_atto"}.items(), start=3):
        engine.send(id=job, do="networks", source=source)
        [names, _] = engine.until(job, JobEnded)
        assert isinstance(names, NetworkNames)
        assert names.source == source
        assert name in names.names
    engine.send(id=5, do="fetch", network="plain18")
    assert engine.until(5, JobEnded)[0].message.code == "no_pretrained"


def test_a_log_on_a_full_disk_hides_no_failure(tmp_path: Path) -> None:
    """The traceback cannot be written, and the window is told all the same."""
    with (
        Path("/dev/full").open("wb") as full,
        subprocess.Popen(
            engine_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=full, cwd=tmp_path
        ) as engine,
    ):
        engine.stdin.write(b'{"id": 3, "do": "thumbnails"}\n')
        engine.stdin.flush()
        events: list[Event] = []
        while JobEnded() not in events:
            line = engine.stdout.readline()
            events += [from_json(line)] if json.loads(line)["id"] == 3 else []
        engine.kill()
    assert [type(event) for event in events] == [Failed, JobEnded]
