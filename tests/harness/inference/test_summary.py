from pathlib import Path
from typing import Any

import pytest

from harness.inference.folder_scores import ClassFolders
from harness.inference.predictor import FramePrediction
from harness.inference.summary import MAX_ROWS, render_summary, select_predicted, summarize_predictions
from harness.inference.video_io import FrameSource

CLASSES = ("fear", "joy")
NO_FOLDERS = ClassFolders(labels={}, other_folders=())


def _predict(number: int = 1, *, joy: float | None = 0.75, **changes: Any) -> FramePrediction:
    values: dict[str, Any] = {
        "file": f"f{number}.png",
        "frame_number": number,
        "timestamp": None,
        "box": (0, 0, 8, 8),
        "face_status": "found",
        "probabilities": (1 - joy, joy) if joy is not None else (),
        "note": "",
        "stage_seconds": (0.01, 0.02, 0.07),
        "part": "neither",
    }
    return FramePrediction(**{**values, **changes})


def _summarize(
    *predictions: FramePrediction,
    folders: ClassFolders = NO_FOLDERS,
    kind: str = "folder",
    frame_count: int | None = None,
    is_complete: bool = True,
) -> dict[str, Any]:
    source = FrameSource(
        kind=kind,
        root=Path("in"),
        files=(Path("in/f1.png"),),
        frame_count=len(predictions) if frame_count is None else frame_count,
        warnings=("broken link: x",),
    )
    return summarize_predictions(predictions, source, CLASSES, class_folders=folders, is_complete=is_complete)


def _render(*predictions: FramePrediction, folders: ClassFolders = NO_FOLDERS, **changes: Any) -> str:
    document = {
        **_summarize(*predictions, folders=folders),
        "run": "a1",
        "name": "proposed",
        "dataset": "casme2",
        "drawn": False,
        "device": "cpu",
        "representation": "frame",
        "classes": list(CLASSES),
        "files": ["out/predictions.csv", "out/predictions.json"],
    }
    return render_summary({**document, **changes}, Path("out"))


def test_unreadable_frame_has_no_count_and_is_a_warning() -> None:
    unreadable = _predict(2, joy=None, box=None, face_status="", note="it is cut")
    assert select_predicted([_predict(), unreadable]) == [_predict()]
    document = _summarize(_predict(), unreadable)
    assert document["answers"] == {"joy": 1}
    assert document["faces"] == {"found": 1}
    assert document["warnings"] == ["broken link: x", "f2.png, frame 2: it is cut"]
    assert [row["answer"] for row in document["rows"]] == ["joy", None]


def test_speed_is_that_of_the_predicted_frames() -> None:
    speed = _summarize(_predict(), _predict(2), _predict(3, joy=None, box=None))["speed"]
    assert speed["frames"] == 2
    assert speed["frames_per_second"] == pytest.approx(10.0)
    assert _summarize(_predict(joy=None))["speed"] is None


@pytest.mark.parametrize(
    ("parts", "warning"),
    [
        (("neither", "neither"), ""),
        (("training", "neither"), "the network was trained on 1 of these 2 images and validated on 0"),
        (("neither", None), "the run is of an earlier version"),
    ],
)
def test_images_of_the_training_are_a_warning(parts: tuple[str | None, ...], warning: str) -> None:
    document = _summarize(*(_predict(number, part=part) for number, part in enumerate(parts, start=1)))
    assert any(text.startswith(warning) for text in document["warnings"])
    assert len(document["warnings"]) == 1 + bool(warning)
    assert (document["training_images"] is None) == (None in parts)


@pytest.mark.parametrize(("is_complete", "count"), [(True, 1), (False, 0)])
def test_short_video_is_a_warning_unless_it_was_interrupted(is_complete: bool, count: int) -> None:
    document = _summarize(_predict(), kind="video", frame_count=9, is_complete=is_complete)
    assert len([text for text in document["warnings"] if "header says 9 frames; 1 could be" in text]) == count


def test_class_folders_are_scored() -> None:
    folders = ClassFolders(labels={"joy": 1}, other_folders=("mixed",))
    document = _summarize(_predict(truth=1), _predict(2, joy=0.25, truth=1), folders=folders)
    assert (document["class_folders"], document["other_folders"]) == ({"joy": "joy"}, ["mixed"])
    assert document["scores"][0]["accuracy"] == pytest.approx(0.5)


def test_text_shows_a_limited_number_of_rows() -> None:
    lines = _render(*(_predict(number) for number in range(1, MAX_ROWS + 3))).split("\n")
    assert len([line for line in lines if "joy 75.0 %" in line]) == MAX_ROWS
    assert "and 2 more in out/predictions.csv" in lines
    assert "classes  joy 12" in lines


def test_text_names_the_annotated_copies() -> None:
    assert "no annotated video" in _render(_predict())
    files = ["out/predictions.csv", "out/predictions.json", "out/annotated/1.png", "out/annotated/2.png"]
    assert _render(*map(_predict, (1, 2, 3)), files=files).endswith(
        "annotated (2 images; 1 more have no copy, predictions.csv lists all)"
    )


def test_text_explains_missing_scores() -> None:
    folders = ClassFolders(labels={}, other_folders=("mixed",))
    assert "scores   none: no folder is named as a class of the run (fear, joy)" in _render(
        _predict(), folders=folders
    )
    assert "compares all images with one onset frame" in _render(
        _predict(), folders=folders, representation="flow"
    )
    assert "scores" not in _render(_predict())
