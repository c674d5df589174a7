from itertools import product

import pytest
import torch
from torch import nn
from torch.nn import functional

from architectures.block import build_block
from architectures.spec import (
    ACTIVATIONS,
    ATTENTIONS,
    CONVOLUTIONS,
    NORMS,
    Activation,
    ArchitectureSpec,
    Attention,
    BlockSpec,
    Convolution,
    Norm,
)

COMBINATIONS = list(product(CONVOLUTIONS, ATTENTIONS, ACTIVATIONS, (False, True)))


def variant(
    convolution: Convolution = "standard",
    attention: Attention = "none",
    *,
    activation: Activation = "relu",
    residual: bool = False,
    norm: Norm = "none",
) -> ArchitectureSpec:
    parts = BlockSpec(convolution=convolution, attention=attention, activation=activation, residual=residual)
    return ArchitectureSpec(name="x", norm=norm, block=parts)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(2, 4, 6, 8, generator=torch.Generator().manual_seed(0))


def silence(module: nn.Module) -> None:
    """Set every parameter of the body to 0, so that the output is that of the shortcut."""
    for parameter in module.parameters():
        torch.nn.init.zeros_(parameter)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_block_combinations_keep_the_map_size_and_have_gradients(
    combination: tuple[Convolution, Attention, Activation, bool], norm: Norm, images: torch.Tensor
) -> None:
    convolution, attention, activation, residual = combination
    torch.manual_seed(1)
    spec = variant(convolution, attention, activation=activation, residual=residual, norm=norm)
    for outputs in (4, 32):
        module = build_block(spec, 4, outputs)
        out = module(images)
        assert out.shape == (2, outputs, 6, 8)
        out.square().sum().backward()
        gradients = {name: parameter.grad for name, parameter in module.named_parameters()}
        assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients.values())


@pytest.mark.parametrize("convolution", CONVOLUTIONS)
@pytest.mark.parametrize("attention", ATTENTIONS)
@torch.inference_mode()
def test_skip_adds_the_input_after_attention(
    convolution: Convolution, attention: Attention, images: torch.Tensor
) -> None:
    module = build_block(variant(convolution, attention, residual=True), 4, 4)
    silence(module.get_submodule("body"))
    torch.testing.assert_close(module(images), functional.relu(images))


@torch.inference_mode()
def test_activation_after_the_sum_is_a_separate_module(images: torch.Tensor) -> None:
    module = build_block(variant(activation="prelu", residual=True), 4, 4)
    silence(module.get_submodule("body"))
    torch.testing.assert_close(module(images), torch.where(images > 0, images, images / 4))


@torch.inference_mode()
def test_channel_count_change_adds_a_projection(images: torch.Tensor) -> None:
    module = build_block(variant(residual=True), 4, 6)
    silence(module.get_submodule("body"))
    weight, bias = module.get_submodule("shortcut").state_dict().values()
    assert weight.shape == (6, 4, 1, 1)
    torch.testing.assert_close(module(images), functional.relu(functional.conv2d(images, weight, bias)))


@torch.inference_mode()
def test_zero_body_without_skip_outputs_zero(images: torch.Tensor) -> None:
    module = build_block(variant(attention="cbam"), 4, 4)
    silence(module)
    assert torch.equal(module(images), torch.zeros_like(images))


@torch.inference_mode()
def test_sum_is_of_body_and_shortcut(images: torch.Tensor) -> None:
    module = build_block(variant("separable", "cbam", activation="prelu", residual=True), 4, 6)
    total = module.get_submodule("body")(images) + module.get_submodule("shortcut")(images)
    torch.testing.assert_close(module(images), torch.where(total > 0, total, total / 4))


@torch.inference_mode()
def test_plain_block_is_vgg16s_convolution_and_relu(images: torch.Tensor) -> None:
    module = build_block(variant(), 4, 6)
    weight, bias = module.state_dict().values()
    torch.testing.assert_close(
        module(images), functional.relu(functional.conv2d(images, weight, bias, padding=1))
    )
    assert module.state_dict().keys() == {"0.0.weight", "0.0.bias"}


def test_projection_has_a_norm() -> None:
    block = build_block(variant(residual=True, norm="batch"), 4, 6)
    keys = block.get_submodule("shortcut").state_dict().keys()
    assert {"1.weight", "1.bias", "1.running_mean", "1.running_var"} < keys
