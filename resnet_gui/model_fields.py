"""The description of a model, field by field: what each may be, and which format of the file a reader needs for it."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from resnet_gui.config import INTERPOLATIONS, LEAST_IMAGE_SIZE, MOST_IMAGE_SIZE
from resnet_gui.messages import Problem
from resnet_gui.nets.catalog import find
from resnet_gui.tensor_file import USUAL_FORMAT

MOST_CLASSES = 100_000
LONGEST_NAME = 1000
"""Characters of a class."""
_LONGEST_TEXT = 200
_MOST_BORDER = 100
"""How many times as large as the image the picture may be from whose middle it is cut."""
_MOST_LOSS = 1e300
_LARGEST = 1e6
"""How large the numbers that pictures are normalized with may be: with larger ones no network computes."""

FORMATS: Mapping[str, int] = {
    "preprocessing.grey_range": 3,
    "preprocessing.as_torchvision": 4,
    "val_leaked": USUAL_FORMAT,
    "test.leaked": USUAL_FORMAT,
    "test.leaked_right": USUAL_FORMAT,
}
"""The format of a file in which a field that came later is not at its default.

A field that changes a model's answers needs a format of its own, so that an earlier program, which does not know the field,
refuses the file. One that only tells something about the model needs the usual one.
"""


class WrongField(ValueError):
    """A field of a description is not what it must be. `values` are for a sentence: `field`, `value` and `wanted`."""

    def __init__(self, field: str, shown: str, wanted: str) -> None:
        self.values = {"field": field, "value": shown, "wanted": wanted}
        super().__init__(f"its field “{field}” is {shown}, and must be {wanted}")

    @classmethod
    def of(cls, field: str, value: object, wanted: str) -> WrongField:
        """That of a `value` from a file, which may be anything of any length."""
        return cls(field, ascii(_REPR.repr(value))[1:-1].replace("\\'", "'").replace("\\\\", "\\"), wanted)


def needed_format(description: Mapping[str, Any]) -> int:
    """The lowest format that holds `description`, from which later fields at their defaults are left out."""
    return max((number for field, number in FORMATS.items() if _present(description, field)), default=USUAL_FORMAT)


def check_model(description: Mapping[str, Any]) -> None:
    """Checks every field of a model's `description`, as JSON gave it, for its type and its range.

    Raises `WrongField`, and `Problem` as `nets.catalog.find`.
    """
    _check(description, _MODEL, "", required=("network", "classes", "preprocessing", "epoch", "validated"))
    _check_names(description["classes"])
    preprocessing = description["preprocessing"]
    _check(preprocessing, _PREPROCESSING, "preprocessing.", required=("image_size", "resize"))
    _check_preprocessing(preprocessing)
    if (range_of_grey := preprocessing.get("grey_range")) is not None:
        _check(range_of_grey, _GREY_RANGE, "preprocessing.grey_range.", required=("low", "high"))
        if not range_of_grey.get("stretch") and range_of_grey["low"] >= range_of_grey["high"]:
            raise WrongField.of("preprocessing.grey_range.low", range_of_grey["low"], "below “high”")
    if (test := description.get("test")) is not None:
        _check_test(test, description["classes"])
    _check_network(description["network"], preprocessing["image_size"])


_Test = Callable[[Any], bool]
_Rules = Mapping[str, tuple[_Test, str]]


def _whole(least: int, most: int = 10**12) -> _Test:
    return lambda value: type(value) is int and least <= value <= most


def _number(least: float, most: float) -> _Test:
    return lambda value: type(value) in (int, float) and least <= value <= most


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_TEXT and _can_be_written(value)


def _one_of(*choices: object) -> _Test:
    return lambda value: type(value) in map(type, choices) and value in choices


def _optional(test: _Test) -> _Test:
    return lambda value: value is None or test(value)


def _channels(test: _Test) -> _Test:
    return lambda value: isinstance(value, list | tuple) and len(value) in (1, 3) and all(map(test, value))


def _group(value: Any) -> bool:
    return isinstance(value, Mapping)


def _list(value: Any) -> bool:
    return isinstance(value, list | tuple)


_SHARE = _optional(_number(0, 1)), "from 0 to 1, or null"
_COUNT = _whole(0), "a whole number, at least 0"
_SHORT_TEXT = _text, f"a text of at most {_LONGEST_TEXT} characters"
_YES_OR_NO = _one_of(True, False), "true or false"
_GROUP = _group, "a group of fields"
_MODEL: _Rules = {
    "network": (_text, "the name of a network"),
    "classes": (_list, "a list of names"),
    "preprocessing": _GROUP,
    "epoch": _COUNT,
    "validated": _YES_OR_NO,
    "val_accuracy": _SHARE,
    "val_loss": (_optional(_number(0, math.inf)), "a number, at least 0, or null"),
    "test": (_optional(_group), "a group of fields, or null"),
    "test_opened": _COUNT,
    "val_leaked": _COUNT,
    "dataset_fingerprint": _SHORT_TEXT,
    "split_fingerprint": _SHORT_TEXT,
    "resnet_gui": _SHORT_TEXT,
    "torch": _SHORT_TEXT,
    "python": _SHORT_TEXT,
}
_PREPROCESSING: _Rules = {
    "image_size": (
        _whole(LEAST_IMAGE_SIZE, MOST_IMAGE_SIZE), f"a whole number from {LEAST_IMAGE_SIZE} to {MOST_IMAGE_SIZE}",
    ),
    "resize": (_whole(LEAST_IMAGE_SIZE), "a whole number of pixels"),
    "interpolation": (_one_of(*INTERPOLATIONS), "“bilinear” or “bicubic”"),
    "mean": (_channels(_number(-_LARGEST, _LARGEST)), "one number for grey or three for colours"),
    "std": (_channels(_number(1 / _LARGEST, _LARGEST)), "one number above 0 for grey or three for colours"),
    "grey_range": (_optional(_group), "a group of fields, or null"),
    "as_torchvision": _YES_OR_NO,
}  # fmt: skip
_GREY_RANGE: _Rules = {
    "low": (_number(-1e30, 1e30), "a number"),
    "high": (_number(-1e30, 1e30), "a number"),
    "stretch": _YES_OR_NO,
}
_TEST: _Rules = {
    "right": _COUNT,
    "total": _COUNT,
    "loss": (_number(0, _MOST_LOSS), "a number, at least 0"),
    "classes": (_list, "a list of scores"),
    "opened": _COUNT,
    "leaked": _COUNT,
    "leaked_right": _COUNT,
}
_CLASS_SCORE: _Rules = {"name": (lambda value: isinstance(value, str), "a name"), "right": _COUNT, "total": _COUNT}


def _check(found: Mapping[str, Any], rules: _Rules, group: str, required: Iterable[str]) -> None:
    for field in required:
        if field not in found:
            raise WrongField(group + field, "missing", rules[field][1])
    for field, (test, wanted) in rules.items():
        if field in found and not _holds(test, found[field]):
            raise WrongField.of(group + field, found[field], wanted)


def _holds(test: _Test, value: Any) -> bool:
    finite = not isinstance(value, float) or math.isfinite(value)
    return finite and test(value)


def _check_names(names: list[Any]) -> None:
    if not 1 <= len(names) <= MOST_CLASSES:
        raise WrongField("classes", f"a list of {len(names):,}", f"a list of 1 to {MOST_CLASSES:,} names")
    for number, name in enumerate(names):
        if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME or not _can_be_written(name):
            raise WrongField.of(f"classes[{number}]", name, f"a name of 1 to {LONGEST_NAME:,} characters")
    if len(set(names)) < len(names):
        first = {name: number for number, name in reversed([*enumerate(names)])}
        number = next(number for number, name in enumerate(names) if first[name] < number)
        raise WrongField.of(f"classes[{number}]", names[number], "another name than all before it")


def _can_be_written(name: str) -> bool:
    """Whether a file can hold the name. Those of folders that are not UTF-8 have half characters that stand for bytes."""
    try:
        name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _check_preprocessing(found: Mapping[str, Any]) -> None:
    size, resize = found["image_size"], found["resize"]
    if not size <= resize <= _MOST_BORDER * size:
        wanted = f"from {size} to {_MOST_BORDER * size}, since “image_size” is {size}"
        raise WrongField.of("preprocessing.resize", resize, wanted)
    colours = (0, 0, 0)
    if len(found.get("mean", colours)) != len(found.get("std", colours)):
        lengths = [len(found.get(field, colours)) for field in ("std", "mean")]
        raise WrongField("preprocessing.std", f"a list of {lengths[0]}", f"a list of {lengths[1]}, as “mean” is")


def _check_test(found: Mapping[str, Any], names: list[str]) -> None:
    _check(found, _TEST, "test.", required=("right", "total", "loss", "classes", "opened"))
    _check_counts(found, "test.")
    leaked, leaked_right = found.get("leaked", 0), found.get("leaked_right", 0)
    if (
        not leaked_right <= leaked <= found["total"]
        or not found["right"] - found["total"] + leaked <= leaked_right <= found["right"]
    ):
        raise WrongField.of("test.leaked_right", leaked_right, "as the counts beside it allow")
    if len(found["classes"]) != len(names):
        raise WrongField("test.classes", f"a list of {len(found['classes']):,}", "a score for each class")
    for number, (score, name) in enumerate(zip(found["classes"], names, strict=True)):
        group = f"test.classes[{number}]"
        if not _group(score):
            raise WrongField.of(group, score, "a group of fields")
        _check(score, _CLASS_SCORE, f"{group}.", required=_CLASS_SCORE)
        _check_counts(score, f"{group}.")
        if score["name"] != name:
            raise WrongField.of(f"{group}.name", score["name"], "the class of the same number")
    for count in ("right", "total"):
        if sum(score[count] for score in found["classes"]) != found[count]:
            raise WrongField.of(f"test.{count}", found[count], "the sum of those of the classes")


def _check_counts(found: Mapping[str, Any], group: str) -> None:
    if found["right"] > found["total"]:
        raise WrongField.of(f"{group}right", found["right"], f"at most “total”, which is {found['total']}")


def _check_network(name: str, size: int) -> None:
    try:
        spec = find(name)
    except Problem as problem:
        wanted = "the name of a network that this version has, as “resnet-gui networks” lists them"
        raise WrongField.of("network", name, wanted) from problem
    if not spec.takes(size):
        raise WrongField.of(
            "preprocessing.image_size", size, f"a size that {spec.title} takes, in pixels: {spec.sizes}"
        )


def _present(description: Mapping[str, Any], field: str) -> bool:
    found: Any = description
    for name in field.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return False
        found = found[name]
    return True


_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 40
_REPR.maxlist = _REPR.maxtuple = _REPR.maxdict = 4
_REPR.maxlevel = 2
