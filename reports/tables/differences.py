"""Paired differences between arms, with intervals and verdicts.

Two arms are compared on the test units and trainings that both have. `studies.statistics` computes interval,
p and verdict. A pair whose arms both collapsed is not part of the family. The null arm is compared with the
arm that it repeats, as a separate family.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from architectures.spec import USER_NETWORK
from reports.formatting import NO_VALUE, format_points, text_cell, truncate_list
from reports.outcomes import Outcome, StudyEvaluation, append_marks
from reports.pairing import PairedOutcomes, TrainingId, pair_outcomes
from reports.table import Cell, Table
from reports.tables.score_columns import (
    LEAKAGE_HEADER,
    LEAKAGE_NOTE,
    build_audit_notes,
    build_mark_notes,
    leakage_cells,
)
from studies.arms import FACTORIAL, LADDER_DESIGNS, build_pairs, find_null_pair, select_reference_arm
from studies.metrics import METRIC_NAMES
from studies.spec import Metric, Study
from studies.statistics.mcnemar import compute_mcnemar_p
from studies.statistics.verdicts import MIN_TRAININGS, Estimate, Verdict, VerdictLabel, decide_verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmDifference:
    """Difference of two arms under one protocol, the metric of `after` minus that of `before`, as a share.

    `estimate` is None if both arms collapsed or if an obstacle prevents any verdict. With a single training
    `wins` counts the units that only `after` classifies correctly, `losses` those that only `before` does.
    """

    before: Outcome
    after: Outcome
    training_count: int
    value: float
    estimate: Estimate | None
    verdict: Verdict
    wins: int | None = None
    losses: int | None = None

    @property
    def mcnemar_p(self) -> float | None:
        """Exact McNemar p of the wins and losses of a single training; the verdict does not depend on it."""
        if self.wins is None or self.losses is None or self.verdict.label == "both collapsed":
            return None
        return compute_mcnemar_p(self.wins, self.losses)

    @property
    def text(self) -> str:
        """Difference in points with its interval, such as "+3.10 [+0.20 to +6.00]"."""
        gain = format_points(100 * self.value)
        return (
            f"{gain} [{format_interval(self.estimate)}]"
            if self.estimate and self.estimate.low is not None
            else gain
        )


SINGLE_SUBJECT_OBSTACLE = "the test set has a single subject"
"""Reason for no verdict if the test set has fewer than two clusters."""

PLAN_STATUS_TEXTS = {
    "confirmatory": "pairs, metric, margin, protocols and seeds were logged before the first cell ran "
    "(--plan)",
    "exploratory": "no analysis plan was logged before the first cell ran (--save-plan, then --plan)",
}


def get_plan_status(evaluation: StudyEvaluation) -> str:
    """Return "confirmatory" or "exploratory", the status of a study's verdicts (`studies.analysis_plan`)."""
    return "confirmatory" if evaluation.result.is_confirmatory else "exploratory"


def compute_differences(
    evaluation: StudyEvaluation, protocol: str, *, metric: Metric | None = None
) -> tuple[ArmDifference, ...]:
    """Return the study's family of comparisons under one protocol, for pairs of arms that have finished.

    `metric` defaults to the study's metric.
    """
    outcomes_by_arm = {outcome.arm.name: outcome for outcome in evaluation.select_protocol(protocol)}
    arm_pairs = build_pairs(evaluation.study.arms, design=evaluation.study.design)
    outcome_pairs = [
        (outcomes_by_arm[before.name], outcomes_by_arm[after.name]) for before, after in arm_pairs
    ]
    return judge_pairs(
        outcome_pairs, metric=metric or evaluation.study.metric, margin=evaluation.study.margin
    )


def compute_null_difference(evaluation: StudyEvaluation, protocol: str) -> ArmDifference | None:
    """Compare the null arm with the arm that it repeats.

    Return None without a null arm, or if the two have no finished training in common.
    """
    outcomes_by_arm = {outcome.arm.name: outcome for outcome in evaluation.select_protocol(protocol)}
    arm_pair = find_null_pair(evaluation.study.arms)
    if arm_pair is None:
        return None
    first, second = (outcomes_by_arm[arm.name] for arm in arm_pair)
    differences = judge_pairs(
        [(first, second)], metric=evaluation.study.metric, margin=evaluation.study.margin
    )
    return differences[0] if differences else None


