from collections.abc import Callable

import pytest

from datasets.leakage.label_conflicts import find_conflicting_pairs, find_conflicting_rows, find_similar_names
from datasets.spec import SampleTable


@pytest.fixture
def table(table_of: Callable[..., SampleTable]) -> SampleTable:
    """Return a table: rows 0-1 are anger, rows 2-4 joy."""
    return table_of([("anger", "s1", "c1", 2), ("joy", "s1", "c2", 3)])


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (("happy", "sad"), ()),
        (("happy", "Happy"), (("Happy", "happy"),)),
        (("happy ", "Happy", "HAPPY"), (("HAPPY", "Happy", "happy "),)),
        (("very happy", "veryhappy", "sad"), (("very happy", "veryhappy"),)),
        (("very\N{NO-BREAK SPACE}happy", "very  happy"), (("very  happy", "very\N{NO-BREAK SPACE}happy"),)),
        (("stra\u00dfe", "STRASSE"), (("STRASSE", "stra\u00dfe"),)),
        (("happy", "happy"), ()),
        (("happy1", "happy2", "un-happy", "unhappy"), ()),
    ],
)
def test_names_are_similar_that_differ_only_in_case_or_spaces(
    names: tuple[str, ...], groups: tuple[tuple[str, ...], ...]
) -> None:
    assert find_similar_names(names) == groups


@pytest.mark.parametrize(
    ("digests", "groups"),
    [
        ((), ()),
        (("", "", "", "", ""), ()),
        (("a", "a", "b", "b", "b"), ()),
        (("a", "b", "a", "c", "b"), ((0, 2), (1, 4))),
        (("a", "", "", "a", "a"), ((0, 3, 4),)),
    ],
)
def test_rows_with_the_same_bytes_conflict_if_their_labels_differ(
    table: SampleTable, digests: tuple[str, ...], groups: tuple[tuple[int, ...], ...]
) -> None:
    assert find_conflicting_rows(table, range(5), digests=digests) == groups


def test_row_is_paired_with_the_first_other_of_another_label(table: SampleTable) -> None:
    digests = ("a", "a", "a", "a", "")
    assert find_conflicting_pairs(table, (3, 1, 4), others=(0, 2), digests=digests) == {3: 0, 1: 2}
    assert find_conflicting_pairs(table, (3,), others=(2,), digests=digests) == {}
    assert find_conflicting_pairs(table, (3,), others=(0,), digests=()) == {}
