"""A report as one markdown file with its pictures beside it: joins studies, in the order of the paper."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from architectures.catalogue import CATALOGUE
from reports.beside import title_of
from reports.costs import block_cost_table
from reports.headings import headings
from reports.markdown import escape, render_figure, render_table
from reports.outcomes import Outcomes, outcomes
from reports.pictures import FOLDER, file_name
from reports.sections import (
    Block,
    Faults,
    ablation_section,
    claim_section,
    comparison_section,
    data_section,
    fault_section,
    gap_section,
    inflation_section,
    run_section,
    summary_section,
    trace_section,
)
from reports.structure import layer_table
from reports.table import Figure, Table
from studies.cost import block_costs
from studies.paper import IMAGE_SIZE, PAPER
from studies.paper_faults import faults_of
from studies.results import StudyResult

REPORT = "report.md"
PREFACE = (
    'Measured by harness against Zhang, Liang, Shi, Li, "Robust Micro-expression Recognition Based on Fused '
    'Optimized VGG16 Architecture" ("the paper"). Each table and figure names the one of the paper that it '
    "stands for; the numbering of the paper's figures is our reading. P1 to P12 are places where the paper "
    "does not agree with itself."
)


def write(studies: Sequence[StudyResult], out: Path, *, pictures: Mapping[str, bytes]) -> Path:
    """Write `out`/report.md and `out`/figures, and return the report's path.

    `pictures` are PNG files drawn where the data are, by name: "{study.name}/samples" and
    "{study.name}/augmentation". The report is put in place whole, or not at all.

    Raises:
        ValueError: no study.
        OSError: the folder cannot be written.
    """
    if not studies:
        raise ValueError("a report needs at least one study; got none")
    (out / FOLDER).mkdir(parents=True, exist_ok=True)
    ordered = sorted(map(outcomes, studies), key=_place)
    files = _keep_pictures(pictures, ordered, out=out)
    text = "\n\n".join(_rendered(_blocks(ordered, files, out=out))) + "\n"
    report = out / REPORT
    temporary = out / f".{REPORT}.{os.getpid()}"
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, report)
    finally:
        temporary.unlink(missing_ok=True)
    return report


def _place(study: Outcomes) -> tuple[object, ...]:
    """The paper's order: comparisons on its sets, then other sets', then ablations."""
    spec = study.study
    sets = list(PAPER)
    rank = sets.index(spec.dataset.name) if spec.dataset.name in sets else len(sets)
    return (spec.kind == "ablation", rank, spec.dataset.name, spec.name)


def _keep_pictures(
    pictures: Mapping[str, bytes], studies: Sequence[Outcomes], *, out: Path
) -> dict[str, str]:
    names = {study.study.name for study in studies}
    kept = {}
    for key in sorted(pictures):
        study, _, what = key.rpartition("/")
        if study in names:
            kept[key] = file_name(study, what)
            (out / kept[key]).write_bytes(pictures[key])
    return kept


def _blocks(studies: Sequence[Outcomes], pictures: Mapping[str, str], *, out: Path) -> Iterator[Block]:
    titles = dict.fromkeys(title_of(study.study.dataset.name) for study in studies)
    kinds = dict.fromkeys(study.study.kind for study in studies)
    yield f"# {escape(' and '.join(kinds).capitalize())} on {escape(', '.join(titles))}"
    yield escape(PREFACE)
    yield from _stamp(studies)
    # One study is asked what it has found; several together, what is left of the paper.
    opening = (summary_section, claim_section) if len(studies) == 1 else (claim_section, summary_section)
    yield from chain.from_iterable(section(studies) for section in opening)
    yield from run_section(studies)
    yield from _network_section(studies)
    yield from data_section(studies, pictures)
    named = headings([study.study for study in studies])
    shown: set[str] = set()
    for study in studies:
        keys = {key for row in study.of("proposed") for key in row.keys}
        if study.study.kind == "comparison":
            yield from comparison_section(study, heading=named[study.study.name], out=out)
        else:
            yield from ablation_section(
                study, heading=named[study.study.name], out=out, classes=not keys <= shown
            )
        shown |= keys
    yield from inflation_section(studies)
    yield from gap_section(studies, pictures)
    yield from fault_section()
    yield from trace_section(studies)


def _stamp(studies: Sequence[Outcomes]) -> Iterator[Block]:
    """What a reader must know first where faces are drawn; beside real ones, which studies' they are."""
    found = [study for study in studies if study.drawn]
    if not found:
        return
    apart = len(found) < len(studies)
    names = dict.fromkeys(
        title_of(study.study.dataset.name) + (f" in {study.study.name}" if apart else "") for study in found
    )
    about = f"nothing in this report{' on them' if apart else ''} is about people"
    listed = escape(" and ".join(names))
    yield f"**The faces of {listed} here are drawn by harness, not the real release: {about}.**"


def _network_section(studies: Sequence[Outcomes]) -> Iterator[Block]:
    yield "## Networks"
    sizes = {
        (study.study.dataset.image_size, min(arm.width for arm in study.study.arms)): len(study.classes)
        for study in studies
    }
    for (size, width), classes in sorted(sizes.items()):
        yield layer_table(image_size=size, width=width, classes=classes or None)
    yield block_cost_table(block_costs(CATALOGUE["vgg16"].stages, IMAGE_SIZE))
    yield Faults(items=("Section 3.1", "Table 1"))


def _rendered(blocks: Iterable[Block]) -> Iterator[str]:
    """Number tables and figures as they come; tell each fault in full where it first bears on something."""
    tables = figures = 0
    told: dict[str, None] = {}
    for block in blocks:
        if isinstance(block, Table):
            tables += 1
            yield render_table(block, number=tables)
        elif isinstance(block, Figure):
            figures += 1
            yield render_figure(block, number=figures)
        elif isinstance(block, Faults):
            yield from _faults(block, told)
        elif block:
            yield block


def _faults(block: Faults, told: dict[str, None]) -> Iterator[str]:
    found = faults_of(block.items)
    fresh = [fault for fault in found if fault.id not in told]
    again = [] if block.rest else [fault.id for fault in found if fault.id in told]
    told.update(dict.fromkeys(fault.id for fault in fresh))
    lines = [f"- {fault.id}: {escape(fault.text)}" for fault in fresh]
    if again:
        lines.append(f"- {', '.join(again)}, told above, bear{'s' if len(again) == 1 else ''} on this too.")
    if block.rest:
        yield "\n".join(lines) or "Nothing that has not been told above."
    elif lines:
        yield "What in the paper does not hold together here:\n\n" + "\n".join(lines)
