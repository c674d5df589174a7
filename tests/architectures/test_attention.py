import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from architectures.attention import ATTENTION_BUILDERS, CBAM, ChannelAttention, SpatialAttention


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-x))


def slow_channel_attention(
    image: NDArray[np.float64], *, narrow: NDArray[np.float64], widen: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute equation (5) for one (C, H, W) image; `narrow` is W0, (C/r, C), and `widen` is W1, (C, C/r)."""
    channels, height, width = image.shape
    total = np.zeros(channels)
    for pool in (np.mean, np.max):
        pooled = [
            pool([image[c, i, j] for i in range(height) for j in range(width)]) for c in range(channels)
        ]
        hidden = [max(0.0, sum(row[c] * pooled[c] for c in range(channels))) for row in narrow]
        for c in range(channels):
            total[c] += sum(widen[c][h] * hidden[h] for h in range(len(hidden)))
    return sigmoid(total)


def slow_spatial_attention(image: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute equation (6) for one (C, H, W) image; `kernel` is (2, 7, 7): means, then maxima."""
    _, height, width = image.shape
    maps = [image.mean(axis=0), image.max(axis=0)]
    out = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            for m in range(2):
                for di in range(-3, 4):
                    for dj in range(-3, 4):
                        if 0 <= i + di < height and 0 <= j + dj < width:
                            out[i, j] += kernel[m, di + 3, dj + 3] * maps[m][i + di, j + dj]
    return sigmoid(out)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(2, 48, 5, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.fixture
def cbam() -> CBAM:
    torch.manual_seed(2)
    return CBAM(48).double().eval()


def numbers(module: nn.Module) -> NDArray[np.float64]:
    assert isinstance(module, nn.Conv2d)
    return module.weight.detach().numpy()


@torch.inference_mode()
def test_channel_attention_is_equation_5(cbam: CBAM, images: torch.Tensor) -> None:
    narrow, widen = numbers(cbam.channel.mlp[0])[:, :, 0, 0], numbers(cbam.channel.mlp[2])[:, :, 0, 0]
    assert narrow.shape == (3, 48)
    assert widen.shape == (48, 3)
    expected = [slow_channel_attention(image, narrow=narrow, widen=widen) for image in images.numpy()]
    got = cbam.channel(images)
    assert got.shape == (2, 48, 1, 1)
    np.testing.assert_allclose(got[:, :, 0, 0], expected, rtol=1e-12)


@torch.inference_mode()
def test_spatial_attention_is_equation_6(cbam: CBAM, images: torch.Tensor) -> None:
    expected = [slow_spatial_attention(image, numbers(cbam.spatial.conv)[0]) for image in images.numpy()]
    got = cbam.spatial(images)
    assert got.shape == (2, 1, 5, 9)
    np.testing.assert_allclose(got[:, 0], expected, rtol=1e-12)


@torch.inference_mode()
def test_cbam_applies_channel_before_spatial_attention(cbam: CBAM, images: torch.Tensor) -> None:
    narrow, widen = numbers(cbam.channel.mlp[0])[:, :, 0, 0], numbers(cbam.channel.mlp[2])[:, :, 0, 0]
    expected = []
    for image in images.numpy():
        refined = image * slow_channel_attention(image, narrow=narrow, widen=widen)[:, None, None]
        expected.append(refined * slow_spatial_attention(refined, numbers(cbam.spatial.conv)[0]))
    np.testing.assert_allclose(cbam(images), expected, rtol=1e-11)


@torch.inference_mode()
def test_cbam_with_zero_weights_quarters_its_input(images: torch.Tensor) -> None:
    cbam = CBAM(48).double()
    for parameter in cbam.parameters():
        parameter.zero_()
    torch.testing.assert_close(cbam(images), images / 4)


@pytest.mark.parametrize(("channels", "hidden"), [(1, 1), (8, 1), (31, 1), (32, 2), (64, 4), (512, 32)])
def test_hidden_width_is_a_sixteenth_and_not_zero(channels: int, hidden: int) -> None:
    attention = ChannelAttention(channels)
    assert attention.mlp[0].weight.shape == (hidden, channels, 1, 1)
    assert sum(parameter.numel() for parameter in attention.parameters()) == 2 * channels * hidden


def test_cbam_has_no_biases_and_98_spatial_weights() -> None:
    assert all(module.bias is None for module in CBAM(32).modules() if isinstance(module, nn.Conv2d))
    assert sum(parameter.numel() for parameter in SpatialAttention().parameters()) == 2 * 7 * 7


def test_no_attention_is_the_identity(images: torch.Tensor) -> None:
    assert torch.equal(ATTENTION_BUILDERS["none"](48)(images), images)
    assert isinstance(ATTENTION_BUILDERS["cbam"](48), CBAM)
