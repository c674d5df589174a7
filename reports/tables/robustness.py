"""Accuracy on test images corrupted at several strengths, and the effect of CBAM on the accuracy drop.

The drops are compared, not the accuracies: of two networks with equal drops, the one that is better on clean
images stays better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from statistics import fmean

from datasets.corruptions import CORRUPTIONS, ILLUMINATION_CORRUPTIONS, POSE_CORRUPTIONS, STRENGTHS
from reports.check_runs import find_check_runs, find_matched_pairs
from reports.formatting import NO_VALUE, format_estimate, format_percent, format_points, text_cell
from reports.outcomes import Outcome, StudyEvaluation, TrainingOutcome, append_marks
from reports.pairing import estimate_unit_mean, map_units_to_clusters
from reports.plots.study_figures import format_figure_path
from reports.plots.style import (
    FONT_SIZE,
    add_legend,
    escape_mathtext,
    make_panel_grid,
    save_figure,
    select_line_style,
)
from reports.table import Cell, ReportFigure, Table
from reports.tables.score_columns import (
    LEAKAGE_HEADER,
    LEAKAGE_NOTE,
    build_clip_list_notes,
    describe_leakage,
    leakage_cells,
)
from studies.metrics import group_by_condition
from studies.results import Prediction, RunResult
from studies.statistics.verdicts import Estimate

CheckedTraining = tuple[TrainingOutcome, Sequence[RunResult]]
"""A training of an arm, and the runs of its robustness check."""

CLEAN = ""
"""Condition of the uncorrupted test images."""

CLAIM_CONDITIONS = tuple(
    f"{kind} {strength}" for kind in (*POSE_CORRUPTIONS, *ILLUMINATION_CORRUPTIONS) for strength in STRENGTHS
)
"""Conditions of the paper's claim: pose and illumination corruptions at every strength."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Robustness:
    """The correctness of one arm's predictions under one protocol, by condition.

    `trainings` holds for each training a mapping: condition to unit to whether the prediction is correct. The
    condition `CLEAN` is the uncorrupted test. `clusters` maps each unit to its subject, or to its fold if
    `by_fold`. `run_keys` are the runs and check runs of the trainings that finished both.
    """

    outcome: Outcome
    trainings: tuple[Mapping[str, Mapping[str, bool]], ...]
    clusters: Mapping[str, str]
    by_fold: bool
    run_keys: tuple[str, ...]

    @cached_property
    def accuracy_by_unit(self) -> Mapping[str, Mapping[str, float]]:
        """Return the share of the trainings with a correct prediction, by condition and unit."""
        correctness: dict[str, dict[str, list[bool]]] = {}
        for training in self.trainings:
            for condition, units in training.items():
                for unit, is_correct in units.items():
                    correctness.setdefault(condition, {}).setdefault(unit, []).append(is_correct)
        return {
            condition_name: {unit: fmean(is_correct) for unit, is_correct in units.items()}
            for condition_name, units in correctness.items()
        }

    def compute_accuracy(self, *conditions: str) -> float:
        """Return the mean of the accuracies under the conditions, from 0 to 1."""
        return fmean(fmean(self.accuracy_by_unit[condition].values()) for condition in conditions)


def compute_robustness(evaluation: StudyEvaluation, outcome: Outcome) -> Robustness | None:
    """Return an arm's robustness, or None if no training has finished both its runs and its check."""
    checked_trainings = _match_check_runs(evaluation, outcome)
    return _build_robustness(outcome, tuple(checked_trainings.values())) if checked_trainings else None


def _match_check_runs(
    evaluation: StudyEvaluation, outcome: Outcome
) -> dict[tuple[int, int], CheckedTraining]:
    """Return the trainings that have finished the runs of an arm and of its check, by training id."""
    check_runs = find_check_runs(evaluation, "robustness", outcome.arm, protocol=outcome.protocol)
    return {
        training.id: (training, check_runs[training.id])
        for training in outcome.trainings
        if training.id in check_runs
    }


