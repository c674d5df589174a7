"""Whether the paper's loss keeps rare classes up: focal, with class weights, beside plain cross-entropy.

The same network on the same splits, class by class. A class is rare if it has less than nine tenths of an
even share of the training samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.checked import find_check_runs
from reports.columns import LEAKAGE_HEADER, LEAKAGE_NOTE, build_audit_notes, leakage_cells
from reports.differences import format_interval
from reports.numbers import NO_VALUE, format_points, mean_std_cell, text_cell
from reports.outcomes import Outcome, StudyEvaluation
from reports.pairing import estimate_unit_mean, map_units_to_clusters
from reports.table import Cell, Table
from studies.metrics import Scores, compute_scores, to_evaluation_unit
from studies.results import Prediction, RunResult
from studies.statistics.verdicts import Estimate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LossComparison:
    """The proposal under one protocol with each loss, over the seeds that have finished with both.

    `focal` and `plain` hold each training's units, `clusters` each unit's subject, or its fold where
    `by_fold`; `train` counts the training samples of each class over all runs; `keys` are the runs.
    """

    outcome: Outcome
    classes: tuple[str, ...]
    focal_units: tuple[tuple[Prediction, ...], ...]
    cross_entropy_units: tuple[tuple[Prediction, ...], ...]
    clusters: Mapping[str, str]
    by_fold: bool
    train_counts: tuple[int, ...]
    run_keys: tuple[str, ...]

    @property
    def rare_classes(self) -> tuple[int, ...]:
        """Classes well below an even share of the training samples; none where all are nearly even."""
        even_share = sum(self.train_counts) / len(self.train_counts)
        return tuple(
            class_index
            for class_index, sample_count in enumerate(self.train_counts)
            if sample_count < 0.9 * even_share
        )

    def compute_gain(self, classes: Sequence[int]) -> Estimate | None:
        """Accuracy gained by the focal loss on units of these classes; None with fewer than two clusters."""
        gains_by_training = [
            {
                unit.id: float(unit.predicted_class == unit.truth) - correct_by_unit[unit.id]
                for unit in focal_units
                if unit.truth in classes
            }
            for focal_units, cross_entropy_units in zip(
                self.focal_units, self.cross_entropy_units, strict=True
            )
            for correct_by_unit in [
                {unit.id: float(unit.predicted_class == unit.truth) for unit in cross_entropy_units}
            ]
        ]
        nonempty_trainings = [values for values in gains_by_training if values]
        return (
            estimate_unit_mean(nonempty_trainings, self.clusters, by_fold=self.by_fold)
            if nonempty_trainings
            else None
        )


def compare_losses(evaluation: StudyEvaluation, protocol: str) -> LossComparison | None:
    """Both losses of the proposal under a protocol; None where no seed has finished with both."""
    outcome = next(
        (
            outcome
            for outcome in evaluation.select_protocol(protocol)
            if outcome.arm == evaluation.study.primary_arm
        ),
        None,
    )
    runs_by_training = find_check_runs(
        evaluation, "cross-entropy", evaluation.study.primary_arm, protocol=protocol
    )
    if outcome is None:
        return None
    matched_trainings = [
        (training, runs_by_training[training.id])
        for training in outcome.trainings
        if training.id in runs_by_training
    ]
    if not matched_trainings:
        return None
    runs = [run for training, _ in matched_trainings for run in training.runs]
    by_fold = len(matched_trainings[0][0].runs) > 1
    return LossComparison(
        outcome=outcome,
        classes=evaluation.classes,
        focal_units=tuple(training.units for training, _ in matched_trainings),
        cross_entropy_units=tuple(
            to_evaluation_unit(_pool_predictions(cross_entropy_runs), protocol)
            for _, cross_entropy_runs in matched_trainings
        ),
        clusters={
            unit_id: cluster
            for training, _ in matched_trainings
            for unit_id, cluster in map_units_to_clusters(training, by_fold=by_fold).items()
        },
        by_fold=by_fold,
        train_counts=tuple(map(sum, zip(*(run.data.train for run in runs), strict=True))),
        run_keys=tuple(
            run.spec.key
            for training, cross_entropy_runs in matched_trainings
            for run in (*training.runs, *cross_entropy_runs)
        ),
    )


def _pool_predictions(runs: Sequence[RunResult]) -> tuple[Prediction, ...]:
    return tuple(prediction for run in runs for prediction in run.predictions)


def build_imbalance_table(evaluation: StudyEvaluation) -> Table | None:
    """Recall and F1 of every class with either loss; None where cross-entropy was not tried."""
    comparisons = [
        comparison
        for protocol in evaluation.study.protocols
        if (comparison := compare_losses(evaluation, protocol))
    ]
    if not comparisons:
        return None
    return Table(
        id=f"imbalance-{evaluation.study.name}",
        title=f"{comparisons[0].outcome.arm.name}: focal loss with class weights beside cross-entropy, by class, in %",
        header=(
            "Class",
            "Protocol",
            "Share of training",
            "Recall, focal",
            "Recall, cross-entropy",
            "Change",
            "F1, focal",
            "F1, cross-entropy",
            *LEAKAGE_HEADER,
        ),
        rows=tuple(row for comparison in comparisons for row in _build_rows(comparison)),
        notes=(
            "Rare: classes with less than nine tenths of an even share of the training samples.",
            *(note for comparison in comparisons if (note := _build_gain_note(comparison))),
            LEAKAGE_NOTE,
            *build_audit_notes([comparison.outcome for comparison in comparisons]),
        ),
    )


def _build_rows(comparison: LossComparison) -> list[tuple[Cell, ...]]:
    focal_scores, cross_entropy_scores = (
        [compute_scores(units, len(comparison.classes)) for units in units_by_training]
        for units_by_training in (comparison.focal_units, comparison.cross_entropy_units)
    )
    rows = []
    for class_index, name in enumerate(comparison.classes):
        recall_cells = [
            _build_metric_cell(scores_by_training, class_index, "recall", comparison.run_keys)
            for scores_by_training in (focal_scores, cross_entropy_scores)
        ]
        change_cell = text_cell(NO_VALUE)
        if recall_cells[0].value is not None and recall_cells[1].value is not None:
            gain = recall_cells[0].value - recall_cells[1].value
            change_cell = Cell(text=format_points(gain), value=gain, run_keys=comparison.run_keys)
        share = comparison.train_counts[class_index] / sum(comparison.train_counts)
        rows.append(
            (
                text_cell(f"{name} (rare)" if class_index in comparison.rare_classes else name),
                text_cell(comparison.outcome.protocol),
                Cell(text=f"{100 * share:.1f}", value=100 * share, run_keys=comparison.run_keys),
                *recall_cells,
                change_cell,
                *(
                    _build_metric_cell(scores_by_training, class_index, "f1", comparison.run_keys)
                    for scores_by_training in (focal_scores, cross_entropy_scores)
                ),
                *leakage_cells(comparison.outcome),
            )
        )
    return rows


def _build_metric_cell(
    scores_by_training: Sequence[Scores], class_index: int, metric: str, run_keys: tuple[str, ...]
) -> Cell:
    """Over the seeds whose test has the class."""
    cell = mean_std_cell(
        [
            getattr(training_scores.per_class[class_index], metric)
            for training_scores in scores_by_training
            if class_index not in training_scores.absent_classes
        ],
        run_keys,
    )
    return Cell(text=cell.text, value=None if cell.value is None else 100 * cell.value, run_keys=run_keys)


def _build_gain_note(comparison: LossComparison) -> str:
    if not comparison.rare_classes:
        return f"Under {comparison.outcome.protocol} no class is rare: the training samples are nearly even."
    gain = comparison.compute_gain(comparison.rare_classes)
    if gain is None:
        return f"Under {comparison.outcome.protocol} the rare classes come from fewer than two test subjects."
    return (
        f"Over the rare classes under {comparison.outcome.protocol} the focal loss is worth "
        f"{format_points(100 * gain.value)} points of recall [{format_interval(gain)}], over {gain.unit_count} "
        f"{comparison.outcome.unit_name}."
    )
