"""Sections of a report. Each is a sequence of blocks: text, tables, figures, the paper's inconsistencies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from architectures.catalogue import PROPOSED
from datasets.anomalies import format_anomaly
from datasets.catalogue import DATASETS
from reports.claims.table import build_claim_table, describe_claim_results
from reports.headings import build_headings
from reports.markdown import escape, render_bullets, render_code
from reports.outcomes import StudyEvaluation
from reports.paper_reference import dataset_title, find_paper_reference
from reports.plots.study_figures import (
    draw_bar_figure,
    draw_confusion_figure,
    draw_curve_figure,
    draw_reliability_figure,
)
from reports.run_settings import build_run_index_table, describe_settings
from reports.summary import summarize_study
from reports.table import ReportFigure, Summary, Table
from reports.tables.ablation import build_ablation_table, build_rung_table, cite_ablation_items
from reports.tables.calibration import build_calibration_table
from reports.tables.composite_parts import build_part_table
from reports.tables.differences import build_difference_table
from reports.tables.factorial_effects import build_effect_table
from reports.tables.gradients import build_gradient_table, draw_gradient_figure
from reports.tables.latency import build_latency_table
from reports.tables.loss_comparison import build_loss_table
from reports.tables.network_scores import build_paper_table, build_score_table, build_size_table
from reports.tables.paper_coverage import find_missing_items
from reports.tables.per_class import build_class_table
from reports.tables.protocol_effect import build_protocol_effect_tables
from reports.tables.robustness import build_robustness_table, draw_robustness_figure
from reports.tables.sample_counts import build_leakage_table, build_sample_table, get_data_summaries
from reports.tables.search_budget import build_budget_table, draw_budget_figure
from reports.tables.stability import build_stability_table
from reports.tables.subjects import build_subject_table
from reports.tables.uncertainty import build_uncertainty_table
from studies.paper.published import ABLATION_FIGURES, PAPER_ITEMS

MAX_ANOMALIES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Inconsistencies:
    """Inconsistencies of the paper that concern `items`, the names of the paper's tables and figures.

    With `unreported_only`, those that an earlier block of the report lists are left out.
    """

    items: tuple[str, ...]
    unreported_only: bool = False


Block = str | Table | ReportFigure | Inconsistencies | Summary


def _render_heading(text: str, level: int = 2) -> str:
    return f"{'#' * level} {escape(text)}"


def build_summary_section(evaluations: Sequence[StudyEvaluation]) -> Iterator[Block]:
    """Yield the summary of each study."""
    yield _render_heading("Summary")
    headings_by_study = build_headings([evaluation.study for evaluation in evaluations])
    for evaluation in evaluations:
        progress, *findings = summarize_study(evaluation, heading=headings_by_study[evaluation.study.name])
        yield Summary(study_name=evaluation.study.name, progress=progress, findings=tuple(findings))


def build_claim_section(evaluations: Sequence[StudyEvaluation]) -> Iterator[Block]:
    """Yield the verdicts on the paper's claims; nothing if no study is on its datasets."""
    table = build_claim_table(evaluations)
    if table:
        yield _render_heading("The paper's claims")
        yield render_bullets(describe_claim_results(evaluations))
        yield table


def build_setup_section(evaluations: Sequence[StudyEvaluation]) -> Iterator[Block]:
    """Yield the commands and settings of each study."""
    yield _render_heading("Setup")
    headings_by_study = build_headings([evaluation.study for evaluation in evaluations])
    for evaluation in evaluations:
        yield _render_heading(headings_by_study[evaluation.study.name], 3)
        commands = (f"- Command: {render_code(command)}" for command in evaluation.result.commands)
        yield "\n".join((*commands, render_bullets(describe_settings(evaluation))))


def build_data_section(
    evaluations: Sequence[StudyEvaluation], image_files: Mapping[str, str]
) -> Iterator[Block]:
    """Yield Table 2, the leakage, notes, anomalies and sample images of each dataset.

    `image_files` maps "{study.name}/{image name}" to a file. Studies with the same samples in the same splits
    share one description.
    """
    yield _render_heading("Data")
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
                yield _render_heading(f"{name[:1].upper()}{name[1:]} ({evaluation.study.kind})", 3)
                yield counts_table
                yield Inconsistencies(items=("Table 2",) if find_paper_reference(evaluation) else ())
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
        yield "No run has finished, so no samples are counted."


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
        yield f"Notes on the data:\n\n{render_bullets(notes)}"
    if warnings:
        yield f"Warnings about the splits:\n\n{render_bullets(warnings)}"
    if not anomalies:
        yield "No anomalies were found in the data."
        return
    anomaly_list = render_bullets(map(format_anomaly, anomalies[:MAX_ANOMALIES]))
    remaining_count = len(anomalies) - MAX_ANOMALIES
    remainder_text = (
        f"\n\nOnly the first {MAX_ANOMALIES} are listed; {remaining_count} more are stored with the runs."
        if remaining_count > 0
        else ""
    )
    yield f"Anomalies in the data: {len(anomalies)}.\n\n{anomaly_list}{remainder_text}"


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
        yield "Faces from a licensed data set: check its license agreement before publishing them."


