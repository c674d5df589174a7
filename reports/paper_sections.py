"""Sections of a report on the paper: its claims, its networks, its uncovered results, its inconsistencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from architectures.catalogue import CATALOGUE
from reports.blocks import Block, Bullets, Collapsible, Heading, Inconsistencies, Paragraph
from reports.claims.table import build_claim_table, describe_claim_results
from reports.outcomes import StudyEvaluation
from reports.table import Statement
from reports.tables.costs import build_block_cost_table
from reports.tables.layers import build_layer_table
from reports.tables.paper_coverage import find_missing_items
from studies.cost import compute_block_costs
from studies.paper.published import IMAGE_SIZE, PAPER_ITEMS, PUBLISHED_RESULTS

PAPER_TEXT = (
    'The paper is Zhang, Liang, Shi, Li, "Robust Micro-expression Recognition Based on Fused Optimized VGG16 '
    'Architecture". Tables and figures cite their counterparts in it; the numbering of its figures is our '
    "reading. P1 to P12 are inconsistencies in the paper."
)


def build_claim_section(evaluations: Sequence[StudyEvaluation]) -> Iterator[Block]:
    """Yield the verdicts on the paper's claims; nothing if no study is on its datasets."""
    table = build_claim_table(evaluations)
    if table:
        yield Heading(text="The paper's claims")
        yield Bullets(items=describe_claim_results(evaluations))
        yield table


def build_paper_appendix(
    evaluations: Sequence[StudyEvaluation], image_files: Mapping[str, str]
) -> Iterator[Block]:
    """Yield what a report says about the paper beside its claims.

    The part is collapsible if no study is on a dataset of the paper. `image_files` maps
    "{study.name}/{image name}" to a file.
    """
    yield Heading(text="Appendix: the paper")
    yield Paragraph(text=PAPER_TEXT)
    blocks = (
        *_build_network_blocks(evaluations),
        *_build_missing_item_blocks(evaluations, image_files),
        Heading(text="Other inconsistencies in the paper", level=3),
        Inconsistencies(items=tuple(PAPER_ITEMS), unreported_only=True),
    )
    if any(evaluation.study.dataset.name in PUBLISHED_RESULTS for evaluation in evaluations):
        yield from blocks
    else:
        yield Collapsible(title="Its networks, uncovered results and inconsistencies", blocks=blocks)


def _build_network_blocks(evaluations: Sequence[StudyEvaluation]) -> Iterator[Block]:
    yield Heading(text="Networks", level=3)
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


def _build_missing_item_blocks(
    evaluations: Sequence[StudyEvaluation], image_files: Mapping[str, str]
) -> Iterator[Block]:
    """Yield the paper's tables and figures that these studies do not cover, with reasons and commands."""
    yield Heading(text="Paper results not covered", level=3)
    items_by_reason: dict[tuple[str, str], list[str]] = {}
    for missing_item in find_missing_items(evaluations, image_files):
        items_by_reason.setdefault((missing_item.reason, missing_item.command), []).append(
            f"{missing_item.item} ({PAPER_ITEMS[missing_item.item]})"
        )
    if not items_by_reason:
        yield Paragraph(text="Every table and result figure of the paper has a counterpart here.")
        return
    yield Bullets(
        items=tuple(
            Statement(text=f"{reason}: {', '.join(items)}.", code=command)
            for (reason, command), items in items_by_reason.items()
        )
    )
