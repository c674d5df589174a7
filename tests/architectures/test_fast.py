"""Every kernel beside its slow twin, which is PyTorch's own operators in the same modules."""

import copy
import subprocess
from itertools import product

import pytest
import torch
from torch import nn

from architectures.attention import CBAM
from architectures.block import block
from architectures.catalogue import CATALOGUE, scaled
from architectures.fast import kernels
from architectures.fast.fuse import FusedResidual, FusedSequential, FusedShuffle, fuse
from architectures.network import build
from architectures.spec import ACTIVATIONS, ATTENTIONS, CONVOLUTIONS, NORMS, ArchitectureSpec, BlockSpec

COMBINATIONS = list(product(CONVOLUTIONS, ATTENTIONS, ACTIVATIONS, (False, True), NORMS))


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def answers(network, images, weights):
    """Outputs, gradients of the images and of the parameters, and buffers after one step's two passes."""
    images = images.clone().requires_grad_()
    out = network(images)
    (out * weights).sum().backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    return out.detach(), images.grad, gradients, dict(network.named_buffers())


def assert_alike(one, other, *, scale=1e-6):
    """Equal up to rounding, which is judged by the tensor's size, or by `scale` where that is larger."""
    assert float((one - other).abs().max()) <= 2e-4 * max(scale, float(one.abs().max()))


def assert_mostly_alike(one, other, *, scale=1e-6):
    """The same for large maps: of a million values one lies so near a kink that rounding decides its side."""
    least = scale * one.numel() ** 0.5
    assert float((one - other).norm()) <= 2e-3 * max(least, float(one.norm()))


def assert_twins(network, images, *, alike=assert_alike):
    network = network.to(memory_format=torch.channels_last)
    images = images.to(memory_format=torch.channels_last)
    fused = fuse(copy.deepcopy(network))
    assert list(fused.state_dict()) == list(network.state_dict())
    with torch.no_grad():
        weights = torch.randn(network(images).shape, generator=torch.Generator().manual_seed(5))
    for name, buffer in network.named_buffers():
        fused.get_buffer(name).copy_(buffer)
    slow, fast = answers(network, images, weights), answers(fused, images, weights)
    alike(slow[0], fast[0])
    alike(slow[1], fast[1])
    # Some true gradients are 0, as that of a bias which a norm takes away: what is left is rounding.
    scale = 0.1 * max((float(gradient.abs().max()) for gradient in slow[2].values()), default=0.0)
    for name, gradient in slow[2].items():
        alike(gradient, fast[2][name], scale=scale)
    for name, buffer in slow[3].items():
        alike(buffer.float(), fast[3][name].float())


@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_every_block_gives_the_same_both_ways(combination, generator):
    convolution, attention, activation, residual, norm = combination
    parts = BlockSpec(convolution=convolution, attention=attention, activation=activation, residual=residual)
    spec = ArchitectureSpec(name="x", norm=norm, block=parts)
    torch.manual_seed(1)
    network = nn.Sequential(block(spec, 5, 24), nn.MaxPool2d(2), block(spec, 24, 24))
    assert_twins(network, torch.randn(3, 5, 9, 12, generator=generator))


@pytest.mark.usefixtures("two_threads")
def test_maps_too_large_for_the_caches_are_the_same(generator):
    """Beyond 16 MiB results are streamed past the caches."""
    spec = CATALOGUE["proposed"]
    torch.manual_seed(1)
    network = nn.Sequential(block(spec, 8, 64), nn.MaxPool2d(2))
    images = torch.randn(8, 8, 96, 96, generator=generator)
    assert images.numel() * 8 > 2**22
    assert_twins(network, images, alike=assert_mostly_alike)


def test_the_proposed_network_is_the_same(generator):
    torch.manual_seed(1)
    network = build(scaled(CATALOGUE["proposed"], 1 / 8), classes=5)
    network.classifier[4] = nn.Identity()  # dropout draws anew
    assert_twins(network, torch.randn(8, 3, 64, 64, generator=generator), alike=assert_mostly_alike)
    assert any(isinstance(module, FusedResidual) for module in fuse(network).modules())


def test_the_units_of_shufflenet_are_the_same(generator):
    torch.manual_seed(1)
    network = build(CATALOGUE["shufflenetv2"], classes=3)
    units = nn.Sequential(*network.stage2)
    assert {type(unit) for unit in fuse(copy.deepcopy(units))} == {FusedShuffle}

    def alike(one, other, *, scale=1e-3):
        assert_alike(one, other, scale=max(scale, 1e-3))  # means of what is normed are rounding alone

    assert_twins(units, torch.randn(4, 24, 8, 6, generator=generator), alike=alike)
    planes = torch.randn(4, 24, 8, 6, generator=generator)
    assert torch.equal(fuse(copy.deepcopy(units).eval())(planes), units.eval()(planes))


def test_equal_neighbours_send_their_gradient_to_the_first():
    images = torch.zeros(1, 3, 5, 5)
    images[0, :, 2, 2] = 1
    network = nn.Sequential(nn.MaxPool2d(2))
    assert_twins(network, images)


def test_evaluation_is_the_same_by_running_statistics(generator):
    torch.manual_seed(1)
    network = build(scaled(CATALOGUE["proposed"], 1 / 8), classes=5)
    images = torch.randn(4, 3, 32, 32, generator=generator)
    for _ in range(3):
        network(images)  # the running statistics move away from 0 and 1
    network.eval()
    fused = fuse(copy.deepcopy(network))
    with torch.inference_mode():
        assert_alike(network(images), fused(images))
    # With gradients, those of evaluation are the modules' own.
    assert torch.equal(network(images), fused(images))


