"""The cost of a network: counted operations, and the paper's equations (1) and (2).

The equations are from Howard et al. 2017 (arXiv:1704.04861). They count multiplications and leave biases out.
`harness.flop_count` counts the operations of a network.
"""

from __future__ import annotations

from dataclasses import dataclass

KERNEL_SIZE = 3
"""Kernel size of all convolutions in VGG16 and of the depthwise convolutions that replace them."""

PAPER_BLOCK1_STANDARD = 463_371_520
"""Section 3.1 of the paper: multiplications in VGG16's first block."""

PAPER_BLOCK1_SEPARABLE = 14_166_144
"""Section 3.1 of the paper: multiplications in the improved network's first block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The number of parameters, and the operations of one forward pass of one image in eval mode.

    `multiply_adds` is fvcore's count for convolutions and matrix products without biases; a multiplication
    and its addition count as one. The other fields count all other operations, by operator: the sigmoid
    inside CBAM counts as an activation.

    Attributes:
        parameters: Number of parameters.
        multiply_adds: Multiply-adds of convolutions and matrix products.
        activations: Elements that activations write.
        attention: Elements that CBAM's products write, and elements that its means and maxima read.
        additions: Elements that additions write.
        norm: Two for each element of a batch norm, as fvcore counts.
        pooling: Elements that pooling layers read.
        uncounted_ops: (operator, number of calls) of every operator that is not counted. Operators that only
            move or reshape data are in no field.
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
        """Size of the float32 parameters in MiB, which the paper's tables call MB. Buffers are left out."""
        return self.parameters * 4 / 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockCost:
    """Multiplications of one convolution, standard and separable, on a feature map of side `side` px."""

    name: str
    in_channels: int
    out_channels: int
    side: int
    standard: int
    separable: int


def compute_standard_cost(kernel_size: int, in_channels: int, *, out_channels: int, side: int) -> int:
    """Return the multiplications of a convolution that keeps the side of its feature map: equation (1)."""
    return kernel_size * kernel_size * in_channels * out_channels * side * side


def compute_separable_cost(kernel_size: int, in_channels: int, *, out_channels: int, side: int) -> int:
    """Return the multiplications of a depthwise and a pointwise convolution: equation (2)."""
    return kernel_size * kernel_size * in_channels * side * side + in_channels * out_channels * side * side


def compute_block_costs(stages: tuple[tuple[int, int], ...], image_size: int) -> tuple[BlockCost, ...]:
    """Return the cost of each block of `stages`, named by stage and block number: "1.1".

    `stages` lists (number of blocks, channels), as in `ArchitectureSpec`; every stage ends with a 2x2
    max-pool. Projections, attention and the classifier are left out, as in the paper's equations.
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
