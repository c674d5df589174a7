from pathlib import Path

from datasets.casme2.loader import load
from datasets.sheets.case_matching import match_case
from datasets.sheets.clip_files import ClipFiles, Release
from datasets.sheets.coding_sheet import SheetRow
from tests.datasets.conftest import Casme2Tree


def row(name: str, subject: str = "sub01") -> SheetRow:
    return SheetRow(
        line_number=2, subject=subject, filename=name, onset="5", apex="6", offset="8", emotion="fear"
    )


def release(*names: str) -> Release:
    takes = {("sub01", name): ClipFiles(frame_paths={5: name}) for name in names}
    return Release(folder=Path("/data"), form="img", files_by_clip=takes)


def test_name_in_another_case_matches_its_row_and_is_listed() -> None:
    found = match_case(release("EP01_01F", "EP02"), [row("EP01_01f"), row("EP02"), row("ep02", "sub02")])
    assert found.files_by_clip == {
        ("sub01", "EP01_01f"): ClipFiles(frame_paths={5: "EP01_01F"}),
        ("sub01", "EP02"): ClipFiles(frame_paths={5: "EP02"}),
    }
    (fault,) = found.anomalies
    assert (fault.code, fault.location) == ("other case", "sub01/EP01_01F")
    assert fault.description.endswith(": sub01/EP01_01F for sub01/EP01_01f")


def test_ambiguous_names_stay_unchanged() -> None:
    two_folders = release("EP01_01F", "ep01_01f")
    assert match_case(two_folders, [row("EP01_01f")]) == two_folders
    two_rows = release("ep01_01F")
    assert match_case(two_rows, [row("EP01_01f"), row("EP01_01F")]) == two_rows
    other = release("EP01", "ep01")
    assert match_case(other, [row("EP01")]) == other


def test_release_in_another_case_is_read_completely(tree: Casme2Tree) -> None:
    tree.sheet([("01", "EP02_01f", 5, 6, 8, "fear"), ("01", "EP06_08F", 5, 6, 8, "disgust")])
    for name in ("EP02_01F", "EP06_08f"):
        tree.clip(f"sub01/{name}", range(5, 9))
    table = load(tree.root, "onset_offset")
    assert {sample.clip for sample in table.samples} == {"sub01/EP02_01f", "sub01/EP06_08F"}
    assert [anomaly.code for anomaly in table.anomalies] == ["other case"]
