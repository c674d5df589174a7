from collections.abc import Callable
from pathlib import Path

import pytest

from datasets.io.text_file import TextLine
from datasets.megc2019.constants import CLASSES
from studies.prediction_files import table
from studies.prediction_files.table import (
    MAX_NAME_LENGTH,
    ClipPrediction,
    assign_sets,
    build_file_table,
    parse_class,
    parse_name,
)

PATH = Path("log.csv")
LINE = TextLine(path=PATH, number=7, text="sub01,EP01,2,1")


def _predict(
    clip: str, truth: int, predicted_class: int, *, number: int = 1, dataset: str = "casme2"
) -> ClipPrediction:
    return ClipPrediction(
        dataset=dataset,
        subject="sub01",
        clip=clip,
        truth=truth,
        predicted_class=predicted_class,
        line=TextLine(path=PATH, number=number, text=f"sub01,{clip},{truth},{predicted_class}"),
    )


def test_repeated_prediction_has_no_second_count_in_any_spelling() -> None:
    predictions = (_predict("EP01", 0, 1), _predict("EP02", 2, 2), _predict("ep01", 0, 1, number=3))

    file_table = build_file_table(PATH, predictions, format_name="csv", notes=("read",))

    assert file_table.predictions == predictions[:2]
    assert (file_table.repeats, file_table.name, file_table.notes) == (1, "log.csv", ("read",))


def test_contradiction_is_refused_with_both_lines() -> None:
    predictions = (_predict("EP01", 0, 1, number=4), _predict("EP01", 0, 2, number=9))
    with pytest.raises(ValueError, match=r"log.csv, line 9: .* line 4 has others for clip EP01"):
        build_file_table(PATH, predictions, format_name="csv")


def test_file_without_predictions_is_refused() -> None:
    with pytest.raises(ValueError, match=r"log\.csv has no prediction"):
        build_file_table(PATH, (), format_name="csv")


def test_file_with_too_many_clips_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_CLIPS", 2)
    with pytest.raises(ValueError, match="more than 2 clips: split the file"):
        build_file_table(PATH, (_predict(f"EP{n}", 0, 0) for n in range(3)), format_name="csv")


@pytest.mark.parametrize(
    ("dataset", "highest", "classes", "is_challenge"),
    [
        ("casme2", 2, CLASSES, True),
        ("casme2", 3, ("0", "1", "2", "3"), False),
        ("mine", 2, ("0", "1", "2"), False),
        ("", 1, ("0", "1"), False),
    ],
)
def test_classes_are_those_of_the_composite_only_for_its_sets_and_labels(
    dataset: str, highest: int, classes: tuple[str, ...], is_challenge: bool
) -> None:
    file_table = build_file_table(PATH, (_predict("EP01", 0, highest, dataset=dataset),), format_name="csv")
    assert (file_table.classes, file_table.is_challenge) == (classes, is_challenge)


def test_set_is_assigned_by_subject() -> None:
    prediction = _predict("EP01", 0, 0, dataset="")
    assert assign_sets((prediction,), {"sub01": "casme2"})[0].dataset == "casme2"
    assert assign_sets((prediction,), {"sub02": "casme2"}) == (prediction,)


@pytest.mark.parametrize(("text", "label"), [("2", 2), (" 1.0 ", 1), ("Positive", CLASSES.index("positive"))])
def test_class_is_parsed_as_number_or_name(text: str, label: int) -> None:
    assert parse_class(LINE, text, role="truth") == label


@pytest.mark.parametrize(
    ("parse", "message"),
    [
        (lambda: parse_class(LINE, " ", role="truth"), "line 7: the truth is missing"),
        (lambda: parse_class(LINE, "happy", role="truth"), "and the truth is neither"),
        (lambda: parse_name(LINE, "x" * (MAX_NAME_LENGTH + 1)), "at most 100 characters, and one has 101"),
    ],
)
def test_wrong_field_is_refused_with_its_line(parse: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse()


def test_name_is_stripped_and_printable() -> None:
    assert parse_name(LINE, "  sub01 ") == "sub01"
    assert parse_name(LINE, "a\x1bb").isprintable()
