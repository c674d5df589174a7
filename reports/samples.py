"""Table 2: how many samples each class has, and what each protocol makes of them."""

from __future__ import annotations

from collections.abc import Iterator

from reports.beside import Beside, beside, title_of
from reports.columns import SEEN, SEEN_NOTE, unknown_in_words
from reports.numbers import NOTHING, label, share_cell, whole
from reports.outcomes import Outcomes
from reports.table import Cell, Table
from studies.results import DataSummary, RunResult


def _firsts(study: Outcomes) -> tuple[tuple[str, RunResult], ...]:
    """(protocol, its first finished run) of every protocol that has one."""
    found = (
        (p, next((row.first for row in study.under(p) if row.first), None)) for p in study.study.protocols
    )
    return tuple((protocol, run) for protocol, run in found if run is not None)


def sample_table(study: Outcomes) -> Table:
    """Samples of each class, in the whole set, in the paper, and in the parts of each protocol's split."""
    other = beside(study)
    header = ("Protocol", "Class", "Train", "Validation", "Test", "All")
    rows = [row for protocol, run in _firsts(study) for row in _rows(protocol, run, other)]
    name = title_of(study.study.dataset.name)
    split = "The split of the first finished run; other seeds and folds draw their own."
    notes = (split, *(other.notes if other else ()), *(_matching(study, other) if other else ()))
    return Table(
        id=f"samples-{study.study.name}",
        title=f"Samples of {name} by class (frames: {study.study.dataset.frames})",
        header=(*header, other.column) if other else header,
        rows=tuple(rows),
        notes=notes,
        paper=other.items("Table 2") if other else (),
    )


def _rows(protocol: str, run: RunResult, other: Beside | None) -> Iterator[tuple[Cell, ...]]:
    data, keys = run.data, (run.spec.key,)
    parts = (data.train, data.validation, data.test)
    for c, name in enumerate(data.classes):
        counts = [part[c] for part in parts]
        cells = [whole(count, keys) for count in (*counts, sum(counts))]
        yield (label(protocol), label(name), *cells, *_paper_count(other, name))
    totals = [sum(part) for part in parts]
    cells = [whole(total, keys) for total in (*totals, sum(totals))]
    stated = _stated(other, data.classes)
    yield (label(protocol), label("total"), *cells, *stated)


def _stated(other: Beside | None, classes: tuple[str, ...]) -> tuple[Cell, ...]:
    """The paper's own total, which holds for the paper's own classes alone."""
    if other is None:
        return ()
    same = set(classes) == set(other.published.samples)
    return (whole(other.published.stated_total) if same else label(NOTHING),)


def _paper_count(other: Beside | None, name: str) -> tuple[Cell, ...]:
    if other is None:
        return ()
    count = other.published.samples.get(name)
    return (label(NOTHING) if count is None else whole(count),)


def _matching(study: Outcomes, other: Beside) -> tuple[str, ...]:
    names = [name for name in other.published.samples if name not in study.classes]
    if not study.classes or not names:
        return ()
    return (f"Classes of the paper that this study does not have: {', '.join(names)}.",)


def leak_table(study: Outcomes) -> Table:
    """For each protocol, how much of the test was there to be seen in training."""
    rows = []
    for protocol, run in _firsts(study):
        shares = (run.leakage.clip, run.leakage.subject)
        seen = [share_cell(share, (run.spec.key,)) for share in shares]
        rows.append((label(protocol), whole(sum(run.data.test), (run.spec.key,)), *seen))
    return Table(
        id=f"leaks-{study.study.name}",
        title=f"What the test of {title_of(study.study.dataset.name)} shares with training",
        header=("Protocol", "Test frames", *SEEN),
        rows=tuple(rows),
        notes=(SEEN_NOTE, *_findings(study)),
    )


def _findings(study: Outcomes) -> Iterator[str]:
    """The audit of each protocol's first finished run."""
    for protocol, run in _firsts(study):
        unknown = unknown_in_words(run.leakage)
        if unknown:
            yield f"Audit of {protocol}: {unknown}: not every image of the test and the training names it."
        elif not run.data.findings:
            yield f"Audit of {protocol}: clean."
        for finding in run.data.findings:
            examples = "; ".join(finding.examples)
            what = f"{finding.severity}: {finding.code}: {finding.text}"
            yield f"Audit of {protocol}: {what}; such as {examples}."


def summaries(study: Outcomes) -> tuple[tuple[str, DataSummary], ...]:
    """(protocol, what its first finished run was given), for the notes and anomalies."""
    return tuple((protocol, run.data) for protocol, run in _firsts(study))