def _build_robustness(outcome: Outcome, checked_trainings: Sequence[CheckedTraining]) -> Robustness:
    trainings, clusters = [], dict[str, str]()
    by_fold = len(checked_trainings[0][0].runs) > 1
    for training, runs in checked_trainings:
        corrupted_predictions = tuple(prediction for run in runs for prediction in run.predictions)
        conditions: dict[str, Sequence[Prediction]] = {
            CLEAN: training.units,
            **group_by_condition(corrupted_predictions),
        }
        trainings.append(
            {
                condition: {unit.id: unit.predicted_class == unit.truth for unit in units}
                for condition, units in conditions.items()
            }
        )
        clusters |= map_units_to_clusters(training, by_fold=by_fold)
    return Robustness(
        outcome=outcome,
        trainings=tuple(trainings),
        clusters=clusters,
        by_fold=by_fold,
        run_keys=tuple(
            run.spec.key for training, runs in checked_trainings for run in (*training.runs, *runs)
        ),
    )


def estimate_drop_reduction(
    without_component: Robustness, with_component: Robustness, conditions: Sequence[str] = CLAIM_CONDITIONS
) -> Estimate | None:
    """Estimate by how much the component reduces the accuracy drop under the conditions, as a share.

    Both arms have the same trainings.
    """
    trainings = [
        {
            unit: _compute_drop(before, unit, conditions) - _compute_drop(after, unit, conditions)
            for unit in after[CLEAN]
        }
        for before, after in zip(without_component.trainings, with_component.trainings, strict=True)
    ]
    return estimate_unit_mean(trainings, with_component.clusters, by_fold=with_component.by_fold)


def _compute_drop(
    correct_by_condition: Mapping[str, Mapping[str, bool]], unit: str, conditions: Sequence[str]
) -> float:
    """Return a unit's clean correctness minus its mean correctness under the conditions, from -1 to 1."""
    return correct_by_condition[CLEAN][unit] - fmean(
        correct_by_condition[condition][unit] for condition in conditions
    )


def compare_component(
    evaluation: StudyEvaluation, protocol: str, *, component: str
) -> Iterator[tuple[Robustness, Robustness]]:
    """Yield (without, with) for the pairs of arms that differ only in `component`, over shared trainings."""
    for without_component, with_component in find_matched_pairs(
        evaluation.select_protocol(protocol), component
    ):
        before, after = (
            _match_check_runs(evaluation, without_component),
            _match_check_runs(evaluation, with_component),
        )
        shared_ids = sorted(before.keys() & after.keys())
        if shared_ids:
            yield (
                _build_robustness(without_component, [before[training_id] for training_id in shared_ids]),
                _build_robustness(with_component, [after[training_id] for training_id in shared_ids]),
            )


def build_robustness_table(evaluation: StudyEvaluation) -> Table | None:
    """Return a table of the mean accuracy under each kind of corruption; None if no check has finished."""
    robustness_list = [
        robustness
        for outcome in evaluation.outcomes
        if outcome.trainings and (robustness := compute_robustness(evaluation, outcome))
    ]
    if not robustness_list:
        return None
    return Table(
        id=f"robustness-{evaluation.study.name}",
        title="Accuracy on corrupted test images, mean of three strengths, in %",
        header=(
            "Network",
            "Protocol",
            "Clean",
            *map(str.capitalize, CORRUPTIONS),
            "All",
            "Change",
            *LEAKAGE_HEADER,
        ),
        rows=tuple(map(_build_row, robustness_list)),
        notes=(
            f"Strengths: {'; '.join(_describe_strengths())}. No network was trained on these corruptions.",
            *_build_cbam_notes(evaluation),
            LEAKAGE_NOTE,
            *build_clip_list_notes(evaluation.outcomes),
        ),
    )


