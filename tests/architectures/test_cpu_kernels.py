"""Tests of every CPU kernel against PyTorch's own operators in the same modules."""

import copy
import os
import subprocess
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import platformdirs
import pytest
import torch
from torch import nn

from architectures.attention import CBAM
from architectures.block import build_block
from architectures.catalogue import CATALOGUE, with_width
from architectures.code_cache import ensure_private_folder
from architectures.cpu_kernels import library
from architectures.cpu_kernels.cbam_add_act import cbam_add_act, cbam_add_act_backward
from architectures.cpu_kernels.fusion import FusedResidual, FusedSequential, fuse
from architectures.cpu_kernels.norm_act import batch_norm_act, batch_norm_act_backward, norm_act
from architectures.network import build_network
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

COMBINATIONS = list(product(CONVOLUTIONS, ATTENTIONS, ACTIVATIONS, (False, True), NORMS))


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def compute_gradients(
    network: nn.Module, images: torch.Tensor, weights: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return outputs, gradients of images and parameters, and buffers after one forward and backward pass."""
    images = images.clone().requires_grad_()
    out = network(images)
    (out * weights).sum().backward()
    gradients = {name: _get_gradient(parameter) for name, parameter in network.named_parameters()}
    return out.detach(), _get_gradient(images), gradients, dict(network.named_buffers())


def _get_gradient(tensor: torch.Tensor) -> torch.Tensor:
    assert tensor.grad is not None
    return tensor.grad


def assert_close(one: torch.Tensor, other: torch.Tensor, *, scale: float = 1e-6) -> None:
    """Assert equality up to rounding, relative to the largest value or to `scale`, whichever is larger."""
    assert float((one - other).abs().max()) <= 2e-4 * max(scale, float(one.abs().max()))


def assert_close_except_kinks(one: torch.Tensor, other: torch.Tensor, *, scale: float = 1e-6) -> None:
    """Assert equality of large maps, except for rare values near a kink, whose side rounding decides."""
    floor = scale * one.numel() ** 0.5
    assert float((one - other).norm()) <= 2e-3 * max(floor, float(one.norm()))


def assert_same_as_pytorch(
    network: nn.Module, images: torch.Tensor, *, compare: Callable[..., None] = assert_close
) -> None:
    network = network.to(memory_format=torch.channels_last)
    images = images.to(memory_format=torch.channels_last)
    fused = fuse(copy.deepcopy(network))
    assert list(fused.state_dict()) == list(network.state_dict())
    with torch.no_grad():
        weights = torch.randn(network(images).shape, generator=torch.Generator().manual_seed(5))
    for name, buffer in network.named_buffers():
        fused.get_buffer(name).copy_(buffer)
    slow, fast = compute_gradients(network, images, weights), compute_gradients(fused, images, weights)
    compare(slow[0], fast[0])
    compare(slow[1], fast[1])
    # Some exact gradients are 0, such as that of a bias before a norm; their computed values are rounding.
    scale = 0.1 * max((float(gradient.abs().max()) for gradient in slow[2].values()), default=0.0)
    for name, gradient in slow[2].items():
        compare(gradient, fast[2][name], scale=scale)
    for name, buffer in slow[3].items():
        compare(buffer.float(), fast[3][name].float())


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_every_block_equals_pytorch(
    combination: tuple[Convolution, Attention, Activation, bool, Norm], generator: torch.Generator
) -> None:
    convolution, attention, activation, residual, norm = combination
    parts = BlockSpec(convolution=convolution, attention=attention, activation=activation, residual=residual)
    spec = ArchitectureSpec(name="x", norm=norm, block=parts)
    torch.manual_seed(1)
    network = nn.Sequential(build_block(spec, 5, 24), nn.MaxPool2d(2), build_block(spec, 24, 24))
    assert_same_as_pytorch(network, torch.randn(3, 5, 9, 12, generator=generator))


@pytest.mark.usefixtures("two_threads")
def test_large_maps_equal_pytorch(generator: torch.Generator) -> None:
    spec = CATALOGUE["proposed"]
    torch.manual_seed(1)
    network = nn.Sequential(build_block(spec, 8, 64), nn.MaxPool2d(2))
    images = torch.randn(8, 8, 96, 96, generator=generator)
    assert images.numel() * 8 > 2**22
    assert_same_as_pytorch(network, images, compare=assert_close_except_kinks)


def test_proposed_network_equals_pytorch(generator: torch.Generator) -> None:
    torch.manual_seed(1)
    network = build_network(with_width(CATALOGUE["proposed"], 1 / 8), num_classes=5)
    network.set_submodule("classifier.4", nn.Identity())  # dropout uses new random numbers
    assert_same_as_pytorch(
        network, torch.randn(8, 3, 64, 64, generator=generator), compare=assert_close_except_kinks
    )
    assert any(isinstance(module, FusedResidual) for module in fuse(network).modules())


def test_evaluation_with_running_statistics_equals_pytorch(generator: torch.Generator) -> None:
    torch.manual_seed(1)
    network = build_network(with_width(CATALOGUE["proposed"], 1 / 8), num_classes=5)
    images = torch.randn(4, 3, 32, 32, generator=generator)
    for _ in range(3):
        network(images)  # the running statistics move away from 0 and 1
    network.eval()
    fused = fuse(copy.deepcopy(network))
    with torch.inference_mode():
        assert_close(network(images), fused(images))
    # In evaluation with gradients, the modules run PyTorch's own operators.
    assert torch.equal(network(images), fused(images))


@pytest.mark.slow
@pytest.mark.usefixtures("two_threads")
def test_step_gives_the_same_bits_every_time(generator: torch.Generator) -> None:
    torch.manual_seed(1)
    network = fuse(build_network(with_width(CATALOGUE["proposed"], 1 / 8), num_classes=5))
    network.set_submodule("classifier.4", nn.Identity())
    images, weights = torch.randn(4, 3, 48, 48, generator=generator), torch.randn(4, 5, generator=generator)
    assert library.MIN_PARALLEL_NUMEL < 4 * 8 * 48 * 48
    first = compute_gradients(copy.deepcopy(network), images, weights)
    for _ in range(4):
        again = compute_gradients(copy.deepcopy(network), images, weights)
        assert torch.equal(first[0], again[0])
        assert all(torch.equal(first[2][name], again[2][name]) for name in first[2])


def test_shared_gradient_is_not_overwritten(generator: torch.Generator) -> None:
    """A sum passes one gradient tensor to both terms, so a norm must not overwrite it."""
    torch.manual_seed(1)
    left, right = (nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8)) for _ in range(2))

    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = left, right

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            total: torch.Tensor = self.left(x) + self.right(x)
            return total

    assert_same_as_pytorch(Sum(), torch.randn(2, 4, 6, 6, generator=generator))


RELU = nn.ReLU()

SAME = nn.Conv2d(8, 8, 1)


class ScaledConvolution(nn.Conv2d):
    """A convolution with a custom `forward`."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(x)


OWN: dict[str, Callable[[], tuple[nn.Module, ...]]] = {
    "a frozen norm": lambda: (nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8).eval(), nn.Conv2d(8, 8, 1)),
    "nothing before an attention": lambda: (nn.Conv2d(3, 24, 1), nn.Sequential(), CBAM(24)),
    "an activation alone before an attention": lambda: (
        nn.Conv2d(3, 24, 1),
        nn.Sequential(nn.ReLU()),
        CBAM(24),
    ),
    "the same before an attention twice": lambda: (
        nn.Conv2d(3, 8, 1),
        nn.Sequential(RELU, SAME, SAME),
        CBAM(8),
    ),
    "a depthwise convolution without bias": lambda: (
        nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False),
        nn.BatchNorm2d(3),
        nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False),
    ),
    "a norm of a depthwise convolution before an attention": lambda: (
        nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, groups=3), nn.BatchNorm2d(3), nn.PReLU(3)),
        CBAM(3),
    ),
    "one slope for all channels": lambda: (nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.PReLU()),
    "a layer used twice": lambda: (nn.Conv2d(3, 8, 1), RELU, nn.Conv2d(8, 8, 1), RELU),
    "a norm without weights": lambda: (nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8, affine=False), nn.ReLU()),
    "a norm without statistics": lambda: (nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8, track_running_stats=False)),
    "a norm of all batches": lambda: (nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8, momentum=None), nn.ReLU()),
    "a convolution of its own kind": lambda: (ScaledConvolution(3, 8, 1), nn.BatchNorm2d(8)),
    "a hook": lambda: (
        torch.nn.utils.spectral_norm(nn.Conv2d(3, 8, 1)),
        nn.BatchNorm2d(8),
    ),
    "another kernel": lambda: (nn.Conv2d(3, 3, 5, padding=2, groups=3), nn.Conv2d(3, 8, 1, stride=2)),
    "another pool": lambda: (nn.MaxPool2d(2, ceil_mode=True), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(2, 1)),
    "in place": lambda: (nn.MaxPool2d(2), nn.ReLU(inplace=True), nn.Conv2d(3, 8, 1), nn.ReLU(inplace=True)),
}
"""Modules that users' networks may contain and the catalogue's do not."""


