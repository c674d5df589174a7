"""Sections of a report on all of its studies: answers, setup, data, effect of the split, and runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from datasets.anomalies import format_anomaly
from datasets.catalogue import DATASETS
from reports.blocks import (
    Block,
    Bullets,
    Collapsible,
    Heading,
    Inconsistencies,
    Paragraph,
    build_bullets,
)
from reports.headings import build_study_headings
from reports.outcomes import StudyEvaluation
from reports.paper_reference import dataset_title, find_paper_reference
from reports.question import describe_question
from reports.run_settings import build_run_index_table, describe_settings
from reports.summary import describe_answers, describe_details, describe_progress
from reports.table import ReportFigure, Statement, Summary
from reports.tables.overview import build_forest_figure, build_overview_table
from reports.tables.protocol_effect import build_protocol_effect_tables
from reports.tables.sample_counts import build_leakage_table, build_sample_table, get_data_summaries
from studies.presets import get_purpose

MAX_ANOMALIES = 10


def build_synthetic_warning(evaluations: Sequence[StudyEvaluation]) -> Iterator[Block]:
    """Warn that faces are synthetic; name the studies concerned if other studies have real faces."""
    synthetic_evaluations = [evaluation for evaluation in evaluations if evaluation.is_synthetic]
    if not synthetic_evaluations:
        return
    has_real_faces = len(synthetic_evaluations) < len(evaluations)
    names = dict.fromkeys(
        dataset_title(evaluation.study.dataset.name)
        + (f" in {evaluation.study.name}" if has_real_faces else "")
        for evaluation in synthetic_evaluations
    )
    scope_text = f"{'no result on them' if has_real_faces else 'nothing in this report'} is about people"
    text = f"The faces of {' and '.join(names)} are synthetic, not from the real release: {scope_text}."
    yield Paragraph(text=text, is_strong=True)


def build_summary_section(evaluations: Sequence[StudyEvaluation]) -> Iterator[Block]:
    """Yield for each study its question, its answer, one table and one forest plot; the rest is folded."""
    yield Heading(text="Summary")
    headings_by_study = build_study_headings([evaluation.study for evaluation in evaluations])
    for evaluation in evaluations:
        name = evaluation.study.name
        yield Paragraph(text=describe_question(evaluation.study))
        if purpose := get_purpose(evaluation.study.preset):
            yield Paragraph(text=purpose)
        yield Summary(
            study_name=name,
            progress=describe_progress(evaluation, heading=headings_by_study[name]),
            findings=describe_answers(evaluation),
        )
        if evaluation.result.results:
            yield build_overview_table(evaluation)
        figure = build_forest_figure(evaluation)
        if figure:
            yield figure
        details = describe_details(evaluation)
        if details:
            yield Collapsible(
                title="Verdicts in full, best network, and limits",
                blocks=(Summary(study_name=name, findings=details),),
            )


def build_setup_section(evaluations: Sequence[StudyEvaluation]) -> Iterator[Block]:
    """Yield the commands and settings of each study."""
    yield Heading(text="Setup")
    headings_by_study = build_study_headings([evaluation.study for evaluation in evaluations])
    for evaluation in evaluations:
        yield Heading(text=headings_by_study[evaluation.study.name], level=3)
        commands = (Statement(text="Command:", code=command) for command in evaluation.result.commands)
        settings = (Statement(text=text) for text in describe_settings(evaluation))
        yield Bullets(items=(*commands, *settings))


def build_data_section(
    evaluations: Sequence[StudyEvaluation], image_files: Mapping[str, str]
) -> Iterator[Block]:
    """Yield Table 2, the leakage, notes, anomalies and sample images of each dataset.

    `image_files` maps "{study.name}/{image name}" to a file. Studies with the same samples in the same splits
    share one description.
    """
    yield Heading(text="Data")
    reported_keys: set[object] = set()
    for evaluation in evaluations:
        dataset = evaluation.study.dataset
        if evaluation.result.results:
            counts_table = build_sample_table(evaluation)
            texts = tuple(cell.text for row in counts_table.rows for cell in row)
            key = (dataset.name, dataset.frame_policy, evaluation.study.fingerprint, texts)
            if key not in reported_keys:
                reported_keys.add(key)
                name = dataset_title(dataset.name)
                yield Heading(text=f"{name[:1].upper()}{name[1:]} ({evaluation.study.kind})", level=3)
                yield counts_table
                paper_ref = find_paper_reference(evaluation)
                yield Inconsistencies(items=("Table 2",) if paper_ref and paper_ref.is_same_data else ())
                yield build_leakage_table(evaluation)
                yield from _build_data_notes(evaluation)
        for image_name in ("samples", "augmentation"):
            if (
                f"{evaluation.study.name}/{image_name}" in image_files
                and (dataset.name, image_name) not in reported_keys
            ):
                reported_keys.add((dataset.name, image_name))
                yield from _build_image_figure(
                    evaluation, image_name, file=image_files[f"{evaluation.study.name}/{image_name}"]
                )
    if not reported_keys:
        yield Paragraph(text="No run has finished, so no samples are counted.")


def _build_data_notes(evaluation: StudyEvaluation) -> Iterator[Block]:
    summaries = get_data_summaries(evaluation)
    notes = dict.fromkeys(note for _, data_summary in summaries for note in data_summary.notes)
    warnings = dict.fromkeys(
        f"{protocol}: {text}" for protocol, data_summary in summaries for text in data_summary.warnings
    )
    anomalies = list(
        dict.fromkeys(anomaly for _, data_summary in summaries for anomaly in data_summary.anomalies)
    )
    if notes:
        yield build_bullets(notes, intro="Notes on the data:")
    if warnings:
        yield build_bullets(warnings, intro="Warnings about the splits:")
    if not anomalies:
        yield Paragraph(text="No anomalies were found in the data.")
        return
    yield build_bullets(
        map(format_anomaly, anomalies[:MAX_ANOMALIES]), intro=f"Anomalies in the data: {len(anomalies)}."
    )
    remaining_count = len(anomalies) - MAX_ANOMALIES
    if remaining_count > 0:
        yield Paragraph(
            text=f"Only the first {MAX_ANOMALIES} are listed; {remaining_count} more are stored with the "
            "runs."
        )


def _build_image_figure(evaluation: StudyEvaluation, image_name: str, *, file: str) -> Iterator[Block]:
    dataset = evaluation.study.dataset.name
    paper_ref, name = find_paper_reference(evaluation), dataset_title(dataset)
    if image_name == "augmentation":
        title, alt = "One training image with random augmentations", "One image, randomly augmented"
        paper_items = paper_ref.cite_items("Figure 9") if paper_ref else ()
    else:
        title, alt = f"Sample images of {name}", f"Sample images of {name} by class"
        paper_items = paper_ref.cite_items(paper_ref.results.samples_figure) if paper_ref else ()
    yield ReportFigure(
        id=f"{image_name}-{evaluation.study.name}",
        title=title,
        file=file,
        alt_text=alt,
        paper_items=paper_items,
    )
    if dataset in DATASETS and DATASETS[dataset].requires_license and not evaluation.is_synthetic:
        yield Paragraph(
            text="Faces from a licensed data set: check its license agreement before publishing them."
        )


def build_protocol_effect_section(evaluations: Sequence[StudyEvaluation]) -> Iterator[Block]:
    """Yield tables that compare the networks across protocols; nothing if there is only one protocol."""
    tables = build_protocol_effect_tables(evaluations)
    if tables:
        yield Heading(text="Effect of the split protocol")
        yield from tables


def build_run_index_section(evaluations: Iterable[StudyEvaluation]) -> Iterator[Block]:
    """Yield the table of runs of each study."""
    yield Heading(text="Run index")
    yield Paragraph(
        text="The run index gives the MLflow run, the seeds and the commit of each key. The file report.json "
        "beside this report lists the keys of the runs behind each table cell, figure, difference, claim and "
        "sentence of a summary. In report.html each of these is a link to its runs."
    )
    tables = tuple(build_run_index_table(evaluation) for evaluation in evaluations)
    run_count = sum(len(table.rows) for table in tables)
    yield Collapsible(title=f"Index of {run_count} runs", blocks=tables)
