"""Blocks of a report as values: headings, texts, lists, tables, figures, and collapsible parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reports.table import ReportFigure, Statement, Summary, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading; level 1 is the title of the report."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A paragraph of plain text."""

    text: str
    is_strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    """A list with a line of text before it, "" for none."""

    items: tuple[Statement, ...]
    intro: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inconsistencies:
    """Inconsistencies of the paper that concern `items`, the names of the paper's tables and figures.

    With `unreported_only`, those that an earlier block of the report lists are left out.
    """

    items: tuple[str, ...]
    unreported_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedNotesPlaceholder:
    """The place of the notes that several tables and figures have in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collapsible:
    """Blocks that a page hides until the reader opens them."""

    title: str
    blocks: tuple[Block, ...]


Block = (
    Heading
    | Paragraph
    | Bullets
    | Table
    | ReportFigure
    | Summary
    | Inconsistencies
    | SharedNotesPlaceholder
    | Collapsible
)


def build_bullets(texts: Iterable[str], *, intro: str = "") -> Bullets:
    """Return a list of plain texts."""
    return Bullets(items=tuple(Statement(text=text) for text in texts), intro=intro)


def flatten(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield the blocks in order; the blocks of a collapsible part take its place."""
    for block in blocks:
        if isinstance(block, Collapsible):
            yield from flatten(block.blocks)
        else:
            yield block
