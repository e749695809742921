"""What a pickle says of tensors and arrays, each with exactly the arguments of an honest file."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from resnet_gui.weights.refusals import Damaged, UnsafePickle
from resnet_gui.weights.stored_tensor import (
    ITEM_SIZES,
    MOST_DIMENSIONS,
    Global,
    Opaque,
    Storage,
    StoredTensor,
    contiguous_stride,
    tensor_in,
)

_KINDS = {
    "Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64", "Int": "int32",
    "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool", "ComplexDouble": "complex128",
    "ComplexFloat": "complex64", "QInt8": "qint8", "QUInt8": "quint8", "QInt32": "qint32", "QUInt4x2": "quint4x2",
    "QUInt2x4": "quint2x4", "Untyped": "uint8",
}  # fmt: skip
STORAGES = {
    f"{module}.{kind}Storage": dtype for module in ("torch", "torch.cuda", "torch.storage") for kind, dtype in _KINDS.items()
} | {"torch.storage._UntypedStorage": "uint8"}  # fmt: skip
"""The dtype of each kind of storage, by its class."""

_OLD_TENSORS = {f"{module}.{kind}Tensor" for module in ("torch", "torch.cuda") for kind in _KINDS}
_PARAMETERS = {
    "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer", "torch.autograd.variable.Variable",
    "torch.nn.Parameter", "torch.Tensor", "torch._tensor.Tensor", "torch.tensor.Tensor",
}  # fmt: skip


def make_tensor(name: str, arguments: tuple[Any, ...]) -> StoredTensor:
    """The tensor that the function or class `name`, one of `TENSOR_MAKERS`, makes of `arguments`.

    Raises `Damaged` if they are not those of an honest file, or the tensor reaches beyond its storage.
    """
    made = TENSOR_MAKERS[name](arguments)
    if made is None:
        raise Damaged(f"a tensor is made in an odd way, by {name.rpartition('.')[2]}")
    return made


def _plain(arguments: tuple[Any, ...]) -> StoredTensor | None:
    match arguments:
        case (Storage() as storage, offset, tuple(shape), tuple(stride)):
            return tensor_in(storage, offset, shape, stride)
    return None


def _plain_v2(arguments: tuple[Any, ...]) -> StoredTensor | None:
    match arguments:
        case (Storage() as storage, offset, tuple(shape), tuple(stride), bool(), hooks, *marks) if not hooks:
            return _marked(tensor_in(storage, offset, shape, stride), marks)
    return None


def _plain_v3(arguments: tuple[Any, ...]) -> StoredTensor | None:
    match arguments:
        case (Storage() as storage, offset, tuple(shape), tuple(stride), bool(), hooks, Global(dtype), *marks) if (
            not hooks and dtype.startswith("torch.")
        ):
            return _marked(tensor_in(storage, offset, shape, stride, dtype.removeprefix("torch.")), marks)
    return None


def _marked(tensor: StoredTensor, marks: list[Any]) -> StoredTensor | None:
    """`tensor` with the marks of conjugate complex numbers and of negative ones, which nobody needs."""
    match marks:
        case [] | [None]:
            return tensor
        case [dict(signs)] if all(name in ("conj", "neg") and type(sign) is bool for name, sign in signs.items()):
            tensor.layout = "numbers to be negated" if signs.get("neg") else ""
            return tensor
    return None


def _parameter(arguments: tuple[Any, ...]) -> StoredTensor | None:
    match arguments:
        case (StoredTensor() as tensor, bool(), hooks, *_) if not hooks and len(arguments) <= 4:
            return tensor
    return None


def _wrapped(arguments: tuple[Any, ...]) -> StoredTensor | None:
    """A parameter or variable, as its class is called with its tensor; or an empty one, whose form comes later."""
    match arguments:
        case (StoredTensor() as tensor, *others) if all(isinstance(other, bool) for other in others):
            return tensor
        case ():
            return _unfilled()
    return None


def _unfilled(arguments: tuple[Any, ...] = ()) -> StoredTensor | None:
    return None if arguments else StoredTensor(None, 0, (0,), (1,), "float32", layout="without numbers")


def _subclass(arguments: tuple[Any, ...]) -> StoredTensor | None:
    match arguments:
        case (Global(maker), Global(), tuple(inner), _):
            if maker not in TENSOR_MAKERS:
                raise UnsafePickle(maker)
            return None if TENSOR_MAKERS[maker] is _subclass else make_tensor(maker, inner)
    return None


def _odd(layout: str, shape: Any, dtype: str) -> StoredTensor:
    form = shape.arguments[0] if isinstance(shape, Opaque) and shape.arguments else shape
    known = isinstance(form, tuple) and len(form) <= MOST_DIMENSIONS
    known = known and all(type(number) is int and 0 <= number < 2**63 for number in form)
    return StoredTensor(None, 0, tuple(form) if known else (), (), dtype, layout)


def _sparse(arguments: tuple[Any, ...]) -> StoredTensor | None:
    match arguments:
        case (_, (StoredTensor(), StoredTensor() as values, shape, *_)):
            return _odd("a sparse tensor", shape, values.dtype)
        case (_, (StoredTensor(), StoredTensor(), StoredTensor() as values, shape)):
            return _odd("a sparse tensor", shape, values.dtype)
    return None


def _quantized(arguments: tuple[Any, ...]) -> StoredTensor | None:
    match arguments:
        case (Storage() as storage, offset, tuple(shape), tuple(stride), tuple(), bool(), hooks) if not hooks:
            tensor = tensor_in(storage, offset, shape, stride)
            tensor.layout = f"a quantized tensor ({storage.dtype})"
            return tensor
    return None


def _nested(arguments: tuple[Any, ...]) -> StoredTensor | None:
    match arguments:
        case (StoredTensor() as values, StoredTensor(), StoredTensor(), StoredTensor()):
            return _odd("a nested tensor", (), values.dtype)
    return None


def _jagged(arguments: tuple[Any, ...]) -> StoredTensor | None:
    return _odd("a nested tensor", (), "float32")


def _meta(arguments: tuple[Any, ...]) -> StoredTensor | None:
    match arguments:
        case (Global(dtype), tuple(shape), tuple(), bool()):
            return _odd("a tensor without numbers (of the device “meta”)", shape, dtype.removeprefix("torch."))
    return None


def _wrapper(arguments: tuple[Any, ...]) -> StoredTensor | None:
    match arguments:
        case (Global(kind), Global(dtype), tuple(shape), *_):
            return _odd(f"a tensor of the class {kind.rpartition('.')[2]}", shape, dtype.removeprefix("torch."))
    return None


def _of_device(arguments: tuple[Any, ...]) -> StoredTensor | None:
    match arguments:
        case (StoredTensor() as tensor, Global(), str(), bool()):
            return tensor
    return None


TENSOR_MAKERS: dict[str, Callable[[tuple[Any, ...]], StoredTensor | None]] = {
    "torch._utils._rebuild_tensor": _plain,
    "torch._utils._rebuild_tensor_v2": _plain_v2,
    "torch._utils._rebuild_tensor_v3": _plain_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _subclass,
    "torch._tensor._rebuild_from_type": _subclass,
    "torch.tensor._rebuild_from_type": _subclass,
    "torch._utils._rebuild_sparse_tensor": _sparse,
    "torch._utils._rebuild_sparse_csr_tensor": _sparse,
    "torch._utils._rebuild_qtensor": _quantized,
    "torch._utils._rebuild_nested_tensor": _nested,
    "torch.nested._internal.nested_tensor._rebuild_njt": _jagged,
    "torch._utils._rebuild_meta_tensor_no_storage": _meta,
    "torch._utils._rebuild_wrapper_subclass": _wrapper,
    "torch._utils._rebuild_device_tensor_from_numpy": _of_device,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _of_device,
    "torch._utils._rebuild_xla_tensor": _of_device,
    **dict.fromkeys(_PARAMETERS, _wrapped),
    **dict.fromkeys(_OLD_TENSORS, _unfilled),
}
"""Functions and classes that make tensors. Each gives None for arguments that no honest file has."""


def refill(tensor: StoredTensor, state: Any) -> None:
    """Gives a tensor the form that PyTorch before 0.2 wrote apart from it. Other attributes do not matter.

    Raises `Damaged` if the tensor would reach beyond its storage.
    """
    match state:
        case (Storage() as storage, offset, tuple(shape), tuple(stride)):
            filled = tensor_in(storage, offset, shape, stride)
            tensor.storage, tensor.offset, tensor.shape = storage, filled.offset, filled.shape
            tensor.stride, tensor.dtype, tensor.layout = filled.stride, filled.dtype, ""


_ARRAYS = {
    "f2": "float16", "f4": "float32", "f8": "float64", "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64",
    "u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64", "b1": "bool", "c8": "complex64", "c16": "complex128",
}  # fmt: skip


class _Bytes:
    """The bytes of an array, which lie in the pickle itself."""

    def __init__(self, data: bytes, big_endian: bool) -> None:
        self.big_endian = big_endian
        self._data = data

    def read(self, key: str, start: int, size: int) -> bytearray:
        return bytearray(self._data[start : start + size])


def fill_array(array: StoredTensor, state: Any) -> None:
    """Gives a numpy array its form and its numbers. Arrays of objects and texts have none that could be read.

    Raises `Damaged` if there are not as many bytes as it needs.
    """
    match state:
        case (int(), tuple(shape), Opaque(name="numpy.dtype") as dtype, bool(columns_first), data):
            made = _array(data, dtype, shape, columns_first)
        case _:
            raise Damaged("an array has an odd form")
    array.storage, array.shape, array.stride = made.storage, made.shape, made.stride
    array.dtype, array.layout = made.dtype, made.layout


def array_from_buffer(data: Any, dtype: Any, shape: Any, order: Any = "C") -> StoredTensor:
    """A numpy array as pickle protocol 5 has it. Raises `Damaged` as `fill_array`."""
    if not isinstance(dtype, Opaque) or not isinstance(shape, tuple):
        raise Damaged("an array has an odd form")
    return _array(data, dtype, shape, order == "F")


def _array(data: Any, dtype: Opaque, shape: tuple[Any, ...], columns_first: bool) -> StoredTensor:
    code = dtype.arguments[0] if dtype.arguments else ""
    kind = _ARRAYS.get(code) if isinstance(code, str) else None
    raw = data.encode("utf-8") if isinstance(data, str) else data
    if kind is None or not isinstance(raw, bytes):
        return _odd("a numpy array of other things than numbers", shape, "object")
    order = dtype.attributes[1] if isinstance(dtype.attributes, tuple) and len(dtype.attributes) > 1 else "<"
    storage = Storage("numpy.ndarray", source=_Bytes(raw, order == ">"), dtype=kind, numel=len(raw) // ITEM_SIZES[kind])
    stride = contiguous_stride(shape[::-1])[::-1] if columns_first else contiguous_stride(shape)
    array = tensor_in(storage, 0, shape, stride)
    if math.prod(array.shape) != storage.numel:
        raise Damaged("an array does not have as many bytes as it should")
    return array
