"""Summary of a study: verdicts, next runs, best network, effect of the split protocol, limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import fmean

from datasets.text import pluralize
from reports.accuracy_drop import compute_accuracy_drop
from reports.caveats import list_caveats
from reports.formatting import format_percent, format_points, truncate_list
from reports.intervals import describe_interval
from reports.outcomes import Outcome, StudyEvaluation
from reports.paper_reference import build_paper_difference_notes
from reports.run_settings import format_headline
from reports.suggestions import suggest_next_runs
from reports.table import Statement
from reports.tables.differences import count_verdicts, describe_verdicts
from reports.tables.factorial_effects import describe_effects
from reports.tables.score_columns import describe_leakage, describe_near_duplicates
from studies.study import is_null_arm

IDENTITY_PROBE = "identity-probe"


def _compute_mean_accuracy(outcome: Outcome) -> float:
    return fmean(training.scores.accuracy for training in outcome.trainings)


def _state(text: str, outcomes: Iterable[Outcome]) -> Statement:
    """Return a sentence whose numbers come from all runs of `outcomes`."""
    return Statement(
        text=text, run_keys=tuple(dict.fromkeys(key for outcome in outcomes for key in outcome.run_keys))
    )


def summarize_study(evaluation: StudyEvaluation, *, heading: str = "") -> tuple[Statement, ...]:
    """Return a study's progress, answers and details; the first sentence names the study by `heading`."""
    return (
        describe_progress(evaluation, heading=heading),
        *describe_answers(evaluation),
        *describe_details(evaluation),
    )


def describe_progress(evaluation: StudyEvaluation, *, heading: str = "") -> Statement:
    """Return how many runs have finished; the sentence names the study by `heading`, or by its headline."""
    finished_count, failed_count, pending_count = evaluation.run_counts
    run_count = finished_count + failed_count + pending_count
    progress_text = (
        f", {failed_count} failed, {pending_count} not run" if failed_count or pending_count else ""
    )
    title = heading or format_headline(evaluation.study)
    return Statement(
        text=f"{title}: {finished_count} of {pluralize(run_count, 'run')} finished{progress_text}.",
        run_keys=_list_run_keys(evaluation),
    )


def _list_run_keys(evaluation: StudyEvaluation) -> tuple[str, ...]:
    return tuple(result.spec.key for result in evaluation.result.results)


def describe_answers(evaluation: StudyEvaluation) -> tuple[Statement, ...]:
    """Return the numbers of verdicts, effects of components and of the split, and what to run next."""
    protocols, run_keys = evaluation.study.protocols, _list_run_keys(evaluation)
    return (
        *(statement for protocol in protocols for statement in count_verdicts(evaluation, protocol)),
        *(statement for protocol in protocols for statement in describe_effects(evaluation, protocol)),
        *_describe_protocol_effect(evaluation),
        *(replace(suggestion, run_keys=run_keys) for suggestion in suggest_next_runs(evaluation)),
    )


def describe_details(evaluation: StudyEvaluation) -> tuple[Statement, ...]:
    """Return the verdicts in full, caveats, the best network, controls, collapsed networks, and limits."""
    finished_outcomes = [outcome for outcome in evaluation.outcomes if outcome.trainings]
    return (
        *(
            statement
            for protocol in evaluation.study.protocols
            for statement in describe_verdicts(evaluation, protocol)
        ),
        *(_state(text, finished_outcomes) for text in list_caveats(evaluation)),
        *(
            statement
            for protocol in evaluation.study.protocols
            for statement in _describe_best(evaluation, protocol)
        ),
        *_describe_controls(evaluation),
        *_describe_collapsed(finished_outcomes),
        *(_state(text, finished_outcomes) for text in _describe_limits(evaluation, finished_outcomes)),
    )


def _describe_best(evaluation: StudyEvaluation, protocol: str) -> Iterator[Statement]:
    """Yield the network with the highest mean accuracy, or that no network beats the majority class."""
    finished = (
        outcome
        for outcome in evaluation.select_protocol(protocol)
        if outcome.trainings and not is_null_arm(outcome.arm)
    )
    outcomes = sorted(finished, key=_compute_mean_accuracy, reverse=True)
    if not outcomes:
        yield Statement(text=f"Under {protocol} no network has finished.")
        return
    above_majority = [outcome for outcome in outcomes if _is_above_majority(outcome)]
    if not above_majority:
        noncollapsed = [outcome for outcome in outcomes if not outcome.is_fully_collapsed]
        majority_text = _describe_majority(evaluation, outcomes[0])
        highest_text = _describe_highest(noncollapsed, outcomes=outcomes)
        yield _state(f"Under {protocol} no network beat {majority_text}{highest_text}.", outcomes)
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
    best_text = f"Under {protocol} the highest mean accuracy is that of {_describe_accuracy(best)}."
    yield _state(f"{best_text}{ties_text}{others_text}", outcomes)


def _describe_highest(noncollapsed: Sequence[Outcome], *, outcomes: Sequence[Outcome]) -> str:
    """Return a clause on the best network below the majority class, or that all networks collapsed."""
    if not noncollapsed:
        return ": all of them collapsed" if outcomes[1:] else ": it collapsed"
    qualifier = "" if len(noncollapsed) == len(outcomes) else " of those that did not collapse"
    return f": the highest accuracy{qualifier} is that of {_describe_accuracy(noncollapsed[0])}"


