"""Write one report on one or several studies: report.md, report.json, and a subfolder with the figures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from architectures.catalogue import CATALOGUE
from reports.headings import build_headings
from reports.markdown import escape, render_bullets, render_figure, render_table
from reports.outcomes import StudyEvaluation, evaluate_study
from reports.paper_reference import dataset_title
from reports.plots.study_figures import FIGURE_FOLDER, format_figure_path
from reports.report_data import render_report_data
from reports.sections import (
    Block,
    Inconsistencies,
    build_ablation_section,
    build_claim_section,
    build_comparison_section,
    build_data_section,
    build_inconsistency_section,
    build_missing_items_section,
    build_protocol_effect_section,
    build_run_index_section,
    build_setup_section,
    build_summary_section,
)
from reports.table import ReportFigure, Summary, Table
from reports.tables.costs import build_block_cost_table
from reports.tables.layers import build_layer_table
from studies.cost import compute_block_costs
from studies.errors import StudyError
from studies.paper.inconsistencies import find_inconsistencies
from studies.paper.published import IMAGE_SIZE, PUBLISHED_RESULTS
from studies.results import StudyResult

REPORT_FILE, DATA_FILE = "report.md", "report.json"
PREFACE = (
    'Measured by harness and compared with Zhang, Liang, Shi, Li, "Robust Micro-expression Recognition Based '
    'on Fused Optimized VGG16 Architecture" ("the paper"). Each table and figure cites its counterpart in '
    "the paper; the numbering of the paper's figures is our reading. P1 to P12 are inconsistencies in the "
    "paper. The file report.json beside this report lists the keys of the runs behind each table cell, "
    "figure, difference, claim and sentence of a summary. The run index of each study gives the MLflow run, "
    "the seeds and the commit of each key."
)


def write_report(results: Sequence[StudyResult], out: Path, *, images: Mapping[str, bytes]) -> Path:
    """Write `out`/report.md, `out`/report.json and `out`/figures, and return the path of report.md.

    `images` maps "{study.name}/samples" and "{study.name}/augmentation" to the bytes of PNG files, drawn on
    the machine that has the data. report.json holds the values of report.md. Both files are replaced
    atomically.

    Raises:
        StudyError: `results` is empty.
        OSError: `out` cannot be written.
    """
    if not results:
        raise StudyError("report.no-study", "a report needs at least one study; got none")
    (out / FIGURE_FOLDER).mkdir(parents=True, exist_ok=True)
    ordered_evaluations = sorted(map(evaluate_study, results), key=_get_sort_key)
    image_files = _save_images(images, ordered_evaluations, out=out)
    blocks = list(_build_blocks(ordered_evaluations, image_files, out=out))
    _replace_file(out / DATA_FILE, render_report_data(blocks, ordered_evaluations))
    return _replace_file(out / REPORT_FILE, "\n\n".join(_render_blocks(blocks)) + "\n")


def _replace_file(path: Path, text: str) -> Path:
    """Write `text` to `path`, which holds the old or the new text at any time, and return the path."""
    temporary_path = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary_path.write_text(text, encoding="utf-8")
        os.replace(temporary_path, path)
    finally:
        temporary_path.unlink(missing_ok=True)
    return path


def _get_sort_key(evaluation: StudyEvaluation) -> tuple[object, ...]:
    """Return the key that sorts studies: comparisons before ablations, the paper's datasets first."""
    study = evaluation.study
    dataset_names = list(PUBLISHED_RESULTS)
    rank = (
        dataset_names.index(study.dataset.name) if study.dataset.name in dataset_names else len(dataset_names)
    )
    return (study.kind == "ablation", rank, study.dataset.name, study.name)


def _save_images(
    images: Mapping[str, bytes], evaluations: Sequence[StudyEvaluation], *, out: Path
) -> dict[str, str]:
    study_names = {evaluation.study.name for evaluation in evaluations}
    files_by_key = {}
    for key in sorted(images):
        study_name, _, image_name = key.rpartition("/")
        if study_name in study_names:
            files_by_key[key] = format_figure_path(study_name, image_name)
            (out / files_by_key[key]).write_bytes(images[key])
    return files_by_key


