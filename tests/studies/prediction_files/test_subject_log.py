from pathlib import Path

import pytest

from studies.prediction_files.reader import read_predictions
from studies.prediction_files.subject_log import SELECTION_NOTE, SET_NOTE
from studies.prediction_files.table import PredictionTable
from tests.studies.prediction_files.generated import format_subject_log, make_predictions

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
    ("text", "words"),
    [
        (GOOD.partition("\n")[2], ("line 1", "a fold starts with", "add the subject's name")),
        (GOOD.replace("sub01", ""), ("line 2", "a fold starts with")),
        (GOOD + "Subject: sub02\n", ("line 4", "Predicted : [...] is missing", "remove the subject")),
        (GOOD.replace("Ground", "True"), ("line 1", "Ground Truth : [...] is missing")),
        (GOOD.replace("[0, 1]", "[0, 1, 2]"), ("line 2", "3 predictions for 2 true", "complete")),
        (GOOD.replace("[0, 1]", "[0, 1"), ("line 2", "in brackets on one line")),
        (GOOD.replace("[0, 1]", "[0, x]"), ("line 2", "the predicted class is neither")),
        (GOOD + "Predicted : [0, 1]\n", ("line 4", "one predicted list, and line 2 has another")),
        (GOOD + GOOD.replace("[0, 1]", "[0, 2]"), ("line 5", "line 2 has others for clip #2")),
        ("Subject: sub01\nPredicted : []\nGround Truth : []\n", ("has no prediction",)),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"log\.txt") as raised:
        _read(tmp_path, text)
    assert all(word in str(raised.value) for word in words), raised.value
