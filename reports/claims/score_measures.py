"""Measures for the claims about scores, sizes and costs.

A measure takes the studies of a report and a protocol. It returns a measurement that a rule judges, or a
result with the reason why no rule can judge it. Claims about data are measured on the paper's data sets only.
Claims about accuracy are measured in accuracy, whatever the metric of the study.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean

from architectures.catalogue import COMPARISON_NETWORKS, PROPOSED, get_architecture
from reports.arm_differences import ArmDifference, compute_differences, judge_pairs
from reports.claims.rules import ClaimResult, Measurement, Quantity, make_not_testable_result
from reports.formatting import format_count, format_percent, format_percent_or_unknown, format_points
from reports.outcomes import Outcome, StudyEvaluation
from reports.pairing import pair_outcomes
from reports.paper_reference import differences_from_paper
from studies.arms import build_ablation_arms
from studies.cost import compute_block_costs
from studies.paper.published import ABLATION_DATASET, ABLATION_GAINS, IMAGE_SIZE, PUBLISHED_RESULTS
from studies.spec import Metric
from studies.statistics.verdicts import Estimate, decide_verdict

ScoreMeasure = Callable[[Sequence[StudyEvaluation], str], Measurement[Quantity] | ClaimResult]

PARAMETERS = {(PROPOSED, 6): 2_372_327, ("vgg16", 6): 134_285_126, ("vgg16", 1000): 138_357_544}
"""Number of parameters by network and number of classes; a test compares them with the built networks.

Building the networks here would load torch for every report.
"""

CONTROLLED_LADDER_REMARK = (
    "judged on the controlled ladder, which has batch norm and the GAP head in every rung; in the paper's "
    "ladder they enter together with the skip connections"
)


def select_paper_datasets(evaluations: Sequence[StudyEvaluation]) -> list[StudyEvaluation]:
    """Return the studies on the paper's data sets."""
    return [evaluation for evaluation in evaluations if evaluation.study.dataset.name in PUBLISHED_RESULTS]


def select_evaluation(
    evaluations: Sequence[StudyEvaluation], dataset: str, protocol: str, *, arms: Sequence[str]
) -> StudyEvaluation | ClaimResult:
    """Return a study on `dataset` in which all `arms` share a finished training, or why there is none.

    Of several such studies, return the one with the fewest differences from the paper's settings; of these,
    the one with the most shared trainings.
    """
    candidates = [evaluation for evaluation in evaluations if evaluation.study.dataset.name == dataset]
    matches = [evaluation for evaluation in candidates if _count_shared_trainings(evaluation, protocol, arms)]
    if matches:
        return min(
            matches,
            key=lambda evaluation: (
                len(differences_from_paper(evaluation.study)),
                -_count_shared_trainings(evaluation, protocol, arms),
            ),
        )
    if candidates:
        return make_not_testable_result(f"not all of its networks have finished under {protocol}")
    return make_not_testable_result(f"no study on {dataset} under {protocol}")


def _count_shared_trainings(evaluation: StudyEvaluation, protocol: str, arms: Sequence[str]) -> int:
    outcomes = [outcome for outcome in evaluation.select_protocol(protocol) if outcome.arm.name in arms]
    training_id_sets = [{training.id for training in outcome.trainings} for outcome in outcomes]
    return len(set.intersection(*training_id_sets)) if len(outcomes) == len(arms) else 0


def make_score_measure(dataset: str) -> ScoreMeasure:
    """Return a measure that compares the proposed network's accuracy and F1 with the printed ones."""

    def measure(evaluations: Sequence[StudyEvaluation], protocol: str) -> Measurement[Quantity] | ClaimResult:
        evaluation = select_evaluation(evaluations, dataset, protocol, arms=(PROPOSED,))
        if isinstance(evaluation, ClaimResult):
            return evaluation
        outcome = select_outcome(evaluation, PROPOSED, protocol)
        published = PUBLISHED_RESULTS[dataset].scores[PROPOSED]
        accuracy = _build_score_quantity(outcome, "accuracy", paper_value=float(published.accuracy) / 100)
        f1 = _build_score_quantity(outcome, "uf1", paper_value=float(published.f1) / 100)
        leakage = outcome.leakage
        assert leakage is not None
        clip_leakage, subject_leakage = map(format_percent_or_unknown, (leakage.clip, leakage.subject))
        accuracy_text, f1_text = (
            _format_score(outcome, accuracy, "accuracy"),
            _format_score(outcome, f1, "uf1"),
        )
        text = (
            f"accuracy {accuracy_text}, F1 {f1_text} "
            f"(clip overlap {clip_leakage}, subject overlap {subject_leakage})"
        )
        if protocol != "frame":
            return make_not_testable_result(
                "the paper's number is for the frame split", measured_text=text, run_keys=outcome.run_keys
            )
        paper_differences = differences_from_paper(evaluation.study)
        if paper_differences:
            return make_not_testable_result(
                f"not the paper's settings: {'; '.join(paper_differences)}",
                measured_text=text,
                run_keys=outcome.run_keys,
            )
        return Measurement(text=text, items=(accuracy, f1), run_keys=outcome.run_keys)

    return measure


