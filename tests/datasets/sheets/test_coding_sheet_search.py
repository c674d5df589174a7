import shutil
from pathlib import Path

import pytest

from datasets.casme2.constants import ACCESS_INSTRUCTIONS, FACTS
from datasets.casme2.loader import load
from datasets.io.directory_tree import DirectoryTree
from datasets.sheets.coding_sheet_search import MAX_TABLES, SheetChoice, choose_sheet
from datasets.sheets.facts import COLUMN_ALIASES
from tests.datasets.conftest import Casme2Tree
from tests.error_codes import raises_code

ROW = ("01", "EP02_01f", 46, 59, 86, "happiness")
OTHER = ("01", "EP02_01f", 46, 59, 86, "disgust")
HEADER = ",".join(COLUMN_ALIASES)


def chosen(root: Path) -> SheetChoice:
    tree = DirectoryTree(root)
    return choose_sheet(sorted(path for path in root.rglob("*") if path.is_file()), facts=FACTS, tree=tree)


def export(path: Path, row: str = "1,EP02_01f,46,59,86,fear") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEADER}\n{row}\n")


def test_sheet_names_have_priority(tree: Casme2Tree) -> None:
    names = [
        "CASME2-coding-20140508.xlsx",
        "CASME2-coding-20190701.xlsx",
        "my coding.xlsx",
        "CASME2_label_Ver_2.csv",
        "labels.csv",
    ]
    for place, name in enumerate(names):
        if name.endswith("csv"):
            export(tree.root / name, f"1,EP01,{place},8,9,fear")
        else:
            tree.sheet([(1, "EP01", place, 8, 9, "fear")], name=name)
    for place, name in enumerate(names):
        found = chosen(tree.root)
        assert found.relative_path == name
        assert found.sheet.rows[0].onset == str(place)
        (tree.root / name).unlink()


def test_edition_of_2014_is_preferred_and_the_other_named(tree: Casme2Tree) -> None:
    tree.sheet([ROW], name="CASME2-coding-20190701.xlsx")
    tree.sheet([OTHER], name="CASME2-coding-20140508.xlsx")
    found = chosen(tree.root)
    assert found.sheet.rows[0].emotion == "disgust"
    assert found.note == "sheet: CASME2-coding-20140508.xlsx (not used: CASME2-coding-20190701.xlsx)"
    assert found.anomalies == ()


def test_workbook_is_preferred_to_its_export(tree: Casme2Tree) -> None:
    tree.sheet([ROW])
    export(tree.root / "CASME2-coding-20140508.csv")
    assert chosen(tree.root).relative_path == "CASME2-coding-20140508.xlsx"


def test_two_different_sheets_are_an_error_but_two_copies_are_one(tree: Casme2Tree) -> None:
    tree.sheet([ROW])
    shutil.copy(tree.root / "CASME2-coding-20140508.xlsx", tree.root / "CASME2-coding-20140508 (1).xlsx")
    assert chosen(tree.root).sheet.rows[0].emotion == "happiness"
    tree.sheet([OTHER], name="CASME2-coding-20140508 (1).xlsx")
    with raises_code("coding-sheet.several", "20140508 (1).xlsx, CASME2-coding-20140508.xlsx. Keep one"):
        chosen(tree.root)


def test_copy_saved_by_another_program_is_a_copy(tree: Casme2Tree) -> None:
    tree.sheet([ROW])
    tree.sheet([ROW], name="CASME2-coding-20140508 (1).xlsx", header=("Subject", "Filename", None, "Onset",
               "Apex", "Offset", None, "AU", "Emotion"))  # fmt: skip
    assert len(chosen(tree.root).sheet.rows) == 1


def test_two_different_tables_of_other_names_are_an_error(tmp_path: Path) -> None:
    export(tmp_path / "a.csv")
    export(tmp_path / "b.csv", "1,EP02_01f,46,59,86,disgust")
    with raises_code("coding-sheet.several", "a.csv, b.csv"):
        chosen(tmp_path)


def test_other_files_do_not_disturb_the_sheet_search(tree: Casme2Tree) -> None:
    tree.sheet([ROW], name="labels.xlsx")
    tree.sheet(
        [ROW], name="CASME2-ObjectiveClasses.xlsx", header=("Subject", "Filename", *[None] * 6, "Class")
    )
    (tree.root / "broken.xlsx").write_bytes(b"PK\x03\x04")
    (tree.root / "landmarks.csv").write_text("x,y\n1,2\n")
    found = chosen(tree.root)
    assert found.note == (
        "sheet: labels.xlsx (not used: CASME2-ObjectiveClasses.xlsx, broken.xlsx, landmarks.csv)"
    )
    assert found.anomalies == ()


