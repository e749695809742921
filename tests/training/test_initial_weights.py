"""What a run starts from, and which part of the network learns."""

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from resnet_gui.config import make_config, read_config
from resnet_gui.data.batch import Batch
from resnet_gui.data.checks.survey import Survey
from resnet_gui.data.transforms import Preprocessing
from resnet_gui.device import Compute
from resnet_gui.events import EpochDone, Event, Finished, Note, Progress, Started, Stopped, WeightsLoaded
from resnet_gui.messages import Problem
from resnet_gui.model_file import ModelMetadata, load_model, read_metadata, save_model, unshared
from resnet_gui.nets import catalog
from resnet_gui.nets.build import build
from resnet_gui.prediction.predictor import Predictor
from resnet_gui.records import Weights
from resnet_gui.throttle import Throttle
from resnet_gui.training import epoch
from resnet_gui.training.cached_features import EpochInputs
from resnet_gui.training.initial_weights import InitialWeights, find_initial_weights
from resnet_gui.training.loop import resume, train
from resnet_gui.training.trainable import make_network, set_to_learn

Settings = dict[str, object]


def run(settings: Settings, **changes: object) -> list[Event]:
    values = {**settings, **{key.replace("__", "."): value for key, value in changes.items()}}
    return list(train(make_config(values), threading.Event()))


def only(events: list[Event], kind: type) -> list:
    return [event for event in events if isinstance(event, kind)]


def codes(events: list[Event]) -> list[str]:
    return [note.message.code for note in only(events, Note)]


def folder(events: list[Event]) -> Path:
    return Path(only(events, Started)[0].run)


def weights_of(events: list[Event]) -> dict[str, torch.Tensor]:
    return load_file(only(events, Finished)[0].model)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Weights of a ResNet-20 of 10 classes as they are shared: wrapped, and with the prefix of several GPUs."""
    torch.manual_seed(11)
    network = build("resnet20", 10)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.1, 0.1)
    path = tmp_path / "shared.th"
    torch.save({"state_dict": {f"module.{name}": value for name, value in network.state_dict().items()}}, path)
    return path


def test_without_shared_weights_a_run_starts_from_random_ones(quick: Settings):
    events = run(quick, training__epochs=1)
    config = read_config(folder(events) / "config.toml")
    assert (config.start.start_from, config.start.norm_statistics) == ("random", "learned")
    assert (config.training.learning_rate, config.data.colour) == (0.001, "colour")
    assert not only(events, WeightsLoaded)


def test_a_file_gives_its_weights_and_a_gentle_rate_but_for_the_head(quick: Settings, shared: Path):
    events = run(quick, training__epochs=1, start__start_from="file", start__start_path=str(shared))
    taken = only(events, WeightsLoaded)[0]
    assert taken.origin == str(shared)
    assert (taken.wanted - taken.taken) == 2  # the head's weight and bias
    assert {(each.name, each.wanted, each.found) for each in taken.misfits} == {
        ("linear.weight", (3, 64), (10, 64)), ("linear.bias", (3,), (10,)),
    }  # fmt: skip
    assert "head_replaced" in codes(events)
    assert read_config(folder(events) / "config.toml").training.learning_rate == 0.0001


def test_a_rate_that_the_person_chose_stays(quick: Settings, shared: Path):
    events = run(
        quick, training__epochs=1, training__learning_rate=0.02, start__start_from="file", start__start_path=str(shared)
    )
    assert read_config(folder(events) / "config.toml").training.learning_rate == 0.02


def test_the_weights_are_those_of_the_file_before_the_first_step(quick: Settings, shared: Path):
    stop = threading.Event()
    values = {**quick, "start.start_from": "file", "start.start_path": str(shared)}
    for event in train(make_config(values), stop):
        if isinstance(event, WeightsLoaded):
            stop.set()
    assert isinstance(event, Stopped)
    network, _ = load_model(Path(event.model))
    given = torch.load(shared, weights_only=True)["state_dict"]
    ours = network.state_dict()
    assert all(
        torch.equal(ours[name.removeprefix("module.")], value) for name, value in given.items() if "linear" not in name
    )


def test_of_two_sets_of_weights_the_setting_says_which_and_the_run_keeps_it(quick: Settings, tmp_path: Path):
    torch.manual_seed(1)
    one, two = (build("resnet20", 3).state_dict() for _ in range(2))
    path = tmp_path / "two.pth"
    torch.save({"student": one, "teacher": {f"module.{name}": tensor for name, tensor in two.items()}}, path)
    settings = {**quick, "training.epochs": 1, "start.start_from": "file", "start.start_path": str(path)}
    with pytest.raises(Problem, match=r"student, teacher\.module\."):
        run(settings)
    assert not list(Path(str(quick["out"])).glob("*")), "a run that did not begin leaves nothing"
    stop, events = threading.Event(), []
    for event in train(make_config({**settings, "start.start_part": "teacher"}), stop):
        events.append(event)
        if isinstance(event, WeightsLoaded):
            stop.set()
    assert only(events, WeightsLoaded)[0].misfits == ()
    assert "weights_part" in codes(events)
    assert read_config(folder(events) / "config.toml").start.start_part == "teacher"


def test_an_earlier_run_gives_its_best_weights_and_its_preprocessing(quick: Settings):
    first = run(quick, training__epochs=3, training__learning_rate=0.01)
    again = run(quick, training__epochs=1, start__start_from="run", start__start_path=str(folder(first)))
    taken = only(again, WeightsLoaded)[0]
    assert (taken.taken, taken.misfits) == (taken.wanted, ())
    assert only(again, Finished)[0].val_accuracy >= only(first, Finished)[0].val_accuracy - 0.2
    assert read_metadata(Path(only(again, Finished)[0].model)).preprocessing == Preprocessing.for_size(32)


def with_small_pictures(root: Path, share: float) -> None:
    """Makes that share of a dataset's pictures 32 pixels high, and all others 90."""
    for picture in root.glob("*/*.png"):
        side = 32 if int(picture.stem) < 10 * share else 90
        with Image.open(picture) as image:
            image.resize((side + 20, side)).save(picture)


