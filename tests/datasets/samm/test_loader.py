from pathlib import Path

import openpyxl
import pytest

from datasets.samm.loader import load
from datasets.spec import SampleTable
from tests.error_codes import raises_code

HEADER = (
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset Frame",
    "Apex Frame",
    "Offset Frame",
    "Duration",
    "Micro",
    "Action Units",
    "Estimated Emotion",
    "Objective Classes",
    "Notes",
)
ROWS = [
    ("006", "006_1_2", 10, 12, 14, "Anger"),
    (7, "007_3_1", 1005, 1006, 1008, "Happiness"),
    ("028", "028_4_1", 20, 40, 26, "Contempt"),
    ("032", "032_3_1", 4896, 1930, 4900, "Other"),
]
SHEET = "SAMM_Micro_FACS_Codes_v2.xlsx"


def write(root: Path, *, num_titles: int = 13) -> Path:
    """Write the rows below titles, and every clip's frames from onset to offset."""
    root.mkdir(parents=True, exist_ok=True)
    workbook = openpyxl.Workbook()
    sheet = workbook.create_sheet("MICRO_ONLY", 0)
    for _ in range(num_titles):
        sheet.append(["a title"])
    sheet.append(HEADER)
    for subject, name, onset, apex, offset, emotion in ROWS:
        sheet.append([subject, name, 1, onset, apex, offset, 5, "Micro", "4+7", emotion, 3, None])
        digits = 4 if onset > 1000 else 5
        folder = root / "SAMM" / name[:3] / name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(onset, offset + 1):
            (folder / f"{name[:3]}_{number:0{digits}d}.jpg").touch()
    workbook.save(root / SHEET)
    return root


def codes(table: SampleTable) -> list[tuple[str, str]]:
    return [(anomaly.code, anomaly.location) for anomaly in table.anomalies]


@pytest.mark.parametrize("num_titles", [0, 13])
def test_both_editions_of_the_sheet_give_the_same_samples(tmp_path: Path, num_titles: int) -> None:
    table = load(write(tmp_path, num_titles=num_titles), "onset_offset")
    assert {sample.clip for sample in table.samples} == {"006/006_1_2", "007/007_3_1", "028/028_4_1"}
    assert [sample.frame_number for sample in table.samples if sample.subject == "007"] == [
        1005,
        1006,
        1007,
        1008,
    ]
    assert (table.layout, table.is_aligned) == ("raw", False)
    assert table.expected_clip_counts == (57, 12, 9, 8, 26, 6, 15)


def test_an_apex_outside_the_clip_is_the_middle_frame_and_an_anomaly(tmp_path: Path) -> None:
    table = load(write(tmp_path), "apex", classes=("anger", "happiness", "contempt", "other"))
    apexes = {sample.clip: sample.frame_number for sample in table.samples}
    assert apexes == {
        "006/006_1_2": 12,
        "007/007_3_1": 1006,
        "028/028_4_1": 23,
        "032/032_3_1": 4898,
    }
    assert codes(table) == [("unusable apex", "028/028_4_1"), ("unusable apex", "032/032_3_1")]
    assert table.anomalies[0].description == "the sheet says '40'"
    assert table.anomalies[0].action == "the middle frame, 23, was taken"
    assert "apex: 2 of 4 clips have no usable apex; their middle frame takes its place" in table.notes


def test_the_three_classes_of_the_challenge_merge_emotions_and_leave_other_out(tmp_path: Path) -> None:
    table = load(write(tmp_path), "apex", classes=("3-class",))
    assert table.classes == ("negative", "positive", "surprise")
    assert table.count_per_class() == (2, 1, 0)
    assert table.expected_clip_counts == (92, 26, 15)
    assert any(note.startswith("other: 1 row of the sheet, left out") for note in table.notes)


def test_five_and_seven_classes_are_those_of_the_literature(tmp_path: Path) -> None:
    root = write(tmp_path)
    assert load(root, "apex", classes=("5-class",)).classes == (
        "anger",
        "contempt",
        "happiness",
        "surprise",
        "other",
    )
    assert len(load(root, "apex", classes=("7-class",)).classes) == 7


def test_a_row_without_a_folder_and_a_folder_without_a_row_are_listed(tmp_path: Path) -> None:
    root = write(tmp_path)
    (root / "SAMM/006/006_1_2").rename(root / "SAMM/006/006_9_9")
    assert codes(load(root, "onset_offset"))[:2] == [
        ("no folder", "006/006_1_2"),
        ("no row", "006/006_9_9"),
    ]


def test_a_missing_release_or_sheet_is_an_error_that_names_samm(tmp_path: Path) -> None:
    with raises_code("release-root.missing", "HARNESS_SAMM"):
        load(tmp_path / "nowhere", "apex")
    with raises_code("release.missing", "no release of SAMM", "006/006_1_2/006_05562.jpg"):
        load(tmp_path, "apex")
    (write(tmp_path) / SHEET).unlink()
    with raises_code("coding-sheet.missing", "HARNESS_SAMM"):
        load(tmp_path, "apex")
