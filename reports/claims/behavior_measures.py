"""Measures for the claims about convergence, gradients, rare classes, robustness and latency.

The paper prints no number for these claims. Every pair of networks that can test a claim is measured. Studies
that share the same runs count once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, geometric_mean
from typing import TypeVar

from architectures.catalogue import PROPOSED
from reports.check_runs import find_matched_pairs
from reports.claims.rules import (
    ClaimResult,
    LimitedValue,
    Measurement,
    Quantity,
    TrainingSigns,
    make_not_testable_result,
    make_undecidable_result,
)
from reports.claims.score_measures import (
    build_quantity,
    select_evaluation,
    select_outcome,
    select_paper_datasets,
)
from reports.convergence import Convergence, compute_convergence
from reports.formatting import format_interval, format_points, truncate_list
from reports.outcomes import Outcome, StudyEvaluation
from reports.pairing import TrainingId, pair_outcomes
from reports.tables.gradients import SKIP_COMPONENT, compute_gradient_ratio
from reports.tables.latency import VIDEO_FPS, compute_percentiles, find_latency_runs
from reports.tables.loss_comparison import LossComparison, compare_losses
from reports.tables.robustness import Robustness, compare_component, estimate_drop_reduction
from studies.paper.published import IMAGE_SIZE, PUBLISHED_RESULTS
from studies.statistics.verdicts import Estimate

Value = TypeVar("Value")

ConvergencePace = tuple[float, float]
"""Epochs to convergence and roughness, each the mean over the folds of a training."""


def measure_convergence(
    evaluations: Sequence[StudyEvaluation], protocol: str
) -> Measurement[TrainingSigns] | ClaimResult:
    """Compare the proposed network's validation curves with those of VGG16 and AlexNet, by data set.

    A training supports the claim if the proposed network converges in fewer epochs and with less roughness
    than both other networks.
    """
    names = (PROPOSED, "vgg16", "alexnet")
    selections = [
        select_evaluation(evaluations, dataset, protocol, arms=names) for dataset in PUBLISHED_RESULTS
    ]
    available = [evaluation for evaluation in selections if isinstance(evaluation, StudyEvaluation)]
    if not available:
        return make_not_testable_result(f"no study of the three networks under {protocol}")
    outcomes_by_dataset = {
        evaluation.study.dataset.name: [select_outcome(evaluation, name, protocol) for name in names]
        for evaluation in available
    }
    texts = [
        f"{_get_dataset_title(dataset)}: {', '.join(map(_format_pace, dataset_outcomes))}"
        for dataset, dataset_outcomes in outcomes_by_dataset.items()
    ]
    return Measurement(
        text="; ".join(texts),
        items=tuple(
            _build_convergence_signs(_get_dataset_title(dataset), dataset_outcomes)
            for dataset, dataset_outcomes in outcomes_by_dataset.items()
        ),
        run_keys=_merge_keys(
            outcome.run_keys
            for dataset_outcomes in outcomes_by_dataset.values()
            for outcome in dataset_outcomes
        ),
        remark="trainings in which one of the three networks collapsed do not count",
    )


def _get_dataset_title(dataset: str) -> str:
    return PUBLISHED_RESULTS[dataset].title


def _build_convergence_signs(name: str, outcomes: Sequence[Outcome]) -> TrainingSigns:
    collapsed_names = [outcome.arm.name for outcome in outcomes if outcome.is_fully_collapsed]
    if collapsed_names:
        names = ", ".join(collapsed_names)
        obstacle = f"{names} collapsed, and the curve of a collapsed network is flat from the first epoch"
        return TrainingSigns(name=name, supports_claim=(), obstacle=obstacle)
    proposed_curves, *other_curves = map(_compute_paces, outcomes)
    shared_ids = [
        training_id
        for training_id in proposed_curves
        if all(training_id in curves for curves in other_curves)
    ]
    return TrainingSigns(
        name=name,
        supports_claim=tuple(
            all(
                _is_faster_and_smoother(proposed_curves[training_id], curves[training_id])
                for curves in other_curves
            )
            for training_id in shared_ids
        ),
    )


def _compute_paces(outcome: Outcome) -> dict[TrainingId, ConvergencePace]:
    """Return the pace of each training that did not collapse."""
    return {
        training.id: _compute_mean_pace([compute_convergence(run.history) for run in training.runs])
        for training in outcome.trainings
        if not training.scores.is_collapsed
    }


def _compute_mean_pace(convergences: Sequence[Convergence]) -> ConvergencePace:
    return fmean(convergence.epochs for convergence in convergences), fmean(
        convergence.roughness for convergence in convergences
    )


def _is_faster_and_smoother(pace: ConvergencePace, other: ConvergencePace) -> bool:
    return pace[0] < other[0] and pace[1] < other[1]


def _format_pace(outcome: Outcome) -> str:
    epochs, roughness = _compute_mean_pace([compute_convergence(run.history) for run in outcome.runs])
    return f"{outcome.arm.name} {epochs:.1f} epochs, roughness {100 * roughness:.1f}"


def measure_gradients(
    evaluations: Sequence[StudyEvaluation], protocol: str
) -> Measurement[TrainingSigns] | ClaimResult:
    """Compare the gradient that reaches the first block in every pair that differs only in skip connections.

    The measure is the gradient norm of the first block divided by that of the last block. A training supports
    the claim if this ratio is below 1 without skips, and larger with skips than without. The ratio of a
    training is the geometric mean over its folds.
    """
    pairs = _deduplicate(
        ((*without_skips.run_keys, *with_skips.run_keys), (without_skips, with_skips))
        for evaluation in select_paper_datasets(evaluations)
        for without_skips, with_skips in find_matched_pairs(
            evaluation.select_protocol(protocol), SKIP_COMPONENT
        )
    )
    measured_pairs = [(pair, ratios) for pair in pairs if (ratios := _pair_shared_ratios(*pair))]
    if not measured_pairs:
        return make_not_testable_result(
            f"no two networks that differ only in the skip connections have finished under {protocol}"
        )
    texts, items = [], []
    for (without_skips, with_skips), ratios in measured_pairs:
        before, after = (geometric_mean(values) for values in zip(*ratios, strict=True))
        texts.append(
            f"{_format_pair(with_skips, without_skips)} {after:.3g} with skips, {before:.3g} without"
        )
        supports = tuple(high > low and low < 1 for low, high in ratios)
        items.append(TrainingSigns(name=_format_pair(with_skips, without_skips), supports_claim=supports))
    return Measurement(
        text=f"gradient of the first block over the last: {truncate_list(texts)}",
        items=tuple(items),
        run_keys=_merge_keys(outcome.run_keys for pair, _ in measured_pairs for outcome in pair),
    )


def _merge_keys(key_lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for keys in key_lists for key in keys))


def _format_pair(after: Outcome, before: Outcome) -> str:
    return f"{after.arm.name} over {before.arm.name}"


def _pair_shared_ratios(without_skips: Outcome, with_skips: Outcome) -> list[tuple[float, float]]:
    """Return (ratio without skips, ratio with skips) of each training whose folds all have both ratios."""
    before, after = map(_compute_ratios, (without_skips, with_skips))
    return [(value, after[training_id]) for training_id, value in before.items() if training_id in after]


def _compute_ratios(outcome: Outcome) -> dict[TrainingId, float]:
    ratios_by_training = {
        training.id: [compute_gradient_ratio(run) for run in training.runs] for training in outcome.trainings
    }
    return {
        training_id: geometric_mean([value for value in values if value])
        for training_id, values in ratios_by_training.items()
        if all(values)
    }


def _deduplicate(items: Iterable[tuple[object, Value]]) -> list[Value]:
    """Return the value of each distinct key once; studies that share runs have equal keys."""
    values_by_key: dict[object, Value] = {}
    for key, value in items:
        values_by_key.setdefault(key, value)
    return list(values_by_key.values())


def measure_imbalance(
    evaluations: Sequence[StudyEvaluation], protocol: str
) -> Measurement[Quantity] | ClaimResult:
    """Compare the proposed network's recall of rare classes with focal loss and with cross-entropy."""
    candidates = _deduplicate(
        (comparison.run_keys, (evaluation, comparison))
        for evaluation in select_paper_datasets(evaluations)
        if (comparison := compare_losses(evaluation, protocol)) and comparison.outcome.arm.name == PROPOSED
    )
    measured = [
        (evaluation, comparison, gain)
        for evaluation, comparison in candidates
        if comparison.rare_classes and (gain := comparison.compute_gain(comparison.rare_classes))
    ]
    if not measured:
        return make_not_testable_result(
            f"no cross-entropy run of the proposed network under {protocol} has a rare class in the test "
            "(--checks)"
        )
    texts, items = [], []
    for evaluation, comparison, gain in measured:
        rare_names = ", ".join(comparison.classes[class_index] for class_index in comparison.rare_classes)
        texts.append(f"{_format_gain(gain)} of recall over {rare_names}")
        items.append(
            build_quantity(
                _get_dataset_title(evaluation.study.dataset.name),
                gain,
                obstacle=_find_loss_obstacle(comparison, gain),
                margin=evaluation.study.margin,
            )
        )
    return Measurement(
        text=truncate_list(texts),
        items=tuple(items),
        run_keys=_merge_keys(comparison.run_keys for _, comparison, _ in measured),
    )