@pytest.mark.parametrize(("small", "kept"), [(0.7, 1.0), (0.3, 0.875)])
def test_most_pictures_decide_for_all_whether_a_border_is_left_out(quick: Settings, small: float, kept: float):
    with_small_pictures(Path(str(quick["dataset"])), small)
    events = run(quick, training__epochs=1)
    assert read_config(folder(events) / "config.toml").data.middle_share == kept
    assert ("pictures_whole" in codes(events)) == (kept == 1)
    assert read_metadata(Path(only(events, Finished)[0].model)).preprocessing == Preprocessing.for_size(32, kept)


def decided(settings: Settings, small: bool) -> InitialWeights:
    """What a run begins with, without the run."""
    steps = find_initial_weights(make_config(settings), 30, Survey(small), threading.Event())
    while True:
        try:
            next(steps)
        except StopIteration as end:
            weights: InitialWeights = end.value
            return weights


@pytest.mark.parametrize("small", [True, False])
def test_a_share_that_the_person_chose_stays(quick: Settings, small: bool):
    weights = decided({**quick, "data.middle_share": 0.5}, small)
    assert weights.preprocessing == Preprocessing(32, 64)
    assert weights.config.data.middle_share == 0.5


@pytest.mark.parametrize("small", [True, False])
def test_trained_weights_keep_the_share_they_were_trained_with(quick: Settings, tmp_path: Path, small: bool):
    model = tmp_path / "model.safetensors"
    metadata = ModelMetadata("resnet20", ("a", "b"), Preprocessing(64, 80), epoch=1, validated=False)
    save_model(model, build("resnet20", 2).state_dict(), metadata)
    weights = decided({**quick, "start.start_from": "file", "start.start_path": str(model)}, small)
    assert weights.preprocessing == Preprocessing(32, 40)
    rerun = {**quick, "data.middle_share": weights.config.data.middle_share}
    assert decided(rerun, not small).preprocessing == weights.preprocessing


def test_a_run_from_an_adopted_model_prepares_its_pictures_as_runs_do(quick: Settings, tmp_path: Path):
    model = tmp_path / "model.safetensors"
    preprocessing = Preprocessing(32, 40, as_torchvision=True)
    metadata = ModelMetadata("resnet20", ("a", "b"), preprocessing, epoch=0, validated=False)
    save_model(model, build("resnet20", 2).state_dict(), metadata)
    weights = decided({**quick, "start.start_from": "file", "start.start_path": str(model)}, small=False)
    assert weights.preprocessing == Preprocessing(32, 40)


def test_a_size_the_network_does_not_take_is_refused_before_any_writing(quick: Settings):
    with pytest.raises(Problem) as caught:
        run(quick, network="resnet18", data__image_size=16)
    assert caught.value.message.code == "size_not_taken"
    assert not Path(str(quick["out"])).exists()


def test_to_start_from_a_file_one_must_be_named(quick: Settings):
    with pytest.raises(Problem) as caught:
        run(quick, start__start_from="file")
    assert caught.value.message.code == "start_path_missing"


