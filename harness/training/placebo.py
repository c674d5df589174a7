"""Placebo arms: what a part adds, beside the same parameters spent on width.

A part that brings parameters may help by its size alone. Its placebo is the network without it, widened until
it is as large as the network with it.
"""

from __future__ import annotations

from dataclasses import replace

from architectures.size import parameters
from architectures.spec import ArchitectureSpec

STEPS = 20
"""Halvings of the width: far finer than a channel."""


def with_placebos(arms: tuple[ArchitectureSpec, ...]) -> tuple[ArchitectureSpec, ...]:
    """`arms`, the first of which is the whole network, each of the others followed by its placebo."""
    whole, *others = arms
    size = parameters(whole)
    return (whole, *(each for arm in others for each in (arm, _widened(arm, size))))


def _widened(spec: ArchitectureSpec, size: int) -> ArchitectureSpec:
    """`spec` at the width at which it comes closest to `size` parameters."""
    low, high = spec.width, 2 * spec.width
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if parameters(replace(spec, width=middle)) < size else (low, middle)
    tried = (replace(spec, name=f"{spec.name}, widened", width=round(width, 6)) for width in (low, high))
    return min(tried, key=lambda each: abs(parameters(each) - size))
