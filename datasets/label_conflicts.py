"""Labels that contradict each other: class names that are nearly equal, and one image under two labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from datasets.spec import SampleTable


def find_similar_names(names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Groups of two or more different names that are equal but for case and white space, each sorted."""
    groups: dict[str, set[str]] = {}
    for name in names:
        groups.setdefault("".join(name.casefold().split()), set()).add(name)
    return tuple(tuple(sorted(group)) for group in groups.values() if len(group) > 1)


def find_conflicting_rows(
    table: SampleTable, rows: Iterable[int], *, digests: Sequence[str]
) -> tuple[tuple[int, ...], ...]:
    """Groups of those rows whose images have the same bytes and two or more labels.

    `digests` are those of the images' bytes by row of the table, "" where unknown; () if all are.
    """
    groups: dict[str, list[int]] = {}
    for row in rows if digests else ():
        if digests[row]:
            groups.setdefault(digests[row], []).append(row)
    return tuple(
        tuple(group) for group in groups.values() if len({table.samples[row].label for row in group}) > 1
    )


def find_conflicting_pairs(
    table: SampleTable, rows: Iterable[int], *, others: Iterable[int], digests: Sequence[str]
) -> dict[int, int]:
    """The rows whose image has another label among `others`, each with the first such row.

    `digests` as in `conflicting_rows`.
    """
    if not digests:
        return {}
    first_rows: dict[str, dict[int, int]] = {}
    for other in others:
        first_rows.setdefault(digests[other], {}).setdefault(table.samples[other].label, other)
    pairs = {}
    for row in rows:
        row_by_label = first_rows.get(digests[row], {}) if digests[row] else {}
        conflicts = [other for label, other in row_by_label.items() if label != table.samples[row].label]
        if conflicts:
            pairs[row] = conflicts[0]
    return pairs