def test_pretrained_weights_that_nobody_shares_are_a_sentence(quick: Settings):
    with pytest.raises(Problem) as caught:
        run(quick, start__start_from="pretrained")
    assert caught.value.message.code == "no_pretrained"


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ResNet-20 whose weights lie on a server that does not answer."""
    weights = Weights("http://127.0.0.1:9/resnet20-0123abcd.pth", 1.1, "MIT", sha256="0123abcd")
    monkeypatch.setitem(catalog._BY_NAME, "resnet20", replace(catalog.find("resnet20"), weights=weights))


@pytest.mark.usefixtures("unreachable")
def test_offline_an_automatic_start_is_from_scratch_and_says_so(quick: Settings):
    events = run(quick, training__epochs=1)
    assert "from_scratch" in [
        event.message.code for event in events[: events.index(only(events, Started)[0])] if isinstance(event, Note)
    ]
    assert read_config(folder(events) / "config.toml").start.start_from == "random"


@pytest.mark.usefixtures("unreachable")
def test_offline_a_run_that_insists_is_refused(quick: Settings):
    with pytest.raises(Problem) as caught:
        run(quick, start__start_from="pretrained")
    assert caught.value.message.code == "download_offline"


def test_head_only_changes_the_head_and_nothing_else(quick: Settings, shared: Path):
    events = run(quick, start__start_from="file", start__start_path=str(shared), start__train_part="head")
    given = torch.load(shared, weights_only=True)["state_dict"]
    for name, value in weights_of(events).items():
        if "linear" not in name:
            assert torch.equal(value, given[f"module.{name}"]), name
    assert read_config(folder(events) / "config.toml").start.norm_statistics == "frozen"


def test_norm_statistics_follow_the_pictures_or_stay(quick: Settings, shared: Path):
    start = {"start__start_from": "file", "start__start_path": str(shared), "training__epochs": 1}
    given = torch.load(shared, weights_only=True)["state_dict"]
    frozen = weights_of(run(quick, start__norm_statistics="frozen", **start))
    assert torch.equal(frozen["bn1.running_mean"], given["module.bn1.running_mean"])
    assert not torch.equal(frozen["conv1.weight"], given["module.conv1.weight"])
    learned = weights_of(run(quick, start__norm_statistics="learned", start__train_part="head", **start))
    assert not torch.equal(learned["bn1.running_mean"], given["module.bn1.running_mean"])
    assert torch.equal(learned["conv1.weight"], given["module.conv1.weight"])


def test_only_a_head_on_random_weights_is_told_to_promise_little(quick: Settings):
    assert "head_on_random" in codes(run(quick, training__epochs=1, start__train_part="head"))


def test_a_run_of_the_head_that_was_stopped_goes_on_to_the_same_model(
    quick: Settings, shared: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(epoch, "Throttle", lambda _: Throttle(0.0))
    values = {**quick, "start.start_from": "file", "start.start_path": str(shared), "start.train_part": "head"}
    whole = weights_of(run(values))
    stop = threading.Event()
    for event in train(make_config(values), stop):
        if isinstance(event, Progress) and (event.phase, event.epoch, event.step) == ("train", 2, 1):
            stop.set()
    shared.unlink()  # a run does not need it any more
    assert isinstance(event, Stopped)
    resumed = weights_of(list(resume(Path(event.model).parent, threading.Event())))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_grey_network_learns_from_and_answers_grey_pictures(quick: Settings, colours: Path):
    events = run(quick, training__epochs=1, data__colour="grey")
    model = Path(only(events, Finished)[0].model)
    assert weights_of(events)["conv1.weight"].shape[1] == 1
    predictor = Predictor(model, make_config({}).machine)
    assert predictor.metadata.preprocessing.channels == 1
    picture = colours / "red" / "0.png"
    pixels = predictor.metadata.preprocessing.pixels(predictor.metadata.preprocessing.open(picture))
    assert pixels.shape == (1, 32, 32)
    assert predictor.predict(picture, 1).problem is None


def test_colour_weights_start_a_grey_network_by_the_sum_of_their_channels(quick: Settings, shared: Path):
    stop = threading.Event()
    values = {**quick, "start.start_from": "file", "start.start_path": str(shared), "data.colour": "grey"}
    events = []
    for event in train(make_config(values), stop):
        events.append(event)
        if isinstance(event, WeightsLoaded):
            stop.set()
    assert "channels_summed" in codes(events)
    network, metadata = load_model(Path(event.model))
    given = torch.load(shared, weights_only=True)["state_dict"]["module.conv1.weight"]
    assert torch.allclose(network.state_dict()["conv1.weight"], given.sum(1, keepdim=True))
    assert metadata.preprocessing.mean == pytest.approx((0.449,), abs=0.001)


def test_auxiliary_classifiers_learn_with_the_weight_of_the_paper(quick: Settings):
    """A step's gradients are those of the main loss and 0.3 of each auxiliary one."""
    config = make_config({**quick, "network": "googlenet"})
    torch.manual_seed(0)
    network = make_network(config, 2, 3)
    set_to_learn(network, config.start)
    assert catalog.find("googlenet").auxiliary == 0.3

    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    preprocessing = Preprocessing.for_size(64)
    pictures = SimpleNamespace(preprocessing=preprocessing, prepare=lambda batch: preprocessing.normalize(batch.pixels))
    state = SimpleNamespace(
        config=config, network=network, compute=Compute(torch.device("cpu")), part_size=2, epoch=1, step=1,
        optimizer=torch.optim.SGD(network.parameters(), lr=0.1), scaler=torch.amp.GradScaler("cpu", enabled=False), loss_sum=torch.zeros(()), right=torch.zeros(()),
        train=pictures,
    )  # fmt: skip
    inputs = EpochInputs(network, pictures, pictures, state.compute)
    pixels, labels = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8), torch.tensor([0, 1])
    epoch.EpochTrainer(state, inputs)._find_gradients(Batch(pixels, labels, torch.arange(2)))
    found = {name: parameter.grad.clone() for name, parameter in network.named_parameters()}

    network.zero_grad()
    out = network(preprocessing.normalize(pixels))
    losses = [functional.cross_entropy(each, labels) for each in (out.logits, out.aux_logits1, out.aux_logits2)]
    (losses[0] + 0.3 * losses[1] + 0.3 * losses[2]).backward()
    for name, parameter in network.named_parameters():
        assert torch.allclose(found[name], parameter.grad, rtol=1e-3, atol=1e-5), name


