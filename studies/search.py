"""A search for training settings before a run: what was tried on validation alone, and what won."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One run's search. `key` is that of the run with the settings that it had before.

    `values` are the trials' best validation accuracies, 0 to 1, in the order in which they were made;
    `pruned` says which of them were stopped early. The rest are the settings of the best trial.
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
