"""Training engines: how a training step is computed.

The engine is chosen once per study and device, shown in the plan, and part of every run's identity.

`eager` runs PyTorch operator by operator. `fused` computes the norms, activations and attention of the block
networks with the kernels of `architectures.cpu_kernels`, on a CPU only; other networks run eagerly under it.
`compiled` uses torch.compile. All three compute the same network; their results differ by rounding.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn

from architectures.baselines import get_baseline
from architectures.code_cache import ensure_private_folder
from architectures.cpu_kernels import library
from architectures.cpu_kernels.fusion import fuse
from architectures.network import BlockNetwork
from architectures.spec import ArchitectureSpec
from harness.errors import HarnessError
from harness.process_settings import set_environment
from harness.training.engine_names import check_engine_names
from studies.spec import Engine, Precision, TrainingSpec

FP32_PRECISIONS: Mapping[Precision, tuple[str, str]] = {
    "float32": ("ieee", "ieee"),
    "tf32-convolutions": ("tf32", "ieee"),
    "tf32": ("tf32", "tf32"),
    "bfloat16": ("ieee", "ieee"),
}
"""torch's `fp32_precision` of convolutions and of matrix products on a GPU, by precision."""

MAX_COMPILED_ARCHITECTURES = 6
"""Number of architectures whose compiled code a process keeps.

torch recompiles a function for at most 8 networks.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """An engine, a precision, whether algorithms must be deterministic, and the reason for the engine."""

    engine: Engine = "eager"
    precision: Precision = "float32"
    deterministic: bool = False
    reason: str = ""

    def apply_to(self, training: TrainingSpec) -> TrainingSpec:
        """Return `training` with this engine, precision and determinism."""
        return replace(
            training,
            engine=self.engine,
            precision=self.precision,
            deterministic=self.deterministic,
        )


def select_engine(device: torch.device, *, engine: str, precision: str, deterministic: bool) -> EngineChoice:
    """Choose the engine and the precision; "auto" selects by the type of device, never by measured speed.

    A choice by measured speed could change from day to day, and every run's identity with it.

    Raises:
        ValueError: unknown option value, or the device does not support the engine or the precision.
    """
    check_engine_names(engine, precision)
    resolved_precision = _resolve_precision(device, precision)
    resolved_engine, reason = _resolve_engine(device, engine, precision=resolved_precision)
    # A CPU's algorithms are always deterministic, so the flag must not change the run's identity there.
    return EngineChoice(
        engine=resolved_engine,
        precision=resolved_precision,
        deterministic=deterministic and device.type != "cpu",
        reason=reason,
    )


def _resolve_engine(device: torch.device, engine: str, *, precision: Precision) -> tuple[Engine, str]:
    if engine == "fused" and device.type != "cpu":
        raise HarnessError(
            "engine.fused-on-gpu",
            f"--engine fused needs a CPU; this study runs on {device.type}: leave it out",
        )
    if engine == "fused" and precision != "float32":
        raise HarnessError(
            "engine.fused-precision",
            f"--engine fused computes in float32; got --precision {precision}: leave one of them out",
        )
    if engine == "compiled":
        try:
            ensure_private_folder("inductor")
        except OSError as error:
            raise HarnessError(
                "engine.cannot-compile",
                f"--engine compiled needs a private folder for its code: {error}; to run without compiled "
                "code, leave --engine out",
            ) from error
    if engine in ("eager", "compiled"):
        return cast(Engine, engine), f"{engine}, as requested"
    if device.type == "cpu" and precision != "float32":
        return "eager", f"eager, as the fused kernels have no {precision}"
    if device.type == "cpu":
        try:
            library.load_library()
        except library.KernelsUnavailable as error:
            if engine == "fused":
                raise HarnessError(
                    "engine.no-kernels", f"--engine fused: {error}; install a C++ compiler, or leave it out"
                ) from error
            return "eager", f"eager, as {error}"
        return "fused", "fused kernels for the block networks"
    return "eager", "not compiled"


def _resolve_precision(device: torch.device, precision: str) -> Precision:
    has_bfloat16 = device.type == "cpu" or (device.type == "cuda" and torch.cuda.is_bf16_supported())
    if precision == "bfloat16" and not has_bfloat16:
        raise HarnessError(
            "precision.no-bfloat16",
            f"--precision bfloat16: this {device.type} does not support it; leave it out",
        )
    has_tf32 = device.type == "cuda" and torch.cuda.is_tf32_supported()
    if precision.startswith("tf32") and not has_tf32:
        raise HarnessError(
            "precision.no-tf32",
            f"--precision {precision}: this {device.type} does not support it; leave it out",
        )
    if precision != "auto":
        return cast(Precision, precision)
    # The default of PyTorch. Never bfloat16: it has not been shown to leave the scores unchanged.
    return "tf32-convolutions" if has_tf32 else "float32"


def to_device_layout(network: nn.Module, architecture: ArchitectureSpec, device: torch.device) -> nn.Module:
    """Move `network` to `device`, in the memory format that is fastest there for `architecture`."""
    is_nchw = device.type == "cpu" and not get_baseline(architecture.network).is_faster_channels_last
    memory_format = torch.contiguous_format if is_nchw else torch.channels_last
    return network.to(device, memory_format=memory_format)  # type: ignore[call-overload,no-any-return]


def get_memory_format(network: nn.Module) -> torch.memory_format:
    """Return the memory format of the network's convolution weights: channels-last or contiguous (NCHW)."""
    conv_weights = (
        module.weight
        for module in network.modules()
        if isinstance(module, nn.Conv2d) and module.weight[0].numel() > 9
    )
    is_nchw = next((weight.is_contiguous() for weight in conv_weights), False)
    return torch.contiguous_format if is_nchw else torch.channels_last


