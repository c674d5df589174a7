"""`harness predict`: run the network of a finished run on an image, a folder of images or a video."""

from __future__ import annotations

import csv
import json as json_module
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.commands import options
from harness.errors import HarnessError, UserError, wrap_user_errors

if TYPE_CHECKING:
    from harness.inference.folder_scores import ClassFolders
    from harness.inference.predictor import FramePrediction, Predictor, TrainedModel
    from harness.inference.video_io import FrameSource

MAX_WARNINGS = 5


def predict(
    run: Annotated[
        str, typer.Argument(help="Id or key of a finished run, or its first 4 or more characters.")
    ],
    source: Annotated[
        Path, typer.Argument(help="An image, a folder of images or of class folders, or a video.")
    ],
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
    """Find and classify faces; write CSV, JSON and annotated images or video; report the speed.

    If sub-folders are named as classes of the run, the predictions are scored against these names. Images
    that the run was trained on are counted and scored apart.
    """
    from harness.output_folders import create_unique_folder, discard_folders

    with wrap_user_errors():
        from harness.inference.predictor import Predictor
        from harness.inference.summary import render_summary, select_predicted, summarize_predictions
        from harness.inference.video_io import scan_source

        frame_source = scan_source(source, out=out)
        model = _load_model(run, tracking_uri, device=device)
        _check_onset(model, frame_source)
        class_folders = _match_class_folders(model, frame_source)
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
            predictor,
            frame_source,
            model.classes,
            class_folders=class_folders,
            out=folder,
            predictions=predictions,
        )
        document["complete"] = True
    except KeyboardInterrupt:
        progress_note = "no frame was classified yet"
        if select_predicted(predictions):
            progress_note = f"the predictions of {len(predictions)} frames are kept in {folder}"
        print(f"\nstopped; {progress_note}", file=sys.stderr)
        raise
    finally:
        document |= summarize_predictions(
            predictions,
            frame_source,
            model.classes,
            class_folders=class_folders,
            is_complete=document["complete"],
        )
        text = json_module.dumps(document, indent=1)
        if select_predicted(predictions):
            (folder / "predictions.json").write_text(text + "\n")
        else:
            discard_folders(folders)
    _print_warnings(document["warnings"], has_document=bool(select_predicted(predictions)))
    if not select_predicted(predictions):
        reason = predictions[0].note if predictions else "it has no frames"
        raise UserError(
            f"no frame of {source} can be read: {reason}; copy it again, or name another image, folder or "
            "video",
            code="frames.unreadable",
        )
    print(text if json else render_summary(document, folder))


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
        HarnessError: The run needs an onset frame and the source is a single image.
    """
    representation = model.spec.dataset.representation
    if representation == "frame":
        return
    if frame_source.kind == "image":
        raise HarnessError(
            "prediction.single-image-of-motion",
            f"the run was trained on {representation}, which compares each frame with the onset frame; a "
            "single image has no onset frame: name a video, or a folder whose first image is the onset",
        )
    print(f"{representation}: the first readable frame is used as the onset frame", file=sys.stderr)


def _match_class_folders(model: TrainedModel, frame_source: FrameSource) -> ClassFolders:
    """Match the folders of a source to classes; none match if the run compares with an onset frame.

    A source has one onset frame, so its predictions say little about the clips of several classes.
    """
    from harness.inference.folder_scores import match_class_folders

    files = [file.relative_to(frame_source.root).as_posix() for file in frame_source.files]
    return match_class_folders(files, model.classes if model.spec.dataset.representation == "frame" else ())


def _predict_frames(
    predictor: Predictor,
    frame_source: FrameSource,
    classes: tuple[str, ...],
    *,
    class_folders: ClassFolders,
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
                prediction = replace(predictor.predict(frame), truth=class_folders.find_label(frame.file))
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


def _print_warnings(warnings: list[str], *, has_document: bool) -> None:
    for text in warnings[:MAX_WARNINGS]:
        print(f"warning: {text}", file=sys.stderr)
    if len(warnings) > MAX_WARNINGS:
        hint = "; predictions.json lists them" if has_document else ""
        print(f"and {len(warnings) - MAX_WARNINGS} more{hint}", file=sys.stderr)
