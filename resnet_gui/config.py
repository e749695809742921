"""Every setting, once: its type, default, range and one sentence of help.

The command line's options, their `--help`, the form in the window and its tooltips are made from `settings()`.
To add a setting, add a line here and read it where it matters.
"""

from __future__ import annotations

import re
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from resnet_gui.atomic_write import atomic_write
from resnet_gui.messages import Problem, reason
from resnet_gui.regular_file import read_regular

Shown = Literal["first", "more", "own"]
"""Where the window shows a setting: at the top, under “More settings”, or with a widget of its own."""


def _setting(
    default: Any, label: str, help: str, *, shown: Shown = "more", unit: str = "", least: float = 0,
    choices: tuple[str, ...] = (), also: str = "", **limits: Any,
) -> Any:  # fmt: skip
    """`least`: the lowest number if 0 means that the program chooses; 0 if the program never chooses.

    `choices`: those of a text that may also match the pattern `also`.
    """
    extra: dict[str, Any] = {"shown": shown, "unit": unit, "least": least, "choices": choices, "also": also}
    return Field(default, title=label, description=help, json_schema_extra=extra, **limits)


MOST_LOADING_THREADS = 64
LEAST_IMAGE_SIZE, MOST_IMAGE_SIZE = 8, 1024
"""Pixels of a side; a model file cannot have others."""
INTERPOLATIONS = ("bilinear", "bicubic")
"""How a picture can be scaled, by the names in a model file."""
LEAST_MIDDLE_SHARE = 0.1
DEVICES, CARD = ("auto", "cpu", "cuda", "mps"), r"cuda:[0-9]{1,3}"
"""What may compute, and besides each graphics card by its number: "cuda:1"."""
DEVICE_TEXT = "auto, cpu, cuda, mps, and cuda:0, cuda:1 and so on"
_LARGEST_FILE = 10**7
"""Bytes of a `config.toml`, which takes a few thousand."""
RATE_FROM_RANDOM = 0.001
RATE_FROM_TRAINED = 0.0001
"""Learning rates if the user sets none: trained weights need a smaller one."""


def is_device(value: str) -> bool:
    """Whether `value` names a device, which this machine need not have."""
    return value in DEVICES or re.fullmatch(CARD, value) is not None


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class DataConfig(_Part):
    """How a folder becomes training, validation and test pictures."""

    image_size: int = _setting(
        224, "Image size", "Side of the square that the network sees; larger shows more detail and takes longer.",
        shown="first", unit="px", ge=LEAST_IMAGE_SIZE, le=MOST_IMAGE_SIZE,
    )  # fmt: skip
    layout: Literal["auto", "classes", "subclasses", "splits", "folds"] = _setting(
        "auto", "Folders are", "What the folders in the dataset folder are: classes, groups of classes, splits such as train and test, or folds; "
        "“auto” goes by their names and asks where these do not say it.",
        shown="own",
    )  # fmt: skip
    validation_fold: int = _setting(
        1, "Validation fold", "Which fold is for validation, in the order of the folders' names, where the folders are folds.",
        ge=1, le=1000,
    )  # fmt: skip
    shape: Literal["keep"] = _setting(
        "keep", "Shape", "How a picture becomes a square: “keep” keeps its proportions and takes a square from its middle.",
        shown="own",
    )  # fmt: skip
    middle_share: float = _setting(
        0.0, "Middle share",
        "How much of a picture's shorter side the network sees of it outside training: 1 is all of it, 0.875 leaves out a border; automatic (0) "
        "takes 1 where most training pictures are no larger than the image size, else 0.875, and trained weights keep their own.",
        least=LEAST_MIDDLE_SHARE, ge=0.0, le=1.0,
    )  # fmt: skip
    grey_levels: Literal["dataset", "picture"] = _setting(
        "dataset", "Grey levels",
        "What is black and white in pictures of more than 8 bits, such as X-rays: “dataset” takes one range for all, so that equal values "
        "look equal, and “picture” stretches each from its own darkest to its own brightest value.",
    )  # fmt: skip
    val_fraction: float = _setting(
        0.2, "Validation share", "Share of each class set aside to choose the best epoch, where the folder has no validation pictures.",
        ge=0.01, le=0.8,
    )  # fmt: skip
    test_fraction: float = _setting(
        0.2, "Test share", "Share of each class kept unseen for the final score, where the folder has no split of its own.",
        ge=0.0, le=0.8,
    )  # fmt: skip
    colour: Literal["auto", "colour", "grey"] = _setting(
        "auto", "Colour", "Whether the network sees colours or shades of grey; “auto” takes what it is made for."
    )
    random_crop: bool = _setting(
        True,
        "Random crops",
        "Shows the network a different part of each picture in every epoch, so that it learns less by heart.",
    )
    progressive_sizes: bool = _setting(
        False, "Progressive sizes",
        "Learns from smaller pictures in the first epochs and from full-sized ones in the last: it takes a quarter less time, "
        "but short runs lose accuracy by it, and some networks take one size only.",
    )  # fmt: skip
    flip: bool = _setting(
        True,
        "Random flips",
        "Mirrors half of the pictures left to right; switch it off where left and right matter, as in writing.",
    )