def match_memory_format(images: Tensor, network: nn.Module) -> Tensor:
    """Return `images` (N, C, H, W) in the memory format of the network's weights."""
    return images.contiguous(memory_format=get_memory_format(network))


def make_forward(network: nn.Module, training: TrainingSpec) -> Callable[[Tensor], Tensor]:
    """Return the forward function of the engine: images (N, 3, H, W) to float32 logits (N, classes).

    It shares the parameters of `network`, whose names do not change. The fused engine changes `network` in
    place.
    """
    forward: Callable[[Tensor], Tensor] = network
    if training.engine == "fused":
        forward = fuse(network) if isinstance(network, BlockNetwork) else network
    elif training.engine == "compiled":
        forward = _compile_network(network, batch=training.batch_size)
    if training.precision != "bfloat16":
        return forward

    def autocast_forward(images: Tensor) -> Tensor:
        with torch.autocast(images.device.type, dtype=torch.bfloat16):
            return forward(images).float()

    return autocast_forward


def _compile_network(network: nn.Module, *, batch: int) -> Callable[[Tensor], Tensor]:
    """Compile `network` for full training batches; other batches run eagerly, as each shape would recompile.

    Networks of one architecture share the compiled code: across cells, seeds and folds in this process, and
    through inductor's cache on disk across processes. On a GPU a step is replayed as CUDA graphs, which
    avoids the launch time of each kernel.
    """
    is_cuda = any(parameter.is_cuda for parameter in network.parameters())
    compiled_network = torch.compile(network, dynamic=False, mode="reduce-overhead" if is_cuda else None)

    def forward(images: Tensor) -> Tensor:
        is_full_batch = network.training and len(images) == batch
        logits: Tensor = (compiled_network if is_full_batch else network)(images)
        return logits

    return forward


_COMPILED_ARCHITECTURES: set[ArchitectureSpec] = set()


def reserve_compile_cache(
    architecture: ArchitectureSpec, *, cache: set[ArchitectureSpec] = _COMPILED_ARCHITECTURES
) -> None:
    """Add `architecture` to those compiled; if there are too many, drop all compiled code first."""
    if architecture not in cache and len(cache) == MAX_COMPILED_ARCHITECTURES:
        torch._dynamo.reset()
        cache.clear()
    cache.add(architecture)


@contextmanager
def backend_settings(training: TrainingSpec, device: torch.device) -> Iterator[None]:
    """Apply the settings of `training` to torch within the block.

    After the block the former settings, environment variables and states of the random generators are back.
    """
    is_deterministic = torch.are_deterministic_algorithms_enabled()
    is_warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    fp32_precisions = _get_fp32_precisions()
    variables = {name: os.environ.get(name, value) for name, value in _list_variables(training).items()}
    devices = [device] if device.type == "cuda" else []
    with set_environment(variables), torch.random.fork_rng(devices=devices):
        configure_backend(training)
        try:
            yield
        finally:
            _set_deterministic(is_deterministic, warn_only=is_warn_only)
            set_fp32_precisions(*fp32_precisions)


def configure_backend(training: TrainingSpec) -> None:
    """Apply the settings of `training` to torch for the rest of the process."""
    for name, value in _list_variables(training).items():
        os.environ.setdefault(name, value)
    set_fp32_precisions(*FP32_PRECISIONS[training.precision])
    _set_deterministic(training.deterministic, warn_only=False)


def _set_deterministic(mode: bool, *, warn_only: bool) -> None:
    """Set whether torch uses deterministic algorithms, unless it does already.

    torch's own function imports its compiler, which takes more than a second.
    """
    state = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    if state != (mode, warn_only):
        torch.use_deterministic_algorithms(mode, warn_only=warn_only)


def _get_fp32_precisions() -> tuple[str, str]:
    """Return torch's precision of convolutions and of matrix products on a GPU."""
    conv = torch.backends.cudnn.conv  # type: ignore[attr-defined]
    return conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision


def set_fp32_precisions(convolutions: str, products: str) -> None:
    """Set torch's precision of convolutions and of matrix products on a GPU.

    torch then refuses reads of its former `allow_tf32` flags, so this project does not use them.
    """
    torch.backends.cudnn.conv.fp32_precision = convolutions  # type: ignore[attr-defined]
    torch.backends.cuda.matmul.fp32_precision = products


def _list_variables(training: TrainingSpec) -> dict[str, str]:
    """Return the environment variables that torch needs for `training`."""
    variables = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"} if training.deterministic else {}
    if training.engine == "compiled":
        variables["TORCHINDUCTOR_CACHE_DIR"] = str(ensure_private_folder("inductor"))
    return variables
