from reports.blocks import Collapsible, Heading, Inconsistencies, SharedNotesPlaceholder
from reports.numbering import NoteList, Numbered, NumberedCollapsible, number_blocks
from reports.table import ReportFigure, Table


def _table(name: str, *notes: str) -> Table:
    return Table(id=name, title=name, header=("a",), rows=(), notes=notes)


def test_a_note_of_several_tables_is_listed_once_and_cited() -> None:
    figure = ReportFigure(id="f", title="f", file="f.png", alt_text="f", notes=("same",))
    blocks = (_table("one", "same", "own"), Collapsible(title="more", blocks=(_table("two", "same"), figure)))

    first, collapsible, heading, notes = number_blocks((*blocks, SharedNotesPlaceholder()))

    assert isinstance(first, Numbered)
    assert (first.number, first.block.notes, first.labels) == (1, ("own",), ("N1",))
    assert isinstance(collapsible, NumberedCollapsible)
    assert [(block.number, block.labels) for block in collapsible.blocks if isinstance(block, Numbered)] == [
        (2, ("N1",)),
        (1, ("N1",)),
    ]
    assert isinstance(heading, Heading)
    assert notes == NoteList(notes=(("N1", "same"),))


def test_notes_stay_with_their_tables_without_a_place_for_shared_ones() -> None:
    numbered = number_blocks((_table("one", "same"), _table("two", "same")))

    assert [block.block.notes for block in numbered if isinstance(block, Numbered)] == [("same",), ("same",)]


def test_without_shared_notes_there_is_no_section() -> None:
    assert len(number_blocks((_table("one", "a"), _table("two", "b"), SharedNotesPlaceholder()))) == 2


def test_an_inconsistency_is_written_once_and_then_cited() -> None:
    first, second = number_blocks((Inconsistencies(items=("Section 3.1",)),) * 2)

    assert "P1: " in str(first)
    assert "P1 (see above) also applies here." in str(second)
