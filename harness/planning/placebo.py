"""Placebo arms: they separate the effect of a component from the effect of its parameters.

A component that adds parameters may help by its size alone. Its placebo is the network without the component,
widened to the parameter count of the network with it.
"""

from __future__ import annotations

from dataclasses import replace

from architectures.network import count_parameters
from architectures.spec import ArchitectureSpec

BISECTION_STEPS = 20
"""Bisection steps for the width: far finer than one channel."""


def add_placebos(arms: tuple[ArchitectureSpec, ...]) -> tuple[ArchitectureSpec, ...]:
    """Return `arms` with a placebo after each arm but the first, which is the full network."""
    full_arm, *reduced_arms = arms
    parameter_count = count_parameters(full_arm)
    return (
        full_arm,
        *(variant for arm in reduced_arms for variant in (arm, _widen_to_size(arm, parameter_count))),
    )


def _widen_to_size(arm: ArchitectureSpec, parameter_count: int) -> ArchitectureSpec:
    """Return `arm` at the width whose parameter count is closest to `parameter_count`."""
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
