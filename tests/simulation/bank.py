"""Families of identical arms sampled from a bank of real trainings (`make_bank.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from studies.spec import Metric
from studies.statistics.comparison import TrainingScores, compare_contrasts
from studies.statistics.linearization import linearize
from tests.simulation.studies import Scenario, contrasts

BANK = Path(__file__).with_name("bank.npz")
CLASSES = 6


def false_alarms(
    protocol: str, *, arms: int = 5, seeds: int = 5, families: int = 2000, metric: Metric = "accuracy"
) -> int:
    """Count ladders of `arms` identical arms in which any pair gets the verdict better or worse."""
    weights = contrasts(Scenario(arms=arms))
    rng = np.random.default_rng(0)
    divisions = [_scores(protocol, division, metric) for division in range(count_divisions(protocol))]
    alarms = 0
    for _ in range(families):
        values, contributions, sizes = divisions[rng.integers(len(divisions))]
        samples = rng.permutation(len(values))[: arms * seeds].reshape(arms, seeds)
        scores = TrainingScores(
            values=values[samples][:, None],
            contributions=contributions[samples][:, None],
            cluster_sizes=sizes,
            has_fold_clusters=protocol == "loso",
        )
        alarms += bool((compare_contrasts(scores, weights).p < 0.05).any())
    return alarms


def count_divisions(protocol: str) -> int:
    """Return the number of splits in the bank."""
    with np.load(BANK) as bank:
        return len(bank[f"{protocol}_answers"])


def _scores(protocol: str, division: int, metric: Metric) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values (trainings,), contributions (trainings, clusters) and sizes (clusters,) of one split."""
    with np.load(BANK) as bank:
        predictions = bank[f"{protocol}_answers"][division].astype(np.intp)
        truths, subjects = bank[f"{protocol}_truths"].astype(np.intp), bank[f"{protocol}_subjects"]
    complete = predictions[(predictions >= 0).sum(axis=1) == (predictions >= 0).sum(axis=1).max()]
    tested = (complete >= 0).all(axis=0)
    values, parts = linearize(metric, truths[tested], complete[:, tested], num_classes=CLASSES)
    _, member = np.unique(subjects[tested], return_inverse=True)
    one_hot = np.eye(member.max() + 1)[member]
    return values, parts @ one_hot, one_hot.sum(axis=0)


def accuracies(protocol: str) -> Iterator[np.ndarray]:
    """Yield the accuracies of the trainings, (trainings,), of each split."""
    for division in range(count_divisions(protocol)):
        yield _scores(protocol, division, "accuracy")[0]


def detections(worse: str, better: str, *, seeds: int = 5, families: int = 400) -> int:
    """Count samples of trainings of two parts on split 0 in which the first gets the verdict worse."""
    parts = [_scores(name, 0, "accuracy") for name in (worse, better)]
    rng = np.random.default_rng(1)
    count = 0
    for _ in range(families):
        samples = [rng.permutation(len(values))[:seeds] for values, _, _ in parts]
        scores = TrainingScores(
            values=np.stack([part[0][rows] for part, rows in zip(parts, samples, strict=True)])[:, None],
            contributions=np.stack([part[1][rows] for part, rows in zip(parts, samples, strict=True)])[
                :, None
            ],
            cluster_sizes=parts[0][2],
        )
        result = compare_contrasts(scores, np.array([[1.0, -1.0]]))
        count += bool(result.p[0] < 0.05 and result.estimates[0] < 0)
    return count
