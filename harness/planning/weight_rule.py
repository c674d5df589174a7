"""Which weights `--keep-weights` may keep; `harness.scheduling.weight_pruner` finds the best runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from studies.spec import RunSpec

WeightRule = Literal["all", "best", "none"]
"""Which runs keep the weights of their best epoch: all runs, the best run of each arm, or none."""

WEIGHT_RULES: tuple[str, ...] = get_args(WeightRule)


def find_base_run_keys(cells: Sequence[RunSpec]) -> frozenset[str]:
    """Return the keys of the runs whose weights evaluation-only cells read."""
    return frozenset(spec.base_run.key for spec in cells if not spec.is_trained)


def can_keep_weights(spec: RunSpec, rule: WeightRule) -> bool:
    """Return True if `rule` may keep the weights of a run; "best" never keeps the weights of a control."""
    return not spec.is_trained or rule == "all" or (rule == "best" and spec.variant == "none")
