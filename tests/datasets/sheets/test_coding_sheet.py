from pathlib import Path

import openpyxl
import pytest
import xlwt

from datasets.casme2.constants import FACTS
from datasets.casme2.editions import describe_edition, detect_edition
from datasets.sheets.coding_sheet import (
    MAX_HEADER_ROWS,
    read_coding_sheet,
)
from datasets.sheets.facts import COLUMN_ALIASES
from datasets.sheets.spreadsheet import MAX_ROWS
from tests.datasets.conftest import Casme2Tree
from tests.error_codes import raises_code

ROW = ("01", "EP02_01f", 46, 59, 86, "happiness")
NAME = "CASME2-coding-20140508.xlsx"


def csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_rows_are_text_without_blank_columns(tree: Casme2Tree) -> None:
    tree.sheet([ROW, (2, "EP01_2", 3.0, "/", 9, "Others ")])
    first, second = read_coding_sheet(tree.root / NAME, facts=FACTS).rows
    assert (first.key, first.line_number) == (("sub01", "EP02_01f"), 2)
    assert (first.onset, first.apex, first.offset, first.emotion) == ("46", "59", "86", "happiness")
    assert (second.subject, second.apex, second.emotion) == ("sub02", "/", "others")


def test_columns_are_matched_by_normalised_name_in_any_order(tree: Casme2Tree) -> None:
    header = (
        "subject",
        "file name",
        "Objective Classes",
        "onset",
        "Apex_Frame",
        "OFFSETFRAME",
        None,
        "AU",
        "emotion",
    )
    tree.sheet([ROW], name="a.xlsx", header=header)
    sheet = read_coding_sheet(tree.root / "a.xlsx", facts=FACTS)
    (row,) = sheet.rows
    assert (row.filename, row.onset, row.apex, row.offset) == ("EP02_01f", "46", "59", "86")
    assert sheet.objective_column == "Objective Classes"


def test_sheet_without_objective_classes_names_none(tree: Casme2Tree) -> None:
    tree.sheet([ROW])
    assert read_coding_sheet(tree.root / NAME, facts=FACTS).objective_column == ""


