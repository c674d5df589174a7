"""The columns and notes that every table of scores shares, so that no leaky number stands alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from datasets.audit import NEAR_DUPLICATE, NON_TEST_CODES, SAME_BYTES
from datasets.spec import MOTION_REPRESENTATIONS, Leakage
from reports.numbers import NO_VALUE, UNKNOWN, format_percent, mean_std_cell, share_cell, text_cell
from reports.outcomes import Outcome, StudyEvaluation, format_training
from reports.table import Cell
from studies.controls import CONTROL_DESCRIPTIONS, MAJORITY, PRIOR
from studies.metrics import Scores

IDENTITY_HEADER = ("Network", "Protocol", "Test")
LEAKAGE_HEADER = ("Clip seen", "Subject seen")
LEAKAGE_NOTE = (
    "Clip seen, subject seen: share in % of the test frames whose clip, or subject, is also in training. "
    "A score with a high share measures recognition of what was already seen. Unknown: not every image of "
    "the test and the training names its clip, or subject."
)


def identity_cells(outcome: Outcome) -> tuple[Cell, Cell, Cell]:
    """Which network under which protocol, and on what it was tested."""
    return text_cell(outcome.marked_name), text_cell(outcome.protocol), text_cell(_describe_test_set(outcome))


def _describe_test_set(outcome: Outcome) -> str:
    if not outcome.trainings:
        return NO_VALUE
    sizes = {training.scores.num_samples for training in outcome.trainings}
    size_text = str(min(sizes)) if len(sizes) == 1 else f"{min(sizes)} to {max(sizes)}"
    text = f"{size_text}\N{NO-BREAK SPACE}{outcome.unit_name}"
    finished_trainings = len(outcome.trainings)
    if finished_trainings < outcome.planned_trainings:
        return f"{text} × {finished_trainings} of {outcome.planned_trainings} seeds"
    return f"{text} × {finished_trainings} seeds" if finished_trainings > 1 else text


def leakage_cells(outcome: Outcome) -> tuple[Cell, Cell]:
    """The leaks: shares of the test frames whose clip, and whose subject, stand in training too."""
    leakage = outcome.leakage
    if leakage is None:
        return text_cell(NO_VALUE), text_cell(NO_VALUE)
    return share_cell(leakage.clip, outcome.run_keys), share_cell(leakage.subject, outcome.run_keys)


def describe_leakage(leakage: Leakage) -> str:
    """How many of the test frames have their clip, and their subject, in training; a clause."""
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
    """How many of the test frames have a near-duplicate, or a copy, in training or validation; a clause."""
    if any(run.spec.dataset.representation in MOTION_REPRESENTATIONS for run in outcome.runs):
        return "the audit looks for no near-duplicates among images of motion"
    frame_count = sum(len(run.predictions) for run in outcome.runs)
    counts = Counter[str]()
    for finding in (finding for run in outcome.runs for finding in run.data.findings):
        counts[finding.code] += finding.count
    # The audit counts a copy of the same bytes as no near-duplicate.
    copies_text = (
        f" and a copy of {format_percent(counts[SAME_BYTES] / frame_count)} %" if counts[SAME_BYTES] else ""
    )
    return (
        f"the audit finds in training or validation a near-duplicate of "
        f"{format_percent(counts[NEAR_DUPLICATE] / frame_count)} % of the test frames{copies_text}"
    )


def score_cell(outcome: Outcome, metric: Callable[[Scores], float], *, by_frame: bool = False) -> Cell:
    """One score over the seeds, in % by the protocol's unit or by frame."""
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
    """The accuracy in %, or what became of the runs that would have given it."""
    return (
        score_cell(outcome, lambda scores: scores.accuracy)
        if outcome.trainings
        else text_cell(outcome.missing_status)
    )


