"""The columns and notes that every table of scores shares, so that no leaky number stands alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from datasets.audit import NEAR_DUPLICATE, NOT_OF_TEST, SAME_BYTES
from datasets.spec import MOTION, Leakage
from reports.numbers import NOTHING, UNKNOWN, label, percent, share_cell, spread
from reports.outcomes import Outcome, Outcomes, training_label
from reports.table import Cell
from studies.controls import MAJORITY, PRIOR, TRAINED
from studies.metrics import Scores

WHO = ("Network", "Protocol", "Test")
SEEN = ("Clip seen", "Subject seen")
SEEN_NOTE = (
    "Clip seen, subject seen: share in % of the test frames whose clip, or subject, is also in training. "
    "A score with a high share measures recognition of what was already seen. Unknown: not every image of "
    "the test and the training names its clip, or subject."
)


def who(outcome: Outcome) -> tuple[Cell, Cell, Cell]:
    """Which network under which protocol, and on what it was tested."""
    return label(outcome.name), label(outcome.protocol), label(_tested(outcome))


def _tested(outcome: Outcome) -> str:
    if not outcome.seeds:
        return NOTHING
    sizes = {seed.scores.n for seed in outcome.seeds}
    span = str(min(sizes)) if len(sizes) == 1 else f"{min(sizes)} to {max(sizes)}"
    text = f"{span}\N{NO-BREAK SPACE}{outcome.unit}"
    done = len(outcome.seeds)
    if done < outcome.planned_seeds:
        return f"{text} × {done} of {outcome.planned_seeds} seeds"
    return f"{text} × {done} seeds" if done > 1 else text


def seen(outcome: Outcome) -> tuple[Cell, Cell]:
    """The leaks: shares of the test frames whose clip, and whose subject, stand in training too."""
    leakage = outcome.leakage
    if leakage is None:
        return label(NOTHING), label(NOTHING)
    return share_cell(leakage.clip, outcome.keys), share_cell(leakage.subject, outcome.keys)


def seen_in_words(leakage: Leakage) -> str:
    """How many of the test frames have their clip, and their subject, in training; a clause."""
    if leakage.clip is None and leakage.subject is None:
        return "it is unknown how many of the test frames have their clip or their subject in training"
    if leakage.clip is None or leakage.subject is None:
        return (
            f"of the test frames, {_counted(leakage.clip)} have their clip in training and "
            f"{_counted(leakage.subject)} have their subject in training"
        )
    return (
        f"{percent(leakage.clip)} % of the test frames have their clip in training, "
        f"{percent(leakage.subject)} % their subject"
    )


def _counted(share: float | None) -> str:
    return "an unknown share" if share is None else f"{percent(share)} %"


def near_duplicates_in_words(outcome: Outcome) -> str:
    """How many of the test frames have a near-duplicate, or a copy, in training or validation; a clause."""
    if any(run.spec.dataset.representation in MOTION for run in outcome.runs):
        return "the audit looks for no near-duplicates among images of motion"
    frames = sum(len(run.predictions) for run in outcome.runs)
    counts = Counter[str]()
    for finding in (finding for run in outcome.runs for finding in run.data.findings):
        counts[finding.code] += finding.count
    # The audit counts a copy of the same bytes as no near-duplicate.
    copies = f" and a copy of {percent(counts[SAME_BYTES] / frames)} %" if counts[SAME_BYTES] else ""
    return (
        f"the audit finds in training or validation a near-duplicate of "
        f"{percent(counts[NEAR_DUPLICATE] / frames)} % of the test frames{copies}"
    )


def score(outcome: Outcome, number: Callable[[Scores], float], *, by_frame: bool = False) -> Cell:
    """One score over the seeds, in % by the protocol's unit or by frame."""
    chosen = (seed.by_frame if by_frame else seed.scores for seed in outcome.seeds)
    cell = spread([number(scores) for scores in chosen], outcome.keys)
    return Cell(
        text=cell.text,
        value=None if cell.value is None else 100 * cell.value,
        run_keys=cell.run_keys,
    )


def accuracy(outcome: Outcome) -> Cell:
    """The accuracy in %, or what became of the runs that would have given it."""
    return score(outcome, lambda scores: scores.accuracy) if outcome.seeds else label(outcome.state)


def score_notes(study: Outcomes, rows: Sequence[Outcome]) -> tuple[str, ...]:
    """Everything that must be said under a table with scores of these outcomes."""
    return (
        SEEN_NOTE,
        *audit_notes(rows),
        *seed_notes(rows),
        *_floor_notes(study, rows),
        *_absent_notes(study, rows),
        *gap_notes(rows),
        *mark_notes(rows),
        *_control_notes(study),
    )


