"""What making pixels could not do as asked, as anomalies: a few in full, many of one kind as one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache

from datasets.faces.boxes import Face
from datasets.faces.haar import CASCADES
from datasets.label_conflicts import conflicting_rows
from datasets.spec import Anomaly, Sample, SampleTable

MOST_ALIKE = 20
"""So many anomalies of one kind are listed each; more become one with their number."""

_NAMED = 3

_BOX_TAKEN = {
    "other frame": "the box found on another of its frames was taken",
    "subject": "the median box of the subject's other clips was taken",
    "centre": "the largest centred square was taken",
}


def faceless(faces: Iterable[Face]) -> tuple[Anomaly, ...]:
    """One anomaly for every clip whose box is a fallback; clips of which nothing can be read have others."""
    return gathered(
        Anomaly(
            code="no face found",
            where=face.clip,
            what=_sought(face),
            action=_BOX_TAKEN[face.source],
        )
        for face in faces
        if face.source in _BOX_TAKEN
    )


def _sought(face: Face) -> str:
    """Why there is no face on the onset frame, nor on the others that were searched."""
    none = f"none of the cascades {', '.join(CASCADES)} finds a face on its"
    elsewhere = face.source == "other frame"
    if face.fault:
        also = "" if elsewhere else f", and {none} apex, middle or last frame"
        return f"its onset frame cannot be read ({face.fault}){also}"
    return f"{none} onset frame" if elsewhere else f"{none} onset, apex, middle or last frame"


def without_onset(samples: Sequence[Sample]) -> tuple[Anomaly, ...]:
    """One anomaly for every clip whose onset the release does not hold."""
    counts: dict[str, int] = {}
    for sample in samples:
        name = sample.clip or sample.id
        counts[name] = counts.get(name, 0) + 1
    return gathered(
        Anomaly(
            code="no onset",
            where=name,
            what="its onset frame is not there, from which it would be represented",
            action=_left_out(count),
        )
        for name, count in counts.items()
    )


def unreadable(faults: Iterable[tuple[Sample, str, str]]) -> tuple[Anomaly, ...]:
    """Samples that could not be made, each with its code and what was wrong."""
    return gathered(
        Anomaly(code=code, where=sample.id, what=what, action=_left_out(1)) for sample, code, what in faults
    )


def under_two_labels(table: SampleTable, digests: Sequence[str]) -> tuple[Anomaly, ...]:
    """One anomaly for every image that the table has under two or more labels; `digests` as in `Pixels`."""
    return gathered(
        _conflict(table, rows) for rows in conflicting_rows(table, range(len(table.samples)), digests=digests)
    )


def _conflict(table: SampleTable, rows: Sequence[int]) -> Anomaly:
    ids = [table.samples[row].id for row in rows]
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    labels = ", ".join(table.classes[label] for label in sorted({table.samples[row].label for row in rows}))
    return Anomaly(
        code="one image with two labels",
        where=", ".join(ids[:_NAMED]) + more,
        what=f"the {len(ids)} files have the same bytes and the labels {labels}",
        action="all were kept; keep the one with the right label and remove the others",
    )


def without_empty(table: SampleTable) -> SampleTable:
    """The table less the samples whose files have no bytes, each listed as decoding would; opens nothing.

    Raises:
        OSError: a sample's file is not there.
    """
    size = cache(os.path.getsize)
    empty = {sample.id for sample in table.samples if not size(sample.path)}
    faults = unreadable((s, "unreadable image", "the file is empty") for s in table.samples if s.id in empty)
    kept = tuple(sample for sample in table.samples if sample.id not in empty)
    return replace(table, samples=kept, anomalies=table.anomalies + faults)


def _left_out(count: int) -> str:
    return "the frame was left out" if count == 1 else f"its {count} frames were left out"


def gathered(anomalies: Iterable[Anomaly]) -> tuple[Anomaly, ...]:
    """The anomalies, those of a kind together; more than `MOST_ALIKE` that differ in numbers only are one."""
    kinds: dict[tuple[str, str, str], list[Anomaly]] = {}
    for anomaly in anomalies:
        kind = (anomaly.code, re.sub(r"\d+", "", anomaly.what), re.sub(r"\d+", "", anomaly.action))
        kinds.setdefault(kind, []).append(anomaly)
    listed: list[Anomaly] = []
    for alike in kinds.values():
        listed += alike if len(alike) <= MOST_ALIKE else [_together(alike)]
    return tuple(listed)


def _together(alike: Sequence[Anomaly]) -> Anomaly:
    first = alike[0]
    names = ", ".join(anomaly.where for anomaly in alike[:_NAMED])
    return Anomaly(
        code=first.code,
        where=f"{names} and {len(alike) - _NAMED} more",
        what=f"{len(alike)} times, first: {first.what}",
        action=f"each time: {first.action}",
    )
