"""Tests of counts against formulas: 8 px, one stage of few channels, so that each term can be checked."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from architectures.catalogue import CATALOGUE, get_architecture, with_width
from architectures.spec import VGG16_STAGES, ArchitectureSpec, BlockSpec, Norm
from architectures.user import load_user_spec
from harness import flop_count as costing
from harness.flop_count import count_cost
from studies.cost import Cost, compute_block_costs, compute_separable_cost
from tests.error_codes import raises_code

SIDE = 8
AREA = SIDE * SIDE
WIDE = 16
HEAD = WIDE * 512 + 512 * 5
HEAD_ACTIVATIONS = 512


@pytest.fixture(autouse=True)
def clear_cache() -> None:
    """Clear the counts that earlier tests have cached."""
    costing._count_cost.cache_clear()


def make_small_spec(*, norm: Norm = "none", blocks: int = 1, **options: Any) -> ArchitectureSpec:
    """Return a spec with blocks of 16 channels on an 8 px map, a max-pool and the GAP head for 5 classes."""
    return ArchitectureSpec(
        name="small", stages=((blocks, WIDE),), norm=norm, head="gap", block=BlockSpec(**options)
    )


def cost_of(spec: ArchitectureSpec) -> Cost:
    return count_cost(spec, num_classes=5, image_size=SIDE)


def test_vgg16_at_224_pixels_is_equation_1_thirteen_times_and_three_linear_layers() -> None:
    cost = count_cost(get_architecture("vgg16"), num_classes=6, image_size=224)
    convolutions = sum(block.standard for block in compute_block_costs(VGG16_STAGES, 224))
    linear = 512 * 7 * 7 * 4096 + 4096 * 4096 + 4096 * 6
    assert cost.multiply_adds == convolutions + linear == 15_466_192_896
    maps = 2 * 64 * 224**2 + 2 * 128 * 112**2 + 3 * 256 * 56**2 + 3 * 512 * 28**2 + 3 * 512 * 14**2
    assert cost.activations == maps + 2 * 4096
    last_of_stage = 64 * 224**2 + 128 * 112**2 + 256 * 56**2 + 512 * 28**2 + 512 * 14**2
    assert cost.pooling == last_of_stage + 512 * 7**2
    assert (cost.attention, cost.additions, cost.norm, cost.uncounted_ops) == (0, 0, 0, ())
    assert cost.parameters == 134_285_126
    assert round(cost.mib, 2) == 512.26


def test_separable_block_is_equation_2() -> None:
    cost = cost_of(make_small_spec(convolution="separable"))
    assert cost.multiply_adds == compute_separable_cost(3, 3, out_channels=WIDE, side=SIDE) + HEAD
    assert cost.activations == 3 * AREA + WIDE * AREA + HEAD_ACTIVATIONS
    assert cost.pooling == WIDE * AREA + WIDE * AREA // 4


def test_prelu_costs_as_much_as_relu() -> None:
    relu, prelu = cost_of(make_small_spec(activation="relu")), cost_of(make_small_spec(activation="prelu"))
    assert relu.activations == prelu.activations == WIDE * AREA + HEAD_ACTIVATIONS
    assert relu.multiply_adds == prelu.multiply_adds == 9 * 3 * WIDE * AREA + HEAD
    assert prelu.parameters - relu.parameters == WIDE


def test_cbam_is_not_free() -> None:
    without, cbam = cost_of(make_small_spec()), cost_of(make_small_spec(attention="cbam"))
    hidden = 1
    shared_mlp = 2 * (WIDE * hidden + hidden * WIDE)
    assert cbam.multiply_adds - without.multiply_adds == shared_mlp + 2 * 49 * AREA
    pooled = 2 * WIDE * AREA  # the mean and the maximum read the map once each
    multiplied = WIDE * AREA
    assert cbam.attention == 2 * (pooled + multiplied)
    assert without.attention == 0
    assert cbam.activations - without.activations == 2 * hidden + WIDE + AREA
    assert cbam.additions == WIDE
    assert cbam.pooling == without.pooling


def test_skip_costs_a_sum_an_activation_and_projections() -> None:
    without, residual = cost_of(make_small_spec(blocks=2)), cost_of(make_small_spec(blocks=2, residual=True))
    assert residual.additions == 2 * WIDE * AREA
    assert residual.activations - without.activations == 2 * WIDE * AREA
    assert residual.multiply_adds - without.multiply_adds == 3 * WIDE * AREA


def test_batch_norm_is_two_operations_per_element() -> None:
    assert cost_of(make_small_spec()).norm == 0
    cost = cost_of(make_small_spec(convolution="separable", norm="batch"))
    assert cost.norm == 2 * (3 * AREA + WIDE * AREA)


@pytest.mark.parametrize("name", CATALOGUE)
def test_nothing_in_the_catalogue_is_left_uncounted(name: str) -> None:
    spec = CATALOGUE[name]
    narrow = replace(spec, width=1 / 8) if spec.network in ("blocks", "alexnet_d2l") else spec
    cost = count_cost(narrow, num_classes=6, image_size=72)
    assert cost.uncounted_ops == ()
    assert cost.multiply_adds > 0
    assert cost.activations > 0


def test_global_mean_is_pooling_and_no_attention() -> None:
    cost = count_cost(get_architecture("shufflenetv2"), num_classes=6, image_size=64)
    assert cost.attention == 0
    assert cost.pooling == 24 * 32 * 32 + 1024 * 2 * 2  # the max-pool after the first convolution, the mean


SOFT = """
from torch import nn


def soft(classes):
    return nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(3, classes), nn.Softmax(dim=1))
"""


def test_uncounted_operators_are_listed_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    Path("net.py").write_text(SOFT)
    with caplog.at_level(logging.WARNING):
        cost = cost_of(load_user_spec("net.py:soft"))
    assert dict(cost.uncounted_ops)["softmax"] > 0
    assert caplog.records == []


def test_counting_preserves_random_state_and_gradient_mode() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    cost_of(make_small_spec())
    assert torch.equal(torch.rand(4), expected)
    assert torch.is_grad_enabled()


def test_pretrained_networks_need_no_weights_for_counting() -> None:
    spec = get_architecture("shufflenetv2")
    pretrained = replace(spec, pretrained=True)
    assert count_cost(pretrained, num_classes=6, image_size=64) == count_cost(
        spec, num_classes=6, image_size=64
    )


def test_count_is_of_plain_integers() -> None:
    cost = cost_of(make_small_spec(attention="cbam", norm="batch", residual=True))
    numbers = (cost.multiply_adds, cost.activations, cost.attention, cost.additions, cost.norm, cost.pooling)
    assert [type(number) for number in numbers] == [int] * 6


def test_unknown_network_is_refused() -> None:
    with raises_code("network.unknown", "'resnet33'"):
        count_cost(ArchitectureSpec(name="x", network="resnet33"), num_classes=6, image_size=64)


def test_cost_is_computed_per_arm_size_and_class_count() -> None:
    spec = with_width(CATALOGUE["proposed"], 0.125)
    first = count_cost(spec, num_classes=6, image_size=32)
    assert count_cost(replace(spec, pretrained=False), num_classes=6, image_size=32) is first
    others = (
        count_cost(with_width(CATALOGUE["vgg16"], 0.125), num_classes=6, image_size=32),
        count_cost(spec, num_classes=5, image_size=32),
        count_cost(spec, num_classes=6, image_size=48),
    )
    assert first not in others
