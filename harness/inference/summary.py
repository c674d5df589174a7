"""Summarize the predictions of one call: the fields of predictions.json, and the text for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets.text import sanitize, summarize_names
from harness.inference.folder_scores import (
    PART_LABELS,
    ClassFolders,
    describe_unscored,
    render_scores,
    score_folders,
)
from harness.inference.predictor import FramePrediction, flatten_prediction, summarize_speed
from harness.inference.video_io import FrameSource

MAX_ROWS = 10
"""Maximum number of predictions that the text shows; predictions.csv has all of them."""


def select_predicted(predictions: Sequence[FramePrediction]) -> list[FramePrediction]:
    """Return the predictions of the frames that could be read."""
    return [prediction for prediction in predictions if prediction.probabilities]


def summarize_predictions(
    predictions: Sequence[FramePrediction],
    frame_source: FrameSource,
    classes: tuple[str, ...],
    *,
    class_folders: ClassFolders,
    is_complete: bool,
) -> dict[str, Any]:
    """Return the results of a call as fields of predictions.json.

    `is_complete` says that every frame was read; if not, the user has interrupted the call.
    """
    predicted = select_predicted(predictions)
    scores = score_folders(predicted, classes)
    parts = Counter(prediction.part for prediction in predicted)
    checks = (
        _describe_training_images(parts, is_video=frame_source.kind == "video", has_scores=bool(scores)),
        describe_unscored(predicted, class_folders, classes),
    )
    warnings = [
        *filter(None, checks),
        *frame_source.warnings,
        *(f"{sanitize(p.file)}, frame {p.frame_number}: {p.note}" for p in predictions if not p.box),
    ]
    if is_complete and len(predictions) < frame_source.frame_count:
        warnings.append(
            f"the video's header says {frame_source.frame_count} frames; {len(predictions)} could be read"
        )
    return {
        "warnings": warnings,
        "answers": dict(
            Counter(classes[prediction.predicted_class] for prediction in predicted).most_common()
        ),
        "faces": dict(Counter(prediction.face_status or "not searched for" for prediction in predicted)),
        "training_images": None if None in parts else {part: parts[part] for part in PART_LABELS},
        "class_folders": {folder: classes[label] for folder, label in class_folders.labels.items()},
        "other_folders": list(class_folders.other_folders),
        "scores": scores,
        "speed": summarize_speed(predicted) if predicted else None,
        "rows": [flatten_prediction(prediction, classes) for prediction in predictions],
    }


def _describe_training_images(parts: Counter[str | None], *, is_video: bool, has_scores: bool) -> str:
    """Return a warning about the images that the run used in training, or "" if it used none."""
    count, kind = sum(parts.values()), "frames" if is_video else "images"
    if parts[None]:
        return (
            "the run is of an earlier version, which did not record its training images: it is unknown how "
            f"many of these {count} {kind} were trained on"
        )
    if not (parts["training"] or parts["validation"]):
        return ""
    scores_note = "; the others are scored apart" if has_scores and parts["neither"] else ""
    return (
        f"the network was trained on {parts['training']} of these {count} {kind} and validated on "
        f"{parts['validation']}, so predictions of them say nothing about unseen images{scores_note}"
    )


def render_summary(document: dict[str, Any], folder: Path) -> str:
    """Return the first rows of a predictions.json in `folder` as a table, and a summary."""

    def format_line(*cells: str) -> str:
        return "  ".join((cells[0].ljust(28), cells[1].rjust(6), cells[2].rjust(9), *cells[3:]))

    lines = [format_line("file", "frame", "time", "face    prediction")]
    for row in document["rows"][:MAX_ROWS]:
        time = "" if row["time_s"] is None else f"{row['time_s']:.3f} s"
        result = (
            f"{sanitize(row['answer'])} {100 * row['confidence']:.1f} %" if row["answer"] else row["note"]
        )
        details = f"{row['face'] or '-':7} {result}"
        lines.append(format_line(sanitize(row["file"], max_length=28), str(row["frame"]), time, details))
    if len(document["rows"]) > MAX_ROWS:
        lines.append(f"and {len(document['rows']) - MAX_ROWS} more in {folder / 'predictions.csv'}")
    synthetic_note = ", synthetic faces" if document["drawn"] else ""
    speed = document["speed"]
    stages = (
        f"{name} {' / '.join(f'{value:.1f}' for value in times.values())}"
        for name, times in speed["milliseconds"].items()
    )
    copies = [Path(name).relative_to(folder) for name in document["files"][2:]]
    unwritten = sum(bool(row["answer"]) for row in document["rows"]) - len(copies)
    more_note = f"; {unwritten} more have no copy, predictions.csv lists all" if unwritten > 0 else ""
    folder_text = f"{copies[0].parent} ({len(copies)} images{more_note})" if len(copies) > 1 else ""
    copies_text = folder_text or (
        str(copies[0]) if copies else "no annotated video (OpenCV has no codec on this machine)"
    )
    return "\n".join(
        (
            *lines,
            f"run      {document['run']}  {document['name']} ({document['dataset']}{synthetic_note})",
            f"classes  {_join_counts(document['answers'])}",
            f"faces    {_join_counts(document['faces'])}",
            f"seen     {_render_parts(document['training_images'])}",
            *(render_scores(document["scores"], document["classes"]) or _explain_missing_scores(document)),
            f"speed    {speed['frames_per_second']:.1f} frames per second end to end on "
            f"{document['device']}, one frame at a time",
            f"ms       p50 / p95 / p99 per frame: {', '.join(stages)}",
            f"written  {folder}: predictions.csv, predictions.json, {copies_text}",
        )
    )


def _explain_missing_scores(document: dict[str, Any]) -> list[str]:
    """Return a line that says why a source with folders has no scores; [] for a source without folders."""
    if not document["other_folders"]:
        return []
    if document["representation"] != "frame":
        return [
            "scores   none: the run compares all images with one onset frame, so class folders are not scored"
        ]
    classes = summarize_names(document["classes"], max_names=len(document["classes"]))
    return [f"scores   none: no folder is named as a class of the run ({classes})"]


def _join_counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{sanitize(name)} {count}" for name, count in counts.items())


def _render_parts(parts: dict[str, int] | None) -> str:
    if parts is None:
        return "unknown (the run did not record its training images)"
    counts = {PART_LABELS[part]: count for part, count in parts.items() if count}
    return f"{_join_counts(counts)} (by comparing the contents of files with the run's training images)"
