from pathlib import Path

import pytest

from studies.prediction_files.megc_log import render_megc_log
from studies.prediction_files.reader import read_predictions
from studies.prediction_files.table import ClipPrediction
from tests.error_codes import raises_code
from tests.studies.prediction_files.synthetic import make_predictions


def _read(tmp_path: Path, text: str) -> tuple[ClipPrediction, ...]:
    path = tmp_path / "log.txt"
    path.write_text(text)
    return read_predictions(path).predictions


def test_log_is_read_as_it_was_rendered(tmp_path: Path) -> None:
    predictions = make_predictions()
    text = render_megc_log(predictions)

    assert text.startswith("smic s01\ns01_01 ")
    assert _read(tmp_path, text) == predictions
    assert _read(tmp_path, text.replace("\n", " \r\n\r\n")) == predictions


def test_fold_may_have_an_unknown_set_and_a_number_as_subject(tmp_path: Path) -> None:
    predictions = _read(tmp_path, "samm 6\n006_1_2 0 1\nfolder 7\na 4 5\nmmew S1\nb positive 0\n")

    assert [(p.dataset, p.subject, p.truth, p.predicted_class) for p in predictions] == [
        ("samm", "6", 0, 1),
        ("folder", "7", 4, 5),
        ("mmew", "S1", 1, 0),
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("EP02_01f 1 1\n", ("megc-log.no-fold", "line 1")),
        ("casme2 sub01\nEP02_01f 1\n", ("megc-log.no-prediction", "line 2", "'EP02_01f 1'")),
        ("casme2 sub01\nEP02_01f 1 joy\n", ("prediction-file.no-label", "line 2")),
        ("casme2 sub01\nEP02_01f 1.5 1\n", ("prediction-file.no-label", "line 2")),
        ("casme2 sub01\nEP02_01f 1 1 1\n", ("megc-log.fields", "line 2")),
        ("casme2 sub01\ncasme2 sub02\na 1 1\n", ("megc-log.empty-fold", "line 1")),
        ("casme2 sub01\na 1 1\ncasme2 sub02\n", ("megc-log.empty-fold", "line 3")),
        ("casme2 sub01\na 1 1\nb 0 0\na 1 2\n", ("prediction-file.clip-of-several-classes", "line 4")),
        ("casme2 sub01\na 1 1\na 2 1\n", ("prediction-file.clip-of-several-classes", "line 3")),
        (
            f"casme2 sub01\n{'x' * 101} 1 1\n",
            ("prediction-file.name-too-long", "line 2", "at most 100 characters", "shorten"),
        ),
    ],
)
def test_wrong_line_is_named(tmp_path: Path, text: str, error: tuple[str, ...]) -> None:
    with raises_code(*error):
        _read(tmp_path, text)


@pytest.mark.parametrize("clip", ["", "a b", "a\tb", "a\u202eb"])
def test_name_that_is_not_one_field_is_not_written(clip: str) -> None:
    prediction = ClipPrediction(dataset="folder", subject="s", clip=clip, truth=0, predicted_class=0)
    with raises_code("megc-log.name-with-space"):
        render_megc_log([prediction])