def test_unreadable_sheet_is_replaced_and_listed(tree: Casme2Tree) -> None:
    tree.sheet([ROW], name="CASME2-coding-20190701.xlsx")
    (tree.root / "sheets").mkdir()
    (tree.root / "sheets" / "CASME2-coding-20140508.xlsx").write_bytes(b"PK\x03\x04")
    found = chosen(tree.root)
    assert found.relative_path == "CASME2-coding-20190701.xlsx"
    (fault,) = found.anomalies
    assert (fault.code, fault.location) == ("unusable sheet", "sheets/CASME2-coding-20140508.xlsx")
    assert fault.description.startswith(
        "the sheet must be an .xlsx workbook: cannot read CASME2-coding-20140508.xlsx ("
    )
    assert fault.action == "CASME2-coding-20190701.xlsx was read in its place"


def test_error_of_the_single_sheet_is_raised(tree: Casme2Tree) -> None:
    tree.sheet([ROW], header=("Subject", *[None] * 8))
    with raises_code("coding-sheet.unusable", "Filename", ACCESS_INSTRUCTIONS) as caught:
        chosen(tree.root)
    assert "no coding sheets either" not in str(caught.value)


def test_no_usable_table_error_explains_the_best_named_one(tree: Casme2Tree) -> None:
    tree.sheet([ROW], header=("Subject", *[None] * 8))
    (tree.root / "a.csv").write_text("x\n")
    with raises_code("coding-sheet.unusable", "coding-20140508.xlsx must", ": a.csv."):
        chosen(tree.root)


def test_missing_sheet_error_explains_how_to_get_one(tmp_path: Path) -> None:
    with raises_code("coding-sheet.missing", ".xlsx, .xls, .csv", "coding-20140508.xlsx"):
        chosen(tmp_path)


def test_upper_tables_are_opened_first_up_to_the_limit(tmp_path: Path) -> None:
    for number in range(MAX_TABLES):
        path = tmp_path / "openface" / f"a{number}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("x,y\n1,2\n")
    export(tmp_path / "z.csv")
    found = chosen(tmp_path)
    assert found.relative_path == "z.csv"
    assert found.note.endswith(f"openface/a26.csv and {MAX_TABLES - 20} more)")
    (tmp_path / "z.csv").rename(tmp_path / "openface" / "z.csv")
    with raises_code("coding-sheet.unusable"):
        chosen(tmp_path)


def test_name_with_a_line_break_stays_on_one_line(tmp_path: Path) -> None:
    export(tmp_path / "coding\n| 2014.csv")
    assert chosen(tmp_path).note == r"sheet: coding\n| 2014.csv"


def test_sheets_in_two_folders_are_an_error_that_lists_them(tree: Casme2Tree) -> None:
    tree.root.mkdir()
    for name, row in (("a", ROW), ("b", OTHER)):
        (tree.root / name).mkdir()
        tree.sheet([row], name=f"{name}/CASME2-coding-20140508.xlsx")
    with raises_code("coding-sheet.several", f"{tree.root / 'a'}, {tree.root / 'b'}."):
        chosen(tree.root)


@pytest.mark.parametrize(
    ("below", "code"),
    [
        ("Cropped", "coding-sheet.missing"),
        ("Cropped/Cropped", "coding-sheet.missing"),
        ("Cropped/Cropped/sub01", "release.missing"),
    ],
)
def test_root_below_the_sheet_error_names_the_sheets_folder(tree: Casme2Tree, below: str, code: str) -> None:
    root = tree.write([ROW])
    with raises_code(code, f"{tree.root}, ", "CASME2-coding-20140508.xlsx"):
        load(root / below, "onset_offset")


def test_root_without_sheet_error_explains_access(tree: Casme2Tree) -> None:
    tree.clip("sub01/EP02_01f", [46])
    (tree.root / "notes.csv").write_text("x\n")
    with raises_code("coding-sheet.missing", ACCESS_INSTRUCTIONS):
        load(tree.root / "Cropped", "onset_offset")
