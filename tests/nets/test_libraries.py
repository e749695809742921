"""torchvision's and timm's networks: their specs agree with the libraries, and a library's errors become sentences."""

import subprocess
import sys

import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn

from resnet_gui.messages import Problem
from resnet_gui.nets.build import build, main_and_auxiliary
from resnet_gui.nets.catalog import NETWORKS, find
from resnet_gui.nets.library_catalog import names, weights_of
from resnet_gui.nets.spec import NetworkSpec

BROUGHT = [network for network in NETWORKS if network.source != "ours"]
each_network = pytest.mark.parametrize("network", BROUGHT, ids=lambda network: network.name)

# Below these sizes a layer has less than one point to give; others halve a picture five times, so 32.
HARD_LIMITS = [
    "alexnet", "vgg11", "vgg19_bn", "inception_v3", "inception_v4", "inception_resnet_v2", "squeezenet1_0", "squeezenet1_1",
]  # fmt: skip


def on_meta(name: str, classes: int = 2, channels: int = 3) -> nn.Module:
    with torch.device("meta"):
        return build(name, classes, channels)


def code(caught: pytest.ExceptionInfo[Problem]) -> str:
    return caught.value.message.code


@each_network
def test_the_specs_weights_are_the_librarys_first_choice(network: NetworkSpec):
    theirs = weights_of(f"{network.source}/{network.library_name}")
    ours = network.weights
    for field in ("url", "sha256", "licence", "trained_on", "image_size", "resize", "interpolation"):
        assert getattr(ours, field) == getattr(theirs, field), field
    assert ours.mean == pytest.approx(theirs.mean)
    assert ours.std == pytest.approx(theirs.std)
    assert ours.megabytes == pytest.approx(theirs.megabytes, abs=0.11)
    if network.source == "torchvision":  # timm states it elsewhere
        assert ours.top1 == theirs.top1


@each_network
def test_weights_were_trained_at_the_usual_size(network: NetworkSpec):
    assert network.weights.image_size == network.default_size


@pytest.mark.parametrize("name", HARD_LIMITS)
def test_a_pixel_less_than_the_smallest_size_cannot_be_learned_from(name: str):
    network, smallest = on_meta(name).train(), find(name).smallest
    main_and_auxiliary(network(torch.empty(2, 3, smallest, smallest, device="meta")))
    with pytest.raises((RuntimeError, ValueError)):
        network(torch.empty(2, 3, smallest - 1, smallest - 1, device="meta"))


@pytest.mark.parametrize(("name", "count"), [("googlenet", 2), ("inception_v3", 1), ("alexnet", 0), ("dpn68", 0)])
def test_auxiliary_logits_come_while_it_trains_only(name: str, count: int):
    network, x = on_meta(name), torch.empty(2, 3, 299, 299, device="meta")
    logits, auxiliary = main_and_auxiliary(network.train()(x))
    assert [tuple(each.shape) for each in (logits, *auxiliary)] == [(2, 2)] * (1 + count)
    logits, auxiliary = main_and_auxiliary(network.eval()(x))
    assert (tuple(logits.shape), auxiliary) == ((2, 2), ())


def test_auxiliary_classifiers_that_are_not_there_are_left_out():
    logits, helping = torch.zeros(1, 2), torch.ones(1, 2)
    output = torchvision.models.GoogLeNetOutputs(logits, None, helping)
    main, auxiliary = main_and_auxiliary(output)
    assert main is logits
    assert len(auxiliary) == 1
    assert auxiliary[0] is helping


def test_the_weights_of_the_losses_are_the_papers():
    assert {network.name: network.auxiliary for network in NETWORKS if network.auxiliary} == {
        "googlenet": 0.3, "inception_v3": 0.4,
    }  # fmt: skip