def _build_row(robustness: Robustness) -> tuple[Cell, ...]:
    def build_cell(value: float, format_value: Callable[[float], str] = format_percent) -> Cell:
        return Cell(text=format_value(value), value=100 * value, run_keys=robustness.run_keys)

    accuracies = [
        robustness.compute_accuracy(*(f"{kind} {strength}" for strength in STRENGTHS)) for kind in CORRUPTIONS
    ]
    clean_accuracy = robustness.compute_accuracy(CLEAN)
    return (
        text_cell(robustness.outcome.marked_name),
        text_cell(robustness.outcome.protocol),
        build_cell(clean_accuracy),
        *map(build_cell, accuracies),
        build_cell(fmean(accuracies)),
        build_cell(fmean(accuracies) - clean_accuracy, lambda drop: format_points(100 * drop)),
        *leakage_cells(robustness.outcome),
    )


def _describe_strengths() -> Iterator[str]:
    units = {
        "rotation": "°",
        "blur": " of the image side as standard deviation",
        "noise": " as standard deviation (pixels from 0 to 1)",
        "brightness": " as factor",
        "contrast": " as factor",
        "occlusion": " of the image side covered by a gray square",
    }
    for kind, sizes in CORRUPTIONS.items():
        yield f"{kind} {', '.join(f'{size:g}' for size in sizes)}{units[kind]}"


def _build_cbam_notes(evaluation: StudyEvaluation) -> Iterator[str]:
    for protocol in evaluation.study.protocols:
        texts = []
        for before, after in compare_component(evaluation, protocol, component="cbam"):
            gain = estimate_drop_reduction(before, after)
            gain_text = format_estimate(gain) if gain else NO_VALUE
            texts.append(f"{_format_arm_name(after)} over {_format_arm_name(before)} {gain_text}")
        if texts:
            yield (
                f"Reduction of the accuracy drop by CBAM under {protocol}, in points, over rotation, "
                f"brightness and contrast: {', '.join(texts)}."
            )


def _format_arm_name(robustness: Robustness) -> str:
    return append_marks(robustness.outcome.arm.name, robustness.outcome.collapse_mark)


def build_robustness_figure(evaluation: StudyEvaluation, protocol: str) -> ReportFigure | None:
    """Return accuracy by corruption strength, a panel per kind, a line per network; None without a check."""
    robustness_list = [
        robustness
        for outcome in evaluation.select_protocol(protocol)
        if outcome.trainings and (robustness := compute_robustness(evaluation, outcome))
    ]
    if not robustness_list:
        return None
    leakage = robustness_list[0].outcome.leakage
    assert leakage is not None
    names = ", ".join(robustness.outcome.arm.name for robustness in robustness_list)
    return ReportFigure(
        id=f"robustness-{evaluation.study.name}-{protocol}",
        title=f"Accuracy by corruption strength under {protocol}",
        file=format_figure_path(evaluation.study.name, f"robustness-{protocol}"),
        alt_text=f"Accuracy by strength of six kinds of corruption of {names}",
        run_keys=tuple(key for robustness in robustness_list for key in robustness.run_keys),
        notes=(f"Under {protocol}, {describe_leakage(leakage)}.",),
        draw=partial(_draw_accuracies, robustness_list),
    )


def _draw_accuracies(robustness_list: Sequence[Robustness], path: Path) -> None:
    figure, panels = make_panel_grid(len(CORRUPTIONS), columns=3, height=2.0)
    for panel, kind in zip(panels, CORRUPTIONS, strict=True):
        for index, robustness in enumerate(robustness_list):
            conditions = (CLEAN, *(f"{kind} {strength}" for strength in STRENGTHS))
            percentages = [100 * robustness.compute_accuracy(condition) for condition in conditions]
            panel.plot(
                range(len(percentages)),
                percentages,
                **select_line_style(index),
                markersize=3,
                linewidth=1,
                label=escape_mathtext(robustness.outcome.marked_name),
            )
        panel.set_title(kind, fontsize=FONT_SIZE + 1)
        panel.set_xticks(range(1 + len(STRENGTHS)), ("clean", *map(str, STRENGTHS)), fontsize=FONT_SIZE - 1)
        panel.set_ylabel("accuracy, %", fontsize=FONT_SIZE)
        panel.set_ylim(0, 102)
        panel.tick_params(labelsize=FONT_SIZE - 1)
        panel.grid(alpha=0.3, linewidth=0.5)
    add_legend(figure, panels[0])
    save_figure(figure, path)
