"""Columns and notes that all score tables share, so that each score is shown with its leakage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from datasets.leakage.audit import NEAR_DUPLICATE, NON_TEST_CODES, SAME_BYTES
from datasets.spec import MOTION_REPRESENTATIONS, Leakage
from datasets.text import pluralize
from reports.formatting import NO_VALUE, UNKNOWN, format_percent, mean_std_cell, share_cell, text_cell
from reports.outcomes import Outcome, StudyEvaluation, TrainingOutcome, format_training
from reports.table import Cell
from studies.controls import CONTROL_DESCRIPTIONS, MAJORITY, PRIOR
from studies.metrics import Scores
from studies.prediction_files.clip_list import compute_clip_list_digest
from studies.prediction_files.run_predictions import convert_predictions

IDENTITY_HEADER = ("Network", "Protocol", "Test")
LEAKAGE_HEADER = ("Clip overlap", "Subject overlap")
LEAKAGE_NOTE = (
    "Clip overlap, subject overlap: share in % of the test frames whose clip, or subject, is also in the "
    "training set. With a high overlap a score measures recognition of known clips or people. Unknown: some "
    "images of the test or training set have no clip label, or no subject label."
)


def identity_cells(outcome: Outcome) -> tuple[Cell, Cell, Cell]:
    """Return the cells that identify a row: network, protocol and test set."""
    return (
        text_cell(outcome.marked_name),
        text_cell(outcome.protocol),
        text_cell(_describe_test_set(outcome), outcome.run_keys),
    )


def _describe_test_set(outcome: Outcome) -> str:
    if not outcome.trainings:
        return NO_VALUE
    sizes = {training.scores.num_samples for training in outcome.trainings}
    size_text = str(min(sizes)) if len(sizes) == 1 else f"{min(sizes)} to {max(sizes)}"
    text = f"{size_text}\N{NO-BREAK SPACE}{outcome.unit_name}"
    finished_trainings = len(outcome.trainings)
    if finished_trainings < outcome.planned_trainings:
        return f"{text} × {finished_trainings} of {pluralize(outcome.planned_trainings, 'seed')}"
    return f"{text} × {finished_trainings} seeds" if finished_trainings > 1 else text


def leakage_cells(outcome: Outcome) -> tuple[Cell, Cell]:
    """Return the shares of the test frames whose clip, and whose subject, is also in the training set."""
    leakage = outcome.leakage
    if leakage is None:
        return text_cell(NO_VALUE), text_cell(NO_VALUE)
    return share_cell(leakage.clip, outcome.run_keys), share_cell(leakage.subject, outcome.run_keys)


def describe_leakage(leakage: Leakage) -> str:
    """Return a clause with the shares of the test frames whose clip, and whose subject, is in training."""
    if leakage.clip is None and leakage.subject is None:
        return "it is unknown how many of the test frames have their clip or their subject in training"
    if leakage.clip is None or leakage.subject is None:
        return (
            f"of the test frames, {_format_share(leakage.clip)} have their clip in training and "
            f"{_format_share(leakage.subject)} have their subject in training"
        )
    return (
        f"{format_percent(leakage.clip)} % of the test frames have their clip in training, "
        f"{format_percent(leakage.subject)} % their subject"
    )


def _format_share(share: float | None) -> str:
    return "an unknown share" if share is None else f"{format_percent(share)} %"


def describe_near_duplicates(outcome: Outcome) -> str:
    """Return a clause with the shares of test frames that have near-duplicates or copies in other splits."""
    if any(run.spec.dataset.representation in MOTION_REPRESENTATIONS for run in outcome.runs):
        return "the audit does not look for near-duplicates of motion images"
    frame_count = sum(len(run.predictions) for run in outcome.runs)
    counts = Counter[str]()
    for finding in (finding for run in outcome.runs for finding in run.data.findings):
        counts[finding.code] += finding.count
    # The audit does not count a byte-identical copy as a near-duplicate.
    copies_text = (
        f" and a copy of {format_percent(counts[SAME_BYTES] / frame_count)} %" if counts[SAME_BYTES] else ""
    )
    near_duplicate_share = format_percent(counts[NEAR_DUPLICATE] / frame_count)
    return (
        f"the audit finds a near-duplicate of {near_duplicate_share} %{copies_text} of the test frames in "
        "training or validation"
    )


def score_cell(outcome: Outcome, metric: Callable[[Scores], float], *, by_frame: bool = False) -> Cell:
    """Return a score in %, mean and standard deviation over trainings, by the protocol's unit or by frame."""
    scores_by_training = (
        training.frame_scores if by_frame else training.scores for training in outcome.trainings
    )
    cell = mean_std_cell([metric(scores) for scores in scores_by_training], outcome.run_keys)
    return Cell(
        text=cell.text,
        value=None if cell.value is None else 100 * cell.value,
        run_keys=cell.run_keys,
    )


