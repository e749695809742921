"""The right tensors are found in a file of any form, under any prefix; what is unclear is asked, what is not right left."""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from resnet_gui.messages import sentence
from resnet_gui.nets.build import build
from resnet_gui.weights.state_dict import Chosen, UnclearPart, choose

State = dict[str, Any]

HEADS = {"resnet20": "linear", "lenet5": "output", "features": "classifier.1"}
FEATURES = {
    "features.0.weight": (8, 3, 3, 3),
    "features.0.bias": (8,),
    "features.2.squeeze.weight": (4, 8, 1, 1),
    "features.2.squeeze.bias": (4,),
    "features.2.expand2.weight": (8, 4, 3, 3),
    "features.2.expand2.bias": (8,),
    "classifier.1.weight": (5, 8, 1, 1),
    "classifier.1.bias": (5,),
}
"""Names and shapes as SqueezeNet has them, whose head is a convolution."""

SOME = torch.ones(5)


@dataclass(frozen=True, slots=True, eq=False)
class Unread:
    """Stands for a tensor that must not be read: of another key, it is another one."""

    shape: tuple[int, ...]
    dtype: str = "float32"

    @property
    def key(self) -> int:
        return id(self)

    def read(self) -> Tensor:
        raise AssertionError("it was read")


@functools.cache
def shapes_of(name: str) -> dict[str, tuple[int, ...]]:
    if name == "features":
        return FEATURES
    with torch.device("meta"):
        return {key: tuple(tensor.shape) for key, tensor in build(name, 5).state_dict().items()}


def state_of(name: str) -> State:
    return {key: Unread(shape, "float32" if shape else "int64") for key, shape in shapes_of(name).items()}


def others(state: State) -> State:
    """Tensors of the same names and shapes, that must not be taken."""
    return {name: Unread(tensor.shape, tensor.dtype) for name, tensor in state.items()}


def under(prefix: str, state: State) -> State:
    return {prefix + name: tensor for name, tensor in state.items()}


def head_apart(state: State, head: str) -> tuple[State, State]:
    """The body, and the head's tensors by the names that they have within it."""
    body = {name: tensor for name, tensor in state.items() if not name.startswith(f"{head}.")}
    return body, {name.removeprefix(f"{head}."): state[name] for name in state if name not in body}


def nested(state: State) -> State:
    tree: State = {}
    for name, tensor in state.items():
        *modules, last = name.split(".")
        inner = tree
        for module in modules:
            inner = inner.setdefault(module, {})
        inner[last] = tensor
    return tree


def itself_inside(state: State) -> State:
    contents: State = {"epoch": 1, "model": state}
    contents["me"] = [contents, contents]
    return contents


def numbered(state: State) -> State:
    """No name is left but the last parts, in the same order."""
    return {f"layers.{i}.{name.rpartition('.')[2]}": tensor for i, (name, tensor) in enumerate(state.items())}


def moments(state: State) -> State:
    """What an optimizer saves."""
    each = [{"exp_avg": tensor, "exp_avg_sq": tensor} for tensor in others(state).values()]
    return {"state": dict(enumerate(each)), "param_groups": [{"lr": 0.1, "params": list(range(len(each)))}]}


SPELLINGS: dict[str, Callable[[State, str], Any]] = {
    "as it is": lambda state, head: state,
    "Lightning, compiled, with a criterion": lambda state, head: {
        "state_dict": under("model._orig_mod.", state) | {"criterion.weight": SOME}
    },
    "averaged, compiled": lambda state, head: {"n_averaged": torch.tensor(7)} | under("module._orig_mod.", state),
    "under weights": lambda state, head: {"epoch": 1, "weights": state},
    "under a name of one's own": lambda state, head: {"my net": {"fold 3": state}},
    "an attribute": lambda state, head: under("resnet.", state),
    "attributes of attributes": lambda state, head: {"network": under("net.encoder.", state)},
    "in a tuple": lambda state, head: (3, state, None),
    "in a list": lambda state, head: [{"epoch": 3}, {"best": state}],
    "a dictionary for each module": lambda state, head: {"params": nested(state)},
    "body and head in dictionaries": lambda state, head: dict(
        zip(("backbone", "head"), head_apart(state, head), strict=True)
    ),
    "a body beside the head": lambda state, head: {
        name if name.startswith(head) else f"backbone.{name}": tensor for name, tensor in state.items()
    },
    "a body and a head": lambda state, head: {
        f"head.{name}" if name.startswith(head) else f"encoder.{name}": tensor for name, tensor in state.items()
    },
    "a head under another name": lambda state, head: (
        head_apart(state, head)[0] | under("my_last.", head_apart(state, head)[1])
    ),
    "prefixed, the head under another name": lambda state, head: {
        "sd": under("m.", head_apart(state, head)[0] | under("clf.", head_apart(state, head)[1])), "class_weights": SOME
    },
    "sharded parts": lambda state, head: {
        name.replace(".", "._fsdp_wrapped_module.", 1) if name.count(".") > 1 else name: tensor
        for name, tensor in state.items()
    },
    "parts on several GPUs": lambda state, head: {
        name.replace("features.", "features.module."): tensor for name, tensor in state.items()
    },
    "a pickled network": lambda state, head: {"model": SimpleNamespace(state=state), "epoch": 3},
    "gradients beside": lambda state, head: {"grads": others(state), "model": state},
    "moments by name beside": lambda state, head: {"exp_avg": others(state), "mine": state, "momentum": others(state)},
    "an optimizer beside": lambda state, head: {"optimizer": moments(state), "weights": state},
    "the optimizer of an ensemble": lambda state, head: {"optim": {"state": {0: others(state)}}, "net": state},
    "pruning masks beside": lambda state, head: {
        "kept": {name: Unread(tensor.shape, "bool") for name, tensor in state.items()}, "weights": state
    },
    "one dictionary twice": lambda state, head: {"model": state, "state_dict": state},
    "two dictionaries of the same tensors": lambda state, head: {"model": {**state}, "best": {**state}},
    "a dictionary in itself": lambda state, head: itself_inside(state),
    "of more classes beside": lambda state, head: {
        "imagenet": head_apart(others(state), head)[0]
        | {name: Unread((1000, *state[name].shape[1:])) for name in state if name.startswith(f"{head}.")},
        "tuned": state,
    },
    "no name fits, but all shapes": lambda state, head: numbered(state),
    "no name fits, with a criterion": lambda state, head: {"sd": under("net.", numbered(state)) | {"loss.weight": SOME}},
    "some names fit, and all shapes": lambda state, head: {
        name.replace("2", "_two"): tensor for name, tensor in state.items()
    },
}  # fmt: skip


