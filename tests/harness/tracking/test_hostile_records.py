"""Tests of run artifacts that are damaged or contain hostile names: the exact result, or one clear error."""

import csv
import io
import re
import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.spec import Anomaly
from harness.csv_escape import ESCAPE, FORMULA_PREFIXES, csv_escape, csv_unescape
from harness.tracking.result_files import compute_final_metrics, parse_result, render_result_files
from studies.results import Prediction, RunResult
from tests.harness.tracking.unusual_result import result
from tests.hostile import case_settings, check_outcome, damaged_bytes, hostile_names

pytestmark = pytest.mark.slow

RESULT = result()
PARTS = render_result_files(RESULT)
OLD = {**PARTS, "result.json": re.sub('"predictions": "[0-9a-f]+",', "", PARTS["result.json"])}
"""The artifacts without the table's digest, as earlier versions wrote them, so that the table is parsed."""

FORMULAE = tuple(start for start in FORMULA_PREFIXES if start != ESCAPE)


def make_prediction(name: str, subject: str, clip: str, condition: str) -> Prediction:
    return Prediction(
        id=name, subject=subject, clip=clip, truth=0, probabilities=(0.75, 0.25), condition=condition
    )


def is_text(name: str) -> bool:
    """Return whether a name can be encoded as UTF-8; loaders skip other names as unusable."""
    return not any(unicodedata.category(character) == "Cs" for character in name)


TEXTS = hostile_names().filter(is_text)


@case_settings(250)
@given(
    rows=st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), max_size=4),
    classes=st.tuples(TEXTS, TEXTS),
)
def test_any_names_survive_a_round_trip(rows: Any, classes: Any) -> None:
    data = replace(
        RESULT.data,
        classes=classes,
        anomalies=(Anomaly(code="c", location=classes[0], description="", action=""),),
    )
    original = replace(RESULT, data=data, predictions=tuple(make_prediction(*row) for row in rows))
    parts = render_result_files(original)
    assert parse_result(parts.__getitem__) == original
    for name, text in parts.items():
        if name.endswith(".csv"):
            for row in csv.reader(io.StringIO(text, newline="")):
                assert not [cell for cell in row if cell.startswith(FORMULAE)], (
                    "a spreadsheet would evaluate the cell"
                )


@case_settings(500)
@given(text=hostile_names())
def test_escaped_cell_is_no_formula_and_is_reversible(text: str) -> None:
    assert csv_unescape(csv_escape(text)) == text
    assert not csv_escape(text).startswith(FORMULAE)
    assert csv_escape(text) in (text, ESCAPE + text)


@pytest.mark.parametrize("part", ["result.json", "predictions.csv"])
@case_settings(300)
@given(data=st.data())
def test_damaged_artifacts_are_read_or_refused(part: str, data: Any) -> None:
    text = data.draw(damaged_bytes(PARTS[part].encode())).decode("utf-8", "replace")
    parts = data.draw(st.sampled_from((OLD, PARTS)))
    read = check_outcome(lambda: parse_result({**parts, part: text}.__getitem__))
    if read is not None:
        check_outcome(lambda: compute_final_metrics(read))
        assert isinstance(read, RunResult)
        assert parts is OLD or read.predictions == RESULT.predictions


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("result.json", "[]"),
        ("result.json", "null"),
        ("result.json", "[" * 200_000),
        ("predictions.csv", ""),
        ("predictions.csv", "\0\n1\n"),
        ("predictions.csv", "a," * 100_000 + "\n" + "b" * 200_000),
        ("predictions.csv", PARTS["predictions.csv"].replace(",0,0,", ",7,0,", 1)),
        ("predictions.csv", PARTS["predictions.csv"].replace(",0,0,", ",-1,0,", 1)),
        ("predictions.csv", PARTS["predictions.csv"].replace("0.6", "nan", 1)),
        ("predictions.csv", PARTS["predictions.csv"].replace("0.6", "inf", 1)),
        ("predictions.csv", PARTS["predictions.csv"].replace("p1", "p2")),
        ("predictions.csv", PARTS["predictions.csv"].replace(",0,0,", "," + "9" * 5000 + ",0,", 1)),
    ],
)
def test_contradictory_artifacts_are_refused(part: str, text: str) -> None:
    assert text != PARTS[part]
    assert check_outcome(lambda: parse_result({**OLD, part: text}.__getitem__)) is None
