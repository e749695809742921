"""A residual block is a plain block and a way around it; its variants differ as their papers state, and in nothing else."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from resnet_gui.nets.catalog import find
from resnet_gui.nets.families.blocks import (
    BasicBlock,
    Bottleneck,
    BottleneckV1,
    PlainBlock,
    PlainBottleneck,
    SEBasicBlock,
    SEBottleneck,
    SqueezeExcitation,
)
from resnet_gui.nets.families.preact import PreactBlock, PreactBottleneck, PreactBottleneckV1
from resnet_gui.nets.families.resnet import group_norm, layer_norm
from resnet_gui.nets.families.shortcuts import PaddedIdentity, averaged, bare, padded, projected, projection

RESIDUAL = (
    BasicBlock,
    Bottleneck,
    BottleneckV1,
    SEBasicBlock,
    SEBottleneck,
    PreactBlock,
    PreactBottleneck,
    PreactBottleneckV1,
)
EVERY = (PlainBlock, PlainBottleneck, *RESIDUAL)


def noise(*shape: int) -> Tensor:
    """Numbers of both signs, the same each time."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def weights(block: nn.Module) -> int:
    """How many numbers its convolutions have."""
    return sum(layer.weight.numel() for layer in block.modules() if isinstance(layer, nn.Conv2d))


@pytest.mark.parametrize("block", EVERY)
@pytest.mark.parametrize(("stride", "points"), [(1, (9, 8)), (2, (5, 4))])
def test_a_block_gives_the_stated_channels_and_rounds_up_what_it_halves(
    block: type[nn.Module], stride: int, points: tuple[int, int]
):
    made = block(64, 32, stride).eval()
    assert made(noise(2, 64, 9, 8)).shape == (2, made.out_channels, *points)


@pytest.mark.parametrize(("plain", "residual"), [(PlainBlock, BasicBlock), (PlainBottleneck, Bottleneck)])
def test_a_residual_block_adds_its_input_to_what_the_plain_one_computes(
    plain: type[nn.Module], residual: type[nn.Module]
):
    channels = plain(64, 64, 1).out_channels
    without, around = plain(channels, 64, 1).eval(), residual(channels, 64, 1).eval()
    without.load_state_dict(around.state_dict(), strict=True)
    x = noise(2, channels, 5, 5)
    assert torch.equal(around(x), (without.branch(x) + x).relu())
    assert torch.equal(without(x), without.branch(x).relu())


@pytest.mark.parametrize("block", RESIDUAL)
def test_a_block_that_starts_as_its_shortcut_changes_nothing(block: type[nn.Module]):
    widening = block(1, 16, 1).out_channels // 16
    made = block(256, 256 // widening, 1).eval()
    x = noise(2, 256, 5, 5).relu()
    assert not torch.equal(made(x), x)
    made.start_as_shortcut()
    assert torch.equal(made(x), x)


def test_the_worked_sum_of_basic_block_and_bottleneck():
    wide, narrow = weights(BasicBlock(256, 256, 1)), weights(Bottleneck(256, 64, 1))
    assert (wide, narrow) == (1_179_648, 69_632)
    assert f"{wide / narrow:.2f}" == "16.94"
    assert all(number in find("resnet50").lesson for number in ("1,179,648", "69,632", "16.94"))


def test_the_worked_sums_of_groups_and_of_squeeze_and_excitation():
    """About 70 thousand, as ResNet-50's block (Xie et al. 2017, section 3.3)."""
    assert weights(Bottleneck(256, 64, 1, groups=32, group_width=4)) == 70_144
    assert "70,144" in find("resnext50_32x4d").lesson
    assert sum(parameter.numel() for parameter in SqueezeExcitation(256).parameters()) == 8_464
    assert "8,464" in find("seresnet50").lesson


@pytest.mark.parametrize(("block", "looks_away"), [(Bottleneck, False), (BottleneckV1, True)])
def test_only_the_first_published_stride_ignores_three_of_four_points(block: type[nn.Module], looks_away: bool):
    made, x = block(16, 8, 2).eval(), noise(1, 16, 8, 8)
    seen = torch.zeros_like(x)
    seen[:, :, ::2, ::2] = x[:, :, ::2, ::2]
    assert torch.equal(made(x), made(seen)) is looks_away


@pytest.mark.parametrize("block", [PlainBlock, BasicBlock, PlainBottleneck, Bottleneck, PreactBlock, PreactBottleneck])
@pytest.mark.parametrize(("dilation", "reach"), [(1, 1), (2, 2)])
def test_dilation_looks_further_and_keeps_the_size(block: type[nn.Module], dilation: int, reach: int):
    """Each 3x3 convolution sees as many more points to each side as its dilation."""
    made = block(16, 8, 1, dilation).eval()
    reach *= sum(layer.kernel_size == (3, 3) for layer in made.modules() if isinstance(layer, nn.Conv2d))
    x = noise(1, 16, 17, 17).requires_grad_()
    out = made(x)
    assert out.shape[2:] == (17, 17)
    out[:, :, 8, 8].sum().backward()
    rows = x.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    assert (rows.min().item(), rows.max().item()) == (8 - reach, 8 + reach)


@pytest.mark.parametrize("block", EVERY)
@pytest.mark.parametrize(("norm", "groups"), [(group_norm, 32), (layer_norm, 1)])
def test_the_norm_is_the_one_that_is_chosen(block: type[nn.Module], norm: partial[nn.Module], groups: int):
    norms = [layer for layer in block(64, 64, 2, norm=norm).modules() if isinstance(layer, nn.GroupNorm)]
    assert norms
    assert all(layer.num_groups == groups for layer in norms)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in block(64, 64, 2, norm=norm).modules())