def judge_pairs(
    outcome_pairs: Sequence[tuple[Outcome, Outcome]], *, metric: Metric, margin: float
) -> tuple[ArmDifference, ...]:
    """Judge a family of (before, after) pairs under one protocol.

    Pairs without a common training are left out. Pairs whose arms both collapsed, or for which an obstacle
    prevents a verdict, do not count in the family size. Pairs with the same trainings are tested together.
    """
    differences_by_index: dict[int, ArmDifference] = {}
    indices_by_trainings: dict[tuple[TrainingId, ...], list[int]] = {}
    for index, pair in enumerate(outcome_pairs):
        pairing = pair_outcomes(pair, metric)
        if pairing is None:
            continue
        has_collapsed = all(outcome.is_fully_collapsed for outcome in pair)
        if has_collapsed or pairing.obstacle:
            verdict = decide_verdict(
                None, margin=margin, has_collapsed=has_collapsed, obstacle=pairing.obstacle
            )
            differences_by_index[index] = _build_difference(pair, pairing, estimate=None, verdict=verdict)
        else:
            indices_by_trainings.setdefault(pairing.training_ids, []).append(index)
    family_size = sum(map(len, indices_by_trainings.values()))
    for indices in indices_by_trainings.values():
        outcomes = list(
            {id(outcome): outcome for index in indices for outcome in outcome_pairs[index]}.values()
        )
        pairing = pair_outcomes(outcomes, metric)
        assert pairing is not None
        estimates = pairing.compare_contrasts(
            [_build_gain_weights(outcome_pairs[index]) for index in indices], family_size=family_size
        )
        for index, estimate in zip(indices, estimates, strict=True):
            verdict = decide_verdict(
                estimate, margin=margin, obstacle="" if estimate else SINGLE_SUBJECT_OBSTACLE
            )
            differences_by_index[index] = _build_difference(
                outcome_pairs[index], pairing, estimate=estimate, verdict=verdict
            )
    return tuple(differences_by_index[index] for index in sorted(differences_by_index))


def _build_gain_weights(pair: tuple[Outcome, Outcome]) -> dict[str, float]:
    before, after = pair
    return {after.arm.name: 1.0, before.arm.name: -1.0}


def _build_difference(
    pair: tuple[Outcome, Outcome], pairing: PairedOutcomes, *, estimate: Estimate | None, verdict: Verdict
) -> ArmDifference:
    before, after = pair
    wins, losses = pairing.count_wins_and_losses(before.arm.name, after.arm.name) or (None, None)
    return ArmDifference(
        before=before,
        after=after,
        training_count=len(pairing.training_ids),
        value=pairing.compute_value(_build_gain_weights(pair)),
        estimate=estimate,
        verdict=verdict,
        wins=wins,
        losses=losses,
    )


def build_difference_table(evaluation: StudyEvaluation) -> Table | None:
    """Build the table of the study's comparisons under each protocol; None if there are none."""
    margin, metric = evaluation.study.margin, METRIC_NAMES[evaluation.study.metric]
    plan_status = get_plan_status(evaluation)
    differences = [
        difference
        for protocol in evaluation.study.protocols
        for difference in compute_differences(evaluation, protocol)
    ]
    null_differences = [
        compute_null_difference(evaluation, protocol) for protocol in evaluation.study.protocols
    ]
    differences += [null_difference for null_difference in null_differences if null_difference]
    if not differences:
        return None
    return Table(
        id=f"differences-{evaluation.study.name}",
        title=f"Differences of {metric} in points, with verdicts",
        header=(
            "From",
            "To",
            "Protocol",
            "Trainings",
            "Difference",
            "95 % interval",
            "p",
            "Wins–losses",
            "p (McNemar)",
            "Verdict",
            *LEAKAGE_HEADER,
        ),
        rows=tuple(_build_row(difference, margin=margin) for difference in differences),
        notes=(
            f"Family of a protocol: {describe_family(evaluation.study) or 'none'}. Difference: {metric} of "
            f"To minus {metric} of From on the same test units.",
            "Interval and p: adjusted for the family; p < 0.05 if and only if the interval excludes 0. "
            "They cover other subjects and other trainings, as far as the study varied them.",
            *_build_conditional_notes(differences),
            f"These verdicts are {plan_status}: {PLAN_STATUS_TEXTS[plan_status]}.",
            "Verdict: better or worse at p < 0.05; equivalent if the interval stays within "
            f"±{100 * margin:g} points; otherwise inconclusive.",
            *(_build_null_notes() if any(null_differences) else ()),
            *_build_single_training_notes(differences),
            LEAKAGE_NOTE,
            *build_audit_notes(evaluation.outcomes),
            *build_mark_notes(evaluation.outcomes),
        ),
    )


