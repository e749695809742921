"""A pickle that could run a program is refused as one, and nothing of it is run; one that is too large ends in time."""

import io
import os
import pickle
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from resnet_gui.weights.containers import saved_within
from resnet_gui.weights.pickle_globals import is_dangerous
from resnet_gui.weights.pickle_reader import read_pickle
from resnet_gui.weights.pickled_objects import Reading
from resnet_gui.weights.refusals import CutShort, UnsafePickle, Unsupported
from resnet_gui.weights.stored_tensor import Opaque


def read(data: bytes, **limits: int) -> Any:
    return read_pickle(io.BytesIO(data), Reading(Path("weights.pth"), saved_within, **limits))


def text(content: str) -> bytes:
    return b"X" + len(content.encode()).to_bytes(4, "little") + content.encode()


PROGRAMS = [
    "os.system", "posix.system", "nt.system", "subprocess.Popen", "subprocess.run", "builtins.eval", "builtins.exec",
    "__builtin__.eval", "builtins.compile", "builtins.open", "builtins.__import__", "sys.exit", "importlib.import_module",
    "runpy.run_path", "code.InteractiveConsole", "pty.spawn", "socket.create_connection", "ctypes.CDLL", "shutil.rmtree",
    "pickle.loads", "_pickle.loads", "marshal.loads", "types.CodeType", "types.FunctionType", "torch.load",
    "torch.serialization.load", "torch.hub.load", "torch.jit.load", "torch.utils.collect_env.run", "numpy.load",
    "numpy.testing._private.utils.runstring", "multiprocessing.Process", "asyncio.subprocess.create_subprocess_shell",
    "webbrowser.open", "pydoc.pipepager", "pdb.run", "profile.run", "cProfile.run", "timeit.timeit", "pip.main",
    "distutils.file_util.write_file", "setuptools.setup", "idlelib.pyshell.ModifiedInterpreter", "tempfile.mktemp",
    "operator.attrgetter", "_operator.methodcaller", "urllib.request.urlopen", "http.client.HTTPConnection",
    "cloudpickle.cloudpickle._make_function", "dill._dill._create_function", "torch.fx.graph_module.reduce_graph_module",
    "torch.os.system", "numpy.f2py.crackfortran.myeval", "logging.FileHandler", "io.FileIO", "zipimport.zipimporter",
]  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_runs_things_is_refused_where_it_is_only_named(name: str) -> None:
    module, _, function = name.rpartition(".")
    by_line = b"\x80\x02c" + f"{module}\n{function}\n".encode() + b"."
    by_texts = b"\x80\x04" + text(module) + text(function) + b"\x93."
    as_instance = b"\x80\x02(i" + f"{module}\n{function}\n".encode() + b"."
    for program in (by_line, by_texts, as_instance):
        with pytest.raises(UnsafePickle, match=name):
            read(program)


@pytest.mark.parametrize("program", [b"%s)R.", b"(%so."])
@pytest.mark.parametrize("name", ["numpy.core.multiarray.fromfile", "mymodule.build", "torch.nn.init.xavier_"])
def test_a_function_that_nobody_knows_is_not_called(name: str, program: bytes) -> None:
    module, _, function = name.rpartition(".")
    with pytest.raises(UnsafePickle, match=name):
        read(program % f"c{module}\n{function}\n".encode())


@pytest.mark.parametrize("name", ["numpy.fft.fft", "mymodule.build", "torch.nn.functional.relu"])
def test_a_function_that_is_only_mentioned_is_harmless(name: str) -> None:
    module, _, function = name.rpartition(".")
    assert read(f"c{module}\n{function}\n.".encode()).name == name


