"""`resnet-gui adopt`, from a file of weights to an answer."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from resnet_gui.cli.main import main
from resnet_gui.nets.build import build


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Published weights of a ResNet-20 with three classes, in the current folder."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    state = {f"module.{name}": each for name, each in build("resnet20", 3).state_dict().items()}
    torch.save({"state_dict": state, "best_prec1": 91.7}, "resnet20-12fca82f.th")
    return Path("resnet20-12fca82f.th")


def test_from_weights_to_an_answer_it_takes_one_command(weights: Path, colours: Path) -> None:
    program = [sys.executable, "-m", "resnet_gui"]
    made = subprocess.run(
        [*program, "adopt", weights, "--network", "resnet20", "--classes", "red,green,blue", "--out", "m.safetensors"],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert (made.returncode, made.stderr) == (0, "")
    first, *_, last = made.stdout.splitlines()
    assert first == "97 of the network's 97 tensors come from resnet20-12fca82f.th."
    assert last == "m.safetensors knows 3 classes. Ask it with: resnet-gui predict m.safetensors …"
    assert main(["predict", "m.safetensors", str(colours / "red" / "0.png")]) == 0


def test_options_become_wishes_and_events_json(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("names.txt").write_text("0 red\n1 green\n2 blue\n")
    options = [
        "--classes",
        "names.txt",
        "--mean",
        "0.1,0.2",
        "0.3",
        "--std",
        "0.5",
        "--size",
        "40",
        "--middle-share",
        "0.8",
    ]
    options += ["--interpolation", "bicubic", "--out", "m.safetensors", "--json"]
    assert main(["adopt", str(weights), "--network", "resnet20", *options]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["Note", "WeightsTaken", "Note", "ModelInfo"]
    told = dict(events[2]["message"]["values"])
    assert (told["size"], told["share"], told["interpolation"]) == (40, "0.8", "bicubic")
    assert (told["mean"], told["std"]) == ("0.1, 0.2, 0.3", "0.5, 0.5, 0.5")
    assert events[3]["classes"] == ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--classes", "a,b"], "has 3 classes (linear.weight: 3 × 64), and 2 names were given (a, b)."),
        ([], "Name them in the order of the outputs"),
        (["--classes", "names.txt"], "“names.txt” is none of these"),
        (["--classes", "a,b,c", "--mean", "123.675", "116.28", "103.53"], "0.485, 0.456, 0.406"),
        (["--classes", "a,b,c", "--network", "resnet32"], "Choose resnet20."),
    ],
)
def test_what_is_missing_or_wrong_is_told_with_the_right_figures(
    options: list[str], said: str, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["adopt", str(weights), "--network", "resnet20", "--out", "m.safetensors", *options]) == 1
    assert said in capsys.readouterr().err
    assert not Path("m.safetensors").exists()


def test_a_mean_that_is_no_number_is_wrong_usage(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["adopt", str(weights), "--network", "resnet20", "--out", "m", "--mean", "half"])
    assert caught.value.code == 2
    assert "--mean takes numbers, not “half”" in capsys.readouterr().err


def test_predict_says_of_weights_how_to_make_a_model(
    weights: Path, colours: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = str(colours / "red" / "0.png")
    assert main(["predict", str(weights), picture]) == 1
    assert "Make a model of it: resnet-gui adopt" in capsys.readouterr().err
    assert main(["predict", picture, picture]) == 1
    assert "adopt" not in capsys.readouterr().err


def test_pretrained_with_a_file_does_not_say_that_nobody_shares_weights(
    weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pretrained", "resnet20", "--weights", str(weights)]) == 1
    assert "has 3 classes (linear.weight: 3 × 64), and 1000 names were given" in capsys.readouterr().err
