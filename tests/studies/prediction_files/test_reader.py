"""Tests of the choice of the format, and of damaged and hostile files: a table, or one clear error."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.prediction_files import table as table_module
from studies.prediction_files.megc_log import render_megc_log
from studies.prediction_files.reader import read_predictions
from tests.error_codes import raises_code
from tests.hostile import (
    assert_is_clear,
    case_settings,
    check_outcome,
    damaged_bytes,
    hostile_names,
    temporary_folder,
)
from tests.studies.prediction_files.synthetic import format_csv, format_subject_log, make_predictions

PREDICTIONS = make_predictions(subjects=3, clips=2)
TEXTS = (render_megc_log(PREDICTIONS), format_subject_log(PREDICTIONS), format_csv(PREDICTIONS))
FORMATS = ("MEGC log", "log of lists by subject", "CSV")


@pytest.mark.parametrize(("text", "name"), list(zip(TEXTS, FORMATS, strict=True)))
def test_format_follows_from_the_content(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / "result_log.csv"
    path.write_text(text)
    table = read_predictions(path)

    assert (table.format, table.is_challenge, len(table.predictions)) == (name, True, len(PREDICTIONS))


def test_unknown_format_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("\n\x1b[31mUF1 is .7353\n")
    with raises_code("prediction-file.unknown-format", "line 2") as raised:
        read_predictions(path)
    assert_is_clear(str(raised.value))


def test_file_with_too_many_clips_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "MAX_CLIPS", 17)
    path = tmp_path / "log.txt"
    path.write_text(TEXTS[0])
    with raises_code("prediction-file.too-many-clips", 17):
        read_predictions(path)


def _check(data: bytes) -> None:
    with temporary_folder() as root:
        path = root / "log.txt"
        path.write_bytes(data)
        table = check_outcome(lambda: read_predictions(path), naming="log.txt")
    if table is not None:
        for prediction in table.predictions:
            assert prediction.subject.isprintable()
            assert prediction.clip.isprintable()
            assert max(prediction.truth, prediction.predicted_class) < 100


@pytest.mark.slow
@given(data=st.data(), text=st.sampled_from(TEXTS))
@case_settings(60)
def test_damaged_file_is_read_or_refused(data: st.DataObject, text: str) -> None:
    _check(data.draw(damaged_bytes(text.encode())))


@given(
    text=st.sampled_from(TEXTS),
    old=st.sampled_from(("s01", "sub01", "006", "0", "Subject")),
    new=hostile_names(),
)
@case_settings(60)
def test_hostile_names_are_read_or_refused(text: str, old: str, new: str) -> None:
    _check(text.replace(old, new).encode("utf-8", "surrogatepass"))
