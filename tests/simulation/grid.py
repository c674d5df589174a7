"""Measure error rates of verdicts on simulated studies: `python -m tests.simulation.grid OUT.json`.

Each grid cell simulates 2,000 studies of identical arms and counts those in which any pair gets the verdict
better or worse. This takes an hour on two cores; an interrupted run resumes. `python -m
tests.simulation.grid OUT.json --table` prints the table of `docs/verdicts.md`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from studies.statistics.comparison import compare_contrasts
from studies.statistics.verdicts import MIN_CLUSTERS, MIN_TRAININGS
from tests.simulation.studies import BATCH, Scenario, contrasts, draw

STUDIES = 2000
FAMILIES = (
    (2, "ladder"),
    (5, "ladder"),
    (5, "star"),
    (7, "ladder"),
    (7, "star"),
    (16, "ladder"),
    (16, "star"),
)
NOISES = (0.0, 0.15, 0.3, 0.5)
HETEROGENEITIES = (0.0, 0.5)
SUBJECTS = (6, 10, 26)
SHARED_SEEDS, OWN_SEEDS = (5, 10), (1, 3, 5)
"""Numbers of trainings if all subjects share them (frame, clip, subject), and if each fold has its own
(kfold, loso).
"""


def scenarios() -> Iterator[Scenario]:
    """Yield the grid's cells; all have enough subjects and trainings for a verdict."""
    for (arms, family), noise, heterogeneity, subjects in product(
        FAMILIES, NOISES, HETEROGENEITIES, SUBJECTS
    ):
        for folds, counts in ((False, SHARED_SEEDS), (True, OWN_SEEDS)):
            for seeds in counts:
                yield Scenario(
                    arms=arms,
                    family=family,
                    noise=noise,
                    folds=folds,
                    heterogeneity=heterogeneity,
                    subjects=subjects,
                    seeds=seeds,
                )


def false_alarms(scenario: Scenario, *, studies: int = STUDIES, seed: int = 0) -> int:
    """Count studies in which any pair gets the verdict better or worse."""
    return int(_significant(scenario, studies=studies, seed=seed).any(axis=-1).sum())


def detections(scenario: Scenario, *, studies: int = STUDIES, seed: int = 0) -> int:
    """Count studies in which the last pair, which has a true difference, gets the verdict better."""
    return int(_significant(scenario, studies=studies, seed=seed)[:, -1].sum())


def _significant(scenario: Scenario, *, studies: int, seed: int) -> np.ndarray:
    assert scenario.subjects >= MIN_CLUSTERS
    assert scenario.folds or scenario.divisions * scenario.seeds >= MIN_TRAININGS
    rng, weights = np.random.default_rng(seed), contrasts(scenario)
    results = []
    for start in range(0, studies, BATCH):
        scores = draw(scenario, studies=min(BATCH, studies - start), rng=rng)
        results.append(compare_contrasts(scores, weights).p < 0.05)
    return np.concatenate(results)


def name(scenario: Scenario) -> str:
    """Return the name that identifies a grid cell."""
    s = scenario
    pairs = len(contrasts(s))
    return (
        f"{pairs} {s.family}, noise {s.noise:g} {'own' if s.folds else 'shared'}, heterogeneity "
        f"{s.heterogeneity:g}, {s.subjects} subjects, {s.seeds} seeds"
    )


def main() -> None:
    """Compute the missing cells of the grid, or print its table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    counts: dict[str, int] = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    if arguments.table:
        print("\n".join(table(counts)))
        return
    waiting = [cell for cell in scenarios() if name(cell) not in counts]
    with ProcessPoolExecutor(arguments.processes) as pool:
        for number, (cell, alarms) in enumerate(zip(waiting, pool.map(false_alarms, waiting), strict=True)):
            counts[name(cell)] = alarms
            if number % 20 == 19 or number == len(waiting) - 1:
                arguments.out.write_text(json.dumps(counts, indent=1) + "\n")
                print(f"{len(counts)} cells", file=sys.stderr, flush=True)


def table(counts: dict[str, int]) -> Iterator[str]:
    """Yield one row per family, kind of noise and number of subjects, with the range over other settings."""
    yield "| Family | Noise | Subjects | Cells | False verdicts, % of studies | Largest lower 99.9 % bound |"
    yield "|---|---|---:|---:|---:|---:|"
    for (arms, family), folds, subjects in product(FAMILIES, (False, True), SUBJECTS):
        cells = [
            counts[name(cell)]
            for cell in scenarios()
            if (cell.arms, cell.family, cell.folds, cell.subjects) == (arms, family, folds, subjects)
            and name(cell) in counts
        ]
        if cells:
            shares = [100 * alarms / STUDIES for alarms in cells]
            bound = 100 * max(lower_bound(alarms) for alarms in cells)
            pairs = "1 pair" if arms == 2 else f"{arms - 1} pairs, {family}"
            kind = "own a fold" if folds else "shared"
            yield (
                f"| {pairs} | {kind} | {subjects} | {len(cells)} | {min(shares):.1f} to {max(shares):.1f} | "
                f"{bound:.1f} |"
            )


def lower_bound(alarms: int, *, studies: int = STUDIES) -> float:
    """Return the lower 99.9 % bound of a share of studies (Clopper and Pearson 1934)."""
    return float(binomtest(alarms, studies, alternative="greater").proportion_ci(0.999).low)


if __name__ == "__main__":
    main()