def _find_loss_obstacle(comparison: LossComparison, gain: Estimate) -> str:
    # A network that predicts a rare class for every sample has a recall of 1 for it and has learned nothing.
    if comparison.outcome.is_fully_collapsed and gain.value >= 0:
        return "with the focal loss the network collapsed"
    return _find_obstacle(comparison.outcome)


def _find_obstacle(*outcomes: Outcome) -> str:
    """Return why no verdict on these networks is possible, or "" if one is."""
    pairing = pair_outcomes(outcomes, "accuracy")
    return pairing.obstacle if pairing else ""


def measure_robustness(
    evaluations: Sequence[StudyEvaluation], protocol: str
) -> Measurement[Quantity] | ClaimResult:
    """Compare the accuracy drop under pose and illumination in every pair that differs only in CBAM."""
    pairs = _deduplicate(
        ((*without_cbam.run_keys, *with_cbam.run_keys), (evaluation, without_cbam, with_cbam))
        for evaluation in select_paper_datasets(evaluations)
        for without_cbam, with_cbam in compare_component(evaluation, protocol, component="cbam")
    )
    if not pairs:
        return make_not_testable_result(
            f"no two networks that differ only in CBAM were checked under {protocol} "
            "(--checks with a controlled, leave-one-out or factorial design)"
        )
    pairs_without_collapse = [
        pair for pair in pairs if not any(robustness.outcome.is_fully_collapsed for robustness in pair[1:])
    ]
    measured_pairs = [
        (pair, estimate_drop_reduction(pair[1], pair[2])) for pair in pairs_without_collapse or pairs
    ]
    text = truncate_list(
        [
            f"{_format_drop(gain)} reduction of the drop, {_format_robustness_pair(*pair[1:])}"
            for pair, gain in measured_pairs
        ]
    )
    run_keys = _merge_keys(robustness.run_keys for pair, _ in measured_pairs for robustness in pair[1:])
    if not pairs_without_collapse:
        reason = "a network collapsed in every pair, and the accuracy of a constant prediction cannot drop"
        return make_undecidable_result(reason, measured_text=text, run_keys=run_keys)
    excluded_pairs = len(pairs) - len(pairs_without_collapse)
    return Measurement(
        text=text,
        run_keys=run_keys,
        items=tuple(
            build_quantity(
                _format_robustness_pair(without_cbam, with_cbam),
                gain,
                obstacle=_find_obstacle(without_cbam.outcome, with_cbam.outcome),
                margin=evaluation.study.margin,
            )
            for (evaluation, without_cbam, with_cbam), gain in measured_pairs
        ),
        remark=f"{excluded_pairs} of {len(pairs)} pairs are left out: a network collapsed"
        if excluded_pairs
        else "",
    )