def _describe_accuracy(outcome: Outcome) -> str:
    """Return a network's name, accuracy, interval, F1 and the leakage from its training into its test set."""
    f1 = fmean(training.scores.f1 for training in outcome.trainings)
    leakage = outcome.leakage
    assert leakage is not None
    near_duplicates_text = (
        f", {describe_near_duplicates(outcome)}" if None in (leakage.clip, leakage.subject) else ""
    )
    accuracy = format_percent(_compute_mean_accuracy(outcome))
    units_text = f"{outcome.trainings[0].scores.num_samples} {outcome.unit_name}"
    return (
        f"{outcome.marked_name}: {accuracy} % of {units_text} ({describe_interval(outcome)}), "
        f"F1 {format_percent(f1)} %; {describe_leakage(leakage)}{near_duplicates_text}"
    )


def _compute_class_shares(outcome: Outcome) -> list[float]:
    """Return each class's share of the test units, averaged over trainings.

    This is the accuracy of always predicting that class.
    """
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
    majority_class = evaluation.classes[shares.index(max(shares))]
    return f"always predicting {majority_class} ({format_percent(max(shares))} %)"


def _describe_controls(evaluation: StudyEvaluation) -> Iterator[Statement]:
    """Yield for each protocol the best control, the arms not above it, and the identity probe's accuracy."""
    for protocol in evaluation.study.protocols:
        finished_controls = [
            outcome for outcome in evaluation.controls if outcome.protocol == protocol and outcome.trainings
        ]
        controls = [outcome for outcome in finished_controls if outcome.control != IDENTITY_PROBE]
        if not controls:
            continue
        best = max(controls, key=_compute_mean_accuracy)
        arms = [outcome for outcome in evaluation.select_protocol(protocol) if outcome.trainings]
        names_below = [
            outcome.arm.name
            for outcome in arms
            if _compute_mean_accuracy(outcome) <= _compute_mean_accuracy(best)
        ]
        best_accuracy = format_percent(_compute_mean_accuracy(best))
        text = f"Under {protocol} the best control is {best.control} with {best_accuracy} % accuracy: "
        text += (
            f"{truncate_list(names_below)} did not exceed it" if names_below else "every network exceeded it"
        )
        probes_text = "".join(
            _describe_probe(outcome) for outcome in finished_controls if outcome.control == IDENTITY_PROBE
        )
        yield _state(f"{text}{probes_text}.", (*arms, *finished_controls))


def _describe_probe(outcome: Outcome) -> str:
    counts = [class_counts.tp + class_counts.fn for class_counts in outcome.trainings[0].scores.per_class]
    chance = max(counts) / sum(counts)
    accuracy = format_percent(_compute_mean_accuracy(outcome))
    return (
        f"; a probe on the features of {outcome.arm.name} identifies the subject in {accuracy} % "
        f"(always predicting the most frequent subject: {format_percent(chance)} %)"
    )


def _describe_protocol_effect(evaluation: StudyEvaluation) -> Iterator[Statement]:
    """Yield the accuracy drop from frame to each stricter protocol.

    It is a mean over networks, without those that collapsed in every training under a protocol.
    """
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
            pair for pair in outcome_pairs if not any(outcome.is_fully_collapsed for outcome in pair)
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
            low, high = format_points(100 * accuracy_drop.low), format_points(100 * accuracy_drop.high)
            interval = f"95 % interval {low} to {high}"
            interval += ", for these trained networks only" if accuracy_drop.is_conditional else ""
        excluded_count = len(outcome_pairs) - len(pairs_without_collapse)
        excluded_text = (
            f"; {excluded_count} of {pluralize(len(outcome_pairs), 'network')} collapsed and are left out"
            if excluded_count
            else ""
        )
        frame_accuracy = format_percent(accuracy_drop.loose_accuracy)
        strict_accuracy = format_percent(accuracy_drop.strict_accuracy)
        yield _state(
            f"Mean accuracy over frames falls from {frame_accuracy} % (frame) to {strict_accuracy} % "
            f"({protocol}), a difference of {100 * accuracy_drop.difference:.2f} points "
            f"({interval}){excluded_text}.",
            (outcome for pair in outcome_pairs for outcome in pair),
        )


def _describe_collapsed(outcomes: Sequence[Outcome]) -> Iterator[Statement]:
    """Yield the collapsed networks of each protocol, those that collapsed in the most trainings first."""
    names_by_protocol: dict[str, list[str]] = {}
    for outcome in sorted(
        (outcome for outcome in outcomes if outcome.collapsed_count),
        key=lambda outcome: -outcome.collapsed_count,
    ):
        count_text = (
            f" ({outcome.collapsed_count} of {pluralize(len(outcome.trainings), 'seed')})"
            if len(outcome.trainings) > 1
            else ""
        )
        names_by_protocol.setdefault(outcome.protocol, []).append(f"{outcome.arm.name}{count_text}")
    if names_by_protocol:
        protocols_text = "; ".join(
            f"under {protocol} {truncate_list(names)}" for protocol, names in names_by_protocol.items()
        )
        yield _state(f"Collapsed (the same prediction for every test sample): {protocols_text}.", outcomes)


def _describe_limits(evaluation: StudyEvaluation, outcomes: Sequence[Outcome]) -> Iterator[str]:
    texts = []
    if len(evaluation.study.split_seeds) == 1:
        texts.append("how results vary between splits into training and test data: there is only one split")
    shares = [outcome.leakage.subject for outcome in outcomes if outcome.leakage]
    if any(share is None or share > 0 for share in shares):
        overlap_text = "subject overlap above 0 or unknown" if None in shares else "subject overlap above 0"
        texts.append(f"how well a network recognizes unseen people, in rows with {overlap_text}")
    if evaluation.is_synthetic:
        texts.append("anything about real faces: the images are synthetic and only test the software")
    if texts:
        yield f"These results do not show: {'; '.join(texts)}."
    yield from build_paper_difference_notes(evaluation.study)
