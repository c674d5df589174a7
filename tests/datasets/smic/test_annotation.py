from pathlib import Path

from datasets.io.directory_tree import DirectoryTree
from datasets.sheets.clip_files import ClipFiles, FilesByClip
from datasets.sheets.coding_sheet import SheetRow
from datasets.smic.annotation import Annotation, complete_rows, read_annotation
from tests.datasets.smic.releases import write_annotation

ROW = ("s1", "s1_ne_01", 10, 14, None, None, 5, "negative")


def read(root: Path, modality: str = "hs") -> Annotation:
    tables = sorted(path for path in root.rglob("*.xlsx"))
    return read_annotation(tables, modality, tree=DirectoryTree(root))


def row(**changes: str) -> SheetRow:
    values = {"subject": "s01", "filename": "s01_ne_01", "onset": "10", "offset": "14", "emotion": ""}
    return SheetRow(line_number=2, apex="", **(values | changes))


def files(*numbers: int, folder: str = "/x/s1_ne_01") -> FilesByClip:
    paths = {number: f"{folder}/image{number}.bmp" for number in numbers}
    return {("s01", "s01_ne_01"): ClipFiles(frame_paths=paths)}


def test_names_are_read_in_normal_spelling(tmp_path: Path) -> None:
    write_annotation(tmp_path / "SMIC-HS-E_annotation.xlsx", [ROW])
    annotation = read(tmp_path)
    assert [row.key for row in annotation.rows] == [("s01", "s01_ne_01")]
    assert annotation.note == "sheet: SMIC-HS-E_annotation.xlsx"


def test_each_camera_has_its_workbook_or_its_sheet(tmp_path: Path) -> None:
    vis_row = ("s1", "s1_ne_02", 3, 4, None, None, 1, "negative")
    write_annotation(tmp_path / "SMIC-HS-E_annotation.xlsx", [ROW], extra=[vis_row])
    assert [row.filename for row in read(tmp_path).rows] == ["s01_ne_01"]
    assert [row.filename for row in read(tmp_path, "vis").rows] == ["s01_ne_02"]
    assert read(tmp_path, "nir").rows == ()
    write_annotation(tmp_path / "SMIC-NIR-E_annotation.xlsx", [vis_row], sheet="Sheet1")
    assert [row.filename for row in read(tmp_path, "nir").rows] == ["s01_ne_02"]


def test_without_an_annotation_every_folder_is_a_clip_of_all_its_frames(tmp_path: Path) -> None:
    annotation = read(tmp_path)
    assert annotation.note.startswith("annotation: none found")
    (completed,), anomalies = complete_rows(annotation, files(3, 5, 9))
    assert (completed.onset, completed.offset, completed.emotion) == ("3", "9", "negative")
    assert anomalies == ()


def test_a_folder_without_a_row_is_listed_if_there_is_an_annotation() -> None:
    other = row(filename="s01_po_01")
    rows, (anomaly,) = complete_rows(Annotation(rows=(other,)), files(3, 5))
    assert [(row.filename, row.emotion) for row in rows] == [
        ("s01_po_01", "positive"),
        ("s01_ne_01", "negative"),
    ]
    assert (anomaly.code, anomaly.action) == ("no row", "its 2 frames were used")


def test_the_name_decides_the_class_against_annotation_and_folder() -> None:
    (completed,), anomalies = complete_rows(
        Annotation(rows=(row(emotion="positive"),)), files(10, 11, folder="/x/surprise/s1_ne_01")
    )
    assert completed.emotion == "negative"
    assert [anomaly.description for anomaly in anomalies] == [
        "the annotation says 'positive', the name says negative",
        "it lies in the folder surprise, the name says negative",
    ]


def test_frame_numbers_that_the_folder_lacks_give_way_to_all_its_frames() -> None:
    (completed,), (anomaly,) = complete_rows(Annotation(rows=(row(),)), files(1, 2, 3))
    assert (completed.onset, completed.offset) == ("1", "3")
    assert anomaly.code == "unusable frame numbers"


def test_a_second_expression_in_the_same_folder_is_listed() -> None:
    (completed,), (anomaly,) = complete_rows(
        Annotation(rows=(row(second_onset="20"),)), files(10, 12, 14, 20, 22)
    )
    assert (completed.onset, completed.offset) == ("10", "14")
    assert (anomaly.code, anomaly.action) == ("second expression", "only the first was used")