def select_outcome(evaluation: StudyEvaluation, name: str, protocol: str) -> Outcome:
    """Return the outcome of the arm called `name` under the protocol."""
    (outcome,) = (outcome for outcome in evaluation.select_arm(name) if outcome.protocol == protocol)
    return outcome


def _build_score_quantity(outcome: Outcome, metric: Metric, *, paper_value: float) -> Quantity:
    pairing = pair_outcomes((outcome,), metric)
    assert pairing is not None
    estimate = None if pairing.obstacle else pairing.estimate_contrast({outcome.arm.name: 1.0})
    name = "F1" if metric == "uf1" else metric
    return build_quantity(name, estimate, obstacle=pairing.obstacle, paper_value=paper_value)


def build_quantity(
    name: str,
    estimate: Estimate | None,
    *,
    obstacle: str,
    margin: float = 0.0,
    paper_value: float | None = None,
) -> Quantity:
    """Return the quantity with its verdict; scores need no margin, since no claim compares them with 0."""
    obstacle = obstacle or ("" if estimate else "the test has a single subject")
    verdict = decide_verdict(estimate, margin=margin, obstacle=obstacle)
    return Quantity(name=name, estimate=estimate, verdict=verdict, paper_value=paper_value)


def _format_score(outcome: Outcome, quantity: Quantity, metric: Metric) -> str:
    value = fmean(getattr(training.scores, metric) for training in outcome.trainings)
    estimate = quantity.estimate
    if (
        quantity.verdict.label == "no verdict"
        or estimate is None
        or estimate.low is None
        or estimate.high is None
    ):
        return f"{format_percent(value)} %"
    low, high = format_percent(max(0.0, estimate.low)), format_percent(min(1.0, estimate.high))
    return f"{format_percent(value)} % [{low} to {high}]"


def make_comparison_measure(dataset: str) -> ScoreMeasure:
    """Return a measure that compares the proposed network's accuracy with that of each other network."""
    names = tuple(arm.name for arm in COMPARISON_NETWORKS)

    def measure(evaluations: Sequence[StudyEvaluation], protocol: str) -> Measurement[Quantity] | ClaimResult:
        comparisons = [evaluation for evaluation in evaluations if evaluation.study.kind == "comparison"]
        evaluation = select_evaluation(comparisons, dataset, protocol, arms=names)
        if isinstance(evaluation, ClaimResult):
            return evaluation
        return _summarize_steps(
            [
                difference
                for difference in _compute_accuracy_differences(evaluation, protocol)
                if difference.before.arm.name in names
            ]
        )

    return measure


def _compute_accuracy_differences(evaluation: StudyEvaluation, protocol: str) -> tuple[ArmDifference, ...]:
    """Return the study's family of comparisons, computed in accuracy."""
    if evaluation.study.metric == "accuracy":
        return compute_differences(evaluation, protocol)
    study = replace(evaluation.study, metric="accuracy")
    return compute_differences(replace(evaluation, result=replace(evaluation.result, study=study)), protocol)


def _summarize_steps(differences: Sequence[ArmDifference]) -> Measurement[Quantity]:
    sorted_differences = sorted(differences, key=lambda difference: difference.value)
    smallest, largest = (
        f"{prefix} {format_points(100 * difference.value)} over {difference.before.arm.name}"
        for prefix, difference in (("least", sorted_differences[0]), ("most", sorted_differences[-1]))
    )
    return Measurement(
        text=f"{smallest}; {largest}",
        items=tuple(map(_build_difference_quantity, differences)),
        run_keys=tuple(dict.fromkeys(key for difference in differences for key in difference.run_keys)),
    )


def _build_difference_quantity(difference: ArmDifference, *, paper_value: float | None = None) -> Quantity:
    name = f"{difference.after.arm.name} over {difference.before.arm.name}"
    return Quantity(
        name=name, estimate=difference.estimate, verdict=difference.verdict, paper_value=paper_value
    )


def measure_size(evaluations: Sequence[StudyEvaluation], protocol: str) -> Measurement[str]:
    """Return the proposed network's size in MiB (the paper's MB) and as a share of VGG16's."""
    proposed_parameters, vgg_parameters = PARAMETERS[PROPOSED, 6], PARAMETERS["vgg16", 6]
    size, share = (
        f"{proposed_parameters * 4 / 2**20:.2f}",
        format_percent(proposed_parameters / vgg_parameters),
    )
    return Measurement(text=f"{size} MiB, {share} %", items=(f"{size} MB, {share} %",))


def measure_vgg_size(evaluations: Sequence[StudyEvaluation], protocol: str) -> Measurement[str]:
    """Count VGG16's parameters at 1000 classes, rounded as the paper does."""
    parameter_count = PARAMETERS["vgg16", 1000]
    return Measurement(text=format_count(parameter_count), items=(f"{parameter_count / 1e8:.2f} × 10^8",))