def build_comparison_section(evaluation: StudyEvaluation, *, heading: str, out: Path) -> Iterator[Block]:
    """Yield the counterparts of the paper's Tables 3 and 4, or 5 and 6, and of the figures after them."""
    yield _render_heading(heading)
    paper_ref = find_paper_reference(evaluation)
    yield from _build_class_blocks(evaluation)
    yield build_score_table(evaluation)
    yield from _skip_none(build_part_table(evaluation))
    yield from _skip_none(build_difference_table(evaluation))
    yield from _skip_none(build_uncertainty_table(evaluation))
    paper_scores_table = build_paper_table(evaluation)
    if paper_scores_table:
        yield paper_scores_table
    yield Inconsistencies(items=(paper_ref.results.comparison_table,) if paper_ref else ())
    yield from _build_score_details(evaluation, out=out)
    yield from _build_budget_blocks(evaluation, out=out)
    yield from _build_check_blocks(evaluation, out=out)
    yield from _skip_none(build_size_table(evaluation))
    for protocol in evaluation.study.protocols:
        yield from _skip_none(draw_confusion_figure(evaluation, protocol, out=out))
    yield from _build_curve_blocks(evaluation, out=out)


def _build_class_blocks(evaluation: StudyEvaluation) -> Iterator[Block]:
    paper_ref = find_paper_reference(evaluation)
    if evaluation.select_arm(PROPOSED) and evaluation.classes:
        yield build_class_table(evaluation, PROPOSED)
        yield Inconsistencies(items=(paper_ref.results.per_class_table,) if paper_ref else ())


def build_ablation_section(
    evaluation: StudyEvaluation, *, heading: str, out: Path, include_classes: bool
) -> Iterator[Block]:
    """Yield the ablation's tables and figures; `include_classes` adds the proposed network's class table."""
    yield _render_heading(heading)
    if include_classes:
        yield from _build_class_blocks(evaluation)
    yield build_ablation_table(evaluation)
    yield from _skip_none(build_part_table(evaluation))
    yield Inconsistencies(items=ABLATION_FIGURES if cite_ablation_items(evaluation, "Figure 18") else ())
    yield from _skip_none(build_difference_table(evaluation))
    yield from _skip_none(build_uncertainty_table(evaluation))
    yield from _skip_none(build_effect_table(evaluation))
    yield from _build_score_details(evaluation, out=out)
    yield from _build_check_blocks(evaluation, out=out)
    yield from _build_budget_blocks(evaluation, out=out)
    yield build_rung_table(evaluation)
    yield from _build_curve_blocks(evaluation, out=out)
    yield from _skip_none(draw_bar_figure(evaluation, out=out))


def _build_score_details(evaluation: StudyEvaluation, *, out: Path) -> Iterator[Block]:
    """Yield accuracy by subject, stability over seeds, and calibration."""
    yield from _skip_none(build_subject_table(evaluation))
    yield from _skip_none(build_stability_table(evaluation))
    yield from _skip_none(build_calibration_table(evaluation))
    for protocol in evaluation.study.protocols:
        yield from _skip_none(draw_reliability_figure(evaluation, protocol, out=out))


def _build_check_blocks(evaluation: StudyEvaluation, *, out: Path) -> Iterator[Block]:
    """Yield robustness, the loss comparison, gradients and latency, as far as the study measured them."""
    yield from _skip_none(build_robustness_table(evaluation))
    for protocol in evaluation.study.protocols:
        yield from _skip_none(draw_robustness_figure(evaluation, protocol, out=out))
    yield from _skip_none(build_loss_table(evaluation))
    yield from _skip_none(build_gradient_table(evaluation))
    yield from _skip_none(draw_gradient_figure(evaluation, out=out))
    yield from _skip_none(build_latency_table(evaluation))


def _build_budget_blocks(evaluation: StudyEvaluation, *, out: Path) -> Iterator[Block]:
    yield from _skip_none(build_budget_table(evaluation))
    yield from _skip_none(draw_budget_figure(evaluation, out=out))


def _build_curve_blocks(evaluation: StudyEvaluation, *, out: Path) -> Iterator[Block]:
    for protocol in evaluation.study.protocols:
        yield from _skip_none(draw_curve_figure(evaluation, protocol, metric="accuracy", out=out))
    for protocol in evaluation.study.protocols:
        yield from _skip_none(draw_curve_figure(evaluation, protocol, metric="loss", out=out))


def _skip_none(block: Table | ReportFigure | None) -> Iterator[Block]:
    if block:
        yield block


def build_protocol_effect_section(evaluations: Sequence[StudyEvaluation]) -> Iterator[Block]:
    """Yield tables that compare the networks across protocols; nothing if there is only one protocol."""
    tables = build_protocol_effect_tables(evaluations)
    if tables:
        yield _render_heading("Effect of the split protocol")
        yield from tables


def build_missing_items_section(
    evaluations: Sequence[StudyEvaluation], image_files: Mapping[str, str]
) -> Iterator[Block]:
    """Yield the paper's tables and figures that these studies do not cover, with reasons and commands."""
    yield _render_heading("Paper results not covered")
    items_by_reason: dict[tuple[str, str], list[str]] = {}
    for missing_item in find_missing_items(evaluations, image_files):
        items_by_reason.setdefault((missing_item.reason, missing_item.command), []).append(
            f"{missing_item.item} ({PAPER_ITEMS[missing_item.item]})"
        )
    lines = [
        f"- {escape(reason)}: {escape(', '.join(items))}." + (f" {render_code(command)}" if command else "")
        for (reason, command), items in items_by_reason.items()
    ]
    yield "\n".join(lines) or "Every table and result figure of the paper has a counterpart here."


def build_inconsistency_section() -> Iterator[Block]:
    """Yield the inconsistencies of the paper that concern no table of this report."""
    yield _render_heading("Other inconsistencies in the paper")
    yield Inconsistencies(items=tuple(PAPER_ITEMS), unreported_only=True)


def build_run_index_section(evaluations: Iterable[StudyEvaluation]) -> Iterator[Block]:
    """Yield the table of runs of each study."""
    yield _render_heading("Run index")
    for evaluation in evaluations:
        yield build_run_index_table(evaluation)
