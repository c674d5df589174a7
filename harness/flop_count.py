"""Count the operations of a network. This is the only module that uses fvcore.

fvcore (github.com/facebookresearch/fvcore) counts a multiply-add as one operation and has no counter for
activations, elementwise products and sums, and max pooling. In its total, PReLU therefore costs as much as
ReLU, and CBAM and skip connections cost almost nothing. `OPERATOR_HANDLES` lists every operator that is
counted here; fvcore's own handles count matrix products and norms.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from architectures.network import build_network
from architectures.spec import BLOCK_NETWORK, ArchitectureSpec
from studies.cost import Cost

with warnings.catch_warnings():
    # On import, fvcore scripts its focal loss, which is not used here.
    warnings.filterwarnings("ignore", message=r"`torch\.jit\.script` is ")
    from fvcore.nn import FlopCountAnalysis, jit_handles

Handle = Callable[[Any, Any], Any]

_COUNT_INPUTS = jit_handles.elementwise_flop_counter(1, 0)
_COUNT_OUTPUTS = jit_handles.elementwise_flop_counter(0, 1)
_ACTIVATIONS = (
    "relu",
    "relu6",
    "prelu",
    "leaky_relu",
    "elu",
    "gelu",
    "silu",
    "sigmoid",
    "tanh",
    "hardtanh",
    "hardsigmoid",
    "hardswish",
)

OPERATOR_HANDLES: dict[str, dict[str, Handle]] = {
    "multiply_adds": {
        "_convolution": jit_handles.conv_flop_jit,
        "linear": jit_handles.linear_flop_jit,
        "addmm": jit_handles.addmm_flop_jit,
        "mm": jit_handles.matmul_flop_jit,
        "matmul": jit_handles.matmul_flop_jit,
        "bmm": jit_handles.bmm_flop_jit,
        "einsum": jit_handles.einsum_flop_jit,
    },
    "activations": dict.fromkeys(_ACTIVATIONS, _COUNT_OUTPUTS),
    "attention": {"mul": _COUNT_OUTPUTS, "amax": _COUNT_INPUTS},
    "additions": {"add": _COUNT_OUTPUTS},
    "norm": {
        "batch_norm": jit_handles.batchnorm_flop_jit,
        "layer_norm": jit_handles.norm_flop_counter(2),
        "group_norm": jit_handles.norm_flop_counter(2),
    },
    "pooling": dict.fromkeys(
        ("max_pool2d", "avg_pool2d", "adaptive_max_pool2d", "adaptive_avg_pool2d"), _COUNT_INPUTS
    ),
}


def _count_mean(inputs: Any, outputs: Any) -> Counter[str]:
    """Count a mean as attention if it keeps its dimensions, as in CBAM, and as pooling if it drops them."""
    keeps_dims = len(inputs) > 2 and inputs[2].toIValue()
    return Counter({"attention" if keeps_dims else "pooling": int(_COUNT_INPUTS(inputs, outputs))})


def _assign_column(column: str, handle: Handle) -> Handle:
    """Wrap `handle` so that its count is added to `column`."""

    def count_column(inputs: Any, outputs: Any) -> Counter[str]:
        result = handle(inputs, outputs)
        return Counter({column: int(result.total() if isinstance(result, Counter) else result)})

    return count_column


def _build_handles() -> dict[str, Handle | None]:
    handles: dict[str, Handle | None] = {"aten::mean": _count_mean}
    for column, operators in OPERATOR_HANDLES.items():
        for name, handle in operators.items():
            handles[f"aten::{name}"] = handles[f"aten::{name}_"] = _assign_column(column, handle)
    # In eval mode dropout does nothing; fvcore ignores only the out-of-place operator by default.
    handles["aten::dropout_"] = None
    return handles


def count_cost(spec: ArchitectureSpec, *, num_classes: int, image_size: int) -> Cost:
    """Count the operations of `spec` for one image of `image_size` pixels a side, in eval mode.

    The count uses a new eager network on the CPU, because counting a compiled network gives wrong numbers and
    leaves it slow. The random state of the caller does not change.

    Raises:
        ValueError: The network is unknown, as in `build_network`.
    """
    return _count_cost(replace(spec, pretrained=False), num_classes=num_classes, image_size=image_size)


@lru_cache(maxsize=256)  # all seeds and folds of an arm share one count
def _count_cost(spec: ArchitectureSpec, *, num_classes: int, image_size: int) -> Cost:
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        network = build_empty(spec, num_classes=num_classes).eval()
        analysis = FlopCountAnalysis(network, (torch.zeros(1, 3, image_size, image_size),))
        # Drop fvcore's other handles: they would hide operators from `uncounted_ops`. That field also
        # replaces fvcore's warnings.
        analysis.clear_op_handles().set_op_handle(**_build_handles())
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        counts = analysis.by_operator()
    unsupported = analysis.unsupported_ops()
    return Cost(
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        **{column: counts[column] for column in OPERATOR_HANDLES},
        uncounted_ops=tuple(
            sorted((name.removeprefix("aten::"), calls) for name, calls in unsupported.items())
        ),
    )


def build_empty(spec: ArchitectureSpec, *, num_classes: int) -> nn.Module:
    """Build a network for counting or timing.

    Block networks have uninitialized weights, because initialization takes long.
    """
    if spec.network != BLOCK_NETWORK:
        # Other networks may hold state besides weights.
        return build_network(replace(spec, pretrained=False), num_classes=num_classes)
    with torch.device("meta"):
        network = build_network(spec, num_classes=num_classes)
    # `Module.to_empty` would import sympy, which takes a second.
    state = {
        name: torch.empty(tensor.shape, dtype=tensor.dtype) for name, tensor in network.state_dict().items()
    }
    network.load_state_dict(state, assign=True)
    return network
