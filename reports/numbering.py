"""Number the tables and figures of a report, and collect the notes that several of them have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from reports.blocks import (
    Block,
    Bullets,
    Collapsible,
    Heading,
    Inconsistencies,
    Paragraph,
    SharedNotesPlaceholder,
    build_bullets,
    flatten,
)
from reports.table import ReportFigure, Summary, Table
from studies.paper.inconsistencies import find_inconsistencies


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A table or figure without its shared notes, with its number and the labels of these notes."""

    block: Table | ReportFigure
    number: int
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteList:
    """The shared notes as (label, text), such as ("N1", "Collapsed: ...")."""

    notes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedCollapsible:
    """A collapsible part whose blocks are numbered."""

    title: str
    blocks: tuple[NumberedBlock, ...]


NumberedBlock = Heading | Paragraph | Bullets | Summary | Numbered | NoteList | NumberedCollapsible


@dataclass(slots=True, kw_only=True)
class _Counts:
    labels_by_note: dict[str, str]
    tables: int = 0
    figures: int = 0
    reported_ids: dict[str, None] = field(default_factory=dict)


def number_blocks(blocks: Sequence[Block]) -> tuple[NumberedBlock, ...]:
    """Number tables and figures in order, label shared notes, and list each inconsistency of the paper once.

    A note of several tables and figures is listed at `SharedNotesPlaceholder`, where the tables and figures
    cite it. A note of a single table or figure stays with it. Without a `SharedNotesPlaceholder` every note
    stays with each of its tables and figures.
    """
    flat_blocks = tuple(flatten(blocks))
    shared_notes: list[str] = []
    if any(isinstance(block, SharedNotesPlaceholder) for block in flat_blocks):
        note_counts = Counter(
            note
            for block in flat_blocks
            if isinstance(block, Table | ReportFigure)
            for note in dict.fromkeys(block.notes)
        )
        shared_notes = [note for note, count in note_counts.items() if count > 1]
    labels_by_note = {note: f"N{number}" for number, note in enumerate(shared_notes, start=1)}
    return tuple(_number(blocks, _Counts(labels_by_note=labels_by_note)))


def _number(blocks: Iterable[Block], counts: _Counts) -> Iterator[NumberedBlock]:
    for block in blocks:
        if isinstance(block, Table | ReportFigure):
            yield _number_block(block, counts)
        elif isinstance(block, Inconsistencies):
            yield from _list_inconsistencies(block, counts.reported_ids)
        elif isinstance(block, SharedNotesPlaceholder):
            if counts.labels_by_note:
                yield Heading(text="Notes on tables and figures")
                yield NoteList(notes=tuple((label, note) for note, label in counts.labels_by_note.items()))
        elif isinstance(block, Collapsible):
            yield NumberedCollapsible(title=block.title, blocks=tuple(_number(block.blocks, counts)))
        else:
            yield block


def _number_block(block: Table | ReportFigure, counts: _Counts) -> Numbered:
    if isinstance(block, Table):
        counts.tables += 1
    else:
        counts.figures += 1
    notes = dict.fromkeys(block.notes)
    return Numbered(
        block=replace(block, notes=tuple(note for note in notes if note not in counts.labels_by_note)),
        number=counts.tables if isinstance(block, Table) else counts.figures,
        labels=tuple(counts.labels_by_note[note] for note in notes if note in counts.labels_by_note),
    )


def _list_inconsistencies(block: Inconsistencies, reported_ids: dict[str, None]) -> Iterator[NumberedBlock]:
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
    lines = [f"{inconsistency.id}: {inconsistency.text}" for inconsistency in new_inconsistencies]
    if repeated_ids:
        verb = "applies" if len(repeated_ids) == 1 else "apply"
        lines.append(f"{', '.join(repeated_ids)} (see above) also {verb} here.")
    if block.unreported_only and not lines:
        yield Paragraph(text="All inconsistencies are listed above.")
    elif lines:
        yield build_bullets(lines, intro="" if block.unreported_only else "Inconsistencies in the paper:")
