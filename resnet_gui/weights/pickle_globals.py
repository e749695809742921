"""Which names in a pickle could run a program, and which calls are known to be harmless.

Nothing that is named is ever imported or called, whatever the table says: the tables decide for which files the
sentence “could run a program” is true.
"""

from __future__ import annotations

DANGEROUS_MODULES = frozenset({
    "_aix_support", "_ctypes", "_frozen_importlib", "_frozen_importlib_external", "_imp", "_io", "_osx_support", "_pickle", "_posixsubprocess", "_pyio", "_pyrepl", "_socket",
    "_testcapi", "_thread", "_winapi", "_xxsubinterpreters", "aiohttp", "antigravity", "asyncio", "bdb", "cffi",
    "cgi", "cProfile", "cloudpickle", "cmd", "code", "codeop", "commands", "concurrent", "ctypes", "dill", "distutils",
    "doctest", "ensurepip", "faulthandler", "fcntl", "fileinput", "ftplib", "gc", "glob", "http", "httplib", "httpx",
    "idlelib", "imaplib", "imp", "importlib", "inspect", "IPython", "joblib.externals", "lib2to3", "linecache",
    "logging.config", "logging.handlers", "mailcap", "marshal", "mmap", "modulefinder", "msvcrt", "multiprocessing", "nntplib",
    "nt", "ntpath", "os", "pdb", "pickle", "pickletools", "pip", "pipes", "pkg_resources", "pkgutil", "platform",
    "popen2", "poplib", "posix", "posixpath", "profile", "pty", "py_compile", "compileall", "pydoc", "requests",
    "requests_toolbelt", "resource", "rlcompleter", "runpy", "select", "selectors", "setuptools", "shelve", "shutil",
    "signal", "site", "smtplib", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "sys", "sysconfig",
    "syslog", "tarfile", "telnetlib", "tempfile", "test.support", "this", "threading", "timeit", "tkinter", "trace", "tracemalloc",
    "turtledemo", "unittest.mock", "urllib", "urllib2", "venv", "webbrowser", "winreg", "wsgiref", "xmlrpc", "zipapp",
    "zipimport", "numpy.ctypeslib", "numpy.distutils", "numpy.f2py", "numpy.testing", "torch.hub", "torch.jit",
    "torch.package", "torch.distributed.run", "torch.distributed.launch",
    "torch.utils.bottleneck", "torch.utils.collect_env", "torch.utils.cpp_extension", "torch.utils._config_module",
    "torch.utils.model_dump", "torch.utils.benchmark", "torch.utils.data.datapipes.utils.decoder",
})  # fmt: skip
"""Modules that run programs, load code, or read and write files and networks; with everything below them."""

_INNER = DANGEROUS_MODULES & {
    "_posixsubprocess", "ctypes", "importlib", "marshal", "nt", "os", "pickle", "posix", "pty", "runpy",
    "shutil", "socket", "subprocess", "sys", "webbrowser", "urllib", "asyncio", "builtins",
}  # fmt: skip
"""Those that are dangerous as a part of another name, too (`torch.os.system`). Other names there are common words."""

_DANGEROUS_BUILTINS = {
    "__build_class__", "__import__", "__loader__", "breakpoint", "compile", "delattr", "eval", "exec", "execfile",
    "exit", "globals", "help", "input", "locals", "open", "quit", "raw_input", "reload", "setattr", "vars",
}  # fmt: skip
_BUILTINS = ("builtins", "__builtin__")
_DANGEROUS = {
    *(f"{module}.{name}" for module in _BUILTINS for name in _DANGEROUS_BUILTINS),
    *(f"{module}.{name}" for module in ("operator", "_operator") for name in ("attrgetter", "methodcaller", "call")),
    *(f"types.{name}" for name in ("CodeType", "FunctionType", "LambdaType", "MethodType", "ModuleType")),
    "torch.load", "torch.serialization.load", "torch.compile", "torch.fx.graph_module.reduce_graph_module",
    "torch.ops.load_library", "torch.ops", "numpy.load", "numpy.fromfile", "numpy.memmap", "numpy.save", "numpy.savez",
    "codecs.open", "logging.FileHandler", "io.open", "io.FileIO", "io.open_code", "gzip.open", "gzip.GzipFile", "bz2.open", "bz2.BZ2File", "lzma.open", "lzma.LZMAFile", "zipfile.ZipFile", "zipfile.PyZipFile", "dbm.open",
    "pandas.read_pickle", "joblib.load", "functools.reduce", "types.coroutine",
}  # fmt: skip

