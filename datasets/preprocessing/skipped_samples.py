"""Anomalies of preprocessing: skipped samples, fallback boxes and label conflicts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache

from datasets.anomalies import MAX_EXAMPLES, merge_anomalies
from datasets.faces.face_boxes import Face
from datasets.faces.haar_detector import CASCADES
from datasets.leakage.label_conflicts import find_conflicting_rows
from datasets.spec import Anomaly, Sample, SampleTable
from datasets.text import summarize_names

MAX_SIMILAR_ANOMALIES = 20
"""Maximum number of anomalies of one kind listed individually; more are merged into one with their number."""

_FALLBACK_ACTIONS = {
    "other frame": "the box found on another of its frames was taken",
    "subject": "the median box of the subject's other clips was taken",
    "centre": "the largest centred square was taken",
}


def make_face_anomalies(faces: Iterable[Face]) -> tuple[Anomaly, ...]:
    """Return one anomaly per clip with a fallback box; `make_read_anomalies` covers unreadable clips."""
    return merge_anomalies(
        (
            Anomaly(
                code="no face found",
                location=face.clip,
                description=_describe_search(face),
                action=_FALLBACK_ACTIONS[face.box_source],
            )
            for face in faces
            if face.box_source in _FALLBACK_ACTIONS
        ),
        max_similar=MAX_SIMILAR_ANOMALIES,
    )


def _describe_search(face: Face) -> str:
    """Return the reason why no face was detected on the onset frame and on the other searched frames."""
    failure = f"none of the cascades {', '.join(CASCADES)} finds a face on its"
    is_other_frame = face.box_source == "other frame"
    if face.onset_fault:
        suffix = "" if is_other_frame else f", and {failure} apex, middle or last frame"
        return f"its onset frame cannot be read ({face.onset_fault}){suffix}"
    return f"{failure} onset frame" if is_other_frame else f"{failure} onset, apex, middle or last frame"


def make_onset_anomalies(samples: Sequence[Sample]) -> tuple[Anomaly, ...]:
    """Return one anomaly per clip without an onset frame in the release."""
    counts: dict[str, int] = {}
    for sample in samples:
        clip = sample.clip or sample.id
        counts[clip] = counts.get(clip, 0) + 1
    return merge_anomalies(
        (
            Anomaly(
                code="no onset",
                location=clip,
                description="its onset frame, which the representation needs, is missing",
                action=_describe_exclusion(count),
            )
            for clip, count in counts.items()
        ),
        max_similar=MAX_SIMILAR_ANOMALIES,
    )


def make_read_anomalies(faults: Iterable[tuple[Sample, str, str]]) -> tuple[Anomaly, ...]:
    """Return one anomaly per skipped sample, given as (sample, code, message)."""
    return merge_anomalies(
        (
            Anomaly(code=code, location=sample.id, description=message, action=_describe_exclusion(1))
            for sample, code, message in faults
        ),
        max_similar=MAX_SIMILAR_ANOMALIES,
    )


def make_label_anomalies(table: SampleTable, digests: Sequence[str]) -> tuple[Anomaly, ...]:
    """Return one anomaly per image that has two or more labels in the table.

    `digests` are as in `ImageArray`.
    """
    return merge_anomalies(
        (
            _make_conflict(table, rows)
            for rows in find_conflicting_rows(table, range(len(table.samples)), digests=digests)
        ),
        max_similar=MAX_SIMILAR_ANOMALIES,
    )


def _make_conflict(table: SampleTable, rows: Sequence[int]) -> Anomaly:
    ids = [table.samples[row].id for row in rows]
    labels = ", ".join(table.classes[label] for label in sorted({table.samples[row].label for row in rows}))
    return Anomaly(
        code="one image with two labels",
        location=summarize_names(ids, max_names=MAX_EXAMPLES),
        description=f"the {len(ids)} files have the same bytes and the labels {labels}",
        action="all were kept; keep the one with the right label and remove the others",
    )


def drop_empty_files(table: SampleTable) -> SampleTable:
    """Drop the samples with empty files, and add the anomalies that decoding would add. Opens no file.

    Raises:
        OSError: a sample's file is missing.
    """
    get_size = cache(os.path.getsize)
    empty_ids = {sample.id for sample in table.samples if not get_size(sample.path)}
    faults = make_read_anomalies(
        (s, "unreadable image", "the file is empty") for s in table.samples if s.id in empty_ids
    )
    samples = tuple(sample for sample in table.samples if sample.id not in empty_ids)
    return replace(table, samples=samples, anomalies=table.anomalies + faults)


def _describe_exclusion(count: int) -> str:
    return "the frame was left out" if count == 1 else f"its {count} frames were left out"