def accuracy_cell(outcome: Outcome) -> Cell:
    """Return the accuracy in %, or the status of the runs if no training has finished."""
    return (
        score_cell(outcome, lambda scores: scores.accuracy)
        if outcome.trainings
        else text_cell(outcome.missing_status)
    )


def build_score_notes(evaluation: StudyEvaluation, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return all notes of a table with scores of these outcomes."""
    return (
        LEAKAGE_NOTE,
        *build_audit_notes(outcomes),
        *build_clip_list_notes(outcomes),
        *build_seed_notes(outcomes),
        *_build_majority_notes(evaluation, outcomes),
        *_build_absent_class_notes(evaluation, outcomes),
        *build_missing_run_notes(outcomes),
        *build_mark_notes(outcomes),
        *_build_control_notes(evaluation),
    )


def _build_control_notes(evaluation: StudyEvaluation) -> Iterable[str]:
    """Yield a description of the negative controls, and which controls these data do not allow."""
    if not evaluation.controls:
        return
    attempts = evaluation.study.training.epochs
    descriptions: dict[str, str] = {
        MAJORITY: "the most frequent class of the training set",
        PRIOR: f"random by the training set's class shares, the best of {attempts} tries on the test set",
        **{control: CONTROL_DESCRIPTIONS[control] for control in evaluation.study.controls},
    }
    controls_text = "; ".join(f"{control}: {description}" for control, description in descriptions.items())
    yield (
        f"Controls, run with {evaluation.study.primary_arm.name}; only a score above them is meaningful: "
        f"{controls_text}."
    )
    unavailable = [control for control in CONTROL_DESCRIPTIONS if control not in evaluation.study.controls]
    if unavailable:
        yield (
            "Not possible on these data, which lack onset frames, or subjects with two clips each in every "
            f"training set: {', '.join(unavailable)}."
        )


def build_short_notes(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return the notes that are repeated under a second table of the same scores."""
    return (
        LEAKAGE_NOTE,
        *build_audit_notes(outcomes),
        *build_clip_list_notes(outcomes),
        *build_missing_run_notes(outcomes),
        *build_mark_notes(outcomes),
    )


def build_audit_notes(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return a note with the share of each protocol's test frames that the audit finds in other splits."""
    first_outcomes = {outcome.protocol: outcome for outcome in reversed(outcomes) if outcome.trainings}
    audit_texts = []
    for protocol in dict.fromkeys(
        outcome.protocol for outcome in outcomes if outcome.protocol in first_outcomes
    ):
        runs = first_outcomes[protocol].trainings[0].runs
        counts_by_code = Counter[str]()
        for run in runs:
            counts_by_code.update(
                {
                    finding.code: finding.count
                    for finding in run.data.findings
                    if finding.code not in NON_TEST_CODES
                }
            )
        total = sum(len(run.predictions) for run in runs)
        shares = ", ".join(
            f"{code} {format_percent(count / total)} %" for code, count in counts_by_code.items()
        )
        unknown_text = describe_unknown_leakage(first_outcomes[protocol].leakage)
        no_finding_text = "nothing found" if unknown_text else "clean"
        audit_texts.append(
            f"{protocol}: {shares or no_finding_text}{f' ({unknown_text})' if unknown_text else ''}"
        )
    if not audit_texts:
        return ()
    return (f"Audit, share of test frames that leak from training or validation: {'; '.join(audit_texts)}.",)


def build_clip_list_notes(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    """Return a note with the digest of the test units of each protocol, and of each of its splits.

    Tables with the same digest are about the same units with the same labels.
    """
    first_outcomes: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome.trainings:
            first_outcomes.setdefault(outcome.protocol, outcome)
    texts = [
        f"{protocol}: {', '.join(_compute_digests(outcome))} ({outcome.trainings[0].scores.num_samples} "
        f"{outcome.unit_name})"
        for protocol, outcome in first_outcomes.items()
    ]
    return (
        (f"Digest of the test list, the same for the same units and labels: {'; '.join(texts)}.",)
        if texts
        else ()
    )


def _compute_digests(outcome: Outcome) -> tuple[str, ...]:
    """Return the digests of the distinct test lists, by split; a split has one list for all its trainings."""
    training_by_split = {training.split_seed: training for training in reversed(outcome.trainings)}
    return tuple(
        dict.fromkeys(_compute_digest(training_by_split[seed]) for seed in sorted(training_by_split))
    )


def _compute_digest(training: TrainingOutcome) -> str:
    run = training.runs[0]
    units = convert_predictions(training.units, dataset=run.spec.dataset.name)
    return compute_clip_list_digest(units, run.data.classes)


def describe_unknown_leakage(leakage: Leakage | None) -> str:
    """Return "clip unknown", "subject unknown" or "clip and subject unknown"; "" if both are known."""
    names = (
        [] if leakage is None else [name for name in ("clip", "subject") if getattr(leakage, name) is None]
    )
    return f"{' and '.join(names)} {UNKNOWN}" if names else ""


def build_seed_notes(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return a note on how trainings are aggregated, or that there is only one."""
    if any(len(outcome.trainings) > 1 for outcome in outcomes):
        return (
            "Several seeds: mean ± sample standard deviation over the seeds; nothing is pooled across them.",
        )
    return ("One seed: no standard deviation.",)


def _build_majority_notes(evaluation: StudyEvaluation, outcomes: Sequence[Outcome]) -> Iterable[str]:
    for protocol in evaluation.study.protocols:
        first_outcome = next(
            (outcome for outcome in outcomes if outcome.protocol == protocol and outcome.trainings), None
        )
        if first_outcome is None:
            continue
        scores = first_outcome.trainings[0].scores
        class_counts = Counter(
            {class_index: counts.tp + counts.fn for class_index, counts in enumerate(scores.per_class)}
        )
        majority_class, majority_count = class_counts.most_common(1)[0]
        class_name, seed = evaluation.classes[majority_class], first_outcome.trainings[0].seed
        share = format_percent(majority_count / scores.num_samples)
        yield (
            f"Always predicting {class_name} would give {share} % accuracy under {protocol} "
            f"({majority_count} of {scores.num_samples} {first_outcome.unit_name}, seed {seed})."
        )


def _build_absent_class_notes(evaluation: StudyEvaluation, outcomes: Sequence[Outcome]) -> Iterable[str]:
    for protocol in evaluation.study.protocols:
        absent_classes = {
            evaluation.classes[class_index]
            for outcome in outcomes
            if outcome.protocol == protocol and not outcome.control
            for training in outcome.trainings
            for class_index in training.scores.absent_classes
        }
        if absent_classes:
            names = ", ".join(sorted(absent_classes))
            yield f"Absent from a test set under {protocol}, and therefore left out of its means: {names}."


def build_missing_run_notes(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return notes on the failed runs, with reasons, and on the pending runs."""
    failed_notes = [
        f"{outcome.plain_name} under {outcome.protocol}, {format_training(failure.spec)}: "
        f"failed: {failure.text}"
        for outcome in outcomes
        for failure in outcome.failures
    ]
    pending_notes = [
        f"{outcome.plain_name} under {outcome.protocol}: {pluralize(outcome.pending_runs, 'run')} not run yet"
        for outcome in outcomes
        if outcome.pending_runs
    ]
    return (*failed_notes, *pending_notes)


def build_mark_notes(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return notes that explain the marks after the networks' names, as far as they occur."""
    collapse_note = (
        "Collapsed: the network predicts the same class for every test sample, or for all samples of a fold."
    )
    width_note = (
        "Width: channels and hidden units as a share of the full network's. Full width: the network does not "
        "scale, so it is not reduced like the other networks."
    )
    notes = []
    if any(outcome.collapsed_count and not outcome.control for outcome in outcomes):
        notes.append(collapse_note)
    if any(outcome.width_mark for outcome in outcomes):
        notes.append(width_note)
    return tuple(notes)