def _build_blocks(
    evaluations: Sequence[StudyEvaluation], image_files: Mapping[str, str], *, out: Path
) -> Iterator[Block]:
    titles = dict.fromkeys(dataset_title(evaluation.study.dataset.name) for evaluation in evaluations)
    kinds = dict.fromkeys(evaluation.study.kind for evaluation in evaluations)
    yield f"# {escape(' and '.join(kinds).capitalize())} on {escape(', '.join(titles))}"
    yield escape(PREFACE)
    yield from _build_synthetic_warning(evaluations)
    # A report on one study starts with its summary; a report on several, with the paper's claims.
    opening_sections = (
        (build_summary_section, build_claim_section)
        if len(evaluations) == 1
        else (build_claim_section, build_summary_section)
    )
    yield from chain.from_iterable(section(evaluations) for section in opening_sections)
    yield from build_setup_section(evaluations)
    yield from _build_network_section(evaluations)
    yield from build_data_section(evaluations, image_files)
    headings_by_study = build_headings([evaluation.study for evaluation in evaluations])
    displayed_keys: set[str] = set()
    for evaluation in evaluations:
        run_keys = {key for outcome in evaluation.select_arm("proposed") for key in outcome.run_keys}
        if evaluation.study.kind == "comparison":
            yield from build_comparison_section(
                evaluation, heading=headings_by_study[evaluation.study.name], out=out
            )
        else:
            yield from build_ablation_section(
                evaluation,
                heading=headings_by_study[evaluation.study.name],
                out=out,
                include_classes=not run_keys <= displayed_keys,
            )
        displayed_keys |= run_keys
    yield from build_protocol_effect_section(evaluations)
    yield from build_missing_items_section(evaluations, image_files)
    yield from build_inconsistency_section()
    yield from build_run_index_section(evaluations)


def _build_synthetic_warning(evaluations: Sequence[StudyEvaluation]) -> Iterator[Block]:
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
    names_text = escape(" and ".join(names))
    yield f"**The faces of {names_text} are synthetic, not from the real release: {scope_text}.**"


def _build_network_section(evaluations: Sequence[StudyEvaluation]) -> Iterator[Block]:
    yield "## Networks"
    sizes = {
        (evaluation.study.dataset.image_size, min(arm.width for arm in evaluation.study.arms)): len(
            evaluation.classes
        )
        for evaluation in evaluations
    }
    for (size, width), classes in sorted(sizes.items()):
        yield build_layer_table(image_size=size, width=width, classes=classes or None)
    yield build_block_cost_table(compute_block_costs(CATALOGUE["vgg16"].stages, IMAGE_SIZE))
    yield Inconsistencies(items=("Section 3.1", "Table 1"))


def _render_blocks(blocks: Iterable[Block]) -> Iterator[str]:
    """Render blocks to markdown; number tables and figures, and write out each inconsistency only once."""
    table_count = figure_count = 0
    reported_ids: dict[str, None] = {}
    for block in blocks:
        if isinstance(block, Table):
            table_count += 1
            yield render_table(block, number=table_count)
        elif isinstance(block, ReportFigure):
            figure_count += 1
            yield render_figure(block, number=figure_count)
        elif isinstance(block, Summary):
            findings = render_bullets(statement.text for statement in block.findings)
            yield f"**{escape(block.progress.text)}**\n\n{findings}"
        elif isinstance(block, Inconsistencies):
            yield from _render_inconsistencies(block, reported_ids)
        elif block:
            yield block


def _render_inconsistencies(block: Inconsistencies, reported_ids: dict[str, None]) -> Iterator[str]:
    inconsistencies = find_inconsistencies(block.items)
    new_inconsistencies = [
        inconsistency for inconsistency in inconsistencies if inconsistency.id not in reported_ids
    ]
    repeated_ids = (
        []
        if block.unreported_only
        else [inconsistency.id for inconsistency in inconsistencies if inconsistency.id in reported_ids]
    )
    reported_ids.update(dict.fromkeys(inconsistency.id for inconsistency in new_inconsistencies))
    lines = [f"- {inconsistency.id}: {escape(inconsistency.text)}" for inconsistency in new_inconsistencies]
    if repeated_ids:
        verb = "applies" if len(repeated_ids) == 1 else "apply"
        lines.append(f"- {', '.join(repeated_ids)} (see above) also {verb} here.")
    if block.unreported_only:
        yield "\n".join(lines) or "All inconsistencies are listed above."
    elif lines:
        yield "Inconsistencies in the paper:\n\n" + "\n".join(lines)
