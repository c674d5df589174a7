"""The summary of a report: verdicts, what is missing for them, the best, the fall, and the limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from reports.advice import suggest_next_runs
from reports.beside import differences_from_paper
from reports.cautions import list_caveats
from reports.certainty import describe_interval
from reports.columns import describe_leakage, describe_near_duplicates
from reports.differences import describe_verdicts
from reports.effects import describe_effects
from reports.fall import compute_accuracy_drop
from reports.lists import truncate_list
from reports.numbers import format_percent, format_points
from reports.outcomes import Outcome, StudyEvaluation
from reports.run_notes import format_headline
from studies.spec import is_null_arm

IDENTITY_PROBE = "identity-probe"


def _compute_mean_accuracy(outcome: Outcome) -> float:
    return fmean(training.scores.accuracy for training in outcome.trainings)


def summarize_study(evaluation: StudyEvaluation, *, heading: str = "") -> tuple[str, ...]:
    """A study's findings and their limits, one text a point; the first says which study, by its `heading`."""
    finished_outcomes = [outcome for outcome in evaluation.outcomes if outcome.trainings]
    finished_count, failed_count, pending_count = evaluation.run_counts
    progress_text = (
        f", {failed_count} failed, {pending_count} not run" if failed_count or pending_count else ""
    )
    return (
        f"{heading or format_headline(evaluation.study)}: {finished_count} of {finished_count + failed_count + pending_count} runs finished{progress_text}.",
        *(
            text
            for protocol in evaluation.study.protocols
            for text in describe_verdicts(evaluation, protocol)
        ),
        *suggest_next_runs(evaluation),
        *list_caveats(evaluation),
        *(text for protocol in evaluation.study.protocols for text in _describe_best(evaluation, protocol)),
        *(text for protocol in evaluation.study.protocols for text in describe_effects(evaluation, protocol)),
        *_describe_controls(evaluation),
        *_describe_inflation(evaluation),
        *_describe_collapsed(finished_outcomes),
        *_describe_limits(evaluation, finished_outcomes),
    )


def _describe_best(evaluation: StudyEvaluation, protocol: str) -> Iterator[str]:
    """The highest mean accuracy of the networks that beat always giving one answer, or that none does."""
    finished = (
        outcome
        for outcome in evaluation.select_protocol(protocol)
        if outcome.trainings and not is_null_arm(outcome.arm)
    )
    outcomes = sorted(finished, key=_compute_mean_accuracy, reverse=True)
    if not outcomes:
        yield f"Under {protocol} nothing has finished."
        return
    above_majority = [outcome for outcome in outcomes if _is_above_majority(outcome)]
    if not above_majority:
        noncollapsed = [outcome for outcome in outcomes if not outcome.is_fully_collapsed]
        yield f"Under {protocol} no network beat {_describe_majority(evaluation, outcomes[0])}{_describe_highest(noncollapsed, outcomes=outcomes)}."
        return
    best, *others = above_majority
    others_text = (
        f" No other network beat {_describe_majority(evaluation, best)}."
        if outcomes[1:] and not others
        else ""
    )
    tied_names = [
        outcome.arm.name
        for outcome in others
        if _compute_mean_accuracy(outcome) == _compute_mean_accuracy(best)
    ]
    ties_text = (
        f" {truncate_list(tied_names)} {'have' if tied_names[1:] else 'has'} the same mean accuracy."
        if tied_names
        else ""
    )
    yield f"Under {protocol} the highest mean accuracy is that of {_describe_accuracy(best)}.{ties_text}{others_text}"


def _describe_highest(noncollapsed: Sequence[Outcome], *, outcomes: Sequence[Outcome]) -> str:
    """What came of the networks that did not collapse, where none is good enough to be called the best."""
    if not noncollapsed:
        return ": every one collapsed" if outcomes[1:] else ": it collapsed"
    qualifier = "" if len(noncollapsed) == len(outcomes) else " of those that did not collapse"
    return f": the highest accuracy{qualifier} is that of {_describe_accuracy(noncollapsed[0])}"


def _describe_accuracy(outcome: Outcome) -> str:
    """A network with its accuracy, how far that can be trusted, and what it had seen of its test."""
    f1 = fmean(training.scores.f1 for training in outcome.trainings)
    leakage = outcome.leakage
    assert leakage is not None
    near_duplicates_text = (
        f", {describe_near_duplicates(outcome)}" if None in (leakage.clip, leakage.subject) else ""
    )
    return (
        f"{outcome.marked_name}: {format_percent(_compute_mean_accuracy(outcome))} % of {outcome.trainings[0].scores.num_samples} {outcome.unit_name} "
        f"({describe_interval(outcome)}), F1 {format_percent(f1)} %; {describe_leakage(leakage)}{near_duplicates_text}"
    )


def _compute_class_shares(outcome: Outcome) -> list[float]:
    """Share of the test of each class, the mean over the seeds: what always answering that class gives."""
    shares_by_training = [
        [
            (class_counts.tp + class_counts.fn) / training.scores.num_samples
            for class_counts in training.scores.per_class
        ]
        for training in outcome.trainings
    ]
    return [fmean(shares) for shares in zip(*shares_by_training, strict=True)]


def _is_above_majority(outcome: Outcome) -> bool:
    return not outcome.is_fully_collapsed and _compute_mean_accuracy(outcome) > max(
        _compute_class_shares(outcome)
    )


