"""`harness predict`: run the network of a finished run on an image, a folder of images or a video."""

from __future__ import annotations

import csv
import json as json_module
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.commands import options
from harness.errors import UserError, wrap_user_errors

if TYPE_CHECKING:
    from harness.inference.predictor import FramePrediction, Predictor, TrainedModel
    from harness.inference.video_io import FrameSource

MAX_ROWS, MAX_WARNINGS = 10, 5


def predict(
    run: Annotated[
        str, typer.Argument(help="Id or key of a finished run, or its first 4 or more characters.")
    ],
    source: Annotated[Path, typer.Argument(help="An image, a folder of images, or a video.")],
    align: Annotated[
        str,
        typer.Option(
            help="haar: crop to the face, or use the full image if no face is found. none: always use the "
            "full image. auto: like haar, but use the full image if the run was trained without alignment "
            "and the face fills the image."
        ),
    ] = "auto",
    device: options.Device = "auto",
    tracking_uri: options.TrackingUri = None,
    out: Annotated[Path, typer.Option(help="Folder for results; each call creates a subfolder.")] = Path(
        "predictions"
    ),
    json: options.Json = False,
) -> None:
    """Find and classify faces; write CSV, JSON and annotated images or video; report the speed."""
    from harness.output_folders import create_unique_folder, discard_folders

    with wrap_user_errors():
        from harness.inference.predictor import Predictor
        from harness.inference.video_io import scan_source

        frame_source = scan_source(source, out=out)
        model = _load_model(run, tracking_uri, device=device)
        _check_onset(model, frame_source)
        predictor = Predictor(model, align=align, is_video=frame_source.kind == "video")
        document: dict[str, Any] = {
            **_describe_model(model),
            "source": str(source),
            "align": align,
            "complete": False,
            "files": [],
        }
        folders = create_unique_folder(out, f"{frame_source.name}-{model.run_id[:8]}")
    folder = folders[0]
    predictions: list[FramePrediction] = []
    try:
        document["files"] = _predict_frames(
            predictor, frame_source, model.classes, out=folder, predictions=predictions
        )
        document["complete"] = True
    except KeyboardInterrupt:
        progress_note = "no frame was classified yet"
        if _select_predicted(predictions):
            progress_note = f"the predictions of {len(predictions)} frames are kept in {folder}"
        print(f"\nstopped; {progress_note}", file=sys.stderr)
        raise
    finally:
        document |= _summarize_predictions(
            predictions, frame_source, model.classes, is_complete=document["complete"]
        )
        text = json_module.dumps(document, indent=1)
        if _select_predicted(predictions):
            (folder / "predictions.json").write_text(text + "\n")
        else:
            discard_folders(folders)
    _print_warnings(document["warnings"], has_document=bool(_select_predicted(predictions)))
    if not _select_predicted(predictions):
        raise UserError(
            f"no frame of {source} can be read: {predictions[0].note if predictions else 'it has no frames'}"
        )
    print(text if json else _render_summary(document, folder))


def _load_model(run: str, tracking_uri: str | None, *, device: str) -> TrainedModel:
    from harness.commands.options import open_tracker
    from harness.device import resolve_device
    from harness.inference.predictor import load_trained_model

    tracker = open_tracker(tracking_uri)
    tracker.check_readable()
    return load_trained_model(tracker, run, device=resolve_device(device))


def _check_onset(model: TrainedModel, frame_source: FrameSource) -> None:
    """Check that the source has an onset frame if the run needs one, and print which frame it is.

    Raises:
        ValueError: The run needs an onset frame and the source is a single image.
    """
    representation = model.spec.dataset.representation
    if representation == "frame":
        return
    if frame_source.kind == "image":
        raise ValueError(
            f"the run was trained on {representation}, which compares each frame with the onset frame; a "
            "single image has no onset frame: name a video, or a folder whose first image is the onset"
        )
    print(f"{representation}: the first readable frame is used as the onset frame", file=sys.stderr)