def test_pictures_reach_torchvisions_inception_as_they_are():
    """With pretrained weights torchvision rescales pictures inside the network; ours come scaled, so it must not."""
    torch.manual_seed(0)
    ours = build("googlenet", 2).eval()
    theirs = torchvision.models.googlenet(weights=None, num_classes=2, transform_input=True, init_weights=False).eval()
    theirs.load_state_dict(ours.state_dict())
    imagenet = torch.randn(1, 3, 32, 32)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    pixels = imagenet * std + mean
    weights = find("googlenet").weights
    scaled = (pixels - torch.tensor(weights.mean).view(1, 3, 1, 1)) / torch.tensor(weights.std).view(1, 3, 1, 1)
    with torch.inference_mode():
        torch.testing.assert_close(ours(scaled), theirs(imagenet), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("vgg16", "features.0"),
        ("googlenet", "conv1.conv"),
        ("densenet121", "features.conv0"),
        ("torchvision/vit_b_32", "conv_proj"),
    ],
)
def test_other_channels_change_only_torchvisions_first_convolution(name: str, first: str):
    grey, colour = on_meta(name, 2, 1), on_meta(name, 2, 3)
    shapes = {
        key: (tuple(tensor.shape), tuple(grey.state_dict()[key].shape)) for key, tensor in colour.state_dict().items()
    }
    assert list(grey.state_dict()) == list(colour.state_dict())
    assert [key for key, (before, after) in shapes.items() if before != after] == [f"{first}.weight"]
    before, after = shapes[f"{first}.weight"]
    assert after == (before[0], 1, *before[2:])


def test_any_name_of_the_libraries_can_be_built():
    x = torch.empty(2, 3, 64, 64, device="meta")
    for name in ("torchvision/mobilenet_v2", "timm/resnet26d", "timm/resnet18.a1_in1k"):
        logits: Tensor = on_meta(name, 5).eval()(x)
        assert logits.shape == (2, 5)


@pytest.mark.parametrize(
    "name", ["timm/resnet19", "torchvision/resnet19", "torchvision/fasterrcnn_resnet50_fpn", "timm/hf-hub:a/b"]
)
def test_a_name_that_the_library_has_not_is_refused(name: str):
    with pytest.raises(Problem) as caught:
        build(name, 2)
    assert code(caught) == "network_not_in_library"
    assert weights_of(name) is None


def test_what_a_library_refuses_is_reported_with_its_reason():
    with pytest.raises(Problem) as caught:
        build("torchvision/mobilenet_v2", -1)
    assert code(caught) == "network_cannot_be_built"
    assert "\n" not in str(caught.value)


def test_on_the_meta_device_a_librarys_own_error_is_passed_on():
    with pytest.raises(NotImplementedError), torch.device("meta"):
        build("torchvision/regnet_x_400mf", 2)


def test_torchvisions_names_are_classifiers_missing_from_the_catalogue():
    found = names("torchvision")
    assert {"convnext_tiny", "vit_b_16", "mobilenet_v2"} <= set(found)
    assert not {"resnet18", "vgg16", "inception_v3", "fasterrcnn_resnet50_fpn", "quantized_resnet18"} & set(found)
    assert set(found) <= set(torchvision.models.list_models(module=torchvision.models))


def test_timms_names_are_all_it_has():
    assert names("timm") == tuple(timm.list_models())
    assert len(names("timm")) > 1000


def test_weights_of_a_library_network_have_its_preprocessing():
    weights = weights_of("timm/resnet18")
    assert weights.url == "https://huggingface.co/timm/resnet18.a1_in1k/resolve/main/model.safetensors"
    assert (weights.image_size, weights.resize, weights.interpolation, weights.sha256) == (224, 236, "bicubic", "")
    assert weights.megabytes == pytest.approx(46.8, abs=0.1)
    assert weights.host == "huggingface.co"

    weights = weights_of("torchvision/convnext_tiny")
    assert (weights.image_size, weights.resize, weights.sha256) == (224, 236, "983f1562")


def test_the_catalogues_own_weights_are_the_specs():
    assert weights_of("resnet18") is find("resnet18").weights
    assert weights_of("inception_v2") is None
    assert weights_of("timm/skresnet50") is None


def test_build_brings_no_library_before_one_is_needed_and_none_speaks():
    script = (
        "import sys\n"
        "from resnet_gui.nets.build import build\n"
        "assert not {'torchvision', 'timm'} & set(sys.modules)\n"
        "build('resnet18', 2)\n"
        "assert not {'torchvision', 'timm'} & set(sys.modules)\n"
        "build('squeezenet1_1', 2), build('timm/resnet10t', 2)\n"
    )
    done = subprocess.run([sys.executable, "-W", "default", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
