from typing import get_args

import pytest
import torch
from torch import nn
from torch.nn import functional

from architectures.convolution import (
    CONVOLUTION_BUILDERS,
    build_activation,
    build_separable_conv,
    build_standard_conv,
)
from architectures.spec import Activation, ArchitectureSpec, BlockSpec, Convolution, Norm


def variant(
    *, convolution: Convolution = "standard", act: Activation = "relu", norm: Norm = "none"
) -> ArchitectureSpec:
    return ArchitectureSpec(name="x", norm=norm, block=BlockSpec(convolution=convolution, activation=act))


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(2, 3, 6, 8, generator=torch.Generator().manual_seed(0))


@torch.inference_mode()
def test_standard_is_a_3x3_convolution_with_bias_then_the_activation(images: torch.Tensor) -> None:
    module = build_standard_conv(variant(), 3, 5)
    weight, bias = module.state_dict().values()
    assert weight.shape == (5, 3, 3, 3)
    expected = functional.relu(functional.conv2d(images, weight, bias, padding=1))
    torch.testing.assert_close(module(images), expected)


@torch.inference_mode()
def test_separable_filters_channels_and_then_mixes_them(images: torch.Tensor) -> None:
    module = build_separable_conv(variant(convolution="separable"), 3, 5)
    depthwise, depth_bias, pointwise, point_bias = module.state_dict().values()
    assert depthwise.shape == (3, 1, 3, 3)
    assert pointwise.shape == (5, 3, 1, 1)
    channels = [
        functional.conv2d(images[:, c : c + 1], depthwise[c : c + 1], depth_bias[c : c + 1], padding=1)
        for c in range(3)
    ]
    filtered = functional.relu(torch.cat(channels, dim=1))
    mixed = torch.einsum("nchw,oc->nohw", filtered, pointwise[:, :, 0, 0]) + point_bias[:, None, None]
    torch.testing.assert_close(module(images), functional.relu(mixed))


def test_norm_and_activation_follow_convolutions() -> None:
    names: tuple[Convolution, ...] = get_args(Convolution)
    kinds = {
        name: [
            type(module)
            for module in CONVOLUTION_BUILDERS[name](
                variant(convolution=name, act="prelu", norm="batch"), 3, 5
            )
        ]
        for name in names
    }
    layers = [nn.Conv2d, nn.BatchNorm2d, nn.PReLU]
    assert kinds == {"standard": layers, "separable": layers * 2}


def test_no_norm_is_the_identity() -> None:
    kinds = [type(module) for module in build_standard_conv(variant(), 3, 5)]
    assert kinds == [nn.Conv2d, nn.Identity, nn.ReLU]


def test_prelu_has_a_slope_per_channel_and_is_never_shared() -> None:
    spec = variant(act="prelu")
    first, second = build_activation(spec, 7), build_activation(spec, 7)
    assert first.get_parameter("weight").tolist() == [0.25] * 7
    assert first.get_parameter("weight") is not second.get_parameter("weight")
    assert first.get_parameter("weight").data_ptr() != second.get_parameter("weight").data_ptr()
    assert not list(build_activation(variant(), 7).parameters())
