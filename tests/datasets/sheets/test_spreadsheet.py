import io
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pytest
import xlwt
from openpyxl.worksheet.worksheet import Worksheet

from datasets.sheets import spreadsheet as casme2_cells
from datasets.sheets.spreadsheet import read_tables
from tests.error_codes import raises_code


def xls(path: Path, rows: Sequence[tuple[str | float | None, ...]]) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    for line, row in enumerate(rows):
        for column, cell in enumerate(row):
            if cell is not None:
                sheet.write(line, column, cell)
    book.save(str(path))
    return path


def xlsx(path: Path, rows: Sequence[tuple[str | float | None, ...]]) -> Path:
    book = openpyxl.Workbook()
    assert isinstance(book.active, Worksheet)
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


WriteWorkbook = Callable[[Path, Sequence[tuple[str | float | None, ...]]], Path]
ROWS: list[tuple[str | float | None, ...]] = [
    ("Subject", None, "Onset"),
    ("01", None, 46),
    (2, None, "4+L10"),
    (3.5, None, "/"),
]


@pytest.mark.parametrize("write", [xls, xlsx])
def test_workbooks_cells_are_text_and_blanks_are_empty(tmp_path: Path, write: WriteWorkbook) -> None:
    grid, *_ = read_tables(write(tmp_path / f"a.{write.__name__}", ROWS))
    assert [row[:3] for row in grid] == [
        ["Subject", "", "Onset"],
        ["01", "", "46"],
        ["2", "", "4+L10"],
        ["3.5", "", "/"],
    ]


@pytest.mark.parametrize(
    ("written", "named"), [(xls, "a.xlsx"), (xlsx, "a.xls"), (xlsx, "a.XLSX"), (xls, "a.XLS")]
)
def test_content_and_not_suffix_decides_the_format(
    tmp_path: Path, written: WriteWorkbook, named: str
) -> None:
    grid, *_ = read_tables(written(tmp_path / named, ROWS))
    assert grid[1][:3] == ["01", "", "46"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_csv_in_any_separator_and_encoding(tmp_path: Path, separator: str, encoding: str) -> None:
    lines = [separator.join(row) for row in (("Subject", "Café"), (" 01 ", '"a, b; c"'))]
    (tmp_path / "a.csv").write_bytes("\r\n".join(lines).encode(encoding))
    assert [["Subject", "Café"], ["01", "a, b; c"]] in read_tables(tmp_path / "a.csv")


def test_formulas_give_their_stored_values(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert isinstance(book.active, Worksheet)
    book.active.append(["Subject", "=1+1"])
    book.save(tmp_path / "a.xlsx")
    assert read_tables(tmp_path / "a.xlsx")[0][0][:2] == ["Subject", ""]


def test_every_sheet_of_a_workbook_is_a_table(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert isinstance(book.active, Worksheet)
    book.active.append(["a title"])
    book.create_sheet("second").append(["Subject"])
    book.save(tmp_path / "a.xlsx")
    assert [grid[0][0] for grid in read_tables(tmp_path / "a.xlsx")] == ["a title", "Subject"]


def test_file_larger_than_the_limit_is_not_opened(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as file:
        file.truncate(casme2_cells.MAX_BYTES + 1)
    with raises_code("coding-sheet.unreadable", "a.csv", 20000001, 20000000):
        read_tables(tmp_path / "a.csv")


def test_workbook_that_unpacks_to_too_much_is_not_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        for part in range(3):
            archive.writestr(f"xl/{part}.xml", bytes(4_000_000))
    with raises_code("coding-sheet.unreadable", 12000000, 10000000):
        read_tables(tmp_path / "a.xlsx")


def test_cell_at_the_far_corner_of_a_workbook_uses_no_memory(tmp_path: Path) -> None:
    source, buffer = xlsx(tmp_path / "source.xlsx", [("Subject",)]), io.BytesIO()
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    far = (
        f'<worksheet xmlns="{space}"><dimension ref="A1:XFD1048576"/><sheetData>'
        '<row r="1"><c r="A1" t="inlineStr"><is><t>Subject</t></is></c><c r="XFD1"><v>1</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    )
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, far if name.endswith("sheet1.xml") else old.read(name))
    (tmp_path / "a.xlsx").write_bytes(buffer.getvalue())
    (grid,) = read_tables(tmp_path / "a.xlsx")
    assert len(grid) == 1
    assert len(grid[0]) == casme2_cells.MAX_COLUMNS


def test_table_of_more_rows_than_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1\n" * casme2_cells.MAX_ROWS)
    assert len(read_tables(tmp_path / "a.csv")[0]) == casme2_cells.MAX_ROWS
    (tmp_path / "a.csv").write_text("1\n" * (casme2_cells.MAX_ROWS + 1))
    with raises_code("coding-sheet.unreadable", 10000):
        read_tables(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("name", "content"),
    {
        "empty.xlsx": b"",
        "text.xlsx": b"not a workbook",
        "cut.xlsx": b"PK\x03\x04 cut off",
        "html.xls": b"<html><table><tr><td>Subject</td></tr></table></html>",
        "ole.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)) * 4,
        "nul.csv": b"Subject\0,Filename\n",
        "utf16.csv": "Subject,Filename".encode("utf-16"),
        "field.csv": b"a," + b"b" * 200_000,
        "quote.csv": b'a,"b\n' + b"c,d\n" * 50_000,
    }.items(),
)
def test_damaged_file_is_one_clear_error(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    kind = "a .csv table" if name.endswith(".csv") else f"an {Path(name).suffix} workbook"
    with raises_code("coding-sheet.unreadable", kind, f"{tmp_path / name} ("):
        read_tables(tmp_path / name)


@pytest.mark.parametrize("write", [xls, xlsx])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated_workbook_is_one_clear_error(tmp_path: Path, write: WriteWorkbook, share: float) -> None:
    path = write(tmp_path / f"a.{write.__name__}", ROWS)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with raises_code("coding-sheet.unreadable", path):
        read_tables(path)


def test_missing_file_or_folder_is_an_error(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "a.csv")
    for name in ("a.csv", "b.csv"):
        with raises_code("coding-sheet.unreadable", tmp_path / name):
            read_tables(tmp_path / name)


def test_xls_of_unusual_length_is_read_silently(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = xls(tmp_path / "a.xls", ROWS)
    path.write_bytes(path.read_bytes() + b"odd")
    assert read_tables(path)[0][1] == ["01", "", "46"]
    assert capfd.readouterr() == ("", "")


def test_error_in_a_cell_of_an_xls_is_no_number(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    sheet.write(0, 0, "Onset")
    sheet.row(1).set_cell_error(0, "#REF!")
    book.save(str(tmp_path / "a.xls"))
    assert read_tables(tmp_path / "a.xls") == [[["Onset"], ["#ERROR"]]]
