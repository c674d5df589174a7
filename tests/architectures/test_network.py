"""Tests of output sizes against the paper's table, and of the block against a plain implementation."""

import math
from dataclasses import replace
from itertools import pairwise, product

import pytest
import torch
from torch import nn

from architectures.catalogue import get_architecture
from architectures.network import build_network
from architectures.spec import (
    ACTIVATIONS,
    ATTENTIONS,
    CONVOLUTIONS,
    Activation,
    ArchitectureSpec,
    Attention,
    BlockSpec,
    Convolution,
    Head,
    Norm,
)
from tests.error_codes import raises_code

CHANNELS = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
COMBINATIONS = list(product(CONVOLUTIONS, ATTENTIONS, ACTIVATIONS, (False, True)))


def parameters(spec: ArchitectureSpec, classes: int = 6) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build_network(spec, num_classes=classes).parameters())


def block_by_hand(inputs: int, outputs: int, *, parts: tuple[str, str, str, bool], batch_norm: bool) -> int:
    """Compute the block of the paper's Figure 4 term by term."""
    convolution, attention, activation, residual = parts
    norm = 2 if batch_norm else 0  # a scale and a shift for each channel
    slope = 1 if activation == "prelu" else 0
    after = norm + slope
    if convolution == "standard":
        total = 3 * 3 * inputs * outputs + outputs + after * outputs
    else:
        depthwise = 3 * 3 * inputs + inputs + after * inputs
        pointwise = inputs * outputs + outputs + after * outputs
        total = depthwise + pointwise
    if attention == "cbam":
        hidden = max(1, outputs // 16)
        total += outputs * hidden + hidden * outputs + 7 * 7 * 2
    if residual:
        total += slope * outputs
        if inputs != outputs:
            total += inputs * outputs + outputs + norm * outputs
    return total


HEADS_BY_HAND = {
    "gap": 512 * 512 + 512 + 512 * 6 + 6,
    "vgg": 512 * 7 * 7 * 4096 + 4096 + 4096 * 4096 + 4096 + 4096 * 6 + 6,
}


@pytest.mark.parametrize(("norm", "head"), [("batch", "gap"), ("none", "gap"), ("none", "vgg")])
@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_every_combination_has_the_parameters_of_the_papers_block(
    combination: tuple[Convolution, Attention, Activation, bool], norm: Norm, head: Head
) -> None:
    convolution, attention, activation, residual = combination
    parts = BlockSpec(convolution=convolution, attention=attention, activation=activation, residual=residual)
    spec = ArchitectureSpec(name="x", block=parts, norm=norm, head=head)
    by_hand = sum(
        block_by_hand(inputs, outputs, parts=combination, batch_norm=norm == "batch")
        for inputs, outputs in pairwise(CHANNELS)
    )
    assert parameters(spec) == by_hand + HEADS_BY_HAND[head]


@pytest.mark.parametrize(
    ("name", "mib"),
    [
        ("vgg16", 512.26),
        ("alexnet", 178.42),
        ("resnet34", 81.21),
        ("shufflenetv2", 4.81),
        ("mobilenetv3-large", 16.06),
        ("efficientnet-b0", 15.32),
        ("proposed", 9.05),
    ],
)
def test_model_sizes_match_the_paper(name: str, mib: float) -> None:
    assert round(parameters(get_architecture(name)) * 4 / 2**20, 2) == mib


def test_proposed_has_2_372_327_parameters_and_vgg16_138_million_at_1000_classes() -> None:
    assert parameters(get_architecture("proposed")) == 2_372_327
    assert parameters(get_architecture("vgg16"), classes=1000) == 138_357_544


def test_every_prelu_has_slopes_of_its_own() -> None:
    with torch.device("meta"):
        network = build_network(get_architecture("proposed"), num_classes=6)
    activations = [
        module for _, module in network.named_modules(remove_duplicate=False) if isinstance(module, nn.PReLU)
    ]
    # After the depthwise convolution, after the pointwise one, and after the sum.
    assert len(activations) == len({id(activation.weight) for activation in activations}) == 3 * 13


def test_initialization_is_that_of_vgg() -> None:
    torch.manual_seed(0)
    network = build_network(replace(get_architecture("proposed"), width=0.5), num_classes=6)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels // module.groups * math.prod(module.kernel_size)
            if module.weight.numel() > 5000:
                assert module.weight.std().item() == pytest.approx(math.sqrt(2 / fan_out), rel=0.05)
        elif isinstance(module, nn.Linear):
            assert module.weight.std().item() == pytest.approx(0.01, rel=0.05)
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
        elif isinstance(module, nn.PReLU):
            assert (module.weight == 0.25).all()
        bias = getattr(module, "bias", None)
        if isinstance(bias, torch.Tensor):
            assert (bias == 0).all()


def test_weights_depend_on_the_seed() -> None:
    spec = replace(get_architecture("proposed"), width=0.125)
    first, second, third = (
        torch.nn.utils.parameters_to_vector(_build_with_seed(spec, seed).parameters()) for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def _build_with_seed(spec: ArchitectureSpec, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return build_network(spec, num_classes=3)


@torch.inference_mode()
def test_stages_halve_the_map() -> None:
    spec = ArchitectureSpec(name="x", stages=((1, 4), (3, 10)), head="gap")
    network = build_network(spec, num_classes=2).eval()
    assert network.get_submodule("features")(torch.zeros(1, 3, 12, 20)).shape == (1, 10, 3, 5)
    convolutions = [module.out_channels for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert convolutions == [4, 10, 10, 10]


@torch.inference_mode()
def test_width_scales_channels_and_head() -> None:
    gap = build_network(ArchitectureSpec(name="x", head="gap", width=0.125), num_classes=6)
    assert _linear_shapes(gap) == [(64, 64), (6, 64)]
    vgg = build_network(ArchitectureSpec(name="x", width=0.125), num_classes=6)
    assert _linear_shapes(vgg) == [(512, 64 * 49), (512, 512), (6, 512)]


def _linear_shapes(network: nn.Module) -> list[tuple[int, ...]]:
    layers = network.get_submodule("classifier").children()
    return [tuple(module.weight.shape) for module in layers if isinstance(module, nn.Linear)]


@pytest.mark.parametrize("classes", [1, 0, -3])
def test_fewer_than_two_classes_are_refused(classes: int) -> None:
    with raises_code("class-count.too-small", classes):
        build_network(get_architecture("proposed"), num_classes=classes)
