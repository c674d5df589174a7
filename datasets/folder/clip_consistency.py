"""Make the rows consistent: each image once, one label and subject per clip, frames numbered."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace

from datasets.folder.image_rows import AnomalyLog, ImageRow
from datasets.io.image_names import DIGITS, natural_sort_key

_MAX_DIGITS = 18


def remove_contradictions(rows: Sequence[ImageRow], anomaly_log: AnomalyLog) -> list[ImageRow]:
    """Return the rows without contradictions; clips with a subject are renamed to `<subject>/<clip>`.

    Left out, each with an anomaly:

    - repeated rows of an image, after the first, if they agree;
    - all rows of an image, if they disagree;
    - rows without a subject, of a clip for which other rows name one;
    - clips with two labels or two subjects.
    """
    unique_rows = list(_drop_duplicates(rows, anomaly_log))
    clips_with_subject = {row.clip for row in unique_rows if row.clip and row.subject}
    result: list[ImageRow] = []
    for row in unique_rows:
        if row.clip in clips_with_subject and not row.subject:
            description = f"other rows of the clip {row.clip} name a subject; this row does not"
            anomaly_log.add(
                "clip without its subject",
                row.location,
                description=description,
                action="the row was left out",
            )
        else:
            result.append(replace(row, clip=f"{row.subject}/{row.clip}") if row.clip and row.subject else row)
    for field_name, get_value in (("label", _get_label), ("subject", _get_subject)):
        result = _drop_mixed_clips(result, anomaly_log, field_name=field_name, get_value=get_value)
    return result


def assign_frame_numbers(rows: Sequence[ImageRow], anomaly_log: AnomalyLog) -> list[ImageRow]:
    """Return the rows with a frame number each.

    A row outside a clip keeps its number, and so do the rows of a clip if all have one. Other rows are
    grouped by clip, without a clip by folder. A row takes the last number in its file name. If a name of the
    group has no number, or two names share one, the rows take their positions in natural order, from 1.
    """
    result = [row for row in rows if not row.clip and row.frame_number is not None]
    other_rows = (row for row in rows if row.clip or row.frame_number is None)
    for group in _group_rows(other_rows, lambda row: row.clip or (os.path.dirname(row.id),)).values():
        frame_numbers = [row.frame_number for row in group if row.frame_number is not None]
        if len(frame_numbers) == len(group):
            if len(set(frame_numbers)) < len(frame_numbers):
                description = f"{len(frame_numbers)} images share {len(set(frame_numbers))} frame numbers"
                action = "kept, in the order of their paths"
                anomaly_log.add("repeated frame", group[0].clip, description=description, action=action)
            result += group
            continue
        if frame_numbers:
            description = f"{len(frame_numbers)} of {len(group)} images have a frame number"
            action = "the frames were numbered by their file names"
            anomaly_log.add("frame numbers in part", group[0].clip, description=description, action=action)
        result += _number_by_file_name(group)
    return result


def parse_file_number(path: str) -> int | None:
    """Return the last number in a file name; None if there is none or it is too long."""
    digits = DIGITS.findall(os.path.splitext(os.path.basename(path))[0])
    return int(digits[-1]) if digits and len(digits[-1]) <= _MAX_DIGITS else None


def _number_by_file_name(group: Sequence[ImageRow]) -> list[ImageRow]:
    numbers = [parse_file_number(row.id) for row in group]
    if None in numbers or len(set(numbers)) < len(numbers):
        group = sorted(group, key=lambda row: natural_sort_key(row.id))
        return [replace(row, frame_number=position) for position, row in enumerate(group, start=1)]
    return [replace(row, frame_number=number) for row, number in zip(group, numbers, strict=True)]


def _drop_duplicates(rows: Sequence[ImageRow], anomaly_log: AnomalyLog) -> Iterable[ImageRow]:
    """Yield one row per image file; log repeated rows, and leave out images whose rows disagree."""
    for group in _group_rows(rows, lambda row: row.resolved_path).values():
        first, *others = group
        if len({(row.label, row.subject, row.clip, row.frame_number) for row in group}) > 1:
            labels = ", ".join(sorted({row.label for row in group}))
            locations = ", ".join(row.location for row in group[:3])
            description = f"{len(group)} entries disagree on this image ({locations}); labels: {labels}"
            anomaly_log.add(
                "contradictory entries", first.id, description=description, action="the image was left out"
            )
            continue
        for row in others:
            description = f"the same image as {first.id} ({first.location})"
            anomaly_log.add(
                "duplicate path", row.location, description=description, action="the first one was used"
            )
        yield first


def _drop_mixed_clips(
    rows: Sequence[ImageRow],
    anomaly_log: AnomalyLog,
    *,
    field_name: str,
    get_value: Callable[[ImageRow], str],
) -> list[ImageRow]:
    """Return the rows without the clips that have two labels, or two subjects, by `get_value`."""
    values_by_clip: dict[str, set[str]] = defaultdict(set)
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        values_by_clip[row.clip].add(get_value(row))
        counts[row.clip] += 1
    for clip, values in values_by_clip.items():
        if clip and len(values) > 1:
            description = (
                f"its {counts[clip]} images carry {len(values)} {field_name}s: {', '.join(sorted(values))}"
            )
            anomaly_log.add(
                f"clip with two {field_name}s", clip, description=description, action="the clip was left out"
            )
    return [row for row in rows if not row.clip or len(values_by_clip[row.clip]) == 1]


def _group_rows(
    rows: Iterable[ImageRow], key: Callable[[ImageRow], Hashable]
) -> dict[Hashable, list[ImageRow]]:
    groups: dict[Hashable, list[ImageRow]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _get_label(row: ImageRow) -> str:
    return row.label


def _get_subject(row: ImageRow) -> str:
    return row.subject
