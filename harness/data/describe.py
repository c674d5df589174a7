"""What a data set's folder holds, beside what a complete release would, as one document and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from datasets.spec import Anomaly, SampleTable
from harness.data.anomalies import counted
from harness.data.anomalies import in_words as anomaly_in_words

if TYPE_CHECKING:
    from datasets.faces.search import Face

NOTHING = "-"


def document(table: SampleTable, faces: Sequence[Face] | None) -> dict[str, Any]:
    """The description as JSON has it; `faces` None where they are not looked for or not known yet."""
    clips = {sample.clip: sample.label for sample in table.samples if sample.clip}
    per_class = [
        {
            "class": name,
            "frames": count,
            "clips": sum(label == c for label in clips.values()) if clips else None,
            "complete_frames": table.complete_samples[c] if table.complete_samples else None,
            "complete_clips": table.complete_clips[c] if table.complete_clips else None,
        }
        for c, (name, count) in enumerate(zip(table.classes, table.counts(), strict=True))
    ]
    return {
        "dataset": table.dataset,
        "layout": table.layout,
        "frames": table.frames,
        "aligned": table.aligned,
        "drawn": table.drawn,
        "samples": len(table.samples),
        "clips": len(clips),
        "subjects": len({sample.subject for sample in table.samples if sample.subject}),
        "classes": per_class,
        "notes": list(table.notes),
        "anomalies": [asdict(anomaly) for anomaly in table.anomalies],
        "faces": None if faces is None else _faces(table, faces),
    }


def _faces(table: SampleTable, faces: Sequence[Face]) -> dict[str, Any]:
    from datasets.faces.search import failure_rates

    rates = failure_rates(faces, table)
    return {
        "clips": len(faces),
        "sources": {
            source: sum(face.source == source for face in faces)
            for source in dict.fromkeys(face.source for face in faces)
        },
        "by_class": {name: list(rate) for name, rate in rates.by_class.items()},
        "by_subject": {name: list(rate) for name, rate in rates.by_subject.items()},
    }


def in_words(found: dict[str, Any]) -> str:
    """The description for a person to read."""
    return "\n".join(_lines(found))


def _lines(found: dict[str, Any]) -> Iterator[str]:
    layout = f", layout {found['layout']}" if found["layout"] else ""
    drawn = "; drawn by harness, not the real release" if found["drawn"] else ""
    yield (
        f"{found['dataset']}{layout}, frames {found['frames']}: {found['samples']} frames, "
        f"{found['clips'] or 'unknown'} clips, {found['subjects'] or 'unknown'} subjects{drawn}"
    )
    header = ("class", "frames", "complete", "clips", "complete")
    columns = ("class", "frames", "complete_frames", "clips", "complete_clips")
    rows = [[_cell(row[name]) for name in columns] for row in found["classes"]]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        first, *rest = (
            text.ljust(width) if i == 0 else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  " + "  ".join((first, *rest))
    for note in found["notes"]:
        yield f"note: {note}"
    if found["faces"]:
        yield from _face_lines(found["faces"])
    elif not found["aligned"]:
        yield "faces: not looked for yet; `harness data prepare` does, and then they are described here"
    for fault in found["anomalies"]:
        yield anomaly_in_words(Anomaly(**fault))
    yield counted(len(found["anomalies"]))


def _face_lines(faces: dict[str, Any]) -> Iterator[str]:
    sources = ", ".join(f"{count} {source}" for source, count in faces["sources"].items())
    yield f"faces: {faces['clips']} clips; the box comes from: {sources}"
    for kind in ("class", "subject"):
        for name, (clips, failed) in faces[f"by_{kind}"].items():
            if failed:
                yield f"faces: {kind} {name}: not found on the onset frame of {failed} of {clips} clips"


def _cell(value: object) -> str:
    return NOTHING if value is None else str(value)