@pytest.mark.parametrize(
    ("program", "named"),
    [
        pytest.param(b"cfunctools\npartial\ncm\nf\n\x85R)R.", "functools.partial", id="the result of a call"),
        pytest.param(
            b"cbuiltins\ngetattr\ncm\nClass\n" + text("method") + b"\x86R)R.", "m.Class.method", id="a method"
        ),
        pytest.param(b"cbuiltins\ngetattr\ncm\nf\n" + text("X") + b"\x86R.", "getattr", id="an attribute of no class"),
        pytest.param(
            b"cbuiltins\ngetattr\n)R" + b"c__main__\nA\n" + text("__init__") + b"\x86R.", "getattr", id="none"
        ),
        pytest.param(b"cbuiltins\ntype\n" + text("X") + b")}\x87R.", "builtins.type", id="a new class"),
        pytest.param(b"c__main__\nA\n}" + text("__len__") + b"cm\nf\nsb.", "__main__.A", id="a method replaced"),
        pytest.param(b"ctorch._tensor\n_rebuild_from_type_v2\n(cm\nf\nc__main__\nA\n)}tR.", "m.f", id="by a tensor"),
        pytest.param(b"\x80\x04" + text("collections") + text("abc.sys.exit") + b"\x93.", "sys.exit", id="by a path"),
        pytest.param(b"\x82\x01.", "extension", id="a number for a name"),
    ],
)
def test_a_chain_that_could_end_in_a_program_is_refused(program: bytes, named: str) -> None:
    with pytest.raises(UnsafePickle, match=named):
        read(program)


def test_words_that_are_modules_too_are_allowed_within_names() -> None:
    assert not is_dangerous("mmpretrain.models.code.Encoder")
    assert not is_dangerous("trainer.profile.Settings")
    assert is_dangerous("profile.run")


class Trap:
    """Whatever is done with it is noted."""

    done: ClassVar[list[str]] = []

    def __setstate__(self, state: object) -> None:
        self.done.append("restored")

    def __reduce__(self) -> tuple[Any, ...]:
        return Trap, (), {"a": 1}, iter([1]), iter([(1, 2)])

    def __init__(self) -> None:
        self.done.append("made")

    def __del__(self) -> None:
        self.done.append("deleted")

    append = extend = __setitem__ = __init__


@pytest.mark.parametrize("protocol", range(6))
def test_no_object_is_made_and_its_state_is_only_data(protocol: int) -> None:
    program = pickle.dumps([Trap()], protocol)
    Trap.done.clear()
    found = read(program)[0]
    assert Trap.done == []
    assert isinstance(found, Opaque)
    assert found.name.endswith("Trap")
    assert found.attributes == {"a": 1}


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_are_what_they_were(protocol: int) -> None:
    values = [
        None, True, False, 0, -1, 255, 65535, -(2**31), 2**40, -(10**50), 1.5, -0.0, "", "a\nb\\ä😀", "x" * 70_000, b"",
        b"\0\xff", [], [1, [2]], (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {}, {"a": {1: None}},
    ]  # fmt: skip
    assert read(pickle.dumps(values, protocol)) == values


def test_a_list_may_hold_itself() -> None:
    inside: list[Any] = []
    inside.append((inside, {"again": inside}))
    found = read(pickle.dumps(inside))
    assert found[0][0] is found
    assert found[0][1]["again"] is found


STANDIN = b"c__main__\nConfig\nq\0"
MODULE = text("_parameters") + b"q\1" + text("_buffers") + b"q\2" + text("_modules") + b"q\3cm\nM\nq\4"


def module(inner: bytes, parameters: bytes = b"}") -> bytes:
    return b"h\4)\x81}(h\1" + parameters + b"h\2}h\3}(" + inner + b"uubq\5"


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(b"](" + b"N" * 20_000 + b"e.", id="values"),
        pytest.param(STANDIN + b"](" + b"h\0)\x81" * 2_000 + b"e.", id="stand-ins"),
        pytest.param(STANDIN + b"](" + b"h\0)R}b" * 2_000 + b"e.", id="stand-ins with a state"),
        pytest.param(b"](" + b"(cm\nM\no" * 2_000 + b"e.", id="instances"),
        pytest.param(b"](" + b"\x8f" * 2_000 + b"e.", id="sets"),
        pytest.param(b"ccollections\nOrderedDict\nq\0](" + b"h\0)R" * 2_000 + b"e.", id="calls"),
    ],
)
def test_too_much_of_anything_is_not_read_to_its_end(program: bytes) -> None:
    with pytest.raises(Unsupported, match="more than"):
        read(program, instructions=10_000, objects=1_000)


