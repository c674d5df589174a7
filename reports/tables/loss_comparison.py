"""Comparison of the paper's loss, focal with class weights, with plain cross-entropy, class by class.

Both losses train the same network on the same splits. A class is rare if it has less than nine tenths of an
even share of the training samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.check_runs import find_check_runs
from reports.formatting import NO_VALUE, format_interval, format_points, mean_std_cell, text_cell
from reports.outcomes import Outcome, StudyEvaluation
from reports.pairing import estimate_unit_mean, map_units_to_clusters
from reports.table import Cell, Table
from reports.tables.score_columns import (
    LEAKAGE_HEADER,
    LEAKAGE_NOTE,
    build_audit_notes,
    build_clip_list_notes,
    leakage_cells,
)
from studies.metrics import Scores, compute_scores, map_correct, to_evaluation_unit
from studies.results import Prediction, RunResult
from studies.statistics.verdicts import Estimate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LossComparison:
    """The primary arm under one protocol with each loss, over the trainings that have finished with both.

    `focal_units` and `cross_entropy_units` hold the test units of each training. `clusters` maps each unit to
    its subject, or to its fold if `by_fold`. `train_counts` are the training samples of each class over all
    focal runs. `run_keys` are the keys of all runs.
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
        """Return the indices of the classes with less than 0.9 of an even share of the training samples."""
        even_share = sum(self.train_counts) / len(self.train_counts)
        return tuple(
            class_index
            for class_index, sample_count in enumerate(self.train_counts)
            if sample_count < 0.9 * even_share
        )

    def compute_gain(self, classes: Sequence[int]) -> Estimate | None:
        """Return the accuracy gain of focal loss on units of `classes`; None with fewer than two clusters."""
        gains_by_training = [
            {
                unit.id: float(unit.predicted_class == unit.truth) - correct_by_unit[unit.id]
                for unit in focal_units
                if unit.truth in classes
            }
            for focal_units, cross_entropy_units in zip(
                self.focal_units, self.cross_entropy_units, strict=True
            )
            for correct_by_unit in [map_correct(cross_entropy_units)]
        ]
        nonempty_trainings = [values for values in gains_by_training if values]
        return (
            estimate_unit_mean(nonempty_trainings, self.clusters, by_fold=self.by_fold)
            if nonempty_trainings
            else None
        )


def compare_losses(evaluation: StudyEvaluation, protocol: str) -> LossComparison | None:
    """Return the comparison for the primary arm; None if no training has finished with both losses."""
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


def build_loss_table(evaluation: StudyEvaluation) -> Table | None:
    """Return a table of recall and F1 of every class with each loss; None without a cross-entropy run."""
    comparisons = [
        comparison
        for protocol in evaluation.study.protocols
        if (comparison := compare_losses(evaluation, protocol))
    ]
    if not comparisons:
        return None
    arm_name = comparisons[0].outcome.arm.name
    return Table(
        id=f"losses-{evaluation.study.name}",
        title=f"{arm_name}: focal loss with class weights and cross-entropy, by class, in %",
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
            "Rare: the class has less than nine tenths of an even share of the training samples.",
            *(note for comparison in comparisons if (note := _build_gain_note(comparison))),
            LEAKAGE_NOTE,
            *build_audit_notes([comparison.outcome for comparison in comparisons]),
            *build_clip_list_notes(comparison.outcome for comparison in comparisons),
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
    """Return the cell with the mean over the trainings whose test set contains the class."""
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
        return f"Under {comparison.outcome.protocol}, no class is rare."
    gain = comparison.compute_gain(comparison.rare_classes)
    if gain is None:
        cluster_name = "folds" if comparison.by_fold else "subjects"
        return (
            f"Under {comparison.outcome.protocol}, fewer than two test {cluster_name} have rare classes, so "
            "the change of their recall is not estimated."
        )
    return (
        f"Under {comparison.outcome.protocol}, focal loss changes the recall of the rare classes against "
        f"cross-entropy by {format_points(100 * gain.value)} points [{format_interval(gain)}], over "
        f"{gain.unit_count} {comparison.outcome.unit_name}."
    )
