from pathlib import Path

import pytest

from studies.prediction_files.reader import read_predictions
from studies.prediction_files.subject_log import SELECTION_NOTE
from studies.prediction_files.table import SET_NOTE, PredictionTable
from tests.error_codes import raises_code
from tests.studies.prediction_files.synthetic import format_subject_log, make_predictions

GOOD = "Subject: sub01\nPredicted : [0, 1]\nGround Truth : [0, 2]\n"


def _read(tmp_path: Path, text: str) -> PredictionTable:
    path = tmp_path / "log.txt"
    path.write_text(text)
    return read_predictions(path)


def test_lists_become_clips_of_the_sets_that_the_subjects_name(tmp_path: Path) -> None:
    predictions = make_predictions()
    table = _read(tmp_path, format_subject_log(predictions))

    assert [(p.dataset, p.subject, p.truth, p.predicted_class) for p in table.predictions] == [
        (p.dataset, p.subject, p.truth, p.predicted_class) for p in predictions
    ]
    assert [p.clip for p in table.predictions[:6]] == ["#1", "#2", "#3", "#4", "#5", "#1"]
    assert (table.has_clip_names, SET_NOTE in table.notes, SELECTION_NOTE in table.notes) == (
        False,
        True,
        False,
    )


def test_predictions_of_the_best_epoch_are_marked(tmp_path: Path) -> None:
    text = format_subject_log(make_predictions(), role="Best Predicted   ")

    assert SELECTION_NOTE in _read(tmp_path, text).notes


def test_other_subjects_have_no_set_and_lists_may_be_those_of_numpy(tmp_path: Path) -> None:
    table = _read(tmp_path, GOOD.replace("sub01", "Anna").replace("[0, 1]", "tensor([0 1])"))

    assert [(p.dataset, p.predicted_class) for p in table.predictions] == [("", 0), ("", 1)]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (GOOD.partition("\n")[2], ("subject-log.no-subject", "line 1")),
        (GOOD.replace("sub01", ""), ("subject-log.no-subject", "line 2")),
        (GOOD + "Subject: sub02\n", ("subject-log.list-missing", "line 4")),
        (GOOD.replace("Ground", "True"), ("subject-log.list-missing", "line 1")),
        (
            GOOD.replace("[0, 1]", "[0, 1, 2]"),
            ("subject-log.list-lengths", "line 2", "3 predictions for 2 true", "complete"),
        ),
        (GOOD.replace("[0, 1]", "[0, 1"), ("subject-log.brackets", "line 2")),
        (GOOD.replace("[0, 1]", "[0, x]"), ("prediction-file.no-label", "line 2")),
        (GOOD + "Predicted : [0, 1]\n", ("subject-log.list-twice", "line 4")),
        (GOOD + GOOD.replace("[0, 1]", "[0, 2]"), ("prediction-file.clip-of-several-classes", "line 5")),
        ("Subject: sub01\nPredicted : []\nGround Truth : []\n", ("prediction-file.no-prediction",)),
    ],
)
def test_wrong_line_is_named(tmp_path: Path, text: str, error: tuple[str, ...]) -> None:
    with raises_code(*error):
        _read(tmp_path, text)
