"""Find contradictory labels: class names that are nearly equal, and one image with two labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from datasets.spec import SampleTable


def find_similar_names(names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return groups of two or more names that differ only in case and white space, each sorted."""
    groups: dict[str, set[str]] = {}
    for name in names:
        groups.setdefault("".join(name.casefold().split()), set()).add(name)
    return tuple(tuple(sorted(group)) for group in groups.values() if len(group) > 1)


def find_conflicting_rows(
    table: SampleTable, rows: Iterable[int], *, digests: Sequence[str]
) -> tuple[tuple[int, ...], ...]:
    """Return groups of the given rows whose images have equal bytes but two or more labels.

    `digests` holds the digest of the image bytes of each row of the table, "" if unknown; () if none is
    known.
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
    """Map each row whose image has another label among `others` to the first such row.

    `digests` is as in `find_conflicting_rows`.
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