def build_score_notes(evaluation: StudyEvaluation, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Everything that must be said under a table with scores of these outcomes."""
    return (
        LEAKAGE_NOTE,
        *build_audit_notes(outcomes),
        *build_seed_notes(outcomes),
        *_build_majority_notes(evaluation, outcomes),
        *_build_absent_class_notes(evaluation, outcomes),
        *build_missing_run_notes(outcomes),
        *build_mark_notes(outcomes),
        *_build_control_notes(evaluation),
    )


def _build_control_notes(evaluation: StudyEvaluation) -> Iterable[str]:
    """What the negative controls are, and which of them these data do not allow."""
    if not evaluation.controls:
        return
    attempts = evaluation.study.training.epochs
    descriptions: dict[str, str] = {
        MAJORITY: "the commonest class of the training",
        PRIOR: f"drawn from the training's class shares, the best of {attempts} tries chosen on the test",
        **{control: CONTROL_DESCRIPTIONS[control] for control in evaluation.study.controls},
    }
    controls_text = "; ".join(f"{control}: {description}" for control, description in descriptions.items())
    yield f"Controls, run with {evaluation.study.primary_arm.name}; a score means something only above them: {controls_text}."
    unavailable = [control for control in CONTROL_DESCRIPTIONS if control not in evaluation.study.controls]
    if unavailable:
        yield (
            "Not possible on these data, which lack onset frames, or subjects with two clips each in every "
            f"training part: {', '.join(unavailable)}."
        )


def build_short_notes(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """What must be repeated under a second table of the same scores."""
    return (
        LEAKAGE_NOTE,
        *build_audit_notes(outcomes),
        *build_missing_run_notes(outcomes),
        *build_mark_notes(outcomes),
    )


def build_audit_notes(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """The audit's stamp: what the test of each protocol shares with training and validation."""
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
    return (f"Audit, share of test frames that training or validation gives away: {'; '.join(audit_texts)}.",)


def describe_unknown_leakage(leakage: Leakage | None) -> str:
    """That the clips, the subjects or both are unknown; "" if they are known."""
    names = (
        [] if leakage is None else [name for name in ("clip", "subject") if getattr(leakage, name) is None]
    )
    return f"{' and '.join(names)} {UNKNOWN}" if names else ""


def build_seed_notes(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """How several seeds are put together, or that there is one alone."""
    if any(len(outcome.trainings) > 1 for outcome in outcomes):
        return (
            "Several seeds: mean ± sample standard deviation over the seeds; nothing is pooled across them.",
        )
    return ("One seed: these numbers have no spread.",)


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
        yield (
            f"Always answering {evaluation.classes[majority_class]} would give {format_percent(majority_count / scores.num_samples)} % accuracy under "
            f"{protocol} ({majority_count} of {scores.num_samples} {first_outcome.unit_name}, seed {first_outcome.trainings[0].seed})."
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
            yield f"Absent from a test set under {protocol}, and so left out of its means: {names}."


def build_missing_run_notes(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Which runs failed, and why; which are still to be run."""
    failed_notes = [
        f"{outcome.plain_name} under {outcome.protocol}, {format_training(failure.spec)}: failed: {failure.reason}"
        for outcome in outcomes
        for failure in outcome.failures
    ]
    pending_notes = [
        f"{outcome.plain_name} under {outcome.protocol}: {outcome.pending_runs} run{'s' if outcome.pending_runs > 1 else ''} not run yet"
        for outcome in outcomes
        if outcome.pending_runs
    ]
    return (*failed_notes, *pending_notes)


def build_mark_notes(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """What the marks beside the networks' names mean, of those that occur."""
    collapse_note = "Collapsed: the network gave every test sample, or every one of a fold, the same answer."
    width_note = (
        "Width: channels and hidden units as a share of the full network's. Full width: the network does not "
        "scale, so it is not reduced like its neighbours."
    )
    notes = []
    if any(outcome.collapsed_count and not outcome.control for outcome in outcomes):
        notes.append(collapse_note)
    if any(outcome.width_mark for outcome in outcomes):
        notes.append(width_note)
    return tuple(notes)
