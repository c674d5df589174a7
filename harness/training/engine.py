"""How a training step is computed: chosen for a device once, said in the plan, part of every run's identity.

`eager` is PyTorch operator by operator. `fused` computes the norms, activations and attentions of the block
networks by kernels of our own (`architectures.cpu_kernels`, on a CPU only); other networks run eagerly under
it. `compiled` is torch.compile. All three compute the same network; their results differ by rounding.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast, get_args

import torch
from torch import Tensor, nn

from architectures.code_cache import private_folder
from architectures.cpu_kernels import library
from architectures.cpu_kernels.fuse import fuse
from architectures.network import BlockNetwork
from architectures.spec import ArchitectureSpec
from studies.spec import Engine, Precision, TrainingSpec

ENGINES = ("auto", *get_args(Engine))
PRECISIONS = ("auto", *get_args(Precision))

PAYS = 500_000
"""Images that a run must be trained on before a GPU wins back the minute that compiling takes: a guess."""

MOST_COMPILED = 6
"""Architectures whose compiled code a process keeps; torch compiles a function for 8 networks, then stops."""

PLANES = ("resnet34", "alexnet_d2l")
"""Networks that are faster on a CPU with planes than with channels last: see `harness bench`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An engine, a precision, whether algorithms must be deterministic, and why, in words."""

    engine: Engine = "eager"
    precision: Precision = "float32"
    deterministic: bool = False
    why: str = ""

    def into(self, training: TrainingSpec) -> TrainingSpec:
        """`training` computed this way."""
        return replace(
            training,
            compile=self.engine == "compiled",
            fused=self.engine == "fused",
            precision=self.precision,
            deterministic=self.deterministic,
        )


def chosen(device: torch.device, *, engine: str, precision: str, deterministic: bool, images: int) -> Choice:
    """What was asked for, "auto" replaced by what suits the device; never by what a clock says.

    A choice that hung on a measurement would come out differently the next day, and with it every run's
    identity. For the same reason `images` counts those of one run, epochs times samples: more seeds or
    protocols in a study change no run of it.

    Raises:
        ValueError: an unknown word, or an engine or a precision that the device does not have.
    """
    for option, value, accepted in (("--engine", engine, ENGINES), ("--precision", precision, PRECISIONS)):
        if value not in accepted:
            raise ValueError(f"{option} must be one of {', '.join(accepted)}; got {value!r}")
    exact = _precision(device, precision)
    how, why = _engine(device, engine, precision=exact, images=images)
    # A CPU's algorithms are deterministic as they are, so that there a run is the same run either way.
    return Choice(engine=how, precision=exact, deterministic=deterministic and device.type != "cpu", why=why)


def _engine(device: torch.device, asked: str, *, precision: Precision, images: int) -> tuple[Engine, str]:
    if asked == "fused" and device.type != "cpu":
        raise ValueError(f"--engine fused is made for CPUs; this study runs on {device.type}: leave it out")
    if asked == "fused" and precision != "float32":
        raise ValueError(
            f"--engine fused computes in float32; got --precision {precision}: leave one of them out"
        )
    if asked == "compiled":
        try:
            private_folder("inductor")
        except OSError as error:
            raise ValueError(f"--engine compiled: {error}") from error
    if asked in ("eager", "compiled"):
        return cast(Engine, asked), f"{asked}, as asked for"
    if device.type == "cpu" and precision != "float32":
        return "eager", f"eager, as the fused kernels have no {precision}"
    if device.type == "cpu":
        try:
            library.library()
        except library.Unavailable as error:
            if asked == "fused":
                raise ValueError(
                    f"--engine fused: {error}; install a C++ compiler, or leave it out"
                ) from error
            return "eager", f"eager, as {error}"
        return "fused", "fused kernels for the block networks"
    if device.type == "cuda" and images >= PAYS:
        return "compiled", f"compiled, as a run sees {images:,} images"
    if device.type == "cuda":
        return "eager", f"not compiled, as {images:,} images a run do not win back the minute it takes"
    return "eager", "not compiled"


def _precision(device: torch.device, asked: str) -> Precision:
    able = device.type == "cpu" or (device.type == "cuda" and torch.cuda.is_bf16_supported())
    if asked == "bfloat16" and not able:
        raise ValueError(f"--precision bfloat16: this {device.type} has none; leave it out")
    # Until bfloat16 is shown to move no score, it is for whoever asks: see the README's figures.
    return "float32" if asked == "auto" else cast(Precision, asked)


def arranged(network: nn.Module, spec: ArchitectureSpec, device: torch.device) -> nn.Module:
    """The network of that spec on the device, its weights lying as the device is fastest on them."""
    planes = device.type == "cpu" and spec.network in PLANES
    layout = torch.contiguous_format if planes else torch.channels_last
    return network.to(device, memory_format=layout)  # type: ignore[call-overload,no-any-return]


def layout_of(network: nn.Module) -> torch.memory_format:
    """How the network's weights lie in memory, and so its images are to: with channels last, or as planes."""
    kernels = (m.weight for m in network.modules() if isinstance(m, nn.Conv2d) and m.weight[0].numel() > 9)
    planes = next((weight.is_contiguous() for weight in kernels), False)
    return torch.contiguous_format if planes else torch.channels_last


def laid_out(images: Tensor, network: nn.Module) -> Tensor:
    """Images (N, C, H, W) lying in memory as the network's weights do."""
    return images.contiguous(memory_format=layout_of(network))


def stepping(network: nn.Module, training: TrainingSpec) -> Callable[[Tensor], Tensor]:
    """The network as training and evaluation call it: images (N, 3, H, W) to float32 logits (N, classes).

    It shares `network`'s parameters, whose names stay. A fused network is changed in place.
    """
    step: Callable[[Tensor], Tensor] = network
    if training.fused:
        step = fuse(network) if isinstance(network, BlockNetwork) else network
    elif training.compile:
        step = _compiled(network, batch=training.batch)
    if training.precision == "float32":
        return step

    def rounded(images: Tensor) -> Tensor:
        with torch.autocast(images.device.type, dtype=torch.bfloat16):
            return step(images).float()

    return rounded


def _compiled(network: nn.Module, *, batch: int) -> Callable[[Tensor], Tensor]:
    """Compile whole training batches; another shape would be compiled anew, and runs as it is.

    Networks of one architecture share the compiled code: those of a study's cells, seeds and folds in this
    process, and by inductor's cache on disk those in other processes and later. On a GPU a step is replayed
    as CUDA graphs, so that no kernel waits to be launched.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(private_folder("inductor")))
    cuda = any(parameter.is_cuda for parameter in network.parameters())
    compiled = torch.compile(network, dynamic=False, mode="reduce-overhead" if cuda else None)

    def step(images: Tensor) -> Tensor:
        whole = network.training and len(images) == batch
        out: Tensor = (compiled if whole else network)(images)
        return out

    return step


_KEPT: set[ArchitectureSpec] = set()


def keep_compiled(spec: ArchitectureSpec, *, kept: set[ArchitectureSpec] = _KEPT) -> None:
    """Make room for the compiled code of one more architecture: drop all code if it would be too many."""
    if spec not in kept and len(kept) == MOST_COMPILED:
        torch._dynamo.reset()
        kept.clear()
    kept.add(spec)


def settle(training: TrainingSpec) -> None:
    """Set the global options of torch's backends that `training` names."""
    torch.backends.cudnn.allow_tf32 = False  # float32 in the run's identity means float32
    if training.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(training.deterministic)