def test_second_versions_xls_has_seven_columns(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    header = (
        "Subject",
        "Filename",
        "OnsetFrame",
        "ApexFrame",
        "OffsetFrame",
        "Action Units",
        "Estimated Emotion",
    )
    for line, cells in enumerate([header, (3, "EP08_1", 46, 59, 86, 4, "disgust")]):
        for column, cell in enumerate(cells):
            sheet.write(line, column, cell)
    book.save(str(tmp_path / "CASME2_label_Ver_2.xls"))
    (row,) = read_coding_sheet(tmp_path / "CASME2_label_Ver_2.xls", facts=FACTS).rows
    assert (row.key, row.onset, row.apex, row.offset) == (("sub03", "EP08_1"), "46", "59", "86")
    assert row.emotion == "disgust"


def test_csv_export_with_lower_case_names_and_missing_apexes(tmp_path: Path) -> None:
    lines = ("subject,filename,onset,apex,offset,au,emotion", 'sub4,EP12_01f,21,-1,60,"4, 7",Other')
    (row,) = read_coding_sheet(csv(tmp_path / "casme2.csv", *lines), facts=FACTS).rows
    assert (row.key, row.apex, row.emotion) == (("sub04", "EP12_01f"), "-1", "others")


def test_first_of_two_columns_of_a_name_is_read(tree: Casme2Tree) -> None:
    header = (
        "Subject",
        "Filename",
        "onset",
        "OnsetFrame",
        "ApexFrame",
        "OffsetFrame",
        None,
        "Emotion",
        "emotion",
    )
    tree.sheet([ROW], header=header)
    (row,) = read_coding_sheet(tree.root / NAME, facts=FACTS).rows
    assert (row.onset, row.emotion) == ("46", "4+l10")


def test_empty_rows_below_the_last_clip_are_no_rows(tree: Casme2Tree) -> None:
    tree.sheet([ROW, (None, None, None, None, None, None)])
    assert len(read_coding_sheet(tree.root / NAME, facts=FACTS).rows) == 1


@pytest.mark.parametrize("above", [1, MAX_HEADER_ROWS - 1])
def test_header_below_a_title_keeps_line_numbers_of_the_file(tmp_path: Path, above: int) -> None:
    title = ["CASME II coding;;"] + [""] * (above - 1)
    lines = (*title, ";".join(COLUMN_ALIASES), "1;EP01;2;3;4;fear")
    (row,) = read_coding_sheet(csv(tmp_path / "a.csv", *lines), facts=FACTS).rows
    assert (row.key, row.line_number) == (("sub01", "EP01"), above + 2)


def test_header_too_far_down_is_ignored(tmp_path: Path) -> None:
    lines = (*["title"] * MAX_HEADER_ROWS, ",".join(COLUMN_ALIASES), "1,EP01,2,3,4,fear")
    with raises_code("coding-sheet.missing-columns"):
        read_coding_sheet(csv(tmp_path / "a.csv", *lines), facts=FACTS)


def test_first_sheet_of_a_workbook_that_has_the_columns_is_read(tree: Casme2Tree) -> None:
    tree.sheet([ROW])
    book = openpyxl.load_workbook(tree.root / NAME)
    book.create_sheet("about", 0).append(["Please cite", "Yan et al."])
    book.save(tree.root / NAME)
    assert len(read_coding_sheet(tree.root / NAME, facts=FACTS).rows) == 1


def test_row_cut_short_has_empty_cells(tmp_path: Path) -> None:
    (row,) = read_coding_sheet(
        csv(tmp_path / "a.csv", ",".join(COLUMN_ALIASES), "1,EP01,2"), facts=FACTS
    ).rows
    assert (row.onset, row.offset, row.emotion) == ("2", "", "")


def test_missing_column_error_lists_present_columns(tree: Casme2Tree) -> None:
    header = ("Subject", "Filename", None, "OnsetFrame", "Peak", "OffsetFrame", None, "Action Units", "Class")
    tree.sheet([ROW], header=header)
    with raises_code("coding-sheet.missing-columns", "ApexFrame, Estimated Emotion;", "Peak", "Class"):
        read_coding_sheet(tree.root / NAME, facts=FACTS)


def test_table_without_cells_or_without_rows_is_an_error(tmp_path: Path) -> None:
    with raises_code("coding-sheet.missing-columns", "empty"):
        read_coding_sheet(csv(tmp_path / "a.csv"), facts=FACTS)
    with raises_code("coding-sheet.no-rows", "b.csv"):
        read_coding_sheet(csv(tmp_path / "b.csv", ",".join(COLUMN_ALIASES)), facts=FACTS)


@pytest.mark.parametrize("content", [b"", b"not a workbook", b"PK\x03\x04 cut off"])
def test_file_that_is_no_workbook_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    with raises_code("coding-sheet.unreadable", ".xlsx workbook", tmp_path / "a.xlsx"):
        read_coding_sheet(tmp_path / "a.xlsx", facts=FACTS)


def test_table_with_more_rows_than_any_release_is_refused(tmp_path: Path) -> None:
    with raises_code("coding-sheet.unreadable", MAX_ROWS):
        read_coding_sheet(
            csv(tmp_path / "a.csv", ",".join(COLUMN_ALIASES), *["1,EP01,2,3,4,fear"] * MAX_ROWS),
            facts=FACTS,
        )


def test_line_number_does_not_change_row_equality(tmp_path: Path) -> None:
    header, row = ",".join(COLUMN_ALIASES), "1,EP01,2,3,4,fear"
    plain = read_coding_sheet(csv(tmp_path / "a.csv", header, row), facts=FACTS)
    lower = read_coding_sheet(csv(tmp_path / "b.csv", "title", header, row), facts=FACTS)
    assert plain == lower
    assert plain != read_coding_sheet(csv(tmp_path / "c.csv", header, row.replace("3", "4")), facts=FACTS)


@pytest.mark.parametrize(
    ("emotions", "day"),
    [
        (("sadness", "sadness", "sadness"), "2014-05-08"),
        (("surprise", "surprise", "surprise"), "2019-07-01"),
        (("sadness", "surprise", "sadness"), ""),
        (("sadness", "sadness"), ""),
        # Other code also ignores the second row of a clip.
        (("sadness", "sadness", "sadness", "surprise"), "2014-05-08"),
    ],
)
def test_three_clips_identify_the_edition(tree: Casme2Tree, emotions: tuple[str, ...], day: str) -> None:
    names = ("EP07_01", "EP07_04f", "EP10_03", "EP10_03")[: len(emotions)]
    tree.sheet([(24, name, 1, 2, 3, emotion) for name, emotion in zip(names, emotions, strict=True)])
    assert detect_edition(read_coding_sheet(tree.root / NAME, facts=FACTS).rows) == day


def test_note_names_the_clips_that_identify_the_edition() -> None:
    assert describe_edition("2014-05-08") == (
        "labels: edition of 2014-05-08, identified by sub24/EP07_01, sub24/EP07_04f, sub24/EP10_03"
    )
    assert describe_edition("").startswith("labels: edition unknown; sub24/EP07_01")
