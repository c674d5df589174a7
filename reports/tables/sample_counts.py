"""Tables of the samples by class and split (the paper's Table 2), and of the leakage of each protocol."""

from __future__ import annotations

from collections.abc import Iterator

from reports.formatting import NO_VALUE, count_cell, share_cell, text_cell
from reports.outcomes import StudyEvaluation
from reports.paper_reference import PaperReference, dataset_title, find_paper_reference
from reports.table import Cell, Table
from reports.tables.score_columns import (
    LEAKAGE_HEADER,
    LEAKAGE_NOTE,
    build_clip_list_notes,
    describe_unknown_leakage,
)
from studies.results import DataSummary, RunResult


def _find_first_runs(evaluation: StudyEvaluation) -> tuple[tuple[str, RunResult], ...]:
    """Return (protocol, first finished run) for each protocol with a finished run."""
    first_runs = (
        (
            protocol_name,
            next(
                (
                    outcome.first_run
                    for outcome in evaluation.select_protocol(protocol_name)
                    if outcome.first_run
                ),
                None,
            ),
        )
        for protocol_name in evaluation.study.protocols
    )
    return tuple((protocol, run) for protocol, run in first_runs if run is not None)


def build_sample_table(evaluation: StudyEvaluation) -> Table:
    """Build the table of the samples of each class, by split and in total, with the paper's counts."""
    paper_ref = find_paper_reference(evaluation)
    header = ("Protocol", "Class", "Train", "Validation", "Test", "All")
    rows = [
        row for protocol, run in _find_first_runs(evaluation) for row in _build_rows(protocol, run, paper_ref)
    ]
    name = dataset_title(evaluation.study.dataset.name)
    split_note = "The split is that of the first finished run; other split seeds and folds have other splits."
    notes = (
        split_note,
        *build_clip_list_notes(evaluation.outcomes),
        *(paper_ref.notes if paper_ref else ()),
        *(_build_class_notes(evaluation, paper_ref) if paper_ref else ()),
    )
    return Table(
        id=f"samples-{evaluation.study.name}",
        title=f"Samples of {name} by class (frames: {evaluation.study.dataset.frame_policy})",
        header=(*header, paper_ref.column_title) if paper_ref else header,
        rows=tuple(rows),
        notes=notes,
        paper_items=paper_ref.cite_items("Table 2") if paper_ref else (),
    )


def _build_rows(
    protocol: str, run: RunResult, paper_ref: PaperReference | None
) -> Iterator[tuple[Cell, ...]]:
    data, run_keys = run.data, (run.spec.key,)
    counts_by_split = (data.train, data.validation, data.test)
    for class_index, name in enumerate(data.classes):
        counts = [split_counts[class_index] for split_counts in counts_by_split]
        cells = [count_cell(count, run_keys) for count in (*counts, sum(counts))]
        yield (text_cell(protocol), text_cell(name), *cells, *_build_paper_count_cells(paper_ref, name))
    totals = [sum(split_counts) for split_counts in counts_by_split]
    cells = [count_cell(total, run_keys) for total in (*totals, sum(totals))]
    total_cells = _build_stated_total_cells(paper_ref, data.classes)
    yield (text_cell(protocol), text_cell("total"), *cells, *total_cells)


def _build_stated_total_cells(paper_ref: PaperReference | None, classes: tuple[str, ...]) -> tuple[Cell, ...]:
    """Return the cell with the total that the paper states, a dash if the classes are not the paper's."""
    if paper_ref is None:
        return ()
    has_same_classes = set(classes) == set(paper_ref.results.samples_per_class)
    return (count_cell(paper_ref.results.stated_total) if has_same_classes else text_cell(NO_VALUE),)


def _build_paper_count_cells(paper_ref: PaperReference | None, name: str) -> tuple[Cell, ...]:
    if paper_ref is None:
        return ()
    count = paper_ref.results.samples_per_class.get(name)
    return (text_cell(NO_VALUE) if count is None else count_cell(count),)


def _build_class_notes(evaluation: StudyEvaluation, paper_ref: PaperReference) -> tuple[str, ...]:
    names = [name for name in paper_ref.results.samples_per_class if name not in evaluation.classes]
    if not evaluation.classes or not names:
        return ()
    return (f"Classes of the paper that are missing in this study: {', '.join(names)}.",)


def build_leakage_table(evaluation: StudyEvaluation) -> Table:
    """Build the table of the shares of each protocol's test frames whose clip or subject is in training."""
    rows = []
    for protocol, run in _find_first_runs(evaluation):
        shares = (run.leakage.clip, run.leakage.subject)
        share_cells = [share_cell(share, (run.spec.key,)) for share in shares]
        rows.append((text_cell(protocol), count_cell(sum(run.data.test), (run.spec.key,)), *share_cells))
    return Table(
        id=f"leaks-{evaluation.study.name}",
        title=f"Overlap of test and training set of {dataset_title(evaluation.study.dataset.name)}",
        header=("Protocol", "Test frames", *LEAKAGE_HEADER),
        rows=tuple(rows),
        notes=(
            LEAKAGE_NOTE,
            *_build_audit_notes(evaluation),
            *build_clip_list_notes(evaluation.outcomes),
        ),
    )


def _build_audit_notes(evaluation: StudyEvaluation) -> Iterator[str]:
    """Yield the audit findings of each protocol's first finished run."""
    for protocol, run in _find_first_runs(evaluation):
        unknown_text = describe_unknown_leakage(run.leakage)
        if unknown_text:
            yield f"Audit of {protocol}: {unknown_text}: not every test and training image has this label."
        elif not run.data.findings:
            yield f"Audit of {protocol}: clean."
        for finding in run.data.findings:
            examples = "; ".join(finding.examples)
            finding_text = f"{finding.severity}: {finding.code}: {finding.message}"
            has_more = finding.count > len(finding.examples)
            hint = " (`harness data audit --all-examples` lists all)" if has_more else ""
            yield f"Audit of {protocol}: {finding_text}; such as {examples}{hint}."


def get_data_summaries(evaluation: StudyEvaluation) -> tuple[tuple[str, DataSummary], ...]:
    """Return (protocol, data summary of its first finished run) for each protocol with a finished run."""
    return tuple((protocol, run.data) for protocol, run in _find_first_runs(evaluation))
