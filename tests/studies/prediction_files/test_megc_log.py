from pathlib import Path

import pytest

from studies.prediction_files.megc_log import render_megc_log
from studies.prediction_files.reader import read_predictions
from studies.prediction_files.table import ClipPrediction
from tests.studies.prediction_files.generated import make_predictions


def _read(tmp_path: Path, text: str) -> tuple[ClipPrediction, ...]:
    path = tmp_path / "log.txt"
    path.write_text(text)
    return read_predictions(path).predictions


def test_a_log_is_read_as_it_was_rendered(tmp_path: Path) -> None:
    predictions = make_predictions()
    text = render_megc_log(predictions)

    assert text.startswith("smic s01\ns01_01 ")
    assert _read(tmp_path, text) == predictions
    assert _read(tmp_path, text.replace("\n", " \r\n\r\n")) == predictions


def test_a_fold_may_have_an_unknown_set_and_a_number_as_subject(tmp_path: Path) -> None:
    predictions = _read(tmp_path, "samm 6\n006_1_2 0 1\nfolder 7\na 4 5\nmmew S1\nb positive 0\n")

    assert [(p.dataset, p.subject, p.truth, p.predicted_class) for p in predictions] == [
        ("samm", "6", 0, 1),
        ("folder", "7", 4, 5),
        ("mmew", "S1", 1, 0),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("EP02_01f 1 1\n", ("line 1", "a fold starts with", "no fold is open", "add the fold line")),
        ("casme2 sub01\nEP02_01f 1\n", ("line 2", "prediction is missing", "'EP02_01f 1'")),
        ("casme2 sub01\nEP02_01f 1 joy\n", ("line 2", "the prediction is neither", "number the classes")),
        ("casme2 sub01\nEP02_01f 1.5 1\n", ("line 2", "the truth is neither")),
        ("casme2 sub01\nEP02_01f 1 1 1\n", ("line 2", "SET SUBJECT", "CLIP TRUTH PREDICTION")),
        ("casme2 sub01\ncasme2 sub02\na 1 1\n", ("line 1", "at least one clip", "remove its line")),
        ("casme2 sub01\na 1 1\ncasme2 sub02\n", ("line 3", "at least one clip")),
        ("casme2 sub01\na 1 1\nb 0 0\na 1 2\n", ("line 4", "line 2 has others for clip a", "keep one")),
        ("casme2 sub01\na 1 1\na 2 1\n", ("line 3", "line 2 has others")),
        (f"casme2 sub01\n{'x' * 101} 1 1\n", ("line 2", "at most 100 characters", "shorten")),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"log\.txt, line") as raised:
        _read(tmp_path, text)
    assert all(word in str(raised.value) for word in words), raised.value


@pytest.mark.parametrize("clip", ["", "a b", "a\tb", "a\u202eb"])
def test_a_name_that_is_not_one_field_is_not_written(clip: str) -> None:
    prediction = ClipPrediction(dataset="folder", subject="s", clip=clip, truth=0, predicted_class=0)
    with pytest.raises(ValueError, match="each clip needs a name without spaces"):
        render_megc_log([prediction])