def chosen(contents: Any, state: State, part: str = "") -> Chosen:
    return choose(contents, {name: tensor.shape for name, tensor in state.items()}, part)


def missing(found: Chosen, state: State) -> list[str]:
    """Names of learned tensors that were not taken, or are other ones."""
    return [name for name in state if found.tensors.get(name) is not state[name] and "num_batches" not in name]


@pytest.mark.parametrize("network", HEADS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_all_weights_are_found_however_they_are_spelt(spelling: str, network: str) -> None:
    state = state_of(network)
    contents = SPELLINGS[spelling](state, HEADS[network])
    assert missing(chosen(contents, state), state) == []


@pytest.mark.parametrize(
    ("raw", "averaged"),
    [
        ("model", "model_ema"), ("state_dict", "state_dict_ema"), ("params", "params_ema"), ("model", "ema"), ("net", "swa_model"),
        ("weights", "averaged"), ("state_dict", "ema_state_dict"), ("model", "shadow"), ("Model", "ModelEMA"), ("no_ema", "ema"),
        ("raw_avg", "avg"), ("student", "ema_0.9999"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("flat", [False, True], ids=["dictionaries", "prefixes"])
def test_averaged_weights_are_taken_before_raw_ones_and_said(raw: str, averaged: str, flat: bool) -> None:
    state = state_of("resnet20")
    both = {raw: others(state), averaged: under("module.", state)}
    contents = {"state_dict": under(f"{raw}.", both[raw]) | under(f"{averaged}.", both[averaged])} if flat else both
    found = chosen(contents, state)
    assert missing(found, state) == []
    assert [note.code for note in found.notes] == ["weights_averaged", "weights_others"]
    said = " ".join(map(sentence, found.notes))
    assert f"{averaged}.module”" in said
    assert f"under: {'state_dict.' if flat else ''}{raw}." in said
    assert chosen(contents, both[raw], found.notes[1].values[0][1]).tensors == both[raw]  # type: ignore[arg-type]


def test_an_average_is_known_by_its_count_too() -> None:
    state = state_of("resnet20")
    contents = {"last": others(state), "second": {"n_averaged": torch.tensor(3)} | under("module.", state)}
    assert missing(chosen(contents, state), state) == []


def test_an_average_without_the_norms_statistics_is_left_and_named() -> None:
    state = state_of("resnet20")
    shadow = {name: tensor for name, tensor in others(state).items() if "running" not in name}
    found = chosen({"model": state, "shadow": shadow}, state)
    assert missing(found, state) == []
    assert "under: shadow." in sentence(found.notes[-1])


@pytest.mark.parametrize(
    ("contents", "parts"),
    [
        (lambda one, two: {"student": one, "teacher": two}, ("student", "teacher")),
        (lambda one, two: under("encoder_q.", one) | under("encoder_k.", two), ("encoder_q", "encoder_k")),
        (lambda one, two: {"folds": [under("module.", one), two]}, ("folds.0.module", "folds.1")),
        (lambda one, two: {"ema_0.9": one, "ema_0.99": two, "model": others(one)}, ("ema_0.9", "ema_0.99")),
        (lambda one, two: one | {"best": two}, ("top level", "best")),
        (lambda one, two: {"a": numbered(one), "b": numbered(two)}, ("a.layers", "b.layers")),
    ],
    ids=["dictionaries", "prefixes", "a list", "two averages", "at the top", "in order"],
)
def test_a_tie_is_asked_and_answered(contents: Callable[[State, State], Any], parts: tuple[str, str]) -> None:
    one = {name: torch.zeros(shape) for name, shape in shapes_of("resnet20").items()}
    two = {name: torch.ones(tensor.shape) for name, tensor in one.items()}
    both = contents(one, two)
    with pytest.raises(UnclearPart) as caught:
        chosen(both, one)
    assert (set(caught.value.parts), caught.value.wanted) == ({*parts}, "")
    assert missing(chosen(both, one, parts[0]), one) == []
    assert missing(chosen(both, two, parts[1]), two) == []
    with pytest.raises(UnclearPart) as caught:
        chosen(both, one, "nowhere")
    assert set(parts) <= {*caught.value.parts}
    assert caught.value.wanted == "nowhere"


def test_equal_numbers_are_no_tie() -> None:
    state = {name: torch.rand(shape) for name, shape in shapes_of("resnet20").items()}
    found = chosen({"model": state, "best": {name: tensor.clone() for name, tensor in state.items()}}, state)
    assert missing(found, state) == []
    assert found.notes == ()


@pytest.mark.parametrize(
    "contents",
    [
        lambda state: {"grads": state}, lambda state: {"exp_avg": state}, lambda state: under("criterion.", state),
        lambda state: {"optimizer_state_dict": {"state": state}},
        lambda state: dict([*numbered(state).items()][:-1]),
        lambda state: numbered(state) | {"layers.1000.weight": Unread((5, 64))},
        lambda state: dict(reversed(numbered(state).items())),
        lambda state: {name.replace("weight", "kernel"): tensor for name, tensor in numbered(state).items()},
        lambda state: {name: Unread(tensor.shape, "int8") for name, tensor in numbered(state).items()},
        lambda state: [*state.values()], lambda state: {}, lambda state: None, lambda state: "state_dict",
    ],
    ids=["gradients", "moments", "a criterion", "an optimizer", "one fewer", "one more", "another order", "other last names",
         "whole numbers", "a list without names", "nothing", "None", "a text"],
)  # fmt: skip
def test_what_is_no_sure_fit_is_left(contents: Callable[[State], Any]) -> None:
    state = state_of("resnet20")
    found = chosen(contents(state), state)
    assert [name for name in found.tensors if name.endswith("conv1.weight")] == []


def test_names_that_contradict_the_order_are_stronger() -> None:
    """Two convolutions of equal shape in another order: by their names one is wrong, so the order proves nothing."""
    state = {"a.weight": Unread((4, 4, 3, 3)), "b.weight": Unread((4, 4, 3, 3)), "c.weight": Unread((5, 4))}
    found = chosen({"b.weight": state["b.weight"], "x.weight": state["a.weight"], "y.weight": state["c.weight"]}, state)
    assert found.tensors["b.weight"] is state["b.weight"]
    assert "a.weight" not in found.tensors


def test_what_was_taken_in_order_is_said_with_its_doubt() -> None:
    state = state_of("resnet20")
    said = sentence(chosen(numbered(state), state).notes[-1])
    assert "none are this network's" in said
    assert "try this one on some pictures" in said


def test_two_heads_left_over_are_not_chosen_between() -> None:
    state = state_of("resnet20")
    body, head = head_apart(state, "linear")
    found = chosen(body | under("first.", head) | under("second.", head), state)
    assert missing(found, state) == ["linear.weight", "linear.bias"]


def test_a_renamed_head_of_other_classes_is_known_as_the_head() -> None:
    state = state_of("resnet20")
    body, _ = head_apart(state, "linear")
    found = chosen(body | {"fc.weight": Unread((1000, 64)), "fc.bias": Unread((1000,))}, state)
    assert found.tensors["linear.weight"].shape == (1000, 64)
    assert found.others == {}


@pytest.mark.parametrize(
    "make",
    [
        lambda: {str(i): {} for i in range(150_000)}, lambda: [[i] for i in range(150_000)], lambda: {"history": [0.5] * 1_000_000},
        lambda: {f"a{i}.conv1.weight": Unread((16, 3, 3, 4)) for i in range(40_000)},
        lambda: {"conv1." * 200_000 + "weight": Unread((1,))},
        lambda: {("layer1." * 100 + f"{i}.conv1.weight"): Unread((16, 16, 3, 3)) for i in range(30_000)},
    ],
    ids=["dictionaries", "lists", "numbers", "prefixes", "a long name", "long names"],
)  # fmt: skip
def test_a_file_made_to_take_long_is_given_up_soon(make: Callable[[], Any]) -> None:
    state, contents = state_of("resnet20"), make()
    start = time.process_time()
    assert not chosen(contents, state).tensors.keys() - {"conv1.weight"}
    assert time.process_time() - start < 3


def test_a_dictionary_nested_without_end_is_looked_at_to_a_depth() -> None:
    state = state_of("resnet20")
    contents: State = {}
    inner = contents
    for _ in range(10_000):
        inner["state_dict"] = {}
        inner = inner["state_dict"]
    inner.update(state)
    assert chosen(contents, state).tensors == {}