class StartConfig(_Part):
    """The weights that the network starts from, and which of its parts are trained."""

    start_from: Literal["auto", "random", "pretrained", "file", "run"] = _setting(
        "auto", "Start from",
        "The first weights: random ones, those shared by others (pretrained), a file, or the best model of an earlier run; "
        "“auto” is pretrained where there are such weights, else random.",
        shown="own",
    )  # fmt: skip
    start_path: Path | None = _setting(
        None, "Weights", "The file of weights, or the folder of the run, to start from.", shown="own"
    )
    start_part: str = _setting(
        "", "Part of the file",
        "Which weights to take from a file that holds several, by the name before all of theirs, such as “model_ema”; "
        "if left empty, those that fit most, and averaged ones first.",
        shown="own",
    )  # fmt: skip
    train_part: Literal["everything", "head"] = _setting(
        "everything", "Train", "All layers, or only the head, which is the last one: quicker, and often enough for few pictures.",
        shown="own",
    )  # fmt: skip
    norm_statistics: Literal["auto", "learned", "frozen"] = _setting(
        "auto", "Norm statistics",
        "Whether the norms' running averages follow your pictures or stay as the weights brought them; "
        "“auto” freezes them where only the head is trained.",
    )  # fmt: skip
    feature_views: int = _setting(
        1, "Views",
        "How many views of each picture the head learns from where it is trained alone: its middle, and further ones cropped and "
        "flipped, all computed once before the first epoch and shown in turn; 0 computes a new one in every epoch, which takes much longer.",
        ge=0, le=100,
    )  # fmt: skip


class TrainingConfig(_Part):
    """How the network learns."""

    epochs: int = _setting(
        12, "Epochs", "How many times the network sees every training picture.", shown="first", ge=1, le=10_000
    )
    batch_size: int = _setting(
        0, "Batch size", "How many pictures are learned from at once; automatic (0) takes 32, or fewer where memory would not suffice.",
        least=2, ge=0, le=4096,
    )  # fmt: skip
    optimizer: Literal["adam", "adamw", "sgd"] = _setting(
        "adam",
        "Optimizer",
        "The rule that turns gradients into new weights; SGD wants a larger learning rate, such as 0.05.",
    )
    learning_rate: float | None = _setting(
        None,
        "Learning rate",
        "How large a step the weights take: too large diverges, too small learns slowly; "
        f"if left empty, {RATE_FROM_RANDOM} from random weights or for the head alone, and {RATE_FROM_TRAINED} from trained ones.",
        ge=1e-7,
        le=10.0,
    )
    momentum: float = _setting(
        0.9, "Momentum", "How much of the last step SGD carries on; Adam and AdamW do not use it.", ge=0.0, le=0.999
    )
    weight_decay: float = _setting(
        0.0001,
        "Weight decay",
        "Pulls the weights towards zero, which can help against learning by heart.",
        ge=0.0,
        le=1.0,
    )
    schedule: Literal["constant", "step", "cosine"] = _setting(
        "cosine",
        "Learning rate schedule",
        "How the learning rate changes: never, by a factor every few epochs, or smoothly down to zero.",
    )
    step_epochs: int = _setting(
        30,
        "Step every",
        "After how many epochs the “step” schedule lowers the learning rate.",
        unit="epochs",
        ge=1,
        le=10_000,
    )
    step_factor: float = _setting(
        0.1, "Step factor", "What the “step” schedule multiplies the learning rate by.", ge=0.001, le=0.999
    )
    seed: int = _setting(
        0, "Seed", "Fixes the split, the first weights, the order and the augmentation: the same seed gives the same run.",
        ge=0, le=2**31 - 1,
    )  # fmt: skip


