"""Inception v2 and Inception-ResNet v1 have the layers of their papers."""

import pytest
import torch
from torch import Tensor, nn

from resnet_gui.nets.build import build
from resnet_gui.nets.families.inception import Branches, ResidualBranches


def maps(name: str, size: int) -> dict[str, tuple[int, ...]]:
    """The shape after each layer, without the batch."""
    shapes = {}
    with torch.device("meta"):
        network, x = build(name, 1000).eval(), torch.empty(1, 3, size, size)
    for layer, module in network.named_children():
        x = module(x)
        shapes[layer] = tuple(x.shape[1:])
    return shapes


def test_inception_v2_has_the_maps_of_its_papers_figure_5():
    found = maps("inception_v2", 224)
    assert [found[f"inception{name}"] for name in ("3a", "3b", "3c", "4a", "4b", "4c", "4d", "4e", "5a", "5b")] == [
        (256, 28, 28), (320, 28, 28), (576, 14, 14), (576, 14, 14), (576, 14, 14), (576, 14, 14), (576, 14, 14),
        (1024, 7, 7), (1024, 7, 7), (1024, 7, 7),
    ]  # fmt: skip
    assert (found["conv1"], found["maxpool1"], found["conv3"]) == ((64, 112, 112), (64, 56, 56), (192, 56, 56))


def test_inception_resnet_v1_has_the_maps_of_its_papers_figures():
    found = maps("inception_resnet_v1", 299)
    assert [found[name] for name in ("conv2d_2b", "maxpool_3a", "conv2d_4a", "repeat_1", "repeat_2", "repeat_3", "fc")] == [
        (64, 147, 147), (64, 73, 73), (192, 71, 71), (256, 35, 35), (896, 17, 17), (1792, 8, 8), (1000,),
    ]  # fmt: skip


def test_inception_resnet_v1_has_5_10_and_5_blocks():
    with torch.device("meta"):
        network = build("inception_resnet_v1", 10)
    counts = [len(getattr(network, f"repeat_{number}")) for number in (1, 2, 3)]
    assert counts == [5, 10, 5]
    assert sum(isinstance(module, ResidualBranches) for module in network.modules()) == 20


def test_branches_lie_side_by_side_in_their_order():
    x = torch.tensor([1.0, -2.0]).view(1, 2, 1, 1)
    assert Branches(nn.Identity(), nn.ReLU(), nn.Sequential(nn.ReLU(), nn.Identity()))(x).flatten().tolist() == [
        1.0, -2.0, 1.0, 0.0, 1.0, 0.0,
    ]  # fmt: skip


def test_a_residual_module_adds_its_scaled_branches_and_cuts_below_zero():
    module = ResidualBranches(2, 2, 0.5, nn.Identity())
    with torch.no_grad():
        module.conv2d.weight.copy_(torch.tensor([[2.0, 0.0], [0.0, 4.0]]).view(2, 2, 1, 1))
        module.conv2d.bias.copy_(torch.tensor([1.0, 0.0]))
    x = torch.tensor([1.0, -2.0]).view(1, 2, 1, 1)
    assert module(x).flatten().tolist() == [1.0 + 0.5 * (2.0 + 1.0), 0.0]


@pytest.mark.parametrize(("name", "smallest"), [("inception_resnet_v1", 75)])
def test_the_smallest_size_is_the_true_limit(name: str, smallest: int):
    def logits(size: int) -> Tensor:
        with torch.device("meta"):
            return build(name, 2).train()(torch.empty(2, 3, size, size))

    assert logits(smallest).shape == (2, 2)
    with pytest.raises(RuntimeError):
        logits(smallest - 1)