def _format_robustness_pair(without_component: Robustness, with_component: Robustness) -> str:
    return _format_pair(with_component.outcome, without_component.outcome)


def _format_drop(gain: Estimate | None) -> str:
    return _format_gain(gain) if gain else "unknown"


def _format_gain(gain: Estimate) -> str:
    return f"{format_points(100 * gain.value)} points [{format_interval(gain)}]"


def measure_latency(
    evaluations: Sequence[StudyEvaluation], protocol: str
) -> Measurement[LimitedValue] | ClaimResult:
    """Compare the 95th percentile of the time per image, with face detection, with video's frame interval."""
    runs = [
        run
        for evaluation in select_paper_datasets(evaluations)
        for name, run in find_latency_runs(evaluation)
        if name == PROPOSED
    ]
    if not runs:
        return make_not_testable_result("no latency of the proposed network was measured (--checks)")
    run = max(runs, key=lambda run: (run.spec.architecture.width, run.spec.dataset.image_size))
    network_ms, total_ms = compute_percentiles(run, "network"), compute_percentiles(run, "face", "network")
    text = (
        f"p50, p95, p99 {', '.join(f'{ms:.1f}' for ms in total_ms)} ms with face detection, "
        f"{', '.join(f'{ms:.1f}' for ms in network_ms)} ms without"
    )
    size, width = run.spec.dataset.image_size, run.spec.architecture.width
    if (size, width) != (IMAGE_SIZE, 1):
        return make_not_testable_result(
            f"not the paper's network: {size} px and width {width:g}",
            measured_text=text,
            run_keys=(run.spec.key,),
        )
    name = f"p95 with face detection on {run.environment.device}"
    item = LimitedValue(name=name, value=total_ms[1], limit=1000 / VIDEO_FPS, unit="ms")
    return Measurement(
        text=text,
        items=(item,),
        run_keys=(run.spec.key,),
        remark=f"the limit is the frame interval of video at {VIDEO_FPS} images per second",
    )