def test_a_million_stand_ins_end_in_time() -> None:
    start = time.process_time()
    with pytest.raises(Unsupported, match="more than 200,000 objects"):
        read(STANDIN + b"](" + b"h\0)\x81" * 1_000_000 + b"e.")
    with pytest.raises(Unsupported, match="more than 5,000 classes"):
        read(b"](" + b"".join(b"cm\nf%d\n" % number for number in range(6_000)) + b"e.")
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(b")" + b"\x85" * 50_000 + b".", id="a tuple in a tuple"),
        pytest.param(b")" + b"q\0h\0\x86" * 5_000 + b".", id="twice in itself, and that again"),
        pytest.param(b"}" + b"q\0}" + text("a") + b"h\0s" * 1 + b".", id="a dict in a dict"),
        pytest.param(b"}" + b")" + b"\x85" * 20_000 + b"K\1s.", id="a key too deep"),
        pytest.param(b"})" + b"q\0h\0\x86" * 60 + b"K\1s.", id="a key that holds itself often"),
        pytest.param(MODULE + module(b"") + module(b"K\1h\5K\2h\5") * 60 + b".", id="modules without weights"),
    ],
)
def test_deep_and_shared_contents_are_read_at_once(program: bytes) -> None:
    start = time.process_time()
    read(program)
    assert time.process_time() - start < 0.5


def test_modules_that_hold_each_other_often_end_in_time() -> None:
    tensor = b"ctorch.nn.parameter\nParameter\n)Rq\6"
    parameters = b"}" + text("weight") + b"h\6s"
    for inner in (text("a") + b"h\5", text("a") + b"h\5" + text("b") + b"h\5"):
        program = MODULE + tensor + module(b"", parameters) + module(inner, parameters) * 300 + b"."
        with pytest.raises(ValueError, match="hold each other"):
            read(program)


@pytest.mark.parametrize("instruction", [b"X", b"T", b"B"])
def test_no_memory_is_taken_for_bytes_that_are_not_there(instruction: bytes) -> None:
    with pytest.raises(CutShort):
        read(b"\x80\x02" + instruction + b"\xff\xff\xff\x7f" + b"few.")


def test_a_number_of_a_hundred_megabytes_is_not_made() -> None:
    with pytest.raises(Unsupported, match="digits"):
        read(b"\x80\x02\x8b" + (100_000_000).to_bytes(4, "little") + b"\x7f" * 1000)


@pytest.mark.parametrize("length", range(1, 60))
def test_a_pickle_that_ends_early_is_cut_short(length: int) -> None:
    whole = pickle.dumps({"a": [1, 2.5, "text" * 9], "b": (10**20, None)}, 2)
    with pytest.raises(CutShort):
        read(whole[: min(length, len(whole) - 1)])


@pytest.mark.skipif(os.name != "posix", reason="the program is one of a shell")
@pytest.mark.parametrize("protocol", range(6))
def test_a_program_among_weights_is_not_run(protocol: int, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch '{tmp_path / 'ran'}'",)

    with pytest.raises(UnsafePickle, match="system"):
        read(pickle.dumps({"weight": {"a": Evil()}}, protocol))
    assert not (tmp_path / "ran").exists()


def test_weights_within_weights_have_an_end() -> None:
    """The same bytes are asked for again and again, or hold themselves."""
    inner = io.BytesIO()
    torch.save([], inner, _use_new_zipfile_serialization=False)
    data = inner.getvalue()
    often = b"ctorch.storage\n_load_from_bytes\nq\0B" + len(data).to_bytes(4, "little") + data + b"q\1]("
    with pytest.raises(Unsupported, match="more than"):
        read(often + b"h\0h\1\x85R" * 1_000 + b"e.", instructions=20_000)
    for _ in range(6):
        data = b"ctorch.storage\n_load_from_bytes\nB" + len(data).to_bytes(4, "little") + data + b"\x85R."
    with pytest.raises(Unsupported, match="many times"):
        read(data)
