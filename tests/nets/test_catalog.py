"""The catalogue is true, and can be read without torch."""

import subprocess
import sys

import pytest

from resnet_gui.config import make_config
from resnet_gui.messages import Problem
from resnet_gui.nets.catalog import NETWORKS, Network, find

each_network = pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)


def test_names_are_the_residual_networks():
    names = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet20"]
    assert [network.name for network in NETWORKS] == names


def test_the_first_one_offered_is_the_one_that_is_trained_unless_another_is_named():
    assert NETWORKS[0].name == "resnet18" == make_config({}).network


@each_network
def test_a_network_is_found_by_its_name(network: Network):
    assert find(network.name) is network


@each_network
def test_a_story_is_one_sentence(network: Network):
    assert network.story.endswith(".")
    assert ". " not in network.story


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(Problem) as caught:
        find("resnet19")
    assert caught.value.message.code == "network_unknown"
    assert "“resnet19”" in str(caught.value)
    assert "resnet18, resnet34, resnet50, resnet101, resnet152, resnet20" in str(caught.value)


def test_reading_the_catalogue_does_not_import_torch():
    script = "import sys, resnet_gui.nets.catalog; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