def measure_block_cost(evaluations: Sequence[StudyEvaluation], protocol: str) -> Measurement[str]:
    """Count the multiplications of the first block by the paper's equations."""
    first_block = [
        cost
        for cost in compute_block_costs(get_architecture("vgg16").stages, IMAGE_SIZE)
        if cost.name[0] == "1"
    ]
    standard, separable = (
        sum(cost.standard for cost in first_block),
        sum(cost.separable for cost in first_block),
    )
    saved = format_percent(1 - separable / standard)
    text = f"{format_count(standard)} → {format_count(separable)}, {saved} % saved"
    return Measurement(text=text, items=(text,), remark="by the paper's equations (1) and (2), see P1")


def measure_ladder(
    evaluations: Sequence[StudyEvaluation], protocol: str
) -> Measurement[Quantity] | ClaimResult:
    """Compare the accuracy of each rung of the paper's ladder with that of the previous rung."""
    differences = _select_ladder_steps(evaluations, "ladder", protocol)
    return differences if isinstance(differences, ClaimResult) else _summarize_steps(differences)


def _select_ladder_steps(
    evaluations: Sequence[StudyEvaluation], design: str, protocol: str
) -> tuple[ArmDifference, ...] | ClaimResult:
    """Return the steps between a ladder's own rungs, in the paper's order; leave out the user's networks."""
    evaluation = _select_ladder_study(evaluations, design, protocol)
    if isinstance(evaluation, ClaimResult):
        return evaluation
    rung_names = [arm.name for arm in build_ablation_arms(design)]
    return tuple(
        difference
        for difference in _compute_accuracy_differences(evaluation, protocol)
        if difference.after.arm.name in rung_names
    )


def _select_ladder_study(
    evaluations: Sequence[StudyEvaluation], design: str, protocol: str
) -> StudyEvaluation | ClaimResult:
    rung_names = [arm.name for arm in build_ablation_arms(design)]
    # The user's networks and the null arm come after the rungs.
    candidates = [
        evaluation
        for evaluation in evaluations
        if evaluation.study.design == design
        and [arm.name for arm in evaluation.study.arms[: len(rung_names)]] == rung_names
    ]
    evaluation = select_evaluation(candidates, ABLATION_DATASET, protocol, arms=rung_names)
    return (
        make_not_testable_result(f"{evaluation.reason}, design {design}")
        if isinstance(evaluation, ClaimResult)
        else evaluation
    )


def make_gain_measure(component: str, *, rung: int) -> ScoreMeasure:
    """Return a measure of the accuracy that a block component adds on the controlled ladder."""

    def measure(evaluations: Sequence[StudyEvaluation], protocol: str) -> Measurement[Quantity] | ClaimResult:
        differences = _select_ladder_steps(evaluations, "controlled", protocol)
        if isinstance(differences, ClaimResult):
            return differences
        item = _build_difference_quantity(
            differences[rung], paper_value=float(ABLATION_GAINS[component]) / 100
        )
        text = f"{differences[rung].text} points (controlled ladder)"
        return Measurement(
            text=text, items=(item,), run_keys=differences[rung].run_keys, remark=CONTROLLED_LADDER_REMARK
        )

    return measure


def measure_separable(
    evaluations: Sequence[StudyEvaluation], protocol: str
) -> Measurement[Quantity] | ClaimResult:
    """Measure how separable convolutions change multiply-adds and accuracy on the paper's ladder."""
    differences = _select_ladder_steps(evaluations, "ladder", protocol)
    if isinstance(differences, ClaimResult):
        return differences
    step = differences[2]
    before, after = step.before.first_run, step.after.first_run
    assert before is not None
    assert after is not None
    saved_share = 1 - after.cost.multiply_adds / before.cost.multiply_adds
    text = f"{format_percent(saved_share)} % of the multiply-adds saved, {step.text} points of accuracy"
    if saved_share <= 0:
        return ClaimResult(
            measured_text=text,
            verdict="not reproduced",
            reason="separable convolutions save no multiply-adds",
            run_keys=step.run_keys,
        )
    return Measurement(text=text, items=(_build_difference_quantity(step),), run_keys=step.run_keys)


def measure_prelu(
    evaluations: Sequence[StudyEvaluation], protocol: str
) -> Measurement[Quantity] | ClaimResult:
    """Compare the accuracy of the ladder's last rung, which has PReLU, with that of each earlier rung."""
    evaluation = _select_ladder_study(evaluations, "ladder", protocol)
    if isinstance(evaluation, ClaimResult):
        return evaluation
    *earlier_rungs, last_rung = (
        select_outcome(evaluation, arm.name, protocol) for arm in build_ablation_arms("ladder")
    )
    outcome_pairs = [(rung, last_rung) for rung in earlier_rungs]
    return _summarize_steps(judge_pairs(outcome_pairs, metric="accuracy", margin=evaluation.study.margin))