_NUMPY = ("numpy.core", "numpy._core")
ARRAY_MAKERS = frozenset(f"{core}.multiarray._reconstruct" for core in _NUMPY)
ARRAY_FROM_BUFFER = frozenset(f"{core}.numeric._frombuffer" for core in _NUMPY)

SETS = frozenset(
    {f"{module}.{name}" for module in (*_BUILTINS, "sets") for name in ("set", "frozenset")} | {"sets.Set"}
)
TYPES = frozenset(f"{module}.type" for module in _BUILTINS)
GETATTR = frozenset(f"{module}.getattr" for module in _BUILTINS)
RECONSTRUCTORS = frozenset({"copyreg._reconstructor", "copy_reg._reconstructor"})
"""They make an object of a class, the first argument, with the value of a built-in class that it is derived from."""
OBJECT_MAKERS = frozenset({
    "copyreg.__newobj__", "copy_reg.__newobj__",
    "copyreg.__newobj_ex__", "copy_reg.__newobj_ex__",
})  # fmt: skip
"""They make an object of the class that is their first argument."""

_NUMPY_TYPES = (
    "dtype", "ndarray", "bool_", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64", "longdouble", "complex64", "complex128", "str_", "bytes_", "datetime64", "timedelta64",
)  # fmt: skip
HARMLESS = frozenset({
    *(f"{module}.{name}" for module in _BUILTINS for name in (
        "object", "bool", "int", "long", "float", "complex", "str", "unicode", "bytes", "bytearray", "tuple", "list",
        "dict", "slice", "range", "xrange", "reversed", "enumerate", "zip",
    )),
    *(f"numpy.{name}" for name in _NUMPY_TYPES), *(f"numpy.{name}" for name in ("array", "asarray")),
    *(f"{core}.multiarray.{name}" for core in _NUMPY for name in ("scalar", "ndarray")),
    *(f"{core}.numerictypes.{name}" for core in _NUMPY for name in _NUMPY_TYPES),
    *(f"{core}._internal._convert_to_ubyte" for core in _NUMPY),
    *(f"numpy.random._pickle.__{name}_ctor" for name in ("randomstate", "generator", "bit_generator")),
    *(f"numpy.random.__{name}_ctor" for name in ("RandomState",)),
    *(f"datetime.{name}" for name in ("datetime", "date", "time", "timedelta", "timezone")),
    *(f"collections.{name}" for name in ("deque", "defaultdict")),
    "_collections.deque", "_collections.defaultdict", "array.array", "array._array_reconstructor", "itertools.count",
    "itertools.cycle", "itertools.repeat", "itertools.chain", "functools.partial", "_functools.partial",
    "operator.itemgetter", "_operator.itemgetter", "_operator.getitem", "operator.getitem", "_operator.or_", "operator.or_",
    "numpy.ma.core._mareconstruct", "logging.getLogger", "pytz._p", "pytz._UTC", "dateutil.tz.tz.tzutc", "dateutil.tz.tz.tzlocal", "zoneinfo._unpickle", "zoneinfo.ZoneInfo._unpickle", "re._compile",
    "time.struct_time", "types.mappingproxy",
    "torch.device", "torch.dtype", "torch.finfo", "torch.iinfo", "torch.tensor",
    "torch.serialization._get_layout", "torch._utils._get_restore_location",
    "torch.distributed._shard.sharded_tensor.metadata.ShardedTensorMetadata",
    "pandas._libs.internals._unpickle_block", "pandas.core.indexes.base._new_Index",
    "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked", "pandas._libs.tslibs.timestamps._unpickle_timestamp",
    "pandas._libs.tslibs.timedeltas._timedelta_unpickle",
})  # fmt: skip
"""Functions, and classes with a name like a function's, that only make a value out of their arguments."""

DICTS = frozenset({
    "collections.OrderedDict", "collections.Counter", "collections.defaultdict", "builtins.dict", "__builtin__.dict",
    "_collections.OrderedDict", "_collections.defaultdict", "ordereddict.OrderedDict",
})  # fmt: skip
BYTES = frozenset({"builtins.bytes", "__builtin__.bytes"})
LISTS = frozenset({"builtins.list", "__builtin__.list", "collections.deque", "_collections.deque"})


_RUNS_THINGS = DANGEROUS_MODULES | _DANGEROUS


def is_dangerous(name: str) -> bool:
    """Whether a pickle that names `name` could run a program by it."""
    parts = name.split(".")
    below = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return not below.isdisjoint(_RUNS_THINGS) or not _INNER.isdisjoint(parts[1:])


def is_class(name: str) -> bool:
    """Whether `name` is spelled as classes are: its last part begins with a capital letter, perhaps behind Cython's."""
    return name.rpartition(".")[2].removeprefix("__pyx_unpickle_").lstrip("_")[:1].isupper()
