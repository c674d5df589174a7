"""Simulated studies with every source of noise that real studies have.

The probability that an arm is correct on a test unit depends on the subject, the unit, the arm's effect on
the subject (heterogeneity) and the training (noise), all on the logit scale. Subjects have 3 to 30 units
each, as in CASME II. All arms are identical, except for the shift of the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from studies.statistics.comparison import TrainingScores

SUBJECT_SD, UNIT_SD = 1.0, 1.0
UNITS = (3, 30)
BATCH = 200
"""Number of studies simulated at once."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The parameters of a simulated study.

    `noise` is the standard deviation of the trainings on the logit scale, one value for all arms or one per
    arm. If `folds`, each subject has its own trainings. `level` is the mean logit (0.6: 62 % accuracy; 5.5:
    97 %). `shift` is added to the last arm's logits. `divisions` is the number of splits, `tested` the
    share of subjects in the test set of each.
    """

    arms: int = 5
    family: str = "ladder"
    noise: float | tuple[float, ...] = 0.3
    folds: bool = False
    heterogeneity: float = 0.0
    subjects: int = 26
    divisions: int = 1
    seeds: int = 5
    level: float = 0.6
    shift: float = 0.0
    tested: float = 1.0


def contrasts(scenario: Scenario) -> NDArray[np.float64]:
    """Return weights (pairs, arms): rung minus previous rung, arm minus first arm, or all pairs."""
    arms = range(scenario.arms)
    pairs = {
        "ladder": list(pairwise(arms)),
        "star": [(0, arm) for arm in arms[1:]],
        "all": list(combinations(arms, 2)),
    }[scenario.family]
    rows = np.zeros((len(pairs), scenario.arms))
    for row, (first, second) in zip(rows, pairs, strict=True):
        row[first], row[second] = -1.0, 1.0
    return rows


def draw(scenario: Scenario, *, studies: int, rng: np.random.Generator) -> TrainingScores:
    """Simulate `studies` studies, which are the leading dimension of the scores."""
    s = scenario
    sizes = rng.integers(UNITS[0], UNITS[1] + 1, (studies, s.subjects))
    units = np.arange(UNITS[1]) < sizes[..., None]
    base = s.level + rng.normal(0, SUBJECT_SD, (studies, s.subjects, 1))
    base = base + rng.normal(0, UNIT_SD, (studies, s.subjects, UNITS[1]))
    suits = rng.normal(0, 1, (studies, s.arms, s.subjects)) * s.heterogeneity
    suits[:, -1] += s.shift
    noise = np.broadcast_to(np.asarray(s.noise, dtype=np.float64), (s.arms,))
    correct = np.empty((studies, s.arms, s.divisions, s.seeds, s.subjects))
    for arm in range(s.arms):
        shape = (studies, s.divisions, s.seeds, s.subjects if s.folds else 1)
        training = noise[arm] * rng.normal(0, 1, shape)
        logits = suits[:, arm][:, None, None] + training
        for division in range(s.divisions):
            for seed in range(s.seeds):
                chance = expit((base + logits[:, division, seed][..., None]).astype(np.float32))
                right = rng.random(chance.shape, dtype=np.float32) < chance
                correct[:, arm, division, seed] = (right & units).sum(axis=-1)
    return _scores(s, correct, sizes, _tests(s, studies, rng))


def _tests(s: Scenario, studies: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose the test subjects of each split, (studies, divisions, subjects)."""
    ranks = rng.random((studies, s.divisions, s.subjects)).argsort(axis=-1).argsort(axis=-1)
    return ranks < max(1, round(s.tested * s.subjects))


def _scores(
    s: Scenario,
    correct: NDArray[np.float64],
    sizes: NDArray[np.intp],
    tests: NDArray[np.bool_],
) -> TrainingScores:
    tested = (sizes[:, None] * tests)[:, None, :, None]  # (studies, 1, divisions, 1, subjects)
    hits = correct * tests[:, None, :, None]
    total = tested.sum(axis=-1, keepdims=True)
    values = hits.sum(axis=-1) / total[..., 0]
    is_tested = tests.any(axis=1)
    assert is_tested.all() or s.divisions > 1
    return TrainingScores(
        values=values,
        contributions=(hits - values[..., None] * tested) / total,
        cluster_sizes=(sizes * tests.sum(axis=1)).astype(np.float64),
        test_train_ratio=s.tested / (1 - s.tested) if s.tested < 1 else 0.0,
        has_fold_clusters=s.folds,
    )
