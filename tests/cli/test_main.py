"""`resnet-gui` as typed into a shell."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from resnet_gui.cli.event_printer import EventPrinter
from resnet_gui.cli.main import main
from resnet_gui.cli.train_command import train_parser
from resnet_gui.config import make_config, settings
from resnet_gui.events import Downloaded, Downloading, NetworkNames, NetworkSummary, Progress, WeightsLoaded, from_json
from resnet_gui.model_file import load_model
from resnet_gui.nets.catalog import NETWORKS
from resnet_gui.records import Mismatch
from resnet_gui.runs.run_status import read_status
from resnet_gui.training.loop import train


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
    assert "18 training, 6 validation and 6 test pictures" in "".join(lines[:2]), (
        "after the news that the machine is being tried"
    )
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


@pytest.mark.parametrize(("precision", "slow"), [("float32", False), ("float16", True)])
def test_predict_computes_in_the_precision_that_is_asked_for(
    trained: tuple[Path, str], drawn: Path, capsys: pytest.CaptureFixture[str], precision: str, slow: bool
) -> None:
    model, options = trained[0] / "model.safetensors", ["--json", "--precision", precision, "--device", "cpu"]
    assert main(["predict", str(model), str(drawn / "blue"), *options]) == 0
    printed, errors = capsys.readouterr()
    assert {json.loads(line)["precision"] for line in printed.splitlines()} == {precision}
    assert (f"Computes in {precision}, for which this processor has no instructions" in errors) == slow


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "x", "--device", "gpu"], "“gpu” is none of auto, cpu, cuda, mps, and cuda:0, cuda:1 and so on"),
        (["predict", "x", "y", "--device", "cuda:one"], "“cuda:one” is none of auto, cpu"),
        (["evaluate", "x", "--device", "cuda:"], "“cuda:” is none of auto, cpu"),
        (["evaluate", "x", "--precision", "8"], "invalid choice: '8'"),
    ],
)
def test_what_names_no_device_or_precision_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert sentence in " ".join(capsys.readouterr().err.split())


def test_predict_as_json_and_as_a_table_say_the_same(trained: tuple[Path, str], drawn: Path, tmp_path: Path) -> None:
    table = tmp_path / "answers.csv"
    done = resnet_gui("predict", trained[0] / "model.safetensors", drawn / "blue", "--json", "--csv", table)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 10
    with table.open(newline="", encoding="utf-8-sig") as file:
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
    command = [sys.executable, "-m", "resnet_gui", "train", str(drawn), "--out", str(tmp_path), "--image-size", "32", "--start-from", "random",
               "--epochs", "5000", "--batch-size", "8", "--network", "resnet20"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("epoch 1/"):
            break
    process.send_signal(how)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + how
    assert "Stopping and saving" in errors
    assert "Stopped in epoch" in printed
    [run] = tmp_path.iterdir()
    assert load_model(run / "model.safetensors")[1].validated
    assert f"resnet-gui train --resume {run}" in printed
    assert read_status(run).ended == "stopped"


def test_resume_shows_what_became_of_the_pictures_and_asks(colours: Path, tmp_path: Path, quick: dict) -> None:
    data = colours
    [started, *_] = train(make_config({**quick, "training.epochs": 1}), threading.Event())
    run = started.run
    (data / "red" / "3.png").unlink()
    (data / "pink").mkdir()
    shutil.copy(data / "red" / "1.png", data / "pink" / "new.png")
    refused = resnet_gui("train", "--resume", run, "--epochs", 2)
    assert refused.returncode == 1
    for part in ("1 new classes: pink", "1 pictures added: pink/new.png", "1 pictures gone: red/3.png"):
        assert part in refused.stdout
    assert "--accept-changes" in refused.stderr
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
        (["summary", "resnet19"], "There is no network called “resnet19”. The nearest are: resnet1"),
        (["summary", "alexnet_2012", "--size", "224"], "does not take pictures of 224 pixels"),
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


def test_what_a_terminal_cannot_print_does_not_end_the_command() -> None:
    done = resnet_gui("networks", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "ResNeXt-101 (32\\xd78d)" in done.stdout
    command = [sys.executable.encode(), b"-m", b"resnet_gui", b"train", b"caf\xe9"]
    for encoding in ("ascii", "utf-8"):
        told = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding}).stderr
        assert b"caf\xe9 is not a folder" in told


def test_a_verb_wins_over_a_folder_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    done = resnet_gui("train", cwd=tmp_path)
    assert "usage: resnet-gui train" in done.stderr


def test_a_full_disk_while_saving_is_told_and_the_run_goes_on(drawn: Path, tmp_path: Path) -> None:
    """The system refuses files above 2 MB, as it does when a disk is full: a model has 1, a checkpoint 4."""
    script = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))\n"
        "from resnet_gui.cli.main import main\n"
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
    assert read_status(run).epoch == 1


def test_summary_prints_the_card_then_the_layers_by_stage_with_their_sums(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", "resnet18"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ResNet-18: He et al. 2015"
    rows = [line.split() for line in lines]
    assert ["conv1", "Conv2d", "7×7", "/2", "64×112×112", "9,408", "118,013,952"] in rows
    assert ["layer1", "12", "rows", "64×56×56", "147,968", "462,422,016"] in rows
    assert ["Sum", "11,689,512", "1,814,073,344"] in rows


@pytest.mark.parametrize("name", ["resnet152", "timm/vit_tiny_patch16_224", "torchvision/densenet121"])
def test_a_summary_fits_into_100_columns_and_aligns_its_numbers(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["summary", name])
    lines = capsys.readouterr().out.rstrip().splitlines()
    assert max(map(len, lines)) <= 100
    table = lines[next(index for index, line in enumerate(lines) if line.startswith("Layer ")) :]
    assert len({len(line) for line in table}) == 1


def test_two_networks_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", "resnet18", "resnet50", "--stages"]) == 0
    out = capsys.readouterr().out
    assert out.count("\nSum ") == 2
    assert "layer1.0" not in out
    assert "0.conv1" not in out
    assert out.rstrip().endswith("resnet50 has 2.19 × the parameters of resnet18, and 2.25 × its multiply-adds.")


def test_a_summary_as_json_and_as_csv_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["summary", "resnet20", "--size", "40", "--classes", "3", "--channels", "1"]
    assert main([*command, "--json"]) == 0
    event = from_json(capsys.readouterr().out)
    assert isinstance(event, NetworkSummary)
    assert (event.image_size, event.classes, event.channels) == (40, 3, 1)
    assert main([*command, "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["layer"] for row in rows] == [layer.name for layer in event.layers]
    assert [row["output"] for row in rows] == ["x".join(map(str, layer.shape)) for layer in event.layers]
    assert sum(int(row["parameters"]) for row in rows) == event.parameters
    assert sum(int(row["multiply_adds"]) for row in rows) == event.multiply_adds


def test_networks_lists_every_network_by_family(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["networks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    named = [line.split()[0] for line in lines[1:] if line.startswith("  ")]
    assert sorted(named) == sorted(network.name for network in NETWORKS)
    assert [line for line in lines if not line.startswith("  ")] == list(
        dict.fromkeys(each.family for each in NETWORKS)
    )
    [row] = [line.split() for line in lines if line.split()[0] == "resnet18"]
    assert row[2:8] == ["2015", "18", "11.7", "M", "1.81", "G"]


def test_networks_as_json_are_those_of_the_family_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["networks", "--json", "--family", "lenet"]) == 0
    specs = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [spec["name"] for spec in specs] == [each.name for each in NETWORKS if each.family == "LeNet"]
    assert specs[0]["parameters"] > 0


def test_networks_lists_a_librarys_further_names_as_they_are_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["networks", "--library", "torchvision"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert "torchvision/regnet_y_400mf" in printed
    assert main(["networks", "--library", "torchvision", "--json"]) == 0
    event = from_json(capsys.readouterr().out)
    assert isinstance(event, NetworkNames)
    assert [f"torchvision/{name}" for name in event.names] == printed


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["networks", "--family", "unheard"], "there are: ResNet, "),
        (["summary", "resnet18", "resnet34", "resnet50"], "name one network, or two"),
        (["summary", "resnet18", "--classes", "1"], "--classes must be at least 2"),
        (["summary", "resnet18", "--size", "0"], "--size must be at least 1"),
        (["summary", "resnet18", "--json", "--csv"], "not allowed with"),
    ],
)
def test_wrong_usage_of_the_network_verbs_is_refused(
    arguments: list[str], printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert printed in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "key"),
    [
        *(("--start-from", value, "start_from") for value in ("auto", "random", "pretrained", "file", "run")),
        *(("--train-part", value, "train_part") for value in ("everything", "head")),
        *(("--norm-statistics", value, "norm_statistics") for value in ("auto", "learned", "frozen")),
        *(("--colour", value, "colour") for value in ("auto", "colour", "grey")),
    ],
)
def test_each_choice_of_how_a_run_starts_reaches_its_config(option: str, value: str, key: str) -> None:
    values = vars(train_parser().parse_args(["pictures", option, value]))
    config = make_config({name: given for name, given in values.items() if "." in name})
    assert getattr(config.data if key == "colour" else config.start, key) == value


def test_start_path_and_learning_rate_reach_the_config_or_stay_empty(tmp_path: Path) -> None:
    parser = train_parser()
    given = vars(parser.parse_args(["pictures", "--start-path", str(tmp_path), "--learning-rate", "0.03"]))
    config = make_config({name: value for name, value in given.items() if "." in name})
    assert (config.start.start_path, config.training.learning_rate) == (tmp_path, 0.03)
    bare = make_config({name: value for name, value in vars(parser.parse_args(["pictures"])).items() if "." in name})
    assert (bare.start.start_path, bare.training.learning_rate) == (None, None)
    assert "trained ones. (1e-07 to 10)" in " ".join(parser.format_help().split())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_download_rewrites_one_line_and_only_in_a_terminal() -> None:
    url = "https://download.example.org/models/resnet18.pth"
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        printer = EventPrinter(stream)
        printer.show(Downloading(url, 1_000_000, 0, 0.0))
        printer.show(Downloading(url, 12_300_000, 46_800_000, 3_100_000.0))
        printer.show(Downloaded(url, "/cache/resnet18.pth"))
        assert ("\rdownload.example.org  1.0 MB" in stream.getvalue()) == shown
        assert ("\rdownload.example.org  12.3 of 46.8 MB  3.1 MB/s" in stream.getvalue()) == shown
        assert stream.getvalue().endswith("Downloaded and verified: /cache/resnet18.pth\n")
        assert stream.getvalue().count("\n") == 1


def test_where_pictures_are_looked_at_once_that_is_what_the_line_says() -> None:
    stream = Terminal()
    EventPrinter(stream).show(Progress("features", 120, 480, 1, images_per_second=40.0, seconds_left=9.0))
    line = "\rlooking at the pictures, once for all epochs: 120 of 480  40 images/s  9 s left"
    assert stream.getvalue() == line


def test_what_did_not_fit_is_listed_with_both_shapes_and_at_most_20_of_it() -> None:
    stream = io.StringIO()
    printer = EventPrinter(stream)
    misfits = (
        Mismatch("fc.weight", (5, 512), (1000, 512)),
        Mismatch("fc.bias", (5,), None),
        Mismatch("extra", None, (3,)),
    )
    printer.show(WeightsLoaded("a.pth", 120, 122, misfits))
    assert stream.getvalue().splitlines() == [
        "120 of the network's 122 tensors come from a.pth.",
        "fc.weight does not fit: the network has 5 × 512, the file 1000 × 512.",
        "fc.bias does not fit: the network has 5, the file nothing.",
        "extra does not fit: the network has nothing, the file 3.",
    ]
    printer.show(WeightsLoaded("a.pth", 100, 122, tuple(Mismatch(f"{n}.weight", (1,), None) for n in range(22))))
    lines = stream.getvalue().splitlines()[4:]
    assert len(lines) == 1 + 20 + 1
    assert lines[-1] == "2 more tensors do not fit."


def test_a_stage_of_branches_gives_what_they_give_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", "densenet121", "--stages"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"denseblock1 .* 256×56×56 ", printed)
    assert re.search(r"denseblock4 .* 1024×7×7 ", printed)


def test_folders_that_are_unclear_stop_with_the_options_to_type(
    colours: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("A", "B"):
        shutil.copytree(colours, colours.parent / "both" / name)
    assert main(["train", str(colours.parent / "both")]) == 1
    shown = capsys.readouterr().err
    assert all(f"with --layout {layout}: A" in shown for layout in ("classes", "subclasses", "folds"))
    assert main(["train", str(colours.parent / "both"), "--layout", "splits"]) == 1
    assert "cannot be read as splits" in capsys.readouterr().err
