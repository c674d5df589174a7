"""Scores as often published: the epoch is picked on each test subject. They are leaky.

HTNet, MMNet, SKD-TSTSAN and CausalNet keep, for each test subject, the epoch with the most correct answers on
that subject, so the test set selects the model. A run with a record of its epochs
(`RunResult.epoch_classes`) shows what this rule adds: its epoch is picked on its own test set, which is one
subject under loso. A guesser under the same rule shows what the rule alone reaches: it guesses every unit in
every epoch with the class shares of training. Its score is computed exactly, not simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from studies.metrics import Scores, compute_scores, to_evaluation_unit
from studies.results import RunResult
from studies.spec import RunSpec

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitClass:
    """The true and the predicted class of an evaluation unit."""

    truth: int
    predicted_class: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GuesserScores:
    """The scores of a guesser's expected confusion matrix over all folds, in 0..1.

    `accuracy` and `uar` are linear in the counts, so they are the expected scores. `uf1` is close to its own.
    """

    accuracy: float
    uf1: float
    uar: float


def can_record(spec: RunSpec) -> bool:
    """Return True if a run can keep a record of its epochs: it trains an arm, not a control or check."""
    return spec.variant == "none"


def pick_epoch(truths: Sequence[int], epoch_classes: Sequence[Sequence[int]]) -> int:
    """Return the index of the epoch [epoch][unit] with the most correct units; among equals, the first."""
    correct_counts = [
        sum(truth == predicted for truth, predicted in zip(truths, classes, strict=True))
        for classes in epoch_classes
    ]
    return correct_counts.index(max(correct_counts))


def pick_units(run: RunResult) -> tuple[UnitClass, ...]:
    """Return the test units of a run with its record, as predicted by the epoch picked on them."""
    truths = list_truths(run)
    classes = run.epoch_classes[pick_epoch(truths, run.epoch_classes)]
    return tuple(
        UnitClass(truth=truth, predicted_class=predicted)
        for truth, predicted in zip(truths, classes, strict=True)
    )


def score_picked_epochs(runs: Sequence[RunResult]) -> Scores:
    """Score the folds of one training, pooled, each as predicted by the epoch picked on its test set."""
    units = [unit for run in runs for unit in pick_units(run)]
    return compute_scores(units, len(runs[0].data.classes))


def count_changed_units(run: RunResult) -> int:
    """Return the number of units whose class in the record's best epoch differs from the clean prediction.

    It is 0 unless the record comes from a second training, whose rounding differs on another machine.
    """
    clean = [unit.predicted_class for unit in to_evaluation_unit(run.predictions, run.spec.protocol)]
    if run.best_epoch > len(run.epoch_classes):
        return len(clean)
    recorded = run.epoch_classes[run.best_epoch - 1]
    return sum(one != other for one, other in zip(clean, recorded, strict=True))


def list_truths(run: RunResult) -> list[int]:
    """Return the true class of each test unit of a run."""
    return [unit.truth for unit in to_evaluation_unit(run.predictions, run.spec.protocol)]


def score_guesser(runs: Sequence[RunResult]) -> GuesserScores:
    """Score the guesser on the folds of one training, with as many epochs as each fold was trained for."""
    return score_matrix(sum(map(_expect_fold, runs), start=np.zeros(())))


def _expect_fold(run: RunResult) -> Floats:
    counts = np.bincount(list_truths(run), minlength=len(run.data.classes))
    shares = np.array(run.data.train, dtype=np.float64) / sum(run.data.train)
    return expect_best_guess(counts.tolist(), shares, epochs=len(run.epoch_classes))


def expect_best_guess(counts: Sequence[int], shares: Sequence[float] | Floats, *, epochs: int) -> Floats:
    """Return the expected confusion matrix [true class][guessed class] of the best of `epochs` guesses.

    Each guess draws a class with the probabilities `shares` for every unit; `counts` are the units of each
    true class. The best guess is the first with the most correct units. Given that number, its units are
    distributed as in any guess with that number. `epochs` thus changes only the distribution of the number.
    """
    shares = np.asarray(shares, dtype=np.float64)
    hits = [_build_binomial(count, share) for count, share in zip(counts, shares, strict=True)]
    total = reduce(np.convolve, hits)
    best = np.diff(np.minimum(np.cumsum(total), 1.0) ** epochs, prepend=0.0)
    ratio = np.divide(best, total, out=np.zeros_like(best), where=total > 0)
    matrix = np.zeros((len(counts), len(counts)))
    for label, count in enumerate(counts):
        rest = reduce(np.convolve, hits[:label] + hits[label + 1 :], np.ones(1))
        correct = ratio @ np.convolve(np.arange(count + 1) * hits[label], rest)
        wrong_shares = np.where(np.arange(len(counts)) == label, 0.0, shares)
        if wrong_shares.any():
            matrix[label] = (count - correct) * wrong_shares / wrong_shares.sum()
        matrix[label, label] = correct
    return matrix


def _build_binomial(count: int, share: float) -> Floats:
    """Return the probabilities of 0 to `count` correct units if each is correct with probability `share`."""
    return reduce(np.convolve, [np.array((1 - share, share))] * count, np.ones(1))


def score_matrix(matrix: Floats) -> GuesserScores:
    """Return the scores of a confusion matrix [true class][predicted class] of mean counts.

    Classes without true units are left out of the means, as in `studies.metrics`.
    """
    correct, true_counts, predicted_counts = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    present = true_counts > 0
    f1 = 2 * correct[present] / (true_counts + predicted_counts)[present]
    recall = correct[present] / true_counts[present]
    return GuesserScores(
        accuracy=float(correct.sum() / matrix.sum()), uf1=float(f1.mean()), uar=float(recall.mean())
    )
