"""What a hostile pickle would do if it could, and the ways by which a pickle can do it."""

from __future__ import annotations

import marshal
import pickle
from pathlib import Path
from typing import Any

from hostile_files.opcodes import Call, Name, Persistent, Raw, call, encoded, pickled, storage, tensor
from hostile_files.watch import MARK


class Canary:
    """A folder that no reader may touch: a file that must not come, and one that must not go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / f"canary-{MARK}"
        self.folder.mkdir()
        self.written, self.kept, self.script = (self.folder / name for name in ("written", "kept", "script.py"))
        self.evil, self.numbers = self.folder / "evil.pth", self.folder / "evil.npy"
        self.restore()

    @property
    def code(self) -> str:
        """A Python expression that writes the canary."""
        return f"open({str(self.written)!r}, 'w').close()"

    def restore(self) -> None:
        """As at the beginning."""
        for path in self.folder.iterdir():
            path.unlink()
        self.kept.write_text("kept")
        self.script.write_text(self.code)
        evil = pickled(call("builtins:eval", self.code))
        self.evil.write_bytes(evil)
        header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + "\n"
        self.numbers.write_bytes(b"\x93NUMPY\x01\x00\x76\x00" + header.encode() + evil)
        self.before = self._listing()

    def is_alive(self) -> bool:
        """Whether nothing has been written, removed or changed."""
        return self._listing() == self.before

    def _listing(self) -> dict[str, tuple[int, int]]:
        found = {path.name: path.lstat() for path in self.folder.iterdir()}
        return {name: (status.st_size, status.st_mtime_ns) for name, status in found.items()}


def calls(canary: Canary) -> dict[str, Call]:
    """By a name for each: a call that would write, remove or fetch something, end the process or eat memory."""
    written, code, evil = str(canary.written), canary.code, pickled(call("builtins:eval", canary.code))
    shell = f"touch '{written}'"
    ready = compile(code, MARK, "eval")
    simple = {
        "os:system": (shell,), "posix:system": (shell,), "nt:system": (shell,), "os:popen": (shell,),
        "os:mkdir": (f"{written}",), "os:remove": (str(canary.kept),), "os:symlink": ("/", written),
        "os:rename": (str(canary.kept), written), "os:execvp": ("touch", ["touch", written]),
        "os:spawnvp": (0, "touch", ["touch", written]), "os:posix_spawn": ("/bin/touch", ["touch", written], {}),
        "os:putenv": (MARK, MARK), "os:abort": (), "os:_exit": (0,), "os:kill": (0, 9), "os:fork": (),
        "subprocess:Popen": (["touch", written],), "subprocess:call": (["touch", written],),
        "subprocess:check_output": (["touch", written],), "subprocess:getoutput": (shell,),
        "builtins:eval": (code,), "__builtin__:eval": (code,), "builtins:exec": (code,),
        "builtins:compile": (code, MARK, "eval"), "builtins:open": (written, "w"), "io:open": (written, "w"),
        "builtins:exit": (), "builtins:input": (), "builtins:breakpoint": (), "sys:exit": (0,),
        "builtins:__import__": ("antigravity",), "importlib:import_module": ("antigravity",),
        "shutil:copy": (str(canary.kept), written), "shutil:rmtree": (str(canary.folder),),
        "runpy:run_path": (str(canary.script),), "runpy:_run_code": (code, {}), "timeit:timeit": (code,),
        "cProfile:run": (code,), "pdb:run": (code,), "doctest:debug_script": (code,), "pty:spawn": (["touch", written],),
        "webbrowser:open": (f"file://{written}",), "pip:main": (["download", MARK],), "idlelib.pyshell:main": (),
        "socket:create_connection": (("127.0.0.1", 9),), "urllib.request:urlopen": (f"http://127.0.0.1:9/{MARK}",),
        "logging:FileHandler": (written,), "pickle:loads": (evil,), "_pickle:loads": (evil,),
        "marshal:loads": (marshal.dumps(ready),), "ctypes:CDLL": (str(canary.evil),),
        "torch:load": (str(canary.evil), None, None, False), "torch.serialization:load": (str(canary.evil),),
        "torch.storage:_load_from_bytes": (evil,), "torch.jit:load": (str(canary.evil),),
        "torch.hub:load": (str(canary.folder), "script", MARK), "torch:save": (1, written),
        "numpy:load": (str(canary.numbers), None, True), "numpy:savetxt": (written, [1.0]),
        "numpy:fromfile": (str(canary.kept),), "faulthandler:_sigsegv": (), "sys:setrecursionlimit": (2**30,),
        "builtins:bytearray": (10**11,), "builtins:range": (10**12,), "operator:mul": ("a", 10**11),
        "builtins:pow": (10, 10**9), "torch:zeros": (10**12,), "torch:Tensor": (10**11,),
        "tempfile:mkdtemp": (MARK, MARK, str(canary.folder)), "atexit:register": (Name("os", "abort"),),
    }  # fmt: skip
    return {path: call(path, *arguments) for path, arguments in simple.items()} | _chains(canary, shell)


def _chains(canary: Canary, shell: str) -> dict[str, Call]:
    """Calls of what other calls give: each link is harmless alone."""
    code = canary.code
    system = Name("os", "system")
    return {
        "getattr": Call(call("builtins:getattr", Name("os", "path"), "os"), ()),
        "getattr of os": Call(call("builtins:getattr", call("importlib:import_module", "os"), "system"), (shell,)),
        "attrgetter": Call(Call(call("operator:attrgetter", "system"), (call("builtins:__import__", "os"),)), (shell,)),
        "methodcaller": Call(call("operator:methodcaller", "system", shell), (call("builtins:__import__", "os"),)),
        "partial": Call(call("functools:partial", system, shell), ()),
        "reduce": call("functools:reduce", Name("builtins", "eval"), [code, {}]),
        "map": call("builtins:list", call("builtins:map", system, [shell])),
        "filter": call("builtins:set", call("builtins:filter", Name("builtins", "eval"), [code])),
        "sorted by key": call("builtins:max", [code, code], Name("builtins", "eval")),
        "Path.touch": call("pathlib:Path.touch", call("pathlib:PosixPath", str(canary.written))),
        "Path.write_text": call("pathlib:Path.write_text", call("pathlib:Path", str(canary.written)), "x"),
        "function of code": Call(call("types:FunctionType", call("marshal:loads", _marshalled(code)), {}), ()),
        "thread": Call(call("threading:Timer", 0, system, (shell,)), ()),
        "enter": Call(Name("contextlib", "ExitStack.callback"), (call("contextlib:ExitStack"), system, shell)),
        "weakref": call("weakref:finalize", call("collections:UserDict"), system, shell),
        "rebuild from a type": call("torch._tensor:_rebuild_from_type_v2", system, Name("os", "PathLike"), (shell,), {}),
        "scalar of objects": call(
            "numpy.core.multiarray:scalar", call("numpy:dtype", "O8"), pickle.dumps(None, 2).replace(b"N", encoded(call("builtins:eval", code), 2))
        ),
        "array of objects": call("numpy.core.multiarray:_reconstruct", Name("numpy", "ndarray"), (10**12,), b"b"),
        "copyreg": call("copyreg:__newobj__", Name("subprocess", "Popen"), ["touch", str(canary.written)]),
        "reconstructor": call("copyreg:_reconstructor", Name("subprocess", "Popen"), Name("builtins", "object"), None),
        "defaultdict": call("collections:defaultdict", system),
        "a regular expression": call("re:match", "(a+)+$", "a" * 40 + "b"),
    }  # fmt: skip


def _marshalled(code: str) -> bytes:
    return marshal.dumps(compile(code, MARK, "eval"))


WAYS = (
    "reduce", "inst", "obj", "newobj", "newobj_ex", "reduce from the memo", "built", "state of a call", "set state",
    "state in slots", "dict of an object", "key", "persistent id", "hook", "storage", "size", "dtype", "parameter",
    "parameter with state", "items", "appended to", "put into", "popped", "duplicated", "in a call of a call",
    "metadata", "a set",
)  # fmt: skip
"""How a call gets into a pickle, or a pickle out of what it was allowed."""


def by(way: str, made: Call, protocol: int) -> Raw:
    """The instructions that would make the call `made` by `way`."""

    def code(value: Any) -> bytes:
        return encoded(value, protocol)

    callee, arguments = made.callee, made.arguments
    inner = b"".join(code(argument) for argument in arguments)
    ordered = code(call("collections:OrderedDict"))
    two = (2, 3)
    match way:
        case "inst" if isinstance(callee, Name):
            return Raw(b"(" + inner + b"i" + f"{callee.module}\n{callee.name}\n".encode())
        case "obj":
            return Raw(b"(" + code(callee) + inner + b"o")
        case "newobj":
            return Raw(code(callee) + code(arguments) + b"\x81")
        case "newobj_ex":
            return Raw(code(callee) + code(arguments) + code({}) + b"\x92")
        case "reduce from the memo":
            return Raw(code(callee) + b"q\xf9" + b"0" + b"h\xf9" + code(arguments) + b"R")
        case "built":
            return Raw(code(made) + code({"state": made}) + b"b")
        case "state of a call":
            return Raw(ordered + code(made) + b"b")
        case "set state":
            state = code(arguments[0]) if arguments else code(None)
            return Raw(ordered + code({"__setstate__": callee}) + b"b" + state + b"b")
        case "state in slots":
            return Raw(ordered + code((None, {"items": callee, "__class__": callee, "__reduce__": callee})) + b"b")
        case "dict of an object":
            names = ("items", "keys", "get", "shape", "dtype", "read", "__len__", "__iter__", "__getattr__", "numel")
            state = dict.fromkeys(names, callee)
            return Raw(code(Call(Name("argparse", "Namespace"), ())) + code(state) + b"b")
        case "key":
            return Raw(code({}) + code(made) + code(1) + b"s")
        case "persistent id":
            return Raw(code(Persistent(("storage", callee, "0", "cpu", 6))) if protocol else b"P" + inner[1:] + b"\n")
        case "hook":
            return Raw(code(tensor(storage("0", 6), two, None, 0, False, made)))
        case "storage":
            return Raw(code(tensor(made, two)))
        case "size":
            return Raw(code(tensor(storage("0", 6), (made, 3), (3, 1))))
        case "dtype":
            return Raw(
                code(
                    call(
                        "torch._utils:_rebuild_tensor_v3",
                        storage("0", 6, "UntypedStorage"),
                        0,
                        two,
                        (3, 1),
                        False,
                        made,
                        made,
                    )
                )
            )
        case "parameter":
            return Raw(code(call("torch._utils:_rebuild_parameter", tensor(storage("0", 6), two), False, made)))
        case "parameter with state":
            state = {"__class__": callee, "shape": made, "read": callee, "data": made}
            hooks = call("collections:OrderedDict")
            return Raw(
                code(
                    call("torch._utils:_rebuild_parameter_with_state", tensor(storage("0", 6), two), True, hooks, state)
                )
            )
        case "items":
            return Raw(code(call("collections:OrderedDict", made)))
        case "appended to":
            return Raw(code(made) + b"(" + code(1) + code(2) + b"e")
        case "put into":
            return Raw(code(Name("os", "environ")) + code("PATH") + code(made) + b"s")
        case "popped":
            return Raw(code(made) + b"0" + code(1))
        case "duplicated":
            return Raw(code(callee) + b"2" + b"0" + code(arguments) + b"R")
        case "in a call of a call":
            return Raw(code(Call(Call(callee, arguments), arguments)))
        case "metadata":
            return Raw(ordered + code({"_metadata": {"": {"version": made}}}) + b"b")
        case "a set" if protocol >= 4:
            return Raw(b"\x8f(" + code(made) + b"\x90")
    return Raw(code(made))
