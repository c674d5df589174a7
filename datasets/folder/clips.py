"""A user's rows made one consistent set: no image twice, one label and subject a clip, frames in order."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace

from datasets.folder.rows import Faults, Row

_DIGITS = re.compile(r"([0-9]+)")
_LONGEST_NUMBER = 18


def consistent(rows: Sequence[Row], faults: Faults) -> list[Row]:
    """The rows without contradictions, clips named `<subject>/<clip>` where there is a subject.

    Left out, with an entry in `faults`: all but the first of rows that say the same of one image; every row
    of an image of which they say different things; rows of a clip without a subject where others give it
    one; clips that carry two labels or two subjects.
    """
    kept = list(_once(rows, faults))
    owned = {row.clip for row in kept if row.clip and row.subject}
    whole: list[Row] = []
    for row in kept:
        if row.clip in owned and not row.subject:
            what = f"other rows of the clip {row.clip} name a subject, this one none"
            faults.add("clip without its subject", row.where, what=what, action="the row was left out")
        else:
            whole.append(replace(row, clip=f"{row.subject}/{row.clip}") if row.clip and row.subject else row)
    for part, of in (("label", _label), ("subject", _subject)):
        whole = _of_one(whole, faults, part=part, of=of)
    return whole


def numbered(rows: Sequence[Row], faults: Faults) -> list[Row]:
    """The rows with a frame number each.

    It is the number given. In a clip of which not every row has one, and for other rows without one in their
    folder, it is the last number in the file name; where names have none or share one, the position in
    natural order, from 1.
    """
    found = [row for row in rows if not row.clip and row.frame is not None]
    rest = (row for row in rows if row.clip or row.frame is None)
    for group in _grouped(rest, lambda row: row.clip or (os.path.dirname(row.id),)).values():
        given = [row.frame for row in group if row.frame is not None]
        if len(given) == len(group):
            if len(set(given)) < len(given):
                what = f"{len(given)} images share {len(set(given))} frame numbers"
                action = "kept, in the order of their paths"
                faults.add("repeated frame", group[0].clip, what=what, action=action)
            found += group
            continue
        if given:
            what = f"{len(given)} of {len(group)} images have a frame number"
            action = "the frames were numbered by their file names"
            faults.add("frame numbers in part", group[0].clip, what=what, action=action)
        found += _numbered_by_name(group)
    return found


def file_number(path: str) -> int | None:
    """The last number in the name of a file; None where there is none, or none that is a frame's."""
    digits = _DIGITS.findall(os.path.splitext(os.path.basename(path))[0])
    return int(digits[-1]) if digits and len(digits[-1]) <= _LONGEST_NUMBER else None


def natural(path: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts the numbers within names by value: `img2` before `img10`."""
    parts = enumerate(_DIGITS.split(path))
    return tuple((odd % 2, int(part) if odd % 2 else 0, part) for odd, part in parts)


def _numbered_by_name(group: Sequence[Row]) -> list[Row]:
    numbers = [file_number(row.id) for row in group]
    if None in numbers or len(set(numbers)) < len(numbers):
        group = sorted(group, key=lambda row: natural(row.id))
        return [replace(row, frame=position) for position, row in enumerate(group, start=1)]
    return [replace(row, frame=number) for row, number in zip(group, numbers, strict=True)]


def _once(rows: Sequence[Row], faults: Faults) -> Iterable[Row]:
    """Each image once, whichever way it is named; none of which the rows say different things."""
    for group in _grouped(rows, lambda row: row.real).values():
        first, *others = group
        if len({(row.label, row.subject, row.clip, row.frame) for row in group}) > 1:
            labels = ", ".join(sorted({row.label for row in group}))
            places = ", ".join(row.where for row in group[:3])
            what = f"{len(group)} entries disagree on this image ({places}); labels: {labels}"
            faults.add("contradictory entries", first.id, what=what, action="the image was left out")
            continue
        for row in others:
            what = f"the same image as {first.id} ({first.where})"
            faults.add("duplicate path", row.where, what=what, action="the first one was used")
        yield first


def _of_one(rows: Sequence[Row], faults: Faults, *, part: str, of: Callable[[Row], str]) -> list[Row]:
    """The rows without clips that carry two labels, or two subjects, as `of` says."""
    found: dict[str, set[str]] = defaultdict(set)
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        found[row.clip].add(of(row))
        counts[row.clip] += 1
    for clip, values in found.items():
        if clip and len(values) > 1:
            what = f"its {counts[clip]} images carry {len(values)} {part}s: {', '.join(sorted(values))}"
            faults.add(f"clip with two {part}s", clip, what=what, action="the clip was left out")
    return [row for row in rows if not row.clip or len(found[row.clip]) == 1]


def _grouped(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> dict[Hashable, list[Row]]:
    groups: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _label(row: Row) -> str:
    return row.label


def _subject(row: Row) -> str:
    return row.subject