def _build_conditional_notes(differences: Sequence[ArmDifference]) -> Iterator[str]:
    if any(difference.estimate and difference.estimate.is_conditional for difference in differences):
        yield (
            f"With fewer than {MIN_TRAININGS} trainings, interval and p are conditional on these trained "
            "networks; after new trainings the same two architectures can differ by more."
        )


def _build_null_notes() -> Iterator[str]:
    yield (
        "The null arm is the same architecture trained with other seeds: its row shows how much two arms "
        "without any difference vary on these data. It is not part of the family."
    )


def _build_single_training_notes(differences: Sequence[ArmDifference]) -> Iterator[str]:
    if any(difference.wins is not None for difference in differences):
        yield (
            "Wins–losses: numbers of test units that only To, and only From, classifies correctly. McNemar's "
            "test assumes independent units and ignores training variance, so verdicts do not depend on it."
        )


def describe_family(study: Study) -> str:
    """Return a clause on which arms the study compares."""
    if study.design not in (*LADDER_DESIGNS, FACTORIAL):
        return f"each arm against {select_reference_arm(study.arms, design=study.design).name}"
    rung_texts = ["each rung against the one before"] if study.design in LADDER_DESIGNS else []
    arm_pairs = build_pairs(study.arms, design=study.design)
    user_comparisons = [
        f"{after.name} against {before.name}" for before, after in arm_pairs if after.network == USER_NETWORK
    ]
    return ", ".join((*rung_texts, *user_comparisons))


def _build_row(difference: ArmDifference, *, margin: float) -> tuple[Cell, ...]:
    before, after, estimate = difference.before, difference.after, difference.estimate
    run_keys = (*before.run_keys, *after.run_keys)
    wins_losses_text = NO_VALUE if difference.wins is None else f"{difference.wins}–{difference.losses}"
    conditional_text = " (these networks only)" if estimate and estimate.is_conditional else ""
    interval = format_interval(estimate)
    return (
        text_cell(before.marked_name),
        text_cell(after.marked_name),
        text_cell(after.protocol),
        text_cell(str(difference.training_count)),
        Cell(text=format_points(100 * difference.value), value=100 * difference.value, run_keys=run_keys),
        text_cell(interval if interval == NO_VALUE else f"{interval}{conditional_text}"),
        _build_p_cell(estimate.p if estimate else None, run_keys),
        text_cell(wins_losses_text),
        _build_p_cell(difference.mcnemar_p, run_keys),
        text_cell(difference.verdict.describe(margin)),
        *leakage_cells(after),
    )


def format_interval(estimate: Estimate | None) -> str:
    """Return the interval in percentage points, or a dash if there is none."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return NO_VALUE
    return f"{format_points(100 * estimate.low)} to {format_points(100 * estimate.high)}"


def _build_p_cell(p: float | None, run_keys: tuple[str, ...]) -> Cell:
    if p is None:
        return text_cell(NO_VALUE)
    return Cell(text="<0.001" if p < 0.001 else f"{p:.3f}", value=p, run_keys=run_keys)


def describe_verdicts(evaluation: StudyEvaluation, protocol: str) -> Iterator[str]:
    """Yield one sentence on the verdicts under a protocol, grouped by verdict, largest differences first.

    Yield nothing if there are no comparisons.
    """
    margin = evaluation.study.margin
    differences = sorted(
        compute_differences(evaluation, protocol), key=lambda difference: abs(difference.value), reverse=True
    )
    texts_by_verdict: dict[tuple[VerdictLabel, str], list[str]] = {}
    for difference in differences:
        verdict = difference.verdict
        text = f"{verdict.label}, {verdict.reason}" if verdict.reason else verdict.describe(margin)
        texts_by_verdict.setdefault((verdict.label, text), []).append(_format_difference(difference))
    label_order = get_args(VerdictLabel)
    ordered_groups = sorted(texts_by_verdict, key=lambda group: label_order.index(group[0]))
    if ordered_groups:
        verdicts_text = "; ".join(
            f"{text}: {truncate_list(texts_by_verdict[verdict_label, text])}"
            for verdict_label, text in ordered_groups
        )
        metric = METRIC_NAMES[evaluation.study.metric]
        yield f"Under {protocol}, in points of {metric} ({get_plan_status(evaluation)}): {verdicts_text}."


def _format_difference(difference: ArmDifference) -> str:
    before, after = difference.before, difference.after
    if difference.verdict.label == "both collapsed":
        return f"{after.arm.name} and {before.arm.name}"
    marked_names = (append_marks(outcome.arm.name, outcome.collapse_mark) for outcome in (after, before))
    return f"{' over '.join(marked_names)} {difference.text}"
