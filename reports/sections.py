"""The parts of a report as lists of blocks: text, tables, figures, and the paper's faults beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from architectures.catalogue import PROPOSED
from datasets.catalogue import DATASETS
from reports.ablation import ablation_items, ablation_table, rung_table
from reports.beside import beside, title_of
from reports.budget import budget_figure, budget_table
from reports.calibration import calibration_table
from reports.claims.table import claim_table, claims_in_words
from reports.comparison import paper_table, score_table, size_table
from reports.coverage import gaps
from reports.differences import difference_table
from reports.effects import effect_table
from reports.gradients import gradient_figure, gradient_table
from reports.headings import headings
from reports.imbalance import imbalance_table
from reports.inflation import inflation_tables
from reports.latency import latency_table
from reports.markdown import bullets, code, escape
from reports.outcomes import Outcomes
from reports.per_class import class_table
from reports.pictures import bar_figure, confusion_figure, curve_figure, reliability_figure
from reports.robustness import robustness_figure, robustness_table
from reports.run_notes import settings, trace_table
from reports.samples import leak_table, sample_table, summaries
from reports.stability import stability_table
from reports.subjects import subject_table
from reports.summary import summary
from reports.table import Figure, Table
from reports.uncertainty import uncertainty_table
from studies.paper import ITEMS

SHOWN_ANOMALIES = 10
ABLATION_FIGURES = ("Figure 16", "Figure 17", "Figure 18")


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """A place for the paper's inconsistencies that bear on these items; `rest`: only those not told yet."""

    items: tuple[str, ...]
    rest: bool = False


Block = str | Table | Figure | Faults


def _heading(text: str, level: int = 2) -> str:
    return f"{'#' * level} {escape(text)}"


def summary_section(studies: Sequence[Outcomes]) -> Iterator[Block]:
    """What the report says, study by study."""
    yield _heading("What this report says")
    named = headings([study.study for study in studies])
    for study in studies:
        first, *points = summary(study, heading=named[study.study.name])
        yield f"**{escape(first)}**\n\n{bullets(points)}"


def claim_section(studies: Sequence[Outcomes]) -> Iterator[Block]:
    """The paper's claims and what became of them, where the paper's own data were studied."""
    table = claim_table(studies)
    if table:
        yield _heading("The paper's claims")
        yield bullets(claims_in_words(studies))
        yield table


def run_section(studies: Sequence[Outcomes]) -> Iterator[Block]:
    """What was run, study by study."""
    yield _heading("What was run")
    named = headings([study.study for study in studies])
    for study in studies:
        yield _heading(named[study.study.name], 3)
        yield bullets(settings(study))


def data_section(studies: Sequence[Outcomes], pictures: Mapping[str, str]) -> Iterator[Block]:
    """Table 2, leaks, notes, anomalies and pictures of each set; `pictures` gives files by name.

    Studies that were given the same samples in the same parts are told once.
    """
    yield _heading("Data")
    told: set[object] = set()
    for study in studies:
        spec = study.study.dataset
        if study.result.results:
            counts = sample_table(study)
            texts = tuple(cell.text for row in counts.rows for cell in row)
            key = (spec.name, spec.frames, study.study.fingerprint, texts)
            if key not in told:
                told.add(key)
                name = title_of(spec.name)
                yield _heading(f"{name[:1].upper()}{name[1:]} ({study.study.kind})", 3)
                yield counts
                yield Faults(items=("Table 2",) if beside(study) else ())
                yield leak_table(study)
                yield from _data_notes(study)
        for what in ("samples", "augmentation"):
            if f"{study.study.name}/{what}" in pictures and (spec.name, what) not in told:
                told.add((spec.name, what))
                yield from _given_picture(study, what, file=pictures[f"{study.study.name}/{what}"])
    if not told:
        yield "No run has finished, so there is nothing to count."


def _data_notes(study: Outcomes) -> Iterator[Block]:
    found = summaries(study)
    notes = dict.fromkeys(note for _, data in found for note in data.notes)
    warnings = dict.fromkeys(f"{protocol}: {text}" for protocol, data in found for text in data.warnings)
    anomalies = list(dict.fromkeys(anomaly for _, data in found for anomaly in data.anomalies))
    if notes:
        yield f"How the data were read:\n\n{bullets(notes)}"
    if warnings:
        yield f"Warnings of the splits:\n\n{bullets(warnings)}"
    if not anomalies:
        yield "No anomalies were found in the data."
        return
    shown = bullets(f"{a.code}: {a.where}: {a.what}; {a.action}" for a in anomalies[:SHOWN_ANOMALIES])
    rest = len(anomalies) - SHOWN_ANOMALIES
    more = f"\n\nThe first {SHOWN_ANOMALIES}; {rest} more are in the runs' records." if rest > 0 else ""
    yield f"Anomalies in the data: {len(anomalies)}.\n\n{shown}{more}"


