"""Whether the paper's loss keeps rare classes up: focal, with class weights, beside plain cross-entropy.

The same network on the same splits, class by class. A class is rare if it has less than nine tenths of an
even share of the training samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.checked import runs_of
from reports.columns import SEEN, SEEN_NOTE, audit_notes, seen
from reports.differences import span
from reports.numbers import NOTHING, label, points, spread
from reports.outcomes import Outcome, Outcomes
from reports.pairing import cluster_of, mean_over_units
from reports.table import Cell, Table
from studies.metrics import Scores, headline, scores
from studies.results import Prediction, RunResult
from studies.statistics.verdicts import Estimate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Losses:
    """The proposal under one protocol with each loss, over the seeds that have finished with both.

    `focal` and `plain` hold each training's units, `clusters` each unit's subject, or its fold where
    `by_fold`; `train` counts the training samples of each class over all runs; `keys` are the runs.
    """

    row: Outcome
    classes: tuple[str, ...]
    focal: tuple[tuple[Prediction, ...], ...]
    plain: tuple[tuple[Prediction, ...], ...]
    clusters: Mapping[str, str]
    by_fold: bool
    train: tuple[int, ...]
    keys: tuple[str, ...]

    @property
    def rare(self) -> tuple[int, ...]:
        """Classes well below an even share of the training samples; none where all are nearly even."""
        even = sum(self.train) / len(self.train)
        return tuple(c for c, n in enumerate(self.train) if n < 0.9 * even)

    def gain(self, classes: Sequence[int]) -> Estimate | None:
        """Accuracy gained by the focal loss on units of these classes; None with fewer than two clusters."""
        trainings = [
            {
                unit.id: float(unit.answer == unit.truth) - right[unit.id]
                for unit in focal
                if unit.truth in classes
            }
            for focal, plain in zip(self.focal, self.plain, strict=True)
            for right in [{unit.id: float(unit.answer == unit.truth) for unit in plain}]
        ]
        tested = [values for values in trainings if values]
        return mean_over_units(tested, self.clusters, by_fold=self.by_fold) if tested else None


def losses(study: Outcomes, protocol: str) -> Losses | None:
    """Both losses of the proposal under a protocol; None where no seed has finished with both."""
    row = next((row for row in study.under(protocol) if row.arm == study.study.proposal), None)
    plain = runs_of(study, "cross-entropy", study.study.proposal, protocol=protocol)
    if row is None:
        return None
    both = [(seed, plain[seed.id]) for seed in row.seeds if seed.id in plain]
    if not both:
        return None
    runs = [run for seed, _ in both for run in seed.runs]
    by_fold = len(both[0][0].runs) > 1
    return Losses(
        row=row,
        classes=study.classes,
        focal=tuple(seed.units for seed, _ in both),
        plain=tuple(headline(_pooled(others), protocol) for _, others in both),
        clusters={k: v for seed, _ in both for k, v in cluster_of(seed, by_fold=by_fold).items()},
        by_fold=by_fold,
        train=tuple(map(sum, zip(*(run.data.train for run in runs), strict=True))),
        keys=tuple(run.spec.key for seed, others in both for run in (*seed.runs, *others)),
    )


def _pooled(runs: Sequence[RunResult]) -> tuple[Prediction, ...]:
    return tuple(prediction for run in runs for prediction in run.predictions)


def imbalance_table(study: Outcomes) -> Table | None:
    """Recall and F1 of every class with either loss; None where cross-entropy was not tried."""
    found = [each for protocol in study.study.protocols if (each := losses(study, protocol))]
    if not found:
        return None
    return Table(
        id=f"imbalance-{study.study.name}",
        title=f"{found[0].row.arm.name}: focal loss with class weights beside cross-entropy, by class, in %",
        header=(
            "Class",
            "Protocol",
            "Share of training",
            "Recall, focal",
            "Recall, cross-entropy",
            "Change",
            "F1, focal",
            "F1, cross-entropy",
            *SEEN,
        ),
        rows=tuple(row for each in found for row in _rows(each)),
        notes=(
            "Rare: classes with less than nine tenths of an even share of the training samples.",
            *(note for each in found if (note := _note(each))),
            SEEN_NOTE,
            *audit_notes([each.row for each in found]),
        ),
    )


def _rows(found: Losses) -> list[tuple[Cell, ...]]:
    focal, plain = (
        [scores(seed, len(found.classes)) for seed in seeds] for seeds in (found.focal, found.plain)
    )
    rows = []
    for c, name in enumerate(found.classes):
        recalls = [_cell(each, c, "recall", found.keys) for each in (focal, plain)]
        change = label(NOTHING)
        if recalls[0].value is not None and recalls[1].value is not None:
            gain = recalls[0].value - recalls[1].value
            change = Cell(text=points(gain), value=gain, run_keys=found.keys)
        share = found.train[c] / sum(found.train)
        rows.append(
            (
                label(f"{name} (rare)" if c in found.rare else name),
                label(found.row.protocol),
                Cell(text=f"{100 * share:.1f}", value=100 * share, run_keys=found.keys),
                *recalls,
                change,
                *(_cell(each, c, "f1", found.keys) for each in (focal, plain)),
                *seen(found.row),
            )
        )
    return rows


def _cell(seeds: Sequence[Scores], c: int, name: str, keys: tuple[str, ...]) -> Cell:
    """Over the seeds whose test has the class."""
    cell = spread([getattr(each.per_class[c], name) for each in seeds if c not in each.absent], keys)
    return Cell(text=cell.text, value=None if cell.value is None else 100 * cell.value, run_keys=keys)


def _note(found: Losses) -> str:
    if not found.rare:
        return f"Under {found.row.protocol} no class is rare: the training samples are nearly even."
    gain = found.gain(found.rare)
    if gain is None:
        return f"Under {found.row.protocol} the rare classes come from fewer than two test subjects."
    return (
        f"Over the rare classes under {found.row.protocol} the focal loss is worth "
        f"{points(100 * gain.value)} points of recall [{span(gain)}], over {gain.units} "
        f"{found.row.unit}."
    )