class MachineConfig(_Part):
    """The device, its threads and its disk, and how to compute on them."""

    device: str = _setting(
        "auto", "Device",
        "What computes: “auto” takes a graphics card where there is one, else the processor; cuda:1 is the second of several cards.",
        choices=DEVICES, also=CARD,
    )  # fmt: skip
    precision: Literal["auto", "float32", "bfloat16", "float16"] = _setting(
        "auto", "Precision",
        "How exactly is computed: “auto” tries a few steps in each and takes the fastest that learns the same; "
        "float32 is the most exact and works everywhere.",
        shown="first",
    )  # fmt: skip
    memory_format: Literal["auto", "contiguous", "channels_last"] = _setting(
        "auto",
        "Memory format",
        "How pictures lie in memory: “auto” takes what is faster; the results are the same but for rounding.",
    )
    threads: int = _setting(
        0,
        "CPU threads",
        "How many processor threads compute; automatic (0) takes as many as are fastest.",
        least=1,
        ge=0,
        le=1024,
    )
    loading_threads: int = _setting(
        0,
        "Loading threads",
        "How many threads read pictures ahead, which changes the speed, never the result; automatic (0) takes what is needed.",
        least=1,
        ge=0,
        le=MOST_LOADING_THREADS,
    )
    cache_gigabytes: float = _setting(
        10.0, "Picture cache", "How much of the disk may be taken to keep pictures decoded and scaled, so that later epochs and runs "
        "need not do it again; beyond that the longest unused go, of all datasets, and 0 keeps them in memory only.",
        unit="GB", ge=0.0, le=10_000.0,
    )  # fmt: skip
    checkpoint_minutes: float = _setting(
        5.0,
        "Save every",
        "How often the run is saved within an epoch, so that no more is lost if the computer fails; it is also saved after each epoch.",
        unit="minutes",
        ge=0.01,
        le=1440.0,
    )

    @field_validator("device")
    @classmethod
    def _is_device(cls, value: str) -> str:
        if not is_device(value):
            raise PydanticCustomError(
                "device", "“{value}” is none of {devices}", {"value": value, "devices": DEVICE_TEXT}
            )
        return value


