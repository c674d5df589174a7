"""Tests of the scores on class folders, and of the images that a run has used in training."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import pytest

from harness.inference.folder_scores import match_class_folders, render_scores, score_folders
from harness.inference.predictor import FramePrediction
from studies.metrics import compute_confusion_matrix, compute_scores
from tests.harness.inference.trained_runs import TrainedRuns, options, recorded_probabilities
from tests.harness.tiny import EMOTIONS, Run

CLASSES = ("anger", "fear", "joy")


def prediction(truth: int | None, predicted: int, *, part: str | None = "neither") -> FramePrediction:
    return FramePrediction(
        file="x/1.png",
        frame_number=1,
        timestamp=None,
        box=(0, 0, 1, 1),
        face_status="",
        probabilities=tuple(float(label == predicted) for label in range(len(CLASSES))),
        note="",
        stage_seconds=(0.0, 0.0, 0.0),
        part=part,
        truth=truth,
    )


def label_of(file: str) -> int:
    """Return the class of a file of the tiny data set, whose clips are numbered by emotion."""
    return int(Path(file).parent.name[2:4]) - 1


def read_document(name: str, trained_runs: TrainedRuns) -> Any:
    """Return the predictions.json of a source with this name."""
    return json.loads(Path(f"predictions/{name}-{trained_runs.run_id[:8]}/predictions.json").read_text())


@pytest.fixture
def class_folders(trained_runs: TrainedRuns, tmp_path: Path) -> Path:
    """Write all images into class folders in capitals, and three images into no class folder."""
    root = tmp_path / "faces"
    for path in sorted(trained_runs.cropped.rglob("*.jpg")):
        folder = root / EMOTIONS[label_of(str(path))].upper()
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / f"{path.parents[1].name}-{path.name}")
    (root / "misc").mkdir()
    for name in ("misc/1.jpg", "misc/2.jpg", "3.jpg"):
        shutil.copy(next(trained_runs.cropped.rglob("*.jpg")), root / name)
    return root


@pytest.mark.slow
def test_images_used_in_training_are_summarized(harness: Run, trained_runs: TrainedRuns) -> None:
    clip = trained_runs.cropped / "sub01" / "EP01_01f"
    tested = {path.name for path in clip.iterdir() if _is_tested(trained_runs, path)}
    status, _, err = harness("predict", trained_runs.run_id, clip, "--align", "none", *options(trained_runs))
    assert status == 0
    document = read_document("EP01_01f", trained_runs)
    assert {row["file"] for row in document["rows"] if row["part"] == "neither"} == tested
    counts = document["training_images"]
    assert counts["training"] + counts["validation"] == 3 - len(tested) > 0
    assert (
        f"warning: the network was trained on {counts['training']} of these 3 images and validated on "
        f"{counts['validation']}, so predictions of them say nothing about unseen images\n"
    ) in err


@pytest.mark.slow
def test_copy_is_recognized_by_its_bytes(harness: Run, trained_runs: TrainedRuns, tmp_path: Path) -> None:
    trained = next(p for p in sorted(trained_runs.cropped.rglob("*.jpg")) if not _is_tested(trained_runs, p))
    shutil.copy(trained, tmp_path / "copy.jpg")
    image = cv2.imread(str(trained))
    assert image is not None
    cv2.imwrite(str(tmp_path / "again.png"), image)
    harness("predict", trained_runs.run_id, tmp_path / "copy.jpg", *options(trained_runs))
    (copy,) = read_document("copy", trained_runs)["rows"]
    assert copy["part"] in ("training", "validation")
    status, out, err = harness("predict", trained_runs.run_id, tmp_path / "again.png", *options(trained_runs))
    assert (status, err) == (0, "")
    assert "seen     others 1 (by comparing the contents of files" in out


def _is_tested(trained_runs: TrainedRuns, path: Path) -> bool:
    return path.relative_to(trained_runs.cropped).as_posix() in recorded_probabilities(trained_runs.frames)


@pytest.mark.slow
def test_class_folders_have_separate_scores_for_unseen_images(
    harness: Run, trained_runs: TrainedRuns, class_folders: Path
) -> None:
    status, out, err = harness(
        "predict", trained_runs.run_id, class_folders, "--align", "none", *options(trained_runs)
    )
    assert status == 0
    assert "3 of 75 images are not scored, because they are in no class folder (misc, 3.jpg)" in err
    document = read_document("faces", trained_runs)
    assert "the others are scored apart" in err
    groups = {group["images"]: group for group in document["scores"]}
    assert {name: group["count"] for name, group in groups.items()} == {
        "all": 72,
        "training": 48,
        "validation": 12,
        "neither": 12,
    }
    # The images that the run did not use are its test images, so their scores are those of the run.
    expected = compute_scores(trained_runs.frames.predictions, len(EMOTIONS))
    unseen = groups["neither"]
    assert (unseen["accuracy"], unseen["uar"], unseen["uf1"]) == (
        expected.accuracy,
        expected.uar,
        expected.uf1,
    )
    matrix = compute_confusion_matrix(trained_runs.frames.predictions, len(EMOTIONS))
    assert unseen["confusion"] == [list(row) for row in matrix]
    (line,) = (line for line in out.splitlines() if line.startswith("  others"))
    scores = (f"{100 * expected.accuracy:.1f}", "%", f"{expected.uar:.3f}", f"{expected.uf1:.3f}")
    assert line.split() == ["others", "12", "6", "of", "6", *scores]
    assert "confusion of others: folders in rows" in out
    with Path(f"predictions/faces-{trained_runs.run_id[:8]}/predictions.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert {row["truth"] for row in table} == {*EMOTIONS, ""}
    assert {row["part"] for row in table} == {"training", "validation", "neither"}


@pytest.mark.slow
def test_folders_that_name_no_class_and_runs_on_motion_have_no_scores(
    harness: Run, trained_runs: TrainedRuns, tmp_path: Path
) -> None:
    for folder in ("people/one", "classes/fear"):
        (tmp_path / folder).mkdir(parents=True)
        shutil.copy(next(trained_runs.cropped.rglob("*.jpg")), tmp_path / folder)
    _, out, _ = harness("predict", trained_runs.run_id, tmp_path / "people", *options(trained_runs))
    assert "scores   none: no folder is named as a class of the run (disgust, fear," in out
    _, out, _ = harness("predict", trained_runs.motion_id, tmp_path / "classes", *options(trained_runs))
    assert "scores   none: the run compares all images with one onset frame" in out


@pytest.mark.parametrize(
    ("folder", "classes", "label"),
    [
        ("FEAR", CLASSES, 1),
        (" Joy", CLASSES, 2),
        ("fears", CLASSES, None),
        ("Fear", ("fear", "FEAR"), None),
        ("FEAR", ("fear", "FEAR"), 1),
    ],
)
def test_folder_is_a_class_of_the_same_name(folder: str, classes: tuple[str, ...], label: int | None) -> None:
    folders = match_class_folders((f"{folder}/deep/1.png", "2.png"), classes)
    assert folders.find_label(f"{folder}/deep/1.png") == label
    assert folders.find_label("2.png") is None
    assert folders.other_folders == ((folder,) if label is None else ())


def test_class_without_images_is_left_out_of_the_means() -> None:
    scores = score_folders(
        [prediction(0, 0), prediction(0, 2), prediction(1, 1), prediction(None, 1)], CLASSES
    )
    assert [group["images"] for group in scores] == ["all"]
    assert (scores[0]["count"], scores[0]["absent_classes"]) == (3, ["joy"])
    assert scores[0]["uar"] == pytest.approx((1 / 2 + 1) / 2)
    assert scores[0]["uf1"] == pytest.approx((2 / 3 + 1) / 2)
    assert "    2 of 3    66.7 %     0.750     0.833" in render_scores(scores, CLASSES)[1]


def test_without_digests_scores_have_one_group_and_without_classes_none() -> None:
    unknown = replace(prediction(0, 0), part=None)
    assert [group["images"] for group in score_folders([unknown], CLASSES)] == ["all"]
    assert score_folders([prediction(None, 0), replace(unknown, probabilities=())], CLASSES) == []
    assert render_scores([], CLASSES) == []


def test_confusion_matrix_of_many_classes_is_only_in_the_file() -> None:
    classes = tuple(f"class {number}" for number in range(11))
    scores = score_folders([replace(prediction(0, 0), probabilities=(1.0, *[0.0] * 10))], classes)
    assert render_scores(scores, classes)[-1] == "  predictions.json has the confusion matrix"
