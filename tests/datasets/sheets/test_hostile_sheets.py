"""Tests of damaged, huge and random coding sheets: a bounded table of text, or one clear error."""

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from datasets.casme2.constants import FACTS
from datasets.sheets import spreadsheet
from datasets.sheets.coding_sheet import read_coding_sheet
from datasets.sheets.facts import COLUMN_ALIASES
from datasets.sheets.spreadsheet import read_tables
from tests.hostile import (
    assert_bounded,
    case_settings,
    check_outcome,
    damaged_bytes,
    hostile_names,
    temporary_folder,
)

pytestmark = pytest.mark.slow

ROWS: list[list[Any]] = [
    list(COLUMN_ALIASES),
    *([f"{n:02}", f"EP0{n}_01f", 46, 59, 86, "happiness"] for n in range(1, 8)),
]
SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
STRINGS = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"


def xlsx() -> bytes:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    for row in ROWS:
        assert isinstance(book.active, Worksheet)
        book.active.append(row)
    book.save(buffer)
    return buffer.getvalue()


def xls() -> bytes:
    book, buffer = xlwt.Workbook(), io.BytesIO()
    sheet = book.add_sheet("Sheet1")
    for line, row in enumerate(ROWS):
        for column, cell in enumerate(row):
            sheet.write(line, column, cell)
    book.save(buffer)
    return buffer.getvalue()


def plain(rows: list[list[Any]] = ROWS) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def packed(parts: dict[str, bytes]) -> bytes:
    """Return the workbook with some members of its archive replaced and others added."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx())) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, parts.get(name, old.read(name)))
        for name in parts.keys() - set(old.namelist()):
            new.writestr(name, parts[name])
    return buffer.getvalue()


def shared(strings: str) -> bytes:
    """Return the workbook with one cell that refers to the first of these shared strings."""
    sheet = (
        f'<worksheet {SPACE}><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c></row></sheetData></worksheet>'
    )
    with zipfile.ZipFile(io.BytesIO(xlsx())) as old:
        types = old.read("[Content_Types].xml").decode()
    part = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{STRINGS}"/></Types>'
    return packed(
        {
            "xl/sharedStrings.xml": strings.encode(),
            "xl/worksheets/sheet1.xml": sheet.encode(),
            "[Content_Types].xml": types.replace("</Types>", part).encode(),
        }
    )


WHOLE = {".xlsx": xlsx(), ".xls": xls(), ".csv": plain()}


def check(data: bytes, suffix: str) -> list[spreadsheet.Grid] | None:
    with temporary_folder() as root:
        path = root / f"coding{suffix}"
        path.write_bytes(data)
        found: list[spreadsheet.Grid] | None = check_outcome(lambda: read_tables(path), naming=path.name)
        for grid in found or []:
            assert len(grid) <= spreadsheet.MAX_ROWS
            assert all(len(row) <= spreadsheet.MAX_COLUMNS for row in grid)
            assert all(type(cell) is str for row in grid for cell in row)
        if found is not None:
            check_outcome(lambda: read_coding_sheet(path, facts=FACTS), naming=path.name)
        return found


@pytest.mark.parametrize("suffix", WHOLE)
@case_settings(200)
@given(data=st.data())
def test_damaged_sheet_is_read_or_refused(suffix: str, data: st.DataObject) -> None:
    check(data.draw(damaged_bytes(WHOLE[suffix])), suffix)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"])
@case_settings(80)
@given(data=st.data())
def test_damaged_part_of_a_workbook_is_read_or_refused(part: str, data: st.DataObject) -> None:
    with zipfile.ZipFile(io.BytesIO(WHOLE[".xlsx"])) as archive:
        whole = archive.read(part)
    check(packed({part: data.draw(damaged_bytes(whole))}), ".xlsx")


@pytest.mark.parametrize("suffix", WHOLE)
@pytest.mark.parametrize("other", WHOLE)
def test_sheet_under_another_suffix_is_read_or_refused(suffix: str, other: str) -> None:
    check(WHOLE[suffix], other)


@case_settings(200)
@given(rows=st.lists(st.lists(hostile_names(), max_size=8), max_size=8), head=st.booleans())
def test_any_cells_are_read_or_refused(rows: list[list[str]], head: bool) -> None:
    check(plain([ROWS[0], *rows] if head else rows), ".csv")


def nested(levels: int) -> str:
    more = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, levels))
    return (
        f'<!DOCTYPE sst [<!ENTITY a0 "aaaaaaaaaa">{more}]><sst {SPACE}><si><t>&a{levels - 1};</t></si></sst>'
    )


BOMBS = {
    "entities": lambda: shared(nested(10)),
    "one long entity": lambda: shared(
        f'<!DOCTYPE sst [<!ENTITY x "{"a" * 70_000}">]><sst {SPACE}><si><t>{"&x;" * 1000}</t></si></sst>'
    ),
    "another file": lambda: shared(
        f'<!DOCTYPE sst [<!ENTITY x SYSTEM "file:///etc/passwd">]><sst {SPACE}><si><t>&x;</t></si></sst>'
    ),
    "zeros": lambda: packed({"xl/media/image1.png": bytes(200_000_000)}),
    "strings": lambda: shared(f"<sst {SPACE}>{'<si><t>a</t></si>' * 600_000}</sst>"),
    "depth": lambda: shared(f"<sst {SPACE}>{'<si>' * 50_000}{'</si>' * 50_000}</sst>"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_zip_bomb_is_refused(kind: str) -> None:
    bomb = BOMBS[kind]()
    assert len(bomb) < spreadsheet.MAX_BYTES
    found = check(bomb, ".xlsx")
    assert kind == "depth" or found is None


@pytest.mark.parametrize(
    "data",
    [
        b"a," * 2_000_000,
        b"x" * 1_000_000 + b",y\n",
        b"a,b\n" * 1_000_000,
        b'"' + b"a\n" * 1_000_000,
        b"\0" * 1_000_000,
        b"\xff\xfe" + "Subject,Filename\n".encode("utf-16-le"),
        b"\xef\xbb\xbf" * 1000,
    ],
    ids=["columns", "cell", "rows", "quote", "nul", "utf-16", "marks"],
)
def test_oversized_or_malformed_text_is_read_or_refused(data: bytes) -> None:
    check(data, ".csv")


def test_archive_member_larger_than_declared_is_refused(tmp_path: Path) -> None:
    data = bytearray(packed({"xl/media/x": bytes(30_000_000)}))
    size = (30_000_000).to_bytes(4, "little")
    while (at := data.find(size)) >= 0:
        data[at : at + 4] = (100).to_bytes(4, "little")
    (tmp_path / "a.xlsx").write_bytes(data)
    with assert_bounded():
        assert read_coding_sheet(tmp_path / "a.xlsx", facts=FACTS).rows, "the part is none that is read"
