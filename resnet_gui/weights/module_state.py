"""The state dict of a network that was pickled as a whole, out of its parts and without its code."""

from __future__ import annotations

from typing import Any

from resnet_gui.weights.refusals import Damaged
from resnet_gui.weights.stored_tensor import ModuleState, Opaque, StoredTensor

_LONGEST_NAME = 500


def state_dict_of(attributes: Any, most_names: int) -> ModuleState | None:
    """What `state_dict()` of a module with these attributes would give; None if they are not those of a module.

    The modules within it must be there already, as they are in every pickle that holds no circle. Raises `Damaged`
    if there are more than `most_names`, or they are very long.
    """
    match attributes:
        case {"_parameters": dict(parameters), "_buffers": dict(buffers), "_modules": dict(modules)}:
            pass
        case _:
            return None
    left_out = _names_in(attributes.get("_non_persistent_buffers_set"))
    if len(parameters) + len(buffers) > most_names:
        raise Damaged("its modules hold each other too often")
    found = ModuleState()
    for name, tensor in (*parameters.items(), *buffers.items()):
        if isinstance(tensor, StoredTensor) and _is_name(name) and name not in left_out:
            found[str(name)] = tensor
    for name, module in modules.items():
        inner = module.attributes if isinstance(module, Opaque) and _is_name(name) else None
        if isinstance(inner, ModuleState):
            if len(found) + len(inner) > most_names or not all(map(_is_name, inner)):
                raise Damaged("its modules hold each other too often")
            found.update((f"{name}.{below}", tensor) for below, tensor in inner.items())
    return found


def _is_name(name: Any) -> bool:
    return isinstance(name, int) or (isinstance(name, str) and len(name) <= _LONGEST_NAME)


def _names_in(names: Any) -> set[str]:
    items = names.items if isinstance(names, Opaque) else names
    return {name for name in items if isinstance(name, str)} if isinstance(items, list) else set()