class TrainConfig(_Part):
    """Everything that makes a run what it is."""

    dataset: Path = _setting(
        Path(), "Pictures", "The folder of pictures, with one sub-folder for each class.", shown="own"
    )
    network: str = _setting("resnet18", "Network", "The network to train, such as resnet18 or resnet50.", shown="own")
    out: Path | None = _setting(
        None,
        "Runs folder",
        "Where runs are kept; if left empty, “resnet-gui/runs” in the documents folder.",
    )
    data: DataConfig = DataConfig()
    start: StartConfig = StartConfig()
    training: TrainingConfig = TrainingConfig()
    machine: MachineConfig = MachineConfig()


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, as the command line and the form use it. `key` is its dotted path in `TrainConfig`."""

    key: str
    label: str
    help: str
    kind: Literal["int", "float", "bool", "choice", "text", "path"]
    default: Any
    shown: Shown
    unit: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    also: str
    """The pattern of what may be chosen besides, "" if nothing may."""
    least: float
    """The lowest number other than 0, if 0 means that the program chooses; 0 if the program never chooses."""

    @property
    def name(self) -> str:
        """The last part of the key, unique among all settings: `batch_size`."""
        return self.key.rpartition(".")[2]

    def takes(self, choice: object) -> bool:
        """Whether `choice` is one of the choices, or may be chosen besides."""
        besides = bool(self.also) and isinstance(choice, str) and re.fullmatch(self.also, choice) is not None
        return choice in self.choices or besides

    @property
    def range_text(self) -> str:
        """ "32 to 1024", or "" where there is no range."""
        if self.low is None or self.high is None:
            return ""
        return f"{self.low} to {self.high}" if self.kind == "int" else f"{self.low:g} to {self.high:g}"


def settings(part: type[BaseModel] = TrainConfig, prefix: str = "") -> Iterator[Setting]:
    """Every setting of `part`, in the order in which it is written above."""
    for name, field in part.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings(field.annotation, f"{prefix}{name}.")
            continue
        extra = typing.cast("dict[str, Any]", field.json_schema_extra)
        limits = {key: getattr(limit, key) for limit in field.metadata for key in ("ge", "le") if hasattr(limit, key)}
        yield Setting(
            key=prefix + name,
            label=field.title or name,
            help=field.description or "",
            kind="choice" if extra.get("choices") else _kind(field.annotation),
            default=field.default,
            shown=extra["shown"],
            unit=extra["unit"],
            low=limits.get("ge"),
            high=limits.get("le"),
            choices=_choices(field.annotation) or tuple(extra.get("choices", ())),
            also=extra.get("also", ""),
            least=extra.get("least", 0),
        )


def _choices(annotation: Any) -> tuple[str, ...]:
    return typing.get_args(annotation) if typing.get_origin(annotation) is Literal else ()


def _kind(annotation: Any) -> Any:
    if typing.get_origin(annotation) is Literal:
        return "choice"
    if typing.get_origin(annotation) is types.UnionType:
        annotation = next(each for each in typing.get_args(annotation) if each is not type(None))
    return {int: "int", float: "float", bool: "bool", str: "text", Path: "path"}[annotation]


def make_config(values: Mapping[str, Any]) -> TrainConfig:
    """A config from `values` by dotted key, `{"training.epochs": 3}`; all other settings keep their defaults.

    Raises `Problem` (`setting_invalid`) that names the setting by its label.
    """
    nested: dict[str, Any] = {}
    for key, value in values.items():
        *parts, name = key.split(".")
        inner = nested
        for part in parts:
            inner = inner.setdefault(part, {})
        inner[name] = value
    return from_plain(nested)


def from_plain(nested: dict[str, Any]) -> TrainConfig:
    """The config from the nested dicts of `as_plain`. Raises `Problem` (`setting_invalid`)."""
    # As Path, since pydantic does not take a str that is not UTF-8; absolute, so that any working directory will do.
    nested.setdefault("dataset", Path())
    start = nested.get("start", {})
    for part, name in ((nested, "dataset"), (nested, "out"), (start, "start_path")):
        if isinstance(part, dict) and isinstance(part.get(name), str | Path):
            part[name] = Path(part[name]).absolute()
    try:
        config = TrainConfig.model_validate(nested)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        label = next((setting.label for setting in settings() if setting.key == key), key)
        raise Problem("setting_invalid", setting=label, reason=first["msg"]) from None
    if config.training.batch_size == 1:
        raise Problem("setting_invalid", setting="Batch size", reason="a batch has at least 2 pictures; 0 to choose")
    if 0 < config.data.middle_share < LEAST_MIDDLE_SHARE:
        raise Problem(
            "setting_invalid", setting="Middle share", reason=f"it is at least {LEAST_MIDDLE_SHARE}; 0 to choose"
        )
    if config.data.val_fraction + config.data.test_fraction > 0.9:
        raise Problem(
            "setting_invalid", setting="Test share", reason="validation and test together may take at most 90 %"
        )
    return config


def write_config(config: TrainConfig, path: Path) -> None:
    """Writes `config` as TOML; a setting that is None is left out. File names that are not UTF-8 keep their bytes."""
    atomic_write(path, tomli_w.dumps(as_plain(config)).encode("utf-8", "surrogateescape"))


def read_config(path: Path) -> TrainConfig:
    """The config that `write_config` wrote. Raises `Problem` if it cannot be read or is not valid."""
    try:
        nested = tomllib.loads(read_regular(path, _LARGEST_FILE).decode("utf-8", "surrogateescape"))
    except OSError as error:
        raise Problem("cannot_read_run", path=str(path), reason=reason(error)) from error
    except tomllib.TOMLDecodeError as error:
        raise Problem("cannot_read_run", path=str(path), reason=str(error)) from error
    except RecursionError as error:
        raise Problem("cannot_read_run", path=str(path), reason="config.toml is nested too deeply") from error
    return from_plain(nested)


def as_plain(config: TrainConfig) -> dict[str, Any]:
    """`config` as nested dicts of plain values, for TOML or JSON; a setting that is None is left out."""
    plain: dict[str, Any] = _plain(config.model_dump(exclude_none=True))
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return str(value) if isinstance(value, Path) else value
