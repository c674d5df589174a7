"""What a network costs, as values: counted work, and the paper's equations (1) and (2) worked out.

Howard et al. 2017 (arXiv:1704.04861) give the equations; like theirs, both count multiplications and leave
biases out. `harness.cost` does the counting.
"""

from __future__ import annotations

from dataclasses import dataclass

KERNEL_SIZE = 3
"""Side of every convolution in VGG16 and of every depthwise convolution that replaces one."""

PAPER_BLOCK1_STANDARD = 463_371_520
"""Section 3.1 of the paper: multiplications in VGG16's first block."""

PAPER_BLOCK1_SEPARABLE = 14_166_144
"""Section 3.1 of the paper: multiplications in the improved network's first block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One forward pass of one image in eval mode.

    `multiply_adds` is fvcore's count of convolutions and matrix products, biases left out: a multiplication
    and its addition are one. The other columns are the work beside them. `activations`, `additions` and the
    products under `attention` count the elements written; the means and maxima under `attention`, which
    CBAM pools, and `pooling` count those read; `norm` counts as fvcore does, two for each element of a batch
    norm. Columns go by operator: the sigmoid inside CBAM is an activation. `uncounted` names every
    operator left over and how often it is called; what only moves or reshapes data is in no column.
    """

    parameters: int
    multiply_adds: int
    activations: int
    attention: int
    additions: int
    norm: int
    pooling: int
    uncounted_ops: tuple[tuple[str, int], ...]

    @property
    def mib(self) -> float:
        """The parameters in float32, in MiB: what the paper's tables call MB. Buffers are left out."""
        return self.parameters * 4 / 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockCost:
    """Multiplications of one block's convolution in both forms, on a map of `side` pixels."""

    name: str
    in_channels: int
    out_channels: int
    side: int
    standard: int
    separable: int


def compute_standard_cost(kernel_size: int, in_channels: int, *, out_channels: int, side: int) -> int:
    """Equation (1): multiplications of a convolution that keeps its map's side."""
    return kernel_size * kernel_size * in_channels * out_channels * side * side


def compute_separable_cost(kernel_size: int, in_channels: int, *, out_channels: int, side: int) -> int:
    """Equation (2): the same for a depthwise convolution and the pointwise one after it."""
    return kernel_size * kernel_size * in_channels * side * side + in_channels * out_channels * side * side


def compute_block_costs(stages: tuple[tuple[int, int], ...], image_size: int) -> tuple[BlockCost, ...]:
    """Each block of `stages`, (blocks, channels) as in ArchitectureSpec, named by stage and place: "1.1".

    Every stage ends in a 2x2 max-pool. Projections, attention and the classifier are left out, as they are
    in the paper's equations.
    """
    costs = []
    in_channels = 3
    for stage, (num_blocks, out_channels) in enumerate(stages, start=1):
        side = image_size >> (stage - 1)
        for block_number in range(1, num_blocks + 1):
            cost = BlockCost(
                name=f"{stage}.{block_number}",
                in_channels=in_channels,
                out_channels=out_channels,
                side=side,
                standard=compute_standard_cost(
                    KERNEL_SIZE, in_channels, out_channels=out_channels, side=side
                ),
                separable=compute_separable_cost(
                    KERNEL_SIZE, in_channels, out_channels=out_channels, side=side
                ),
            )
            costs.append(cost)
            in_channels = out_channels
    return tuple(costs)
