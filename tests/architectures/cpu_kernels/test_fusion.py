import pytest
import torch
from torch import Tensor, nn

from architectures.attention import CBAM
from architectures.block import Residual
from architectures.cpu_kernels.fusion import FusedResidual, FusedSequential, fuse


def _build_layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.PReLU())


@pytest.fixture
def images() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 3, 4, 4, generator=generator).to(memory_format=torch.channels_last)


def test_fuse_replaces_nested_sequences_and_residual_blocks_and_keeps_their_state() -> None:
    body = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Identity())
    residual = Residual(body, shortcut=nn.Identity(), activation=nn.ReLU())
    network = nn.ModuleList([nn.Sequential(_build_layers(), residual)])
    state = network[0].state_dict()

    fuse(network)

    fused = network[0]
    assert type(fused) is FusedSequential
    assert type(fused[0]) is FusedSequential
    assert type(fused[1]) is FusedResidual
    assert list(fused.state_dict()) == list(state)
    assert all(torch.equal(fused.state_dict()[name], state[name]) for name in state)


def test_fuse_keeps_the_mode_of_a_submodule() -> None:
    layers = _build_layers().eval()
    layers[1].train()
    network = nn.ModuleList([layers])

    fuse(network)

    fused = network[0]
    assert isinstance(fused, nn.Sequential)
    assert not fused.training
    assert fused[1].training


def test_fuse_keeps_both_uses_of_a_layer(images: Tensor) -> None:
    shared = nn.ReLU()
    network = nn.ModuleList([nn.Sequential(shared, nn.Conv2d(3, 3, 1), shared)])

    fuse(network)

    fused = network[0]
    assert isinstance(fused, nn.Sequential)
    assert len(fused) == 3
    assert (fused(images) >= 0).all()


def test_fused_sequence_computes_the_output_of_the_sequence(images: Tensor) -> None:
    layers, network = _build_layers(), nn.ModuleList([_build_layers()])

    fuse(network)

    torch.testing.assert_close(network[0](images), layers(images), rtol=1e-4, atol=1e-5)


def test_fused_residual_computes_the_output_of_the_block(images: Tensor) -> None:
    def build() -> nn.ModuleList:
        torch.manual_seed(0)
        body = nn.Sequential(nn.Conv2d(3, 8, 1), CBAM(8))
        return nn.ModuleList([Residual(body, shortcut=nn.Conv2d(3, 8, 1), activation=nn.ReLU())])

    plain, fused = build(), build()
    fuse(fused)

    assert type(fused[0]) is FusedResidual
    torch.testing.assert_close(fused[0](images), plain[0](images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_fused_sequence_runs_stock_operators_on_float64(memory_format: torch.memory_format) -> None:
    images = torch.randn(2, 3, 4, 4, dtype=torch.float64).to(memory_format=memory_format)
    layers, network = _build_layers().double(), nn.ModuleList([_build_layers().double()])

    fuse(network)

    assert torch.equal(network[0](images), layers(images))


def test_fused_sequence_calls_the_hook_of_a_layer(images: Tensor) -> None:
    network = nn.ModuleList([_build_layers()])
    fuse(network)
    shapes: list[torch.Size] = []
    network.get_submodule("0.1").register_forward_hook(
        lambda module, inputs, output: shapes.append(output.shape)
    )

    network[0](images)

    assert shapes == [(2, 4, 4, 4)]
