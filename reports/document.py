"""Write one report on one or several studies: report.md, report.html, report.json, and the figures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.blocks import Block, Heading, SharedNotesPlaceholder, flatten
from reports.headings import build_study_headings
from reports.html import render_page
from reports.markdown import render_blocks
from reports.numbering import NumberedBlock, number_blocks
from reports.outcomes import StudyEvaluation, evaluate_study
from reports.paper_reference import dataset_title
from reports.paper_sections import build_claim_section, build_paper_appendix
from reports.plots.study_figures import FIGURE_FOLDER, format_figure_path
from reports.report_data import list_runs, render_report_data
from reports.sections import (
    build_data_section,
    build_protocol_effect_section,
    build_run_index_section,
    build_setup_section,
    build_summary_section,
    build_synthetic_warning,
)
from reports.study_sections import build_study_section
from reports.table import ReportFigure
from studies.errors import StudyError
from studies.paper.published import PUBLISHED_RESULTS
from studies.results import StudyResult

REPORT_FILE, PAGE_FILE, DATA_FILE = "report.md", "report.html", "report.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDocument:
    """A report as values: its blocks, the same blocks numbered, and the studies that it evaluates."""

    title: str
    blocks: tuple[Block, ...]
    numbered_blocks: tuple[NumberedBlock, ...]
    evaluations: tuple[StudyEvaluation, ...]

    @property
    def figures(self) -> tuple[ReportFigure, ...]:
        """The figures in order."""
        return tuple(block for block in flatten(self.blocks) if isinstance(block, ReportFigure))


def build_document(results: Iterable[StudyResult], *, images: Iterable[str]) -> ReportDocument:
    """Build the report on some studies; `images` are the names of the images that `save_images` saves.

    Raises:
        StudyError: `results` is empty.
    """
    return assemble_document(tuple(map(evaluate_study, results)), images=images)


def assemble_document(evaluations: Sequence[StudyEvaluation], *, images: Iterable[str]) -> ReportDocument:
    """Build the report on evaluated studies, as `build_document` does.

    Raises:
        StudyError: `evaluations` is empty.
    """
    evaluations = tuple(sorted(evaluations, key=_get_sort_key))
    if not evaluations:
        raise StudyError("report.no-study", "a report needs at least one study; got none")
    titles = dict.fromkeys(dataset_title(evaluation.study.dataset.name) for evaluation in evaluations)
    kinds = dict.fromkeys(evaluation.study.kind for evaluation in evaluations)
    alias = evaluations[0].result.alias if len(evaluations) == 1 else ""
    title = f"{' and '.join(kinds).capitalize()} on {', '.join(titles)}{f': {alias}' if alias else ''}"
    blocks = (
        Heading(text=title, level=1),
        *_build_blocks(evaluations, name_image_files(images, evaluations)),
    )
    return ReportDocument(
        title=title, blocks=blocks, numbered_blocks=number_blocks(blocks), evaluations=evaluations
    )


def write_report(results: Sequence[StudyResult], out: Path, *, images: Mapping[str, bytes]) -> Path:
    """Write report.md, report.html, report.json and figures to `out`, and return the path of report.md.

    `images` maps "{study.name}/samples" and "{study.name}/augmentation" to the bytes of PNG files, drawn on
    the machine that has the data. The three files hold the same values. Each is replaced atomically.

    Raises:
        StudyError: `results` is empty.
        OSError: `out` cannot be written.
    """
    return write_document(build_document(results, images=images), out, images=images)


def write_document(document: ReportDocument, out: Path, *, images: Mapping[str, bytes]) -> Path:
    """Write the three files and the figures of a report to `out`, as `write_report` does.

    Raises:
        OSError: `out` cannot be written.
    """
    save_images(document, images, out=out)
    for figure in document.figures:
        if figure.draw:
            figure.draw(out / figure.file)
    _replace_file(out / DATA_FILE, render_report_data(document.blocks, document.evaluations))
    runs = tuple(run for evaluation in document.evaluations for run in list_runs(evaluation))
    page = render_page(document.title, document.numbered_blocks, runs=runs, folder=out)
    _replace_file(out / PAGE_FILE, page)
    return _replace_file(out / REPORT_FILE, render_blocks(document.numbered_blocks) + "\n")


def save_images(document: ReportDocument, images: Mapping[str, bytes], *, out: Path) -> None:
    """Write the images of the document's studies to the folder of figures in `out`, which is created."""
    (out / FIGURE_FOLDER).mkdir(parents=True, exist_ok=True)
    for key, file in name_image_files(images, document.evaluations).items():
        (out / file).write_bytes(images[key])


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


def name_image_files(images: Iterable[str], evaluations: Sequence[StudyEvaluation]) -> dict[str, str]:
    """Return the file of each image that belongs to one of the studies."""
    study_names = {evaluation.study.name for evaluation in evaluations}
    names = ((key, *key.rpartition("/")[::2]) for key in sorted(images))
    return {
        key: format_figure_path(study_name, image_name)
        for key, study_name, image_name in names
        if study_name in study_names
    }


def _build_blocks(evaluations: Sequence[StudyEvaluation], image_files: Mapping[str, str]) -> Iterator[Block]:
    yield from build_synthetic_warning(evaluations)
    # A report on one study starts with its summary; a report on several, with the paper's claims.
    if len(evaluations) == 1:
        yield from build_summary_section(evaluations)
        yield from build_claim_section(evaluations)
    else:
        yield from build_claim_section(evaluations)
        yield from build_summary_section(evaluations)
    headings_by_study = build_study_headings([evaluation.study for evaluation in evaluations])
    displayed_keys: set[str] = set()
    for evaluation in evaluations:
        run_keys = {key for outcome in evaluation.select_arm("proposed") for key in outcome.run_keys}
        yield from build_study_section(
            evaluation,
            heading=headings_by_study[evaluation.study.name],
            include_classes=evaluation.study.kind == "comparison" or not run_keys <= displayed_keys,
        )
        displayed_keys |= run_keys
    yield from build_protocol_effect_section(evaluations)
    yield SharedNotesPlaceholder()
    yield from build_setup_section(evaluations)
    yield from build_data_section(evaluations, image_files)
    yield from build_paper_appendix(evaluations, image_files)
    yield from build_run_index_section(evaluations)
