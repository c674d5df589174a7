"""Estimate the differences between arms, with their verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from reports.formatting import format_interval, format_points
from reports.outcomes import Outcome, StudyEvaluation
from reports.pairing import PairedOutcomes, TrainingId, list_shared_run_keys, pair_outcomes
from studies.arms import build_pairs, find_null_pair
from studies.spec import Metric
from studies.statistics.mcnemar import compute_mcnemar_p
from studies.statistics.verdicts import Estimate, Verdict, decide_verdict

SINGLE_SUBJECT_OBSTACLE = "the test set has a single subject"
"""Reason for no verdict if the test set has fewer than two clusters."""

PLAN_STATUS_TEXTS = {
    "confirmatory": "pairs, metric, margin, protocols and seeds were logged before the first cell ran "
    "(--plan)",
    "exploratory": "no analysis plan was logged before the first cell ran (--save-plan, then --plan)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmDifference:
    """Difference of two arms under one protocol, the metric of `after` minus that of `before`, as a share.

    `estimate` is None if both arms collapsed or if an obstacle prevents any verdict. With a single training
    `wins` counts the units that only `after` classifies correctly, `losses` those that only `before` does.
    `run_keys` are the keys of the runs of the trainings that both arms finished.
    """

    before: Outcome
    after: Outcome
    training_count: int
    value: float
    estimate: Estimate | None
    verdict: Verdict
    run_keys: tuple[str, ...]
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


def get_plan_status(evaluation: StudyEvaluation) -> str:
    """Return "confirmatory" or "exploratory", the status of a study's verdicts (`studies.analysis_plan`)."""
    return "confirmatory" if evaluation.result.is_confirmatory else "exploratory"


@lru_cache(maxsize=32)  # the protocols of several studies, for one report on all of them
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
        run_keys=list_shared_run_keys(pair, pairing.training_ids),
        wins=wins,
        losses=losses,
    )
