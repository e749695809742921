"""`resnet-gui` as typed into a shell."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from resnet_gui.cli import train_parser
from resnet_gui.config import make_config, settings
from resnet_gui.model import load_model
from resnet_gui.training.loop import train
from resnet_gui.training.run_folder import last_place


def resnet_gui(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "resnet_gui", *map(str, arguments)], capture_output=True, text=True, cwd=cwd,
        env={**os.environ, **environment}, timeout=200,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> tuple[Path, str]:
    """A run's folder and what the command printed."""
    out = tmp_path_factory.mktemp("cli")
    done = resnet_gui("train", drawn, "--out", out, "--network", "resnet20", "--image-size", 32, "--epochs", 3)
    assert done.returncode == 0, done.stderr
    [run] = out.iterdir()
    return run, done.stdout


def test_train_prints_a_line_for_each_epoch_and_the_score_in_a_sentence(trained: tuple[Path, str]) -> None:
    run, printed = trained
    lines = printed.splitlines()
    assert "18 training, 6 validation and 6 test pictures" in lines[0]
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == ["1/3", "2/3", "3/3"]
    assert any(line.startswith("Of 6 pictures it had never seen, ") for line in lines)
    assert str(run / "model.safetensors") in lines[-1]


def test_predict_prints_the_most_probable_classes(trained: tuple[Path, str], drawn: Path) -> None:
    done = resnet_gui("predict", trained[0] / "model.safetensors", drawn / "red" / "1.png", "--top", 2)
    assert done.returncode == 0
    path, *rows = done.stdout.splitlines()
    assert path == str(drawn / "red" / "1.png")
    assert len(rows) == 2
    first, second = (float(row.split("%")[0]) for row in rows)
    assert first >= second


def test_predict_as_json_and_as_a_table_say_the_same(trained: tuple[Path, str], drawn: Path, tmp_path: Path) -> None:
    table = tmp_path / "answers.csv"
    done = resnet_gui("predict", trained[0] / "model.safetensors", drawn / "blue", "--json", "--csv", table)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 10
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == [answer["path"] for answer in answers]
    assert [row["label_1"] for row in rows] == [answer["labels"][0] for answer in answers]
    assert [float(row["probability_3"]) for row in rows] == [answer["probabilities"][2] for answer in answers]


def test_a_picture_that_cannot_be_read_is_told_and_the_others_are_answered(
    trained: tuple[Path, str], drawn: Path, tmp_path: Path
) -> None:
    (tmp_path / "cut.png").write_bytes((drawn / "red" / "1.png").read_bytes()[:50])
    done = resnet_gui("predict", trained[0] / "model.safetensors", tmp_path / "cut.png", drawn / "red" / "1.png")
    assert done.returncode == 1
    assert "damaged or cut short" in done.stdout
    assert "%" in done.stdout


