import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import xlrd  # type: ignore[import-untyped]

from datasets.synthetic.coding_sheet import (
    CodingRow,
    lookup_objective_class,
    write_objective_classes,
    write_sheet,
)


def row(subject: int, units: str, emotion: str, **changes: str) -> CodingRow:
    defaults: dict[str, Any] = {"name": "EP02_01f", "onset": 46, "apex": 59, "offset": 86}
    return CodingRow(**(defaults | {"subject": subject, "action_units": units, "emotion": emotion} | changes))


@pytest.fixture
def rows() -> tuple[CodingRow, CodingRow, CodingRow]:
    return (row(1, "4", "others"), row(2, "4+L10", "disgust"), row(11, "12", "happiness"))


@pytest.fixture
def quirk_rows() -> tuple[CodingRow, CodingRow, CodingRow]:
    return (
        row(4, "?", "disgust", apex="/"),
        row(24, "1+4", "sadness", name="EP07_01"),
        row(24, "15", "sadness", name="EP10_02"),
    )


def test_sheet_is_laid_out_as_released(tmp_path: Path, rows: tuple[CodingRow, CodingRow, CodingRow]) -> None:
    path = write_sheet(rows, tmp_path)
    assert path.name == "CASME2-coding-20140508.xlsx"
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Sheet1", "Sheet2", "Sheet3"]
    assert book["Sheet2"].max_row == book["Sheet3"].max_row == 1
    cells = list(book["Sheet1"].values)
    assert cells[0][0] == "Subject"
    assert cells[0][2] is cells[0][6] is None
    assert cells[1] == ("01", "EP02_01f", None, 46, 59, 86, None, 4, "others")
    assert cells[2][7] == "4+L10"
    assert cells[3][7] == "12"


def test_pandas_sees_the_two_nameless_columns(
    tmp_path: Path, rows: tuple[CodingRow, CodingRow, CodingRow]
) -> None:
    table = pd.read_excel(write_sheet(rows, tmp_path), dtype={"Subject": str})
    assert [name for name in table.columns if name.startswith("Unnamed")] == ["Unnamed: 2", "Unnamed: 6"]
    assert list(table["Subject"]) == ["01", "02", "11"]


def test_unusual_cells_are_written_unchanged(
    tmp_path: Path, quirk_rows: tuple[CodingRow, CodingRow, CodingRow]
) -> None:
    table = pd.read_excel(write_sheet(quirk_rows, tmp_path))
    assert table["ApexFrame"].tolist() == ["/", 59, 59]
    assert table["Action Units"][0] == "?"


def test_edition_2019_relabels_three_clips_as_surprise(
    tmp_path: Path, quirk_rows: tuple[CodingRow, CodingRow, CodingRow]
) -> None:
    path = write_sheet(quirk_rows, tmp_path, form="2019")
    assert path.name == "CASME2-coding-20190701.xlsx"
    table = pd.read_excel(path)
    assert table["Estimated Emotion"].tolist() == ["disgust", "surprise", "sadness"]
    assert table["Objective Classes"].tolist() == [7, 5, 5]
    assert table.columns[2] == "Unnamed: 2"


def test_xls_has_seven_columns_and_no_blank_one(
    tmp_path: Path, quirk_rows: tuple[CodingRow, CodingRow, CodingRow]
) -> None:
    path = write_sheet(quirk_rows, tmp_path, form="xls")
    assert path.name == "CASME2_label_Ver_2.xls"
    sheet = xlrd.open_workbook(path).sheet_by_index(0)
    assert sheet.row_values(0) == [
        "Subject",
        "Filename",
        "OnsetFrame",
        "ApexFrame",
        "OffsetFrame",
        "Action Units",
        "Estimated Emotion",
    ]
    assert sheet.row_values(1) == ["04", "EP02_01f", 46, "/", 86, "?", "disgust"]
    assert sheet.nrows == 4


def test_csv_export_has_lower_case_names_bare_subjects_and_no_apex_as_minus_one(
    tmp_path: Path, quirk_rows: tuple[CodingRow, CodingRow, CodingRow]
) -> None:
    path = write_sheet(quirk_rows, tmp_path, form="csv")
    table = pd.read_csv(path)
    assert list(table.columns) == [name.lower() for name in table.columns]
    assert table["subject"].tolist() == [4, 24, 24]
    assert table["apexframe"].tolist() == [-1, 59, 59]
    assert b"\r" not in path.read_bytes()


def test_objective_classes_sheet_has_three_columns(
    tmp_path: Path, rows: tuple[CodingRow, CodingRow, CodingRow]
) -> None:
    table = pd.read_excel(write_objective_classes(rows, tmp_path), dtype=str)
    assert list(table.columns) == ["Subject", "Filename", "Objective Class"]
    assert table["Subject"].tolist() == ["01", "02", "11"]
    assert table["Objective Class"].tolist() == ["3", "7", "1"]


@pytest.mark.parametrize(
    ("units", "number"), [("6+12", 1), ("1+2", 2), ("4", 3), ("L10", 4), ("R15", 5), ("20", 6), ("?", 7)]
)
def test_objective_classes_by_hand_whatever_the_side(units: str, number: int) -> None:
    assert lookup_objective_class(units) == number


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_time(
    tmp_path: Path, rows: tuple[CodingRow, CodingRow, CodingRow]
) -> None:
    def read_bytes() -> list[bytes]:
        sheets = [write_sheet(rows, tmp_path, form=form) for form in ("2014", "2019", "xls", "csv")]
        return [path.read_bytes() for path in (*sheets, write_objective_classes(rows, tmp_path))]

    first = read_bytes()
    # A zip entry's clock has steps of two seconds, the document's of one: both tick at an even second.
    time.sleep(2.01 - time.time() % 2)
    assert read_bytes() == first
    assert all(one != other for one, other in pairwise(first))
