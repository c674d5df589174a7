"""Placebo arms: what a part adds, beside the same parameters spent on width.

A part that brings parameters may help by its size alone. Its placebo is the network without it, widened until
it is as large as the network with it.
"""

from __future__ import annotations

from dataclasses import replace

from architectures.size import count_parameters
from architectures.spec import ArchitectureSpec

BISECTION_STEPS = 20
"""Halvings of the width: far finer than a channel."""


def add_placebos(arms: tuple[ArchitectureSpec, ...]) -> tuple[ArchitectureSpec, ...]:
    """`arms`, the first of which is the whole network, each of the others followed by its placebo."""
    full_arm, *reduced_arms = arms
    parameter_count = count_parameters(full_arm)
    return (
        full_arm,
        *(variant for arm in reduced_arms for variant in (arm, _widen_to_size(arm, parameter_count))),
    )


def _widen_to_size(arm: ArchitectureSpec, parameter_count: int) -> ArchitectureSpec:
    """`spec` at the width at which it comes closest to `size` parameters."""
    low, high = arm.width, 2 * arm.width
    for _ in range(BISECTION_STEPS):
        middle = (low + high) / 2
        low, high = (
            (middle, high)
            if count_parameters(replace(arm, width=middle)) < parameter_count
            else (low, middle)
        )
    candidates = (replace(arm, name=f"{arm.name}, widened", width=round(width, 6)) for width in (low, high))
    return min(candidates, key=lambda candidate: abs(count_parameters(candidate) - parameter_count))