def test_evaluate_counts_how_often_the_test_pictures_were_used(trained: tuple[Path, str]) -> None:
    model = trained[0] / "model.safetensors"
    before = load_model(model)[1].test_opened
    done = resnet_gui("evaluate", trained[0])
    assert done.returncode == 0, done.stderr
    assert f"used for a score {before + 1} times" in done.stdout
    assert load_model(model)[1].test_opened == before + 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_the_systems_wish_to_end_stop_and_save(drawn: Path, tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-m", "resnet_gui", "train", str(drawn), "--out", str(tmp_path), "--image-size", "32",
               "--epochs", "5000", "--batch-size", "8", "--network", "resnet20"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("epoch 1/"):
            break
    process.send_signal(how)
    printed, told = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Stopping and saving" in told
    assert "Stopped in epoch" in printed
    [run] = tmp_path.iterdir()
    assert load_model(run / "model.safetensors")[1].validated
    assert f"resnet-gui train --resume {run}" in printed
    assert last_place(run).ended == "stopped"


def test_resume_shows_what_became_of_the_pictures_and_asks(colours: Path, tmp_path: Path, quick: dict) -> None:
    data = colours
    [started, *_] = train(make_config({**quick, "training.epochs": 1}), threading.Event())
    run = started.run
    (data / "red" / "3.png").unlink()
    (data / "pink").mkdir()
    shutil.copy(data / "red" / "1.png", data / "pink" / "new.png")
    asked = resnet_gui("train", "--resume", run, "--epochs", 2)
    assert asked.returncode == 1
    for part in ("1 new classes: pink", "1 pictures added: pink/new.png", "1 pictures gone: red/3.png"):
        assert part in asked.stdout
    assert "--accept-changes" in asked.stderr
    accepted = resnet_gui("train", "--resume", run, "--epochs", 2, "--accept-changes")
    assert accepted.returncode == 0
    assert "Resumed in epoch 2 of 2" in accepted.stdout
    assert "goes on with the 29 pictures that are as they were" in accepted.stdout
    assert "epoch 2/2" in accepted.stdout


def test_a_resumed_run_keeps_its_own_settings(tmp_path: Path) -> None:
    done = resnet_gui("train", "--resume", tmp_path, "--batch-size", 4)
    assert done.returncode == 2
    assert "only --epochs can be changed" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "nothing"], "is not a folder"),
        (["train", "empty"], "There are no pictures in"),
        (["train", "one"], "Only one class was found"),
        (["train", "loose"], "lie side by side"),
        (["train", "empty", "--epochs", "0"], "“Epochs” is not valid"),
        (["predict", "text.safetensors", "a.jpg"], "is not a model made by this program"),
        (["predict", "nothing.safetensors", "a.jpg"], "There is no model file"),
        (["evaluate", "empty"], "is not the folder of a run"),
    ],
)
def test_bad_input_is_one_clear_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    (tmp_path / "empty").mkdir()
    for path in ("one/cats/1.jpg", "loose/1.jpg"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    (tmp_path / "text.safetensors").write_text("not a model")
    done = resnet_gui(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert sentence in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_every_setting_is_an_option_with_its_help() -> None:
    shown = " ".join(train_parser().format_help().split())
    for setting in settings():
        assert setting.name == "dataset" or f"--{setting.name.replace('_', '-')}" in shown
        assert setting.help.split(";")[0] in shown.replace("- ", "-")


def test_wrong_usage_is_refused() -> None:
    for arguments in (["train"], ["train", "x", "--sample"], ["train", "x", "--no-such-option"], ["predict"]):
        done = resnet_gui(*arguments)
        assert done.returncode == 2
        assert "usage:" in done.stderr


def test_without_a_display_the_window_says_so() -> None:
    done = resnet_gui(QT_QPA_PLATFORM="", DISPLAY="", WAYLAND_DISPLAY="")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no display" in done.stderr
    done = resnet_gui(QT_QPA_PLATFORM="xcb", DISPLAY="", WAYLAND_DISPLAY="wayland-0")
    assert "There is no display" in done.stderr
    done = resnet_gui(QT_QPA_PLATFORM="", DISPLAY=":4242", WAYLAND_DISPLAY="")
    assert done.returncode == 1
    assert "does not answer" in done.stderr or "is missing" in done.stderr


def test_a_verb_wins_over_a_folder_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    done = resnet_gui("train", cwd=tmp_path)
    assert "usage: resnet-gui train" in done.stderr


def test_a_full_disk_while_saving_is_told_and_the_run_goes_on(drawn: Path, tmp_path: Path) -> None:
    """The system refuses files above 2 MB, as it does when a disk is full: a model has 1, a checkpoint 4."""
    script = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))\n"
        "from resnet_gui.cli import main\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "train", str(drawn), "--out", str(tmp_path), "--image-size", "32", "--epochs", "2",
         "--network", "resnet20"],
        capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout.count("could not be saved") == 2
    assert "epoch 2/2" in done.stdout
    [run] = tmp_path.iterdir()
    load_model(run / "model.safetensors")
    assert not list(run.rglob(".*.part"))
    assert last_place(run).epoch == 1