def _describe_majority(evaluation: StudyEvaluation, outcome: Outcome) -> str:
    shares = _compute_class_shares(outcome)
    return (
        f"always answering {evaluation.classes[shares.index(max(shares))]} ({format_percent(max(shares))} %)"
    )


def _describe_controls(evaluation: StudyEvaluation) -> Iterator[str]:
    """Which arms are above every control under each protocol, and whether the subject can be read."""
    for protocol in evaluation.study.protocols:
        finished_controls = [
            outcome for outcome in evaluation.controls if outcome.protocol == protocol and outcome.trainings
        ]
        controls = [outcome for outcome in finished_controls if outcome.control != IDENTITY_PROBE]
        if not controls:
            continue
        best = max(controls, key=_compute_mean_accuracy)
        names_below = [
            outcome.arm.name
            for outcome in evaluation.select_protocol(protocol)
            if outcome.trainings and _compute_mean_accuracy(outcome) <= _compute_mean_accuracy(best)
        ]
        text = f"Under {protocol} the highest control is {best.control}, {format_percent(_compute_mean_accuracy(best))} %: "
        text += f"{truncate_list(names_below)} did not pass it" if names_below else "every network passed it"
        yield (
            text
            + "".join(
                _describe_probe(outcome) for outcome in finished_controls if outcome.control == IDENTITY_PROBE
            )
            + "."
        )


def _describe_probe(outcome: Outcome) -> str:
    counts = [class_counts.tp + class_counts.fn for class_counts in outcome.trainings[0].scores.per_class]
    chance = max(counts) / sum(counts)
    return (
        f"; from the features of {outcome.arm.name} the subject is read right in {format_percent(_compute_mean_accuracy(outcome))} % "
        f"(the commonest subject: {format_percent(chance)} %)"
    )


def _describe_inflation(evaluation: StudyEvaluation) -> Iterator[str]:
    """Frame against every stricter protocol over the networks that learned under both."""
    for protocol in evaluation.study.protocols:
        if protocol == "frame" or "frame" not in evaluation.study.protocols:
            continue
        strict_by_arm = {
            outcome.arm.name: outcome
            for outcome in evaluation.select_protocol(protocol)
            if outcome.trainings and not is_null_arm(outcome.arm)
        }
        outcome_pairs = [
            (outcome, strict_by_arm[outcome.arm.name])
            for outcome in evaluation.select_protocol("frame")
            if outcome.trainings and outcome.arm.name in strict_by_arm
        ]
        pairs_without_collapse = [
            pair for pair in outcome_pairs if not any(outcome.collapsed_count for outcome in pair)
        ]
        accuracy_drop = (
            compute_accuracy_drop(*zip(*pairs_without_collapse, strict=True))
            if pairs_without_collapse
            else None
        )
        if accuracy_drop is None:
            continue
        interval = "no interval: too few subjects"
        if accuracy_drop.low is not None and accuracy_drop.high is not None:
            interval = f"95 % interval {format_points(100 * accuracy_drop.low)} to {format_points(100 * accuracy_drop.high)}"
            interval += ", for these trained networks only" if accuracy_drop.is_conditional else ""
        excluded_count = len(outcome_pairs) - len(pairs_without_collapse)
        excluded_text = (
            f"; {excluded_count} of {len(outcome_pairs)} networks collapsed and are left out"
            if excluded_count
            else ""
        )
        yield (
            f"Mean accuracy over frames falls from {format_percent(accuracy_drop.loose_accuracy)} % (frame) to "
            f"{format_percent(accuracy_drop.strict_accuracy)} % ({protocol}), a difference of {format_points(100 * accuracy_drop.difference)} points "
            f"({interval}){excluded_text}."
        )


def _describe_collapsed(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """By protocol, those that collapsed in the most seeds first."""
    names_by_protocol: dict[str, list[str]] = {}
    for outcome in sorted(
        (outcome for outcome in outcomes if outcome.collapsed_count),
        key=lambda outcome: -outcome.collapsed_count,
    ):
        count_text = (
            f" ({outcome.collapsed_count} of {len(outcome.trainings)} seeds)"
            if len(outcome.trainings) > 1
            else ""
        )
        names_by_protocol.setdefault(outcome.protocol, []).append(f"{outcome.arm.name}{count_text}")
    if names_by_protocol:
        protocols_text = "; ".join(
            f"under {protocol} {truncate_list(names)}" for protocol, names in names_by_protocol.items()
        )
        yield f"Collapsed, one answer for every test sample: {protocols_text}."


def _describe_limits(evaluation: StudyEvaluation, outcomes: Sequence[Outcome]) -> Iterator[str]:
    texts = []
    if len(evaluation.study.split_seeds) == 1:
        texts.append("how far a result moves with the division into training and test: there is one division")
    shares = [outcome.leakage.subject for outcome in outcomes if outcome.leakage]
    if any(share is None or share > 0 for share in shares):
        subject_limit = "how well a network knows unseen people, from any row whose subjects were seen"
        texts.append(f"{subject_limit} or are unknown" if None in shares else subject_limit)
    if evaluation.is_synthetic:
        texts.append("anything about real faces: the images are drawn, and show that the machinery works")
    if texts:
        yield f"This does not show: {'; '.join(texts)}."
    paper_differences = differences_from_paper(evaluation.study)
    if paper_differences:
        yield f"Not the paper's settings: {'; '.join(paper_differences)}."