def test_a_plain_weight_file_is_taken_for_the_networks_shared_weights(tmp_path: Path):
    path = tmp_path / "weights.pth"
    torch.save(build("inception_v3", 3).state_dict(), path)
    values = {
        "network": "inception_v3",
        "data.image_size": 299,
        "start.start_from": "file",
        "start.start_path": str(path),
    }
    steps = find_initial_weights(make_config(values), 100, Survey(), threading.Event())
    with pytest.raises(StopIteration) as ended:
        next(steps)
    preprocessing = ended.value.value.preprocessing
    assert (preprocessing.mean, preprocessing.resize) == ((0.5, 0.5, 0.5), 342)


def test_a_network_of_a_library_trains_goes_on_and_answers(quick: Settings, colours: Path):
    stop = threading.Event()
    values = {**quick, "network": "torchvision/shufflenet_v2_x0_5", "start.start_from": "random"}
    for event in train(make_config(values), stop):
        if isinstance(event, EpochDone):
            stop.set()
    assert isinstance(event, Stopped)
    assert Path(event.model).parent.parent == Path(str(quick["out"]))
    done = list(resume(Path(event.model).parent, threading.Event()))
    answer = Predictor(Path(only(done, Finished)[0].model), make_config({}).machine).predict(colours / "red" / "0.png")
    assert sorted(answer.labels) == ["blue", "green", "red"]


def test_weights_that_are_tied_are_saved_each_by_itself():
    weight = torch.arange(6.0)
    apart = unshared({"one": weight, "other": weight, "part": weight[:3], "lone": torch.ones(2)})
    assert len({tensor.untyped_storage().data_ptr() for tensor in apart.values()}) == 4
    assert torch.equal(apart["part"], weight[:3])
    assert torch.equal(apart["other"], weight)


@pytest.mark.parametrize("start_from", ["file", "run"])
def test_a_run_is_named_by_its_folder_or_by_its_model(quick: Settings, start_from: str):
    first = run(quick, training__epochs=1)
    for path in (folder(first), Path(only(first, Finished)[0].model)):
        again = run(quick, training__epochs=1, start__start_from=start_from, start__start_path=str(path))
        assert only(again, WeightsLoaded)[0].misfits == ()


def test_both_heads_of_a_network_that_has_two_learn(quick: Settings):
    config = make_config(
        {**quick, "network": "timm/deit_tiny_distilled_patch16_224", "data.image_size": 224, "start.train_part": "head"}
    )
    learns = {name for name, parameter in make_network(config, 3, 3).named_parameters() if parameter.requires_grad}
    assert learns == {"head.weight", "head.bias", "head_dist.weight", "head_dist.bias"}


def test_a_network_of_one_size_refuses_progressive_sizes_at_the_start(quick: dict) -> None:
    settings = {**quick, "network": "timm/deit_tiny_distilled_patch16_224", "data.image_size": 224}
    with pytest.raises(Problem, match="does not take pictures of 128 x 128 pixels"):
        list(train(make_config({**settings, "data.progressive_sizes": True}), threading.Event()))