def _predict_frames(
    predictor: Predictor,
    frame_source: FrameSource,
    classes: tuple[str, ...],
    *,
    out: Path,
    predictions: list[FramePrediction],
) -> list[str]:
    """Classify every frame; append to `predictions`, write CSV and annotated copies; return file names."""
    from harness.inference.predictor import flatten_prediction
    from harness.inference.video_io import AnnotatedWriter, read_frames
    from harness.progress import progress_bars

    annotated_writer = AnnotatedWriter(frame_source, out)
    csv_path = out / "predictions.csv"
    # Line buffering keeps the rows written so far if the process is killed.
    with (
        csv_path.open("w", newline="", buffering=1, encoding="utf-8") as file,
        progress_bars("frames") as (progress,),
    ):
        writer = csv.writer(file, lineterminator="\n")
        try:
            for frame in read_frames(frame_source):
                prediction = predictor.predict(frame)
                fields = flatten_prediction(prediction, classes)
                if not predictions:
                    writer.writerow(map(_to_csv_cell, fields))
                predictions.append(prediction)
                writer.writerow(map(_to_csv_cell, fields.values()))
                if prediction.box:
                    class_name = (
                        fields["answer"]
                        if fields["answer"].isascii()
                        else f"class {prediction.predicted_class}"
                    )
                    annotated_writer.add(
                        frame, prediction.box, f"{class_name} {100 * fields['confidence']:.0f} %"
                    )
                progress(len(predictions), max(len(predictions), frame_source.frame_count))
        finally:
            annotated_writer.close()
    return [str(path) for path in (csv_path, out / "predictions.json", *annotated_writer.files)]


def _to_csv_cell(value: object) -> object:
    """Sanitize text for a CSV cell, and escape text that a spreadsheet would evaluate as a formula."""
    from datasets.text import sanitize
    from harness.csv_escape import csv_escape

    if not isinstance(value, str):
        return value
    return csv_escape(sanitize(value, max_length=max(1, len(value))))


def _describe_model(model: TrainedModel) -> dict[str, Any]:
    from harness.device import describe_device
    from harness.run_names import format_run_name

    return {
        "run": model.run_id,
        "key": model.spec.key,
        "name": format_run_name(model.spec),
        "dataset": model.spec.dataset.name,
        "drawn": model.synthetic,
        "representation": model.spec.dataset.representation,
        "classes": list(model.classes),
        "device": describe_device(model.device),
    }


def _select_predicted(predictions: list[FramePrediction]) -> list[FramePrediction]:
    return [prediction for prediction in predictions if prediction.probabilities]


def _summarize_predictions(
    predictions: list[FramePrediction],
    frame_source: FrameSource,
    classes: tuple[str, ...],
    *,
    is_complete: bool,
) -> dict[str, Any]:
    from datasets.text import sanitize
    from harness.inference.predictor import flatten_prediction, summarize_speed

    predicted = _select_predicted(predictions)
    warnings = [
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
        "speed": summarize_speed(predicted) if predicted else None,
        "rows": [flatten_prediction(prediction, classes) for prediction in predictions],
    }


def _print_warnings(warnings: list[str], *, has_document: bool) -> None:
    for text in warnings[:MAX_WARNINGS]:
        print(f"warning: {text}", file=sys.stderr)
    if len(warnings) > MAX_WARNINGS:
        hint = "; predictions.json lists them" if has_document else ""
        print(f"and {len(warnings) - MAX_WARNINGS} more{hint}", file=sys.stderr)


def _render_summary(document: dict[str, Any], folder: Path) -> str:
    """Return the first rows as a table, and a summary."""
    from datasets.text import sanitize

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
    more_note = f"; {unwritten} more have none, predictions.csv lists all" if unwritten > 0 else ""
    folder_text = f"{copies[0].parent} ({len(copies)} images{more_note})" if len(copies) > 1 else ""
    copies_text = folder_text or (
        str(copies[0]) if copies else "no annotated video (OpenCV has no codec on this machine)"
    )
    return "\n".join(
        (
            *lines,
            f"run      {document['run']}  {document['name']} ({document['dataset']}{synthetic_note})",
            f"classes  {', '.join(f'{sanitize(key)} {count}' for key, count in document['answers'].items())}",
            f"faces    {', '.join(f'{key} {count}' for key, count in document['faces'].items())}",
            f"speed    {speed['frames_per_second']:.1f} frames per second end to end on "
            f"{document['device']}, one frame at a time",
            f"ms       p50 / p95 / p99 per frame: {', '.join(stages)}",
            f"written  {folder}: predictions.csv, predictions.json, {copies_text}",
        )
    )
