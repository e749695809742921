"""Names of classes, folders, files and runs cannot command a terminal; data has them as they are."""

import contextlib
import csv
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from helpers.deceiving_names import NASTY, deceiving
from resnet_gui.cli.event_printer import EventPrinter
from resnet_gui.cli.main import main
from resnet_gui.cli.shell_words import shell_word
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.events import (
    DatasetChanged,
    Downloaded,
    Event,
    Failed,
    Finished,
    FolderScored,
    Note,
    Predicted,
    Skipped,
    Started,
    Stopped,
    TestScored,
    WeightsLoaded,
)
from resnet_gui.messages import message
from resnet_gui.model_file import ModelMetadata, save_model
from resnet_gui.nets.build import build
from resnet_gui.output.safe_stream import SafeStream
from resnet_gui.records import ClassScore, Mismatch, ModelInfo, Prediction, TestScore

EVIL = "".join(NASTY) + "\x1b[2J"
SCORE = TestScore(1, 2, 0.5, (ClassScore(EVIL, 1, 2),), 1)
EVENTS: list[Event] = [
    Started(EVIL, EVIL, (EVIL,), 1, 1, 1, 1, "cpu", 1),
    DatasetChanged(EVIL, (EVIL,), (EVIL,), (EVIL,), (EVIL,), (EVIL,)),
    Note(message("class_empty", name=EVIL)),
    Failed(message("image_missing", path=EVIL)),
    Skipped(EVIL, message("image_empty", path=EVIL)),
    Stopped(EVIL, 1, 1, True),
    Finished(EVIL, 1, None, SCORE),
    TestScored(EVIL, SCORE),
    FolderScored(EVIL, EVIL, SCORE, 1, (EVIL,)),
    ModelInfo(EVIL, EVIL, (EVIL,), 32, 1, True, None, None, 0),
    Predicted(EVIL, (Prediction(EVIL, (EVIL,), (1.0,), notes=(message("first_frame", name=EVIL),)),)),
    Predicted(EVIL, (Prediction(EVIL, problem=message("image_empty", path=EVIL)),)),
    Downloaded(EVIL, EVIL),
    WeightsLoaded(EVIL, 1, 2, (Mismatch(EVIL, (1,), None),)),
]


VERBS = {
    "predict": ["predict", "{model}", "{folder}"],
    "table": ["predict", "{model}", "{folder}", "--csv", "-"],
    "table as a file": ["predict", "{model}", "{folder}", "--csv", "{terminal}"],
    "evaluate": ["evaluate", "{model}", "{folder}"],
    "no model": ["predict", "{model}\x1b[0m", "{folder}"],
    "no folder": ["train", "{folder}\x1b[0m"],
    "no option": ["train", "--\x1b[31m"],
}


class Terminal:
    """A pseudo-terminal, and what was written to it."""

    def __init__(self) -> None:
        self._reader, self._writer = os.openpty()
        self._bytes = b""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        self.path = os.ttyname(self._writer)
        self.stream = os.fdopen(self._writer, "w", encoding="utf-8")

    def _read(self) -> None:
        try:
            while read := os.read(self._reader, 65536):
                self._bytes += read
        except OSError:
            return  # the other end was closed

    def close(self) -> str:
        """What was written, without the carriage returns that the terminal adds."""
        self.stream.close()
        self._thread.join()
        os.close(self._reader)
        return self._bytes.replace(b"\r\n", b"\n").decode("utf-8", "replace")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "evil\x1b[31m.safetensors"
    network = build("resnet20", len(NASTY))
    save_model(path, network.state_dict(), ModelMetadata("resnet20", tuple(NASTY), Preprocessing.for_size(32), 1, True))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each class, with a picture and a damaged one of the same name."""
    root = tmp_path_factory.mktemp("pictures\x07\u202e")
    for number, name in enumerate(NASTY):
        (root / name).mkdir()
        Image.new("RGB", (16, 16), (number * 9, 0, 0)).save(root / name / f"{name}.png")
        (root / name / f"{name}.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    return root


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_no_event_is_printed_with_a_character_that_deceives(event: Event) -> None:
    printed = io.StringIO()
    EventPrinter(printed).show(event)
    assert printed.getvalue()
    assert not deceiving(printed.getvalue())
    assert len(printed.getvalue()) < 10_000


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_no_verb_commands_the_terminal(
    verb: list[str], model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal.stream)
    monkeypatch.setattr(sys, "stderr", terminal.stream)
    with contextlib.suppress(SystemExit):  # argparse ends so
        main([word.format(model=model, folder=folder, terminal=terminal.path) for word in verb])
    printed = terminal.close()
    assert printed
    assert not deceiving(printed.replace("\r", ""))  # the program's own, of a progress line


def test_data_has_the_true_names(model: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = [str(folder / name / f"{name}.png") for name in NASTY]
    assert main(["predict", str(model), *pictures, "--json", "--top", "1000"]) == 0
    for line, path in zip(capsys.readouterr().out.splitlines(), pictures, strict=True):
        assert json.loads(line)["path"] == path
        assert set(json.loads(line)["labels"]) == set(NASTY)
    assert main(["predict", str(model), *pictures, "--csv", "-", "--top", "1"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out, newline="")))
    assert [path for path, *_ in rows[1:]] == pictures


@pytest.mark.skipif(sys.platform == "win32", reason="has no such shell")
@pytest.mark.parametrize("path", [*NASTY, "it's \\ a\tpath", "caf\udce9"])
def test_a_command_can_be_copied_into_a_shell(path: str) -> None:
    word = shell_word(path)
    assert not deceiving(word)
    assert "\n" not in word
    command = b"printf %s " + os.fsencode(word)
    assert subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout == os.fsencode(path)


def test_errors_of_libraries_are_plain_wherever_they_go() -> None:
    log, data = io.StringIO(), io.StringIO()
    SafeStream(log, for_people=True).write("Traceback:\n\tno file \x1b]0;x\x07\u202e\n")
    SafeStream(data).write("\x1b]0;x\x07\u202e\n")
    assert log.getvalue() == "Traceback:\n\tno file \\x1b]0;x\\x07\\u202e\n"
    assert data.getvalue() == "\x1b]0;x\x07\u202e\n"
