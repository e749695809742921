"""Ctrl-C and SIGTERM, sent to real processes that import no torch."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

VERB = """
import signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it would be ignored
from resnet_gui.cli import main as module
from resnet_gui.cli.event_printer import show_events
from resnet_gui.cli.interrupt import stop_on_interrupt
from resnet_gui.events import Note, Stopped, TestScored
from resnet_gui.messages import message
from resnet_gui.records import ClassScore, TestScore

def wait(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)

def begins(arguments):  # what a verb does before there is anything to save: imports, listing, loading
    print("ready", file=sys.stderr, flush=True)
    try:
        wait(20)
    except BaseException:
        print("as an exception")
    return 0

def events(stop, last):
    print("ready", file=sys.stderr, flush=True)
    while not stop.wait(0.01):
        pass
    if last == "deaf":
        wait(20)
    elif last:
        yield last

def works(last):
    def verb(arguments):
        with stop_on_interrupt() as stop:
            stop.cleanups.append(lambda: print("cleaned", file=sys.stderr))
            return show_events(events(stop, last), "--json" in arguments, stop)
    return verb

kinds = {
    "begins": begins, "nothing": works(None), "deaf": works("deaf"),
    "stopped": works(Stopped("m", 1, 2, True)), "scoring": works(Note(message("test_stopped"))),
    "whole": works(TestScored("m", TestScore(1, 1, 0.0, (ClassScore("a", 1, 1),), 1))),
}
module._command = lambda verb: kinds[sys.argv[1]]
sys.exit(module.main(["train", *sys.argv[2:]]))
"""


def stopped(kind: str, *arguments: str, how: int = signal.SIGINT, times: int = 1) -> tuple[int, str, str]:
    """Exit status, output and errors of a verb of this `kind` that got the signal."""
    process = subprocess.Popen(
        [sys.executable, "-c", VERB, kind, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    while process.stderr.readline() != "ready\n":
        pass
    for _ in range(times):
        process.send_signal(how)
        time.sleep(0.1 if times > 1 else 0)
    printed, errors = process.communicate(timeout=15)
    return process.returncode, printed, errors


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_before_there_is_anything_to_save_a_verb_ends_at_once(how: signal.Signals) -> None:
    status, printed, errors = stopped("begins", "--json", how=how)
    assert status == 128 + how
    assert json.loads(printed)["event"] == "Interrupted"
    assert errors.strip().startswith("Stopped before there was a result.")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("nothing", "Stopped before there was a result. Nothing was written"),
        ("stopped", "Stopped in epoch 1 after step 2"),
        ("scoring", "The scoring was stopped"),
    ],
)
def test_a_job_that_is_stopped_says_so_once_and_in_its_status(kind: str, said: str) -> None:
    status, printed, errors = stopped(kind)
    assert status == 130
    assert printed.startswith(said)
    assert printed.lower().count("stopped") == 1
    assert errors.strip() == "Stopping and saving. Ctrl-C again exits at once."


def test_a_job_that_had_ended_before_the_signal_counted_is_whole() -> None:
    assert stopped("whole")[0] == 0


def test_a_second_signal_cleans_up_and_exits_at_once() -> None:
    status, _, errors = stopped("deaf", times=2)
    assert status == 130
    assert errors.strip().endswith("cleaned\n\nStopped at once. What had not been saved is lost.")


def test_a_training_outlives_a_terminal_that_nohup_has_given_up() -> None:
    script = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\nfrom resnet_gui.cli.interrupt import _signals\nprint(*_signals())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(int(signal.SIGINT)), str(int(signal.SIGTERM))]


@pytest.mark.parametrize(
    ("arguments", "target", "status"),
    [
        (["networks"], "/dev/full", 1),
        (["networks"], "pipe", 141),
        (["predict", "m", "x", "--csv", "nowhere/t"], "pipe", 1),
    ],
)
def test_an_output_that_takes_nothing_ends_without_a_traceback(
    arguments: list[str], target: str, status: int, tmp_path: Path
) -> None:
    if target == "pipe":
        read, number = os.pipe()
        os.close(read)
    else:
        number = os.open(target, os.O_WRONLY)
    command = [sys.executable, "-m", "resnet_gui", *arguments]
    done = subprocess.run(command, stdout=number, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    os.close(number)
    assert done.returncode == status
    assert done.stderr.count("\n") == (0 if status == 141 else 1)
    assert ("could not be written: No space left on device" in done.stderr) == (target == "/dev/full")