@pytest.mark.parametrize("case", OWN)
def test_unsupported_modules_run_in_pytorch(case: str, generator: torch.Generator) -> None:
    torch.manual_seed(1)
    network = nn.Sequential(nn.Sequential(*OWN[case]()))
    assert_same_as_pytorch(network, torch.randn(3, 3, 9, 12, generator=generator))


def test_non_float32_input_runs_in_pytorch(generator: torch.Generator) -> None:
    torch.manual_seed(1)
    layers = (nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 8, 1))
    network = nn.Sequential(nn.Sequential(*layers, nn.MaxPool2d(2))).double()
    images = torch.randn(2, 4, 6, 6, generator=generator).double()
    expected = copy.deepcopy(network)(images)
    assert torch.equal(fuse(network)(images), expected)


def test_nchw_input_runs_in_pytorch(generator: torch.Generator) -> None:
    torch.manual_seed(1)
    layers = (nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))
    network, images = nn.Sequential(nn.Sequential(*layers)), torch.randn(2, 4, 6, 6, generator=generator)
    expected = copy.deepcopy(network)(images)
    out = fuse(network)(images)
    assert torch.equal(out, expected)
    assert out.is_contiguous()


def test_subclass_of_sequential_uses_its_own_forward() -> None:
    class Incrementing(nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            total: torch.Tensor = super().forward(x) + 1  # type: ignore[no-untyped-call]
            return total

    network = fuse(nn.Sequential(Incrementing(nn.Conv2d(3, 3, 1)), nn.Sequential(nn.ReLU())))
    assert isinstance(network, nn.Sequential)
    assert type(network[0]) is Incrementing
    assert type(network[1]) is FusedSequential


def test_missing_compiler_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    library.load_library.cache_clear()
    try:
        with pytest.raises(library.KernelsUnavailable, match="no C\\+\\+ compiler"):
            library.load_library()
        monkeypatch.setenv("CXX", "/bin/false")
        with pytest.raises(library.KernelsUnavailable, match="/bin/false cannot compile"):
            library.load_library()
    finally:
        monkeypatch.undo()
        library.load_library.cache_clear()


def test_kernels_compile_without_a_warning(tmp_path: Path) -> None:
    command = (
        "c++",
        *library.COMPILER_FLAGS,
        "-O1",
        "-Wall",
        "-Wextra",
        "-Werror",
        *map(str, library.SOURCES),
    )
    compilation = subprocess.run((*command, "-o", str(tmp_path / "k.so")), capture_output=True, text=True)
    assert compilation.returncode == 0, compilation.stderr


CHANNELS = 6


def sample(generator: torch.Generator, *shape: int) -> torch.Tensor:
    images = torch.randn(*shape, generator=generator)
    return images.to(memory_format=torch.channels_last) if len(shape) == 4 else images


def norm_inputs(generator: torch.Generator, *, differentiable: bool = True) -> tuple[Any, ...]:
    tensors = sample(generator, 2, CHANNELS, 5, 4), *(sample(generator, CHANNELS) for _ in range(3))
    return *(tensor.requires_grad_(differentiable) for tensor in tensors), 1e-5


def attend_inputs(
    generator: torch.Generator, *, shortcut: bool, differentiable: bool = True
) -> tuple[torch.Tensor | None, ...]:
    x, skip = sample(generator, 2, CHANNELS, 5, 4), sample(generator, 2, CHANNELS, 5, 4)
    layers = (
        sample(generator, 2, CHANNELS),
        sample(generator, CHANNELS, 2),
        torch.randn(1, 2, 7, 7, generator=generator),
    )
    tensors = x, skip if shortcut else None, sample(generator, CHANNELS), *layers
    return tuple(tensor if tensor is None else tensor.requires_grad_(differentiable) for tensor in tensors)


def operators(
    generator: torch.Generator,
) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield each operator with example inputs."""
    yield batch_norm_act, norm_inputs(generator)
    x, *parameters, eps = norm_inputs(generator, differentiable=False)
    yield norm_act, (x, torch.randn(CHANNELS), torch.rand(CHANNELS), *parameters, eps)
    y, moments = batch_norm_act(x, *parameters, eps)
    yield batch_norm_act_backward, (torch.ones_like(y), x, moments, *parameters, eps)
    for shortcut in (False, True):
        yield cbam_add_act, attend_inputs(generator, shortcut=shortcut)
        inputs = attend_inputs(generator, shortcut=shortcut, differentiable=False)
        y, *saved = cbam_add_act(*inputs)
        yield cbam_add_act_backward, (torch.ones_like(y), *inputs, *saved)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # by opcheck itself
@pytest.mark.parametrize(
    "checks",
    [
        ("test_schema", "test_autograd_registration", "test_faketensor"),
        pytest.param(("test_aot_dispatch_dynamic",), marks=pytest.mark.slow),  # it loads the compiler
    ],
    ids=["eager", "compiled"],
)
def test_operators_pass_torchs_own_checks_of_operators(
    generator: torch.Generator, checks: tuple[str, ...]
) -> None:
    checked = [
        torch.library.opcheck(operator, inputs, test_utils=checks)
        for operator, inputs in operators(generator)
    ]
    assert len(checked) == 7
    assert all(outcome == "SUCCESS" for check in checked for outcome in check.values())


def test_operators_return_channels_last_for_nchw_input(generator: torch.Generator) -> None:
    x, *parameters, eps = norm_inputs(generator, differentiable=False)
    y, _ = batch_norm_act(x, *parameters, eps)
    again, _ = batch_norm_act(x.contiguous(), *parameters, eps)
    assert torch.equal(y, again)
    assert again.is_contiguous(memory_format=torch.channels_last)


def test_other_numbers_than_float32_are_refused_by_the_operators(generator: torch.Generator) -> None:
    x, *parameters, eps = norm_inputs(generator, differentiable=False)
    with pytest.raises(TypeError, match="compute in float32; got a tensor of torch"):
        batch_norm_act(x.double(), *parameters, eps)


def build_proposed_block() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(build_block(CATALOGUE["proposed"], 4, 20)).to(memory_format=torch.channels_last)


def test_backward_is_repeatable_and_double_backward_is_an_error(generator: torch.Generator) -> None:
    network, images = fuse(build_proposed_block()), sample(generator, 2, 4, 6, 6).requires_grad_()
    loss = network(images).square().sum()
    (first,) = torch.autograd.grad(loss, images, retain_graph=True)
    (second,) = torch.autograd.grad(loss, images, create_graph=True)
    assert torch.equal(first, second)
    with pytest.raises(NotImplementedError, match=r"_backward has no gradient .*use --engine eager"):
        second.square().sum().backward()


def test_float64_as_the_default_changes_nothing(generator: torch.Generator) -> None:
    network, images = fuse(build_proposed_block()), sample(generator, 2, 4, 6, 6)
    expected = copy.deepcopy(network)(images)
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.equal(network(images), expected)
    finally:
        torch.set_default_dtype(torch.float32)


HOOKS = {
    "forward": lambda module, call: module.register_forward_hook(lambda *_: call()),
    "forward pre": lambda module, call: module.register_forward_pre_hook(lambda *_: call()),
    "backward": lambda module, call: module.register_full_backward_hook(lambda *_: call()),
    "backward pre": lambda module, call: module.register_full_backward_pre_hook(lambda *_: call()),
}

HOOKED = [name for name, _ in build_proposed_block().named_modules() if name]


@pytest.mark.parametrize("kind", HOOKS)
def test_hooks_of_every_kind_are_called_as_in_pytorch(kind: str, generator: torch.Generator) -> None:
    images = sample(generator, 2, 4, 6, 6)

    def calls(network: nn.Module) -> list[str]:
        called = []
        for name in HOOKED:
            HOOKS[kind](network.get_submodule(name), lambda name=name: called.append(name))
        network(images.clone().requires_grad_()).sum().backward()
        return sorted(called)

    assert calls(fuse(build_proposed_block())) == calls(build_proposed_block())


def test_hook_for_every_module_is_called_as_in_pytorch(generator: torch.Generator) -> None:
    def calls(network: nn.Module) -> int:
        called = []
        handle = nn.modules.module.register_module_forward_hook(lambda module, *_: called.append(module))
        network(sample(generator, 2, 4, 6, 6))
        handle.remove()
        return len(called)

    assert calls(fuse(build_proposed_block())) == calls(build_proposed_block())


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows knows no such rights")
def test_kernels_are_not_loaded_from_a_folder_that_others_can_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda _: str(own))
    shared = tmp_path / "shared"
    (shared / "code" / "kernels").mkdir(parents=True)
    (shared / "code" / "kernels").chmod(0o777)
    monkeypatch.setenv("HARNESS_CACHE", str(shared))
    assert ensure_private_folder("kernels") == own / "code" / "kernels"
    (own / "code").chmod(0o775)
    with pytest.raises(PermissionError, match="own/code/kernels is not: chmod"):
        ensure_private_folder("kernels")
    library.load_library.cache_clear()
    try:
        with pytest.raises(library.KernelsUnavailable, match="nobody else can write"):
            library.load_library()
    finally:
        monkeypatch.undo()
        library.load_library.cache_clear()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows knows no such rights")
def test_link_to_a_private_folder_is_not_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "other" / "kernels").mkdir(parents=True, mode=0o700)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "code").symlink_to(tmp_path / "other")
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda _: str(tmp_path / "own"))
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    assert ensure_private_folder("kernels") == tmp_path / "own" / "code" / "kernels"
