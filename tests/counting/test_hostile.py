"""What counts hostile files would see it if one of them did harm."""

import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hostile_files.catalog import Catalog, honest_files, honest_state
from hostile_files.mutations import mutated
from hostile_files.opcodes import PROTOCOLS, Call, call, pickled
from hostile_files.payloads import MARK, Canary, by, calls
from hostile_files.safe import description
from hostile_files.verdict import Opened

from resnet_gui.model_file import load_model
from tests.helpers.checkpoints import weights_in

UNSAFE = """
    import os, pickle, sys
    from pathlib import Path
    from hostile_files.payloads import Canary
    from hostile_files.watch import install, to_file

    log, *programs = map(Path, sys.argv[1:])
    install(lambda line: reports and reports[-1](line))
    reports = []
    for program in programs:
        data = program.read_bytes()
        if os.fork() == 0:
            reports.append(to_file(program.with_suffix(".log")))
            try:
                pickle.loads(data)
            finally:
                reports.clear()
                os._exit(0)
        os.wait()
"""
"""A reader that runs what it reads, under the same watch as the real ones."""


def opened(**values: Any) -> Opened:
    return Opened(
        **{"reader": "predict", "status": 1, "seconds": 0.1, "megabytes": 5.0, "said": "It is no model.", **values}
    )


def kinds(found: Opened) -> set[str]:
    return {what for what, _ in found.faults()}


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Canary:
    return Canary(tmp_path_factory.mktemp("canary"))


@pytest.fixture(scope="module")
def catalog(canary: Canary) -> Catalog:
    return Catalog(canary)


def run_unsafely(programs: dict[str, bytes], folder: Path) -> dict[str, str]:
    """Loads each program with `pickle`. Returns what the hook wrote down, by name."""
    paths = {name: folder / f"{number}.pkl" for number, name in enumerate(programs)}
    for name, path in paths.items():
        path.write_bytes(programs[name])
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(UNSAFE), folder / "log", *paths.values()], check=True, capture_output=True,
        env={"PYTHONPATH": str(Path(__file__).parent), "PATH": "/usr/bin:/bin"}, timeout=20,
    )  # fmt: skip
    logs = {name: path.with_suffix(".log") for name, path in paths.items()}
    return {name: log.read_text() if log.exists() else "" for name, log in logs.items()}


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_reader_that_runs_payloads_is_found_by_hook_and_canary(protocol: int, tmp_path: Path) -> None:
    canary = Canary(tmp_path)
    known = calls(canary)
    for names in (("os:system", "builtins:eval", "io:open"), ("os:remove",)):
        found = run_unsafely(
            {name: pickled({"x": by("reduce", known[name], protocol)}, protocol) for name in names}, tmp_path
        )
        assert all(MARK in found[name] for name in names)
        assert not canary.is_alive()
        canary.restore()
        assert canary.is_alive()


def test_the_hook_alone_sees_what_leaves_no_trace_on_the_disk(tmp_path: Path) -> None:
    canary = Canary(tmp_path)
    programs = {
        "socket": pickled(calls(canary)["socket:create_connection"]), "import": pickled(call("builtins:__import__", "this")),
        "name": pickled({"x": Call(call("operator:attrgetter", "real"), (1,))}), "nothing": pickled({"x": [1, "a", None]}),
        "process": pickled(call("subprocess:Popen", ["true"])), "code": pickled(call("builtins:compile", canary.code, MARK, "eval")),
    }  # fmt: skip
    found = run_unsafely(programs, tmp_path)
    assert "socket.connect" in found["socket"]
    assert "pickle.find_class ('operator', 'attrgetter')" in found["name"]
    assert "import ('this'" in found["import"]
    assert "subprocess.Popen ('true'" in found["process"]
    assert "compile" in found["code"]
    assert found["nothing"] == ""
    assert canary.is_alive()


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"status": -11}, "crashed"), ({"status": 99}, "crashed"), ({"said": "Traceback (most recent call last):\n"}, "crashed"),
        ({"printed": '{"event": "Failed", "message": {"code": "internal_error"}}'}, "crashed"), ({"status": None}, "hung"),
        ({"seconds": 5.1}, "hung"), ({"megabytes": 301.0}, "over_300_MB"), ({"said": " \n"}, "without_a_sentence"),
        ({"printed": '{"loss": NaN}'}, "no_JSON"), ({"printed": "hello"}, "no_JSON"), ({"status": 0}, "success_without_a_result"),
        ({"leftovers": ["model.part"]}, "leftovers"), ({"said": "a\x1b[31m"}, "control_characters"), ({"said": "a\u202eb"}, "control_characters"),
        ({"said": "n" * 5000}, "endless_sentences"), ({"executed": ["os.system ('touch')"]}, "executed"),
    ],
)  # fmt: skip
def test_each_fault_of_a_reader_is_counted(values: dict[str, Any], fault: str) -> None:
    assert kinds(opened(**values)) == {fault}


def test_a_sentence_or_an_answer_is_no_fault() -> None:
    assert not kinds(opened())
    assert not kinds(opened(status=0, has_result=True, printed='{"event": "Predicted", "items": []}'))


def test_the_files_are_many_of_every_kind_and_the_same_every_time(catalog: Catalog, tmp_path: Path) -> None:
    found = [catalog[number] for number in range(len(catalog))]
    assert len({str(file) for file in found}) > 1500
    assert sum(file.kind == "mutation" for file in found) > 100
    assert len({file.kind for file in found[:40]}) == len({file.kind for file in found})
    assert honest_files(honest_state()) == catalog.honest
    for number in range(5):
        mutated(number, catalog.honest, catalog.canary).write(tmp_path / "first")
        mutated(number, catalog.honest, catalog.canary).write(tmp_path / "again")
        assert (tmp_path / "first").read_bytes() == (tmp_path / "again").read_bytes()


def test_honest_files_are_honest(catalog: Catalog, tmp_path: Path) -> None:
    for name, data in catalog.honest.items():
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(data)
        if name == "model":
            assert load_model(path)[1].classes == tuple(description(catalog.state)["classes"])
        elif "checkpoint" not in name:
            assert weights_in(path).keys() == catalog.state.shapes.keys()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_values_are_pickled_as_python_would_read_them(protocol: int) -> None:
    value = {"a": (1, 2, 3, 4, -5, 2**70), "b": [1.5, "x", b"yz", None, True, (1,), ()]}
    assert pickle.loads(pickled(value, protocol)) == value
