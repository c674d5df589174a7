"""Describe a data set and compare it with the complete release, as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from datasets.anomalies import format_anomaly, format_anomaly_count
from datasets.spec import Anomaly, DatasetSpec, SampleTable
from datasets.text import pluralize
from studies.codec import from_data, to_data

if TYPE_CHECKING:
    from datasets.faces.detection import Face
    from harness.data.loading import DataRequest

MISSING = "-"


def build_description(table: SampleTable, faces: Sequence[Face] | None) -> dict[str, Any]:
    """Return the description as a JSON-serializable dict.

    `faces` is None if the release is aligned or its faces have not been detected yet.
    """
    clips = {sample.clip: sample.label for sample in table.samples if sample.clip}
    class_counts = [
        {
            "class": name,
            "frames": count,
            "clips": sum(label == class_index for label in clips.values()) if clips else None,
            "complete_frames": table.expected_sample_counts[class_index]
            if table.expected_sample_counts
            else None,
            "complete_clips": table.expected_clip_counts[class_index] if table.expected_clip_counts else None,
        }
        for class_index, (name, count) in enumerate(zip(table.classes, table.count_per_class(), strict=True))
    ]
    return {
        "dataset": table.dataset,
        "layout": table.layout,
        "frames": table.frame_policy,
        "aligned": table.is_aligned,
        "drawn": table.synthetic,
        "samples": len(table.samples),
        "clips": len(clips),
        "subjects": len({sample.subject for sample in table.samples if sample.subject}),
        "classes": class_counts,
        "notes": list(table.notes),
        "anomalies": [to_data(anomaly) for anomaly in table.anomalies],
        "faces": None if faces is None else _summarize_faces(table, faces),
    }


def _summarize_faces(table: SampleTable, faces: Sequence[Face]) -> dict[str, Any]:
    from datasets.faces.detection import count_failures

    rates = count_failures(faces, table)
    return {
        "clips": len(faces),
        "sources": {
            source: sum(face.box_source == source for face in faces)
            for source in dict.fromkeys(face.box_source for face in faces)
        },
        "by_class": {name: list(rate) for name, rate in rates.by_class.items()},
        "by_subject": {name: list(rate) for name, rate in rates.by_subject.items()},
    }


def describe_path_groups(request: DataRequest, table: SampleTable) -> list[str]:
    """Return one line for each expression of the request: the subjects or clips that it gave."""
    from datasets.folder.path_patterns import describe_groups

    options = (("subject", request.subject_from), ("clip", request.clip_from))
    return [
        describe_groups(table.samples, kind=kind, pattern=pattern)
        for kind, pattern in options
        if pattern is not None
    ]


def render_description(description: dict[str, Any]) -> str:
    """Return the description as text."""
    return "\n".join(_render_lines(description))


def _render_lines(description: dict[str, Any]) -> Iterator[str]:
    layout = f", layout {description['layout']}" if description["layout"] else ""
    synthetic_note = "; synthetic faces, not the real release" if description["drawn"] else ""
    yield (
        f"{description['dataset']}{layout}, frames {description['frames']}: "
        f"{pluralize(description['samples'], 'frame')}, {_format_known_count(description['clips'], 'clip')}, "
        f"{_format_known_count(description['subjects'], 'subject')}{synthetic_note}"
    )
    header = ("class", "frames", "complete", "clips", "complete")
    columns = ("class", "frames", "complete_frames", "clips", "complete_clips")
    rows = [[_format_cell(row[name]) for name in columns] for row in description["classes"]]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        first, *rest = (
            text.ljust(width) if i == 0 else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  " + "  ".join((first, *rest))
    for note in description["notes"]:
        yield f"note: {note}"
    if description["faces"]:
        yield from _render_face_lines(description["faces"])
    elif not description["aligned"]:
        yield "faces: not detected yet; run `harness data prepare` first"
    for anomaly_data in description["anomalies"]:
        yield f"anomaly: {format_anomaly(from_data(Anomaly, anomaly_data))}"
    yield format_anomaly_count(len(description["anomalies"]))


def describe_flow(dataset: DatasetSpec) -> tuple[str, ...]:
    """Return a line about the input of a study on optical flow, and about the changes that apply to it.

    Other studies have no line.
    """
    if dataset.representation != "flow":
        return ()
    applied = (
        "flips negate u, rotations and scales turn and stretch u and v; no ImageNet normalization"
        if dataset.flow.is_float
        else "rotations, scales and crops as for images, no flips; ImageNet normalization"
    )
    return (
        f"input: {dataset.describe_representation()}, reduced to {dataset.image_size} px as "
        f"{dataset.flow.dtype}; augmentation: {applied}; no changes of color",
    )


def _render_face_lines(faces: dict[str, Any]) -> Iterator[str]:
    sources = ", ".join(f"{count} {source}" for source, count in faces["sources"].items())
    yield f"faces: {pluralize(faces['clips'], 'clip')}; sources of the face boxes: {sources}"
    for kind in ("class", "subject"):
        for name, (clips, failures) in faces[f"by_{kind}"].items():
            if failures:
                share = f"{failures} of {pluralize(clips, 'clip')}"
                yield f"faces: {kind} {name}: not found on the onset frame of {share}"


def _format_known_count(count: int, noun: str) -> str:
    return pluralize(count, noun) if count else f"unknown {noun}s"


def _format_cell(value: object) -> str:
    return MISSING if value is None else str(value)
