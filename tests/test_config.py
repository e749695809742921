"""Every setting is whole, and an invalid config is reported in the user's words."""

import math
import os
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from resnet_gui.config import Setting, TrainConfig, make_config, read_config, settings, write_config
from resnet_gui.messages import Problem

SETTINGS = tuple(settings())
each_setting = pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)


@each_setting
def test_a_setting_has_a_label_and_one_sentence_of_help(setting: Setting):
    assert setting.label
    assert setting.label != setting.name
    assert setting.help[0].isupper()
    assert setting.help.endswith(".")
    assert ". " not in setting.help


@each_setting
def test_a_default_is_valid_and_within_the_range(setting: Setting):
    if setting.kind in ("int", "float"):
        assert setting.low is not None
        assert setting.high is not None
        assert setting.default is None or setting.low <= setting.default <= setting.high
        low, high = setting.range_text.split(" to ")
        assert (float(low), float(high)) == (setting.low, setting.high)
    if setting.kind == "choice":
        assert setting.default in setting.choices
    assert make_config({setting.key: setting.default}) == make_config({})


def test_names_and_labels_are_unique():
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    assert len({setting.label for setting in SETTINGS}) == len(SETTINGS)


def test_settings_are_found_by_their_dotted_key():
    kinds = {setting.key: setting.kind for setting in SETTINGS}
    assert kinds["dataset"] == kinds["out"] == "path"
    assert kinds["network"] == "text"
    assert kinds["data.image_size"] == "int"
    assert kinds["data.flip"] == "bool"
    assert kinds["training.learning_rate"] == "float"
    assert kinds["machine.device"] == "choice"


def test_what_is_named_is_set_and_the_rest_keeps_its_default():
    config = make_config({"network": "resnet50", "training.epochs": 3, "machine.device": "cpu"})
    assert (config.network, config.training.epochs, config.machine.device) == ("resnet50", 3, "cpu")
    assert config.data == TrainConfig().data


def test_a_config_does_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        make_config({}).training.epochs = 5


@pytest.mark.parametrize(
    ("key", "value", "label"),
    [
        ("training.epochs", 0, "Epochs"),
        ("training.epochs", "many", "Epochs"),
        ("training.learning_rate", math.nan, "Learning rate"),
        ("training.learning_rate", math.inf, "Learning rate"),
        ("training.optimizer", "magic", "Optimizer"),
        ("data.image_size", 7, "Image size"),
        ("data.image_size", 1025, "Image size"),
        ("data.test_fraction", 0.75, "Test share"),
        ("data.middle_share", 0.05, "Middle share"),
        ("data.shape", "squash", "Shape"),
        ("training.colour", 1, "training.colour"),
        ("colour", 1, "colour"),
    ],
)
def test_a_wrong_setting_is_named_by_its_label(key: str, value: object, label: str):
    with pytest.raises(Problem) as caught:
        make_config({key: value})
    assert caught.value.message.code == "setting_invalid"
    assert f"“{label}”" in str(caught.value)


@each_setting
def test_values_just_outside_the_range_are_refused(setting: Setting):
    for limit, beyond in ((setting.low, -1), (setting.high, 1)):
        if limit is not None:
            value = limit + beyond if setting.kind == "int" else math.nextafter(limit, beyond * math.inf)
            with pytest.raises(Problem, match=setting.label):
                make_config({setting.key: value})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"dataset": Path("/pictures/flowers"), "out": Path("/runs"), "network": "resnet34", "data.val_fraction": 0.3},
        {"dataset": Path(os.fsdecode(b'/caf\xe9/\xff "quoted" \\ \n end')), "out": Path(os.fsdecode(b"\xfe"))},
        {
            "start.start_from": "file",
            "start.start_path": Path(os.fsdecode(b"/weights/\xff.pth")),
            "data.colour": "grey",
        },
        {"training.learning_rate": 1e-7, "training.weight_decay": 0.1 + 0.2, "data.flip": False, "machine.threads": 3},
    ],
    ids=["defaults", "paths", "odd paths", "start", "figures"],
)
def test_a_config_comes_back_from_its_file_as_it_was(values: dict[str, object], tmp_path: Path):
    config = make_config(values)
    file = tmp_path / "config.toml"
    write_config(config, file)
    assert read_config(file) == config


def test_the_file_is_toml_that_names_every_setting_that_has_a_value(tmp_path: Path):
    file = tmp_path / "config.toml"
    write_config(make_config({"training.epochs": 7}), file)
    found = tomllib.loads(file.read_text(encoding="utf-8"))
    assert found["training"]["epochs"] == 7
    assert "out" not in found
    keys = {f"{part}.{name}" for part, values in found.items() if isinstance(values, dict) for name in values}
    without_value = {setting.key for setting in SETTINGS if setting.default is None}
    assert keys | {"dataset", "network"} == {setting.key for setting in SETTINGS} - without_value


@pytest.mark.parametrize(
    "text",
    [None, "epochs = = 3", '[training]\nepochs = "many"', "[training]\nspeed = 3", "dataset = 5", "out = [1]", "start = 5",
     'data = "x"', "[start]\nstart_path = true", "a = " + "[" * 10_000, "[training]\nlearning_rate = nan"],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_a_problem_with_a_sentence(text: str | None, tmp_path: Path):
    file = tmp_path / "config.toml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(Problem) as caught:
        read_config(file)
    assert caught.value.message.code in ("cannot_read_run", "setting_invalid")
    assert str(caught.value).endswith(".")