@pytest.mark.usefixtures("two_threads")
def test_a_step_gives_the_same_bits_every_time(generator):
    torch.manual_seed(1)
    network = fuse(build(scaled(CATALOGUE["proposed"], 1 / 8), classes=5))
    network.classifier[4] = nn.Identity()
    images, weights = torch.randn(8, 3, 64, 64, generator=generator), torch.randn(8, 5, generator=generator)
    first = answers(copy.deepcopy(network), images, weights)
    for _ in range(5):
        again = answers(copy.deepcopy(network), images, weights)
        assert torch.equal(first[0], again[0])
        assert all(torch.equal(first[2][name], again[2][name]) for name in first[2])


def test_a_gradient_that_two_take_is_left_alone(generator):
    """A sum hands one tensor to both its terms: a norm must not write into it."""
    torch.manual_seed(1)
    left, right = (nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8)) for _ in range(2))

    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = left, right

        def forward(self, x):
            return self.left(x) + self.right(x)

    assert_twins(Sum(), torch.randn(2, 4, 6, 6, generator=generator))


RELU = nn.ReLU()

SAME = nn.Conv2d(8, 8, 1)


class Scaled(nn.Conv2d):
    """A convolution whose forward is its own."""

    def forward(self, x):
        return 2 * super().forward(x)


class Stretched(nn.Module):
    """Some places far from all others, which activations saturate at once they are normed."""

    def forward(self, x):
        return x * torch.where(x.detach() > x.mean() + 2 * x.std(), 50, 1)


def large(channels, stride=1):
    """A depthwise convolution whose kernel has a side of 5, and a norm."""
    yield nn.Conv2d(channels, channels, 5, stride=stride, padding=2, groups=channels, bias=False)
    yield nn.BatchNorm2d(channels)


OWN = {
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
    "a convolution of its own kind": lambda: (Scaled(3, 8, 1), nn.BatchNorm2d(8)),
    "a hook": lambda: (torch.nn.utils.spectral_norm(nn.Conv2d(3, 8, 1)), nn.BatchNorm2d(8)),
    "another kernel": lambda: (nn.Conv2d(3, 3, 5, padding=2, groups=3), nn.Conv2d(3, 8, 1, stride=2)),
    "another pool": lambda: (nn.MaxPool2d(2, ceil_mode=True), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d(2, 1)),
    "depthwise kernels of side 5": lambda: (
        nn.Conv2d(3, 40, 1),
        *large(40),
        *large(40, stride=2),
        *large(40, stride=2),
        *large(40),
    ),
    "smooth activations": lambda: (
        nn.Conv2d(3, 20, 1),
        nn.BatchNorm2d(20),
        nn.SiLU(inplace=True),
        nn.Conv2d(20, 20, 3, padding=1, groups=20),
        nn.BatchNorm2d(20),
        nn.Hardswish(),
        Stretched(),
        nn.BatchNorm2d(20),
        nn.SiLU(),
        nn.Hardswish(inplace=True),
    ),
    "in place": lambda: (nn.MaxPool2d(2), nn.ReLU(inplace=True), nn.Conv2d(3, 8, 1), nn.ReLU(inplace=True)),
}
"""What users' networks may have that ours have not."""


@pytest.mark.parametrize("what", OWN)
def test_what_the_kernels_do_not_know_goes_as_before(what, generator):
    torch.manual_seed(1)
    network = nn.Sequential(nn.Sequential(*OWN[what]()))
    assert_twins(network, torch.randn(3, 3, 9, 12, generator=generator))


def test_other_numbers_than_float32_go_as_before(generator):
    torch.manual_seed(1)
    layers = (nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 8, 1))
    network = nn.Sequential(nn.Sequential(*layers, nn.MaxPool2d(2))).double()
    images = torch.randn(2, 4, 6, 6, generator=generator).double()
    expected = copy.deepcopy(network)(images)
    assert torch.equal(fuse(network)(images), expected)


def test_planes_go_as_before(generator):
    torch.manual_seed(1)
    layers = (nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))
    network, images = nn.Sequential(nn.Sequential(*layers)), torch.randn(2, 4, 6, 6, generator=generator)
    expected = copy.deepcopy(network)(images)
    out = fuse(network)(images)
    assert torch.equal(out, expected)
    assert out.is_contiguous()


def test_a_subclass_of_a_sequence_keeps_its_own_forward():
    class Own(nn.Sequential):
        def forward(self, x):
            return super().forward(x) + 1

    network = fuse(nn.Sequential(Own(nn.Conv2d(3, 3, 1)), nn.Sequential(nn.ReLU())))
    assert type(network[0]) is Own
    assert type(network[1]) is FusedSequential


def test_without_a_compiler_the_reason_is_given(monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    kernels.library.cache_clear()
    try:
        with pytest.raises(kernels.Unavailable, match="no C\\+\\+ compiler"):
            kernels.library()
        monkeypatch.setenv("CXX", "/bin/false")
        with pytest.raises(kernels.Unavailable, match="/bin/false cannot compile"):
            kernels.library()
    finally:
        monkeypatch.undo()
        kernels.library.cache_clear()


def test_the_kernels_compile_without_a_warning(tmp_path):
    command = ("c++", *kernels.FLAGS, "-std=c++17", "-Wall", "-Wextra", "-Werror", *map(str, kernels.SOURCES))
    done = subprocess.run((*command, "-o", str(tmp_path / "k.so")), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