def test_squeeze_and_excitation_scales_each_channel_by_its_own_number():
    x = noise(2, 16, 5, 5)
    factors = SqueezeExcitation(16)(x) / x
    assert torch.allclose(factors, factors[:, :, :1, :1].expand_as(factors))
    assert ((factors > 0) & (factors < 1)).all()
    assert len(factors[0, :, 0, 0].unique()) == 16


def test_a_pre_activation_block_lets_what_goes_around_it_pass_as_it_is():
    """Not even a ReLU stands in its way, but where the shape changes it goes through the first norm and ReLU."""
    made, x = PreactBlock(16, 16, 1).eval(), -noise(1, 16, 5, 5).abs()
    made.start_as_shortcut()
    assert torch.equal(made(x), x)

    made, x = PreactBlock(16, 32, 2).eval(), noise(1, 16, 5, 5)
    made.start_as_shortcut()
    assert torch.equal(made(x), made.downsample(made.bn1(x).relu()))


@pytest.mark.parametrize("option", [padded, projected, averaged, bare])
def test_where_the_shape_is_kept_the_way_around_is_the_input_itself(option):
    x = noise(2, 8, 5, 5)
    assert option(8, 8, 1, nn.BatchNorm2d)(x) is x


def test_option_c_projects_even_there():
    assert [type(layer) for layer in projection(8, 8, 1, nn.BatchNorm2d)] == [nn.Conv2d, nn.BatchNorm2d]


@pytest.mark.parametrize(("option", "layers"), [
    (padded, []), (projected, [nn.Conv2d, nn.BatchNorm2d]), (projection, [nn.Conv2d, nn.BatchNorm2d]),
    (averaged, [nn.AvgPool2d, nn.Conv2d, nn.BatchNorm2d]), (bare, [nn.Conv2d]),
])  # fmt: skip
@pytest.mark.parametrize(("side", "half"), [(8, 4), (9, 5)])
def test_where_the_shape_changes_each_option_makes_it_fit_in_its_way(option, layers: list[type], side: int, half: int):
    shortcut = option(8, 16, 2, nn.BatchNorm2d).eval()
    assert shortcut(noise(2, 8, side, side)).shape == (2, 16, half, half)
    made = [type(layer) for layer in shortcut.modules() if not isinstance(layer, nn.Sequential | PaddedIdentity)]
    assert made == layers


def test_average_pooling_sees_the_points_that_a_stride_would_skip():
    x = noise(1, 8, 8, 8)
    seen = torch.zeros_like(x)
    seen[:, :, ::2, ::2] = x[:, :, ::2, ::2]
    skipping, averaging = (option(8, 16, 2, nn.BatchNorm2d).eval() for option in (projected, averaged))
    assert torch.equal(skipping(x), skipping(seen))
    assert not torch.equal(averaging(x), averaging(seen))


@pytest.mark.parametrize("side", [4, 5])
def test_a_padded_identity_is_every_second_point_between_zeros(side: int):
    shortcut, x = PaddedIdentity(4, 8, stride=2), noise(2, 4, side, side)
    out = shortcut(x)
    assert torch.equal(out[:, 2:6], x[:, :, ::2, ::2])
    assert out[:, :2].count_nonzero() == out[:, 6:].count_nonzero() == 0
    assert out.shape[1] == 8
    assert not shortcut.state_dict()


def test_an_odd_number_of_channels_is_padded_to_the_full_width():
    assert PaddedIdentity(3, 8, stride=1)(noise(1, 3, 2, 2)).shape == (1, 8, 2, 2)
