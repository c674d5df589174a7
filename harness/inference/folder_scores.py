"""Score the predictions for a folder whose sub-folders are named as classes.

The metrics are those of `studies.metrics`, over single images: class folders name neither clips nor subjects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datasets.text import sanitize, summarize_names
from harness.inference.predictor import FramePrediction
from harness.training.training_images import PARTS
from studies.metrics import compute_confusion_matrix, compute_scores
from studies.results import Prediction

ALL_IMAGES = "all"
MAX_MATRIX_CLASSES = 10
"""Maximum number of classes of a confusion matrix that is printed."""

PART_LABELS = {"training": "trained on", "validation": "validation", "neither": "others"}
"""Labels of images by the part of the run's split that holds them."""

_NAME_WIDTH, _CELL_WIDTH = 14, 10
_GROUP_LABELS = {ALL_IMAGES: "all", **PART_LABELS}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFolders:
    """The sub-folders of a source that hold images.

    `labels` holds the class index of each folder that is named as a class, `other_folders` the other names.
    """

    labels: dict[str, int]
    other_folders: tuple[str, ...]

    def find_label(self, file: str) -> int | None:
        """Return the class index of a file, given its path relative to the source; None without a class."""
        return self.labels.get(_get_folder(file))


def match_class_folders(files: Sequence[str], classes: Sequence[str]) -> ClassFolders:
    """Match the first folder of each path to a class of the same name.

    Upper and lower case and surrounding white space do not count, unless the class names differ in nothing
    else. `files` are relative to the source, with forward slashes; a file without a folder has no class.
    """
    folders = dict.fromkeys(folder for file in files if (folder := _get_folder(file)))
    matches = {folder: _find_class(folder, classes) for folder in folders}
    return ClassFolders(
        labels={folder: label for folder, label in matches.items() if label is not None},
        other_folders=tuple(folder for folder, label in matches.items() if label is None),
    )


def _get_folder(file: str) -> str:
    folder, separator, _ = file.partition("/")
    return folder if separator else ""


def _find_class(folder: str, classes: Sequence[str]) -> int | None:
    if folder in classes:
        return classes.index(folder)
    normalized_name = folder.strip().casefold()
    labels = [label for label, name in enumerate(classes) if name.strip().casefold() == normalized_name]
    return labels[0] if len(labels) == 1 else None


def score_folders(predictions: Sequence[FramePrediction], classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return the scores of the images with a class and a prediction: of all, and by part of the run's split.

    The parts are missing if no image was used in training, or if that is unknown. The result is [] if no
    image has a class and a prediction.
    """
    scored = [p for p in predictions if p.truth is not None and p.probabilities]
    groups = {ALL_IMAGES: scored} if scored else {}
    if any(prediction.part in PARTS for prediction in scored):
        groups |= {part: [p for p in scored if p.part == part] for part in (*PARTS, "neither")}
    return [_score_group(name, members, classes) for name, members in groups.items() if members]


def _score_group(name: str, members: Sequence[FramePrediction], classes: Sequence[str]) -> dict[str, Any]:
    predictions = [_to_prediction(member) for member in members]
    scores = compute_scores(predictions, len(classes))
    return {
        "images": name,
        "count": scores.num_samples,
        "accuracy": scores.accuracy,
        "uar": scores.uar,
        "uf1": scores.uf1,
        "absent_classes": [classes[label] for label in scores.absent_classes],
        "confusion": compute_confusion_matrix(predictions, len(classes)),
    }


def _to_prediction(prediction: FramePrediction) -> Prediction:
    assert prediction.truth is not None
    return Prediction(
        id=prediction.file,
        subject="",
        clip="",
        truth=prediction.truth,
        probabilities=prediction.probabilities,
    )


def describe_unscored(
    predictions: Sequence[FramePrediction], folders: ClassFolders, classes: Sequence[str]
) -> str:
    """Return a warning that names the folders whose images are not scored, or "" if there are none.

    There is no warning if no folder has the name of a class: nothing is scored then.
    """
    unscored = [p for p in predictions if p.truth is None]
    if not folders.labels or not unscored:
        return ""
    names = [*folders.other_folders, *(p.file for p in unscored if not _get_folder(p.file))]
    return (
        f"{len(unscored)} of {len(predictions)} images are not scored, because they are in no class folder "
        f"({summarize_names(names)}); the run's classes: {summarize_names(classes, max_names=len(classes))}"
    )


def render_scores(groups: Sequence[dict[str, Any]], classes: Sequence[str]) -> list[str]:
    """Return the lines that show the scores of each group, and the confusion matrix of the last group."""
    if not groups:
        return []
    lines = [_format_line("scores", ("images", "classes", "accuracy", "UAR", "UF1"))]
    for group in groups:
        values = (
            str(group["count"]),
            f"{len(classes) - len(group['absent_classes'])} of {len(classes)}",
            f"{100 * group['accuracy']:.1f} %",
            f"{group['uar']:.3f}",
            f"{group['uf1']:.3f}",
        )
        lines.append(_format_line(f"  {_GROUP_LABELS[group['images']]}", values))
    if len(classes) > MAX_MATRIX_CLASSES:
        return [*lines, "  predictions.json has the confusion matrix"]
    lines.append(
        f"confusion of {_GROUP_LABELS[groups[-1]['images']]}: folders in rows, predictions in columns"
    )
    lines.append(_format_line("", [sanitize(name, max_length=_CELL_WIDTH - 2) for name in classes]))
    return lines + [
        _format_line(f"  {sanitize(name, max_length=_NAME_WIDTH)}", tuple(map(str, counts)))
        for name, counts in zip(classes, groups[-1]["confusion"], strict=True)
        if sum(counts)
    ]


def _format_line(label: str, cells: Sequence[str]) -> str:
    return label.ljust(_NAME_WIDTH + 4) + "".join(cell.rjust(_CELL_WIDTH) for cell in cells)
