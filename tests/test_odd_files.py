"""What a user names may be a pipe, a device, a socket, a folder or a link to nothing: nothing waits for it."""

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resnet_gui.cli.main import main
from resnet_gui.config import read_config
from resnet_gui.data.split import read_split
from resnet_gui.messages import Problem
from resnet_gui.model_file import load_model, preprocessing_in, read_metadata
from resnet_gui.names import WHOLE, shown
from resnet_gui.regular_file import NotRegular, open_regular, read_regular
from resnet_gui.runs import run_lock
from resnet_gui.runs.event_log import last_event, read_events
from resnet_gui.runs.log_reader import LogReader
from resnet_gui.runs.run_lock import only_writer
from resnet_gui.runs.run_status import read_status
from resnet_gui.tensor_file import read_description

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
PATIENCE = 10.0
KINDS = ["pipe", "folder", "socket", "device", "dangling", "loop", "nul"]


def odd(path: Path, kind: str) -> Path:
    """Makes `path` something that is no ordinary file."""
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "socket":
            with socket.socket(socket.AF_UNIX) as server:
                os.chdir(path.parent)  # a socket's path is short
                server.bind(path.name)
        case "device":
            path.symlink_to("/dev/zero")
        case "dangling":
            path.symlink_to("nowhere")
        case "loop":
            path.symlink_to(path.name)
        case "nul":
            return path.with_name("a\0b")
    return path


def at_once(work: Callable[[], Any]) -> Any:
    """What `work` returns or raises, in a thread that may be left waiting."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert found, "it waits"
    return found[0]


@pytest.mark.parametrize("kind", KINDS)
def test_an_odd_file_is_refused_at_once(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = odd(tmp_path / "odd", kind)
    assert isinstance(at_once(lambda: open_regular(path)), OSError)
    assert isinstance(at_once(lambda: read_description(path)), OSError)
    for read in (load_model, read_metadata, preprocessing_in, read_split, read_config):
        problem = at_once(lambda read=read: read(path))
        assert isinstance(problem, Problem), (read, problem)
        assert shown(str(path), WHOLE) in str(problem)


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "dangling"])
def test_an_odd_file_in_a_run_keeps_nobody_waiting(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_lock, "_PATIENCE", 0.05)
    (tmp_path / "checkpoints").mkdir()
    for name in ("events.jsonl", "owner.json", "checkpoints/epoch-00001-step-000001.safetensors"):
        odd(tmp_path / name, kind)
    assert at_once(lambda: last_event(tmp_path)) is None
    assert isinstance(at_once(lambda: LogReader(tmp_path).read()), OSError)
    assert at_once(lambda: read_events(tmp_path)) == [] or kind != "dangling"
    assert at_once(lambda: read_status(tmp_path)) is None

    def lock_twice() -> None:
        with only_writer(tmp_path), only_writer(tmp_path):
            pass

    assert f"process {'?' if kind == 'folder' else os.getpid()} on" in str(at_once(lock_twice))


def test_a_pipe_as_model_ends_a_command_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = odd(tmp_path / "model.safetensors", "pipe")
    assert main(["predict", str(pipe), str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"resnet-gui: {pipe} cannot be read: it is a pipe, not an ordinary file.\n"


def test_no_more_is_read_than_a_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_regular(tmp_path / "a", 5) == b"12345"
    with pytest.raises(OSError, match="larger than"):
        read_regular(tmp_path / "a", 4)
    with pytest.raises(NotRegular):
        read_regular(tmp_path)
    with (tmp_path / "large").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(Problem, match="larger than 2,147 MB"):
        read_split(tmp_path / "large")
