from pathlib import Path

import pytest

from studies.prediction_files.reader import read_predictions
from studies.prediction_files.table import PredictionTable
from tests.error_codes import raises_code
from tests.studies.prediction_files.synthetic import format_csv, make_predictions

RUN = (
    '"id","subject","clip","condition","truth","answer","p0","p1"\n'
    '"a/1","s1","a","",1,0,0.8,0.2\n'
    '"a/2","s1","a","",1,1,0.1,0.9\n'
    '"b/1","s1","b","",0,0,0.7,0.3\n'
    '"b/1","s1","b","noise 2",0,1,0.3,0.7\n'
)


def _read(tmp_path: Path, text: str) -> PredictionTable:
    path = tmp_path / "table.csv"
    path.write_text(text)
    return read_predictions(path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_match_by_name(tmp_path: Path, delimiter: str) -> None:
    predictions = make_predictions()

    assert _read(tmp_path, format_csv(predictions, delimiter=delimiter)).predictions == predictions


def test_truth_and_prediction_columns_suffice(tmp_path: Path) -> None:
    table = _read(tmp_path, "pred,truth\n1,negative\n2,surprise\n1,negative\n")

    assert [(p.subject, p.clip, p.truth, p.predicted_class) for p in table.predictions] == [
        ("", "#1", 0, 1),
        ("", "#2", 2, 2),
        ("", "#3", 0, 1),
    ]
    assert (table.classes, table.has_clip_names) == (("0", "1", "2"), False)


def test_set_follows_from_the_subjects_without_a_column(tmp_path: Path) -> None:
    table = _read(tmp_path, "subject,clip,truth,prediction\nsub01,a,1,1\n006,b,0,2\n")

    assert ([p.dataset for p in table.predictions], table.is_challenge) == (["casme2", "samm"], True)


def test_frames_of_a_run_are_averaged_by_clip(tmp_path: Path) -> None:
    table = _read(tmp_path, RUN)

    assert [(p.clip, p.truth, p.predicted_class) for p in table.predictions] == [("a", 1, 1), ("b", 0, 0)]
    assert table.notes == (
        "3 frames of 2 clips: the probabilities are averaged by clip.",
        "1 rows of corrupted images are left out.",
    )


def test_repeated_row_is_dropped(tmp_path: Path) -> None:
    table = _read(tmp_path, "clip,truth,prediction\na,1,1\nb,0,1\na,1,1\n")

    assert (len(table.predictions), table.repeats) == (2, 1)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "casme2,sub01,EP02_01f,1\n",
            ("prediction-csv.missing-column", "line 1", "missing: truth, prediction", "--truth"),
        ),
        ("clip,truth\na,1\n", ("prediction-csv.missing-column", "line 1", "missing: prediction")),
        ("truth,label,pred\n1,1,1\n", ("prediction-csv.column-twice", "line 1")),
        ("clip,truth,pred\na,1\n", ("prediction-csv.field-count", "line 2", "3 fields", "has 2")),
        ("clip,truth,pred\n,1,1\n", ("prediction-csv.no-clip", "line 2")),
        ("clip,truth,pred\na,1,\n", ("prediction-file.no-class", "line 2")),
        ("clip,truth,pred\na,joy,1\n", ("prediction-file.no-label", "line 2", "'a,joy,1'")),
        ('clip,truth,pred\n"a,1,1\nb,1,1\n', ("prediction-csv.not-csv", "line 3")),
        ("clip,truth,pred\na,1,1\na,1,2\n", ("prediction-file.clip-of-several-classes", "line 3")),
        ("clip,truth,pred\n", ("prediction-file.no-prediction",)),
        (RUN.replace("0.9", "nan"), ("prediction-csv.no-probabilities", "line 3")),
        (RUN.replace('"",1,1,', '"",0,1,'), ("prediction-csv.clip-of-several-classes", "line 3")),
        ('"id","condition","truth","answer","p0"\n"","",0,0,1\n', ("prediction-csv.no-image-id", "line 2")),
        (f"clip,truth,{'p' * 140_000}\n", ("prediction-csv.missing-column", "line 1", "missing: ")),
    ],
)
def test_wrong_row_is_named(tmp_path: Path, text: str, error: tuple[str, ...]) -> None:
    with raises_code(*error):
        _read(tmp_path, text)