def _given_picture(study: Outcomes, what: str, *, file: str) -> Iterator[Block]:
    dataset = study.study.dataset.name
    other, name = beside(study), title_of(dataset)
    if what == "augmentation":
        title, alt = "One training image and what augmentation makes of it", "One image, randomly augmented"
        paper = other.items("Figure 9") if other else ()
    else:
        title, alt = f"Sample images of {name}", f"Sample images of {name} by class"
        paper = other.items(other.published.sheet) if other else ()
    yield Figure(id=f"{what}-{study.study.name}", title=title, file=file, alt=alt, paper=paper)
    if dataset in DATASETS and DATASETS[dataset].licensed and not study.drawn:
        yield "Faces from a licensed data set: check its licence agreement before publishing them."


def comparison_section(study: Outcomes, *, heading: str, out: Path) -> Iterator[Block]:
    """Tables 3 and 4, or 5 and 6, and the figures after them."""
    yield _heading(heading)
    other = beside(study)
    yield from _class_blocks(study)
    yield score_table(study)
    yield from _present(difference_table(study))
    yield from _present(uncertainty_table(study))
    beside_ours = paper_table(study)
    if beside_ours:
        yield beside_ours
    yield Faults(items=(other.published.comparison_table,) if other else ())
    yield from _score_details(study, out=out)
    yield from _budget(study, out=out)
    yield from _checks(study, out=out)
    yield from _present(size_table(study))
    for protocol in study.study.protocols:
        yield from _present(confusion_figure(study, protocol, out=out))
    yield from _curves(study, out=out)


def _class_blocks(study: Outcomes) -> Iterator[Block]:
    other = beside(study)
    if study.of(PROPOSED) and study.classes:
        yield class_table(study, PROPOSED)
        yield Faults(items=(other.published.per_class_table,) if other else ())


def ablation_section(study: Outcomes, *, heading: str, out: Path, classes: bool) -> Iterator[Block]:
    """The ablation's tables and figures; `classes` adds the proposed network class by class."""
    yield _heading(heading)
    if classes:
        yield from _class_blocks(study)
    yield ablation_table(study)
    yield Faults(items=ABLATION_FIGURES if ablation_items(study, "Figure 18") else ())
    yield from _present(difference_table(study))
    yield from _present(uncertainty_table(study))
    yield from _present(effect_table(study))
    yield from _score_details(study, out=out)
    yield from _checks(study, out=out)
    yield from _budget(study, out=out)
    yield rung_table(study)
    yield from _curves(study, out=out)
    yield from _present(bar_figure(study, out=out))


def _score_details(study: Outcomes, *, out: Path) -> Iterator[Block]:
    """Accuracy by subject, stability over seeds and calibration."""
    yield from _present(subject_table(study))
    yield from _present(stability_table(study))
    yield from _present(calibration_table(study))
    for protocol in study.study.protocols:
        yield from _present(reliability_figure(study, protocol, out=out))


def _checks(study: Outcomes, *, out: Path) -> Iterator[Block]:
    """What was measured beside accuracy: nothing where nothing was."""
    yield from _present(robustness_table(study))
    for protocol in study.study.protocols:
        yield from _present(robustness_figure(study, protocol, out=out))
    yield from _present(imbalance_table(study))
    yield from _present(gradient_table(study))
    yield from _present(gradient_figure(study, out=out))
    yield from _present(latency_table(study))


def _budget(study: Outcomes, *, out: Path) -> Iterator[Block]:
    yield from _present(budget_table(study))
    yield from _present(budget_figure(study, out=out))


def _curves(study: Outcomes, *, out: Path) -> Iterator[Block]:
    for protocol in study.study.protocols:
        yield from _present(curve_figure(study, protocol, quantity="accuracy", out=out))
    for protocol in study.study.protocols:
        yield from _present(curve_figure(study, protocol, quantity="loss", out=out))


def _present(block: Table | Figure | None) -> Iterator[Block]:
    if block:
        yield block


def inflation_section(studies: Sequence[Outcomes]) -> Iterator[Block]:
    """The same networks under every protocol side by side; nothing where there is one protocol alone."""
    tables = inflation_tables(studies)
    if tables:
        yield _heading("Effect of the split protocol")
        yield from tables


def gap_section(studies: Sequence[Outcomes], pictures: Mapping[str, str]) -> Iterator[Block]:
    """The paper's tables and figures that nothing here supports."""
    yield _heading("What of the paper these runs do not support")
    grouped: dict[tuple[str, str], list[str]] = {}
    for gap in gaps(studies, pictures):
        grouped.setdefault((gap.why, gap.command), []).append(f"{gap.item} ({ITEMS[gap.item]})")
    lines = [
        f"- {escape(why)}: {escape(', '.join(items))}." + (f" {code(command)}" if command else "")
        for (why, command), items in grouped.items()
    ]
    yield "\n".join(lines) or "Every table and result figure of the paper has its counterpart here."


def fault_section() -> Iterator[Block]:
    """The inconsistencies that no table of this report has called for."""
    yield _heading("What else in the paper does not hold together")
    yield Faults(items=tuple(ITEMS), rest=True)


def trace_section(studies: Iterable[Outcomes]) -> Iterator[Block]:
    """From every row of the report back to its runs."""
    yield _heading("Trace")
    for study in studies:
        yield trace_table(study)
