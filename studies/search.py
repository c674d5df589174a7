"""The result of a search for training settings before a run, on the validation set only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from studies.errors import StudyError

PRUNERS = ("median", "hyperband")
"""Rules that stop trials early."""

MAX_TRIALS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The search for the settings of one run.

    `key` is the key of the run with its settings before the search. `values` are the best validation
    accuracies of the trials, 0 to 1, in order; `pruned` says which trials were stopped early.
    `learning_rate`, `gamma` and `class_weights` are the settings of the best trial.
    """

    key: str
    values: tuple[float, ...]
    pruned: tuple[bool, ...]
    learning_rate: float
    gamma: float
    class_weights: Literal["inverse", "none"]

    @property
    def best_so_far(self) -> tuple[float, ...]:
        """The best value after each trial."""
        return tuple(max(self.values[: index + 1]) for index in range(len(self.values)))


def check_budget(*, trials: int, pruner: str) -> None:
    """Raise StudyError if the number of trials is out of range or the pruner is unknown."""
    if pruner not in PRUNERS:
        raise StudyError("pruner.unknown", f"unknown --pruner {pruner!r}; accepted: {', '.join(PRUNERS)}")
    if not 1 <= trials <= MAX_TRIALS:
        bound = "at least 1" if trials < 1 else f"at most {MAX_TRIALS}"
        raise StudyError("trials.range", f"--trials must be {bound}; got {trials}")