def _control_notes(study: Outcomes) -> Iterable[str]:
    """What the negative controls are, and which of them these data do not allow."""
    if not study.controls:
        return
    tries = study.study.training.epochs
    told: dict[str, str] = {
        MAJORITY: "the commonest class of the training",
        PRIOR: f"drawn from the training's class shares, the best of {tries} tries chosen on the test",
        **{control: TRAINED[control] for control in study.study.controls},
    }
    named = "; ".join(f"{control}: {what}" for control, what in told.items())
    yield f"Controls, run with {study.study.proposal.name}; a score means something only above them: {named}."
    left = [control for control in TRAINED if control not in study.study.controls]
    if left:
        yield (
            "Not possible on these data, which lack onset frames, or subjects with two clips each in every "
            f"training part: {', '.join(left)}."
        )


def short_notes(rows: Sequence[Outcome]) -> tuple[str, ...]:
    """What must be repeated under a second table of the same scores."""
    return (SEEN_NOTE, *audit_notes(rows), *gap_notes(rows), *mark_notes(rows))


def audit_notes(rows: Sequence[Outcome]) -> tuple[str, ...]:
    """The audit's stamp: what the test of each protocol shares with training and validation."""
    first = {row.protocol: row for row in reversed(rows) if row.seeds}
    stamps = []
    for protocol in dict.fromkeys(row.protocol for row in rows if row.protocol in first):
        runs = first[protocol].seeds[0].runs
        found = Counter[str]()
        for run in runs:
            found.update({f.code: f.count for f in run.data.findings if f.code not in NOT_OF_TEST})
        total = sum(len(run.predictions) for run in runs)
        shares = ", ".join(f"{code} {percent(count / total)} %" for code, count in found.items())
        unknown = unknown_in_words(first[protocol].leakage)
        clean = "nothing found" if unknown else "clean"
        stamps.append(f"{protocol}: {shares or clean}{f' ({unknown})' if unknown else ''}")
    if not stamps:
        return ()
    return (f"Audit, share of test frames that training or validation gives away: {'; '.join(stamps)}.",)


def unknown_in_words(leakage: Leakage | None) -> str:
    """That the clips, the subjects or both are unknown; "" if they are known."""
    names = [] if leakage is None else [n for n in ("clip", "subject") if getattr(leakage, n) is None]
    return f"{' and '.join(names)} {UNKNOWN}" if names else ""


def seed_notes(rows: Sequence[Outcome]) -> tuple[str, ...]:
    """How several seeds are put together, or that there is one alone."""
    if any(len(row.seeds) > 1 for row in rows):
        return (
            "Several seeds: mean ± sample standard deviation over the seeds; nothing is pooled across them.",
        )
    return ("One seed: these numbers have no spread.",)


def _floor_notes(study: Outcomes, rows: Sequence[Outcome]) -> Iterable[str]:
    for protocol in study.study.protocols:
        found = next((row for row in rows if row.protocol == protocol and row.seeds), None)
        if found is None:
            continue
        first = found.seeds[0].scores
        truths = Counter({c: counts.tp + counts.fn for c, counts in enumerate(first.per_class)})
        common, size = truths.most_common(1)[0]
        yield (
            f"Always answering {study.classes[common]} would give {percent(size / first.n)} % accuracy under "
            f"{protocol} ({size} of {first.n} {found.unit}, seed {found.seeds[0].seed})."
        )


def _absent_notes(study: Outcomes, rows: Sequence[Outcome]) -> Iterable[str]:
    for protocol in study.study.protocols:
        absent = {
            study.classes[c]
            for row in rows
            if row.protocol == protocol and not row.control
            for seed in row.seeds
            for c in seed.scores.absent
        }
        if absent:
            names = ", ".join(sorted(absent))
            yield f"Absent from a test set under {protocol}, and so left out of its means: {names}."


def gap_notes(rows: Sequence[Outcome]) -> tuple[str, ...]:
    """Which runs failed, and why; which are still to be run."""
    failed = [
        f"{row.plain_name} under {row.protocol}, {training_label(failure.spec)}: failed: {failure.reason}"
        for row in rows
        for failure in row.failures
    ]
    unrun = [
        f"{row.plain_name} under {row.protocol}: {row.unrun} run{'s' if row.unrun > 1 else ''} not run yet"
        for row in rows
        if row.unrun
    ]
    return (*failed, *unrun)


def mark_notes(rows: Sequence[Outcome]) -> tuple[str, ...]:
    """What the marks beside the networks' names mean, of those that occur."""
    collapsed = "Collapsed: the network gave every test sample, or every one of a fold, the same answer."
    scale = (
        "Width: channels and hidden units as a share of the full network's. Full width: the network does not "
        "scale, so it is not reduced like its neighbours."
    )
    notes = []
    if any(row.collapsed and not row.control for row in rows):
        notes.append(collapsed)
    if any(row.scale for row in rows):
        notes.append(scale)
    return tuple(notes)
