"""What counts hostile files would see it if one of them did harm."""

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hostile_files.catalog import Catalog
from hostile_files.containers import CONTAINERS
from hostile_files.opcodes import Call, call, pickled
from hostile_files.payloads import WAYS, Canary, by, calls
from hostile_files.safe import description
from hostile_files.verdict import Opened

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
    return Opened(**{"reader": "predict", "status": 1, "seconds": 0.1, "megabytes": 5.0, "said": "It is no model.", **values})


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
    names = ("os:system", "posix:system", "subprocess:call", "builtins:eval", "builtins:exec", "io:open", "os:mkdir")
    canary = Canary(tmp_path)
    programs = {name: pickled({"x": by("reduce", calls(canary)[name], protocol)}, protocol) for name in names}
    for name, program in programs.items():
        found = run_unsafely({name: program}, tmp_path)
        assert name.partition(":")[2][:4] in found[name] or "h0stile" in found[name]
        assert not canary.is_alive()
        if (canary.folder / "written").is_dir():
            (canary.folder / "written").rmdir()
        canary.restore()
        assert canary.is_alive()


def test_the_hook_alone_sees_what_leaves_no_trace_on_the_disk(tmp_path: Path) -> None:
    canary, known = Canary(tmp_path), calls(Canary.__new__(Canary)) if False else None
    assert known is None
    programs = {
        "socket": pickled(calls(canary)["socket:create_connection"]),
        "name": pickled({"x": Call(call("operator:attrgetter", "real"), (1,))}),
        "import": pickled(call("builtins:__import__", "this")),
    }
    found = run_unsafely(programs, tmp_path)
    assert "socket.connect" in found["socket"]
    assert "pickle.find_class ('operator', 'attrgetter')" in found["name"]
    assert "import ('this'" in found["import"]
    assert canary.is_alive()
