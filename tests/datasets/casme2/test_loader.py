from pathlib import Path
from typing import Any

import pytest
import xlwt

from datasets.casme2.loader import FRAME_POLICIES, load
from datasets.spec import SampleTable
from tests.datasets.conftest import Casme2Tree
from tests.error_codes import raises_code

# Two clips of subject 1 have the same emotion and share frames 8 to 10; by name, the later row is first.
ROWS: list[tuple[Any, ...]] = [
    ("01", "EP03", 8, 9, 11, "happiness"),
    (1, "EP02", 7, 10, 10, "happiness"),
    (1, "EP04", 9, "/", 10, "disgust"),
    (2, "EP02", 8, 8, 9, "happiness"),
    (2, "EP05", 1, 2, 3, "others"),
]


HEADER = (
    "Subject",
    "Filename",
    None,
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    None,
    "Action Units",
    "Estimated Emotion",
)


def codes(table: SampleTable) -> list[tuple[str, str]]:
    return sorted((anomaly.code, anomaly.location) for anomaly in table.anomalies)


def test_onset_offset_policy_selects_every_frame(tree: Casme2Tree) -> None:
    table = load(tree.write(ROWS), "onset_offset")
    assert table.classes == ("disgust", "fear", "happiness", "repression", "sadness", "surprise")
    assert table.count_per_class() == (2, 0, 10, 0, 0, 0)
    first = table.samples[0]
    assert (first.id, first.subject, first.clip, first.frame_number) == (
        "sub01/EP02/7",
        "sub01",
        "sub01/EP02",
        7,
    )
    assert (first.label, first.role) == (2, "onset")
    assert Path(first.path) == tree.root / "Cropped/Cropped/sub01/EP02/reg_img7.jpg"
    assert [sample.id for sample in table.samples[:4]] == [f"sub01/EP02/{frame}" for frame in (7, 8, 9, 10)]


def test_roles_and_unusual_apexes(tree: Casme2Tree) -> None:
    table = load(tree.write(ROWS), "onset_offset")
    roles = {sample.id: sample.role for sample in table.samples if sample.role}
    assert roles == {
        "sub01/EP02/7": "onset",
        "sub01/EP02/10": "apex",
        "sub01/EP03/8": "onset",
        "sub01/EP03/9": "apex",
        "sub01/EP03/11": "offset",
        "sub01/EP04/9": "onset",
        "sub01/EP04/10": "offset",
        "sub02/EP02/8": "apex",
        "sub02/EP02/9": "offset",
    }
    assert codes(table) == [
        ("odd apex", "sub01/EP02"),
        ("odd apex", "sub02/EP02"),
        ("unusable apex", "sub01/EP04"),
    ]


def test_apex_policy_selects_one_frame_per_clip(tree: Casme2Tree) -> None:
    root = tree.write(ROWS)
    (root / "Cropped/Cropped/sub01/EP03/reg_img9.jpg").unlink()
    table = load(root, "apex")
    assert [sample.id for sample in table.samples] == ["sub01/EP02/10", "sub02/EP02/8"]
    left_out = {
        anomaly.location: anomaly.code
        for anomaly in table.anomalies
        if anomaly.action == "the clip was left out"
    }
    assert left_out == {"sub01/EP04": "unusable apex", "sub01/EP03": "missing apex"}


def test_paper_policy_lets_the_later_row_win(tree: Casme2Tree) -> None:
    table = load(tree.write(ROWS), "paper")
    # Subject 1's happiness: EP03 has 8-11, EP02 (the later row) 7-10; of EP03 only 11 survives.
    assert [sample.id for sample in table.samples] == [
        *(f"sub01/EP02/{frame}" for frame in (7, 8, 9, 10)),
        "sub01/EP03/11",
        "sub01/EP04/9",
        "sub01/EP04/10",
        "sub02/EP02/8",
        "sub02/EP02/9",
    ]
    assert table.samples[4].clip == "sub01/EP03"
    assert any(note.startswith("3 of 12 frames (25.0%) were overwritten") for note in table.notes)


def test_frames_are_ordered_by_number_and_not_by_text(tree: Casme2Tree) -> None:
    table = load(tree.write([(1, "EP01", 8, 9, 101, "fear")]), "onset_offset")
    assert [sample.frame_number for sample in table.samples] == list(range(8, 102))


def test_notes_name_the_sheet_the_edition_the_others_and_the_release(tree: Casme2Tree) -> None:
    assert load(tree.write(ROWS), "onset_offset").notes == (
        "sheet: CASME2-coding-20140508.xlsx",
        "labels: edition unknown; sub24/EP07_01, sub24/EP07_04f, sub24/EP10_03 match neither 2014 nor 2019",
        "others: 1 row of the sheet, left out: not among the classes "
        "disgust, fear, happiness, repression, sadness, surprise",
        "frames: 12, of 4 clips",
        "release: cropped in Cropped/Cropped",
    )


def test_anomalies_of_folders_and_rows_reach_the_table(tree: Casme2Tree) -> None:
    root = tree.write(ROWS[:1])
    tree.clip("sub09/EP02_02f", [1, 2])
    tree.clip("sub01/EP03", [])
    (root / "Cropped/Cropped/sub01/EP03/img3.jpg").touch()
    (root / "Cropped/Cropped/sub01/EP03/reg_img10.jpg").unlink()
    assert codes(load(root, "paper")) == [
        ("missing frames", "sub01/EP03"),
        ("no row", "sub09/EP02_02f"),
        ("strange image", "sub01/EP03"),
    ]


@pytest.mark.parametrize("frames", FRAME_POLICIES)
def test_no_usable_frame_error_counts_the_anomalies(tree: Casme2Tree, frames: str) -> None:
    tree.clip("sub05/EP01", [1])
    tree.sheet(ROWS)
    with raises_code(
        "release.no-frames", tree.root, repr(frames), "5 rows", "1 clip folders (no folder 4, no row 1)"
    ):
        load(tree.root, frames)


def test_classes_without_a_clip_are_an_error(tree: Casme2Tree) -> None:
    with raises_code("release.no-frames", "no row"):
        load(tree.write(ROWS[:2]), "onset_offset", classes=("fear", "sadness"))


def test_root_that_moves_changes_nothing_but_paths(tree: Casme2Tree) -> None:
    before = load(tree.write(ROWS), "paper")
    moved = tree.root.rename(tree.root.with_name("elsewhere"))
    after = load(moved, "paper")
    assert [sample.id for sample in after.samples] == [sample.id for sample in before.samples]
    assert after.notes == before.notes
    assert after.anomalies == before.anomalies


def test_selected_classes_keep_the_datasets_order(tree: Casme2Tree) -> None:
    table = load(tree.write(ROWS), "onset_offset", classes=("others", "happiness"))
    assert table.classes == ("happiness", "others")
    assert table.count_per_class() == (10, 3)
    assert table.expected_clip_counts == (32, 99)
    assert table.notes[2] == (
        "disgust: 1 row of the sheet, left out: not among the classes happiness, others"
    )
    with raises_code("class.unknown", "'joy'", "casme2", "others"):
        load(tree.root, "apex", classes=("joy", "fear"))


@pytest.mark.parametrize("suffix", [".xls", ".csv"])
def test_other_sheets_give_the_same_table(tree: Casme2Tree, suffix: str) -> None:
    expected = load(tree.write(ROWS), "paper")
    rows = [("Subject", "Filename", "Onset", "Apex", "Offset", "Emotion"), *ROWS]
    (tree.root / "CASME2-coding-20140508.xlsx").unlink()
    if suffix == ".csv":
        text = "\n".join(",".join(map(str, row)) for row in rows)
        (tree.root / "casme2.csv").write_text(text)
    else:
        book = xlwt.Workbook()
        sheet = book.add_sheet("Sheet1")
        for line, row in enumerate(rows):
            for column, cell in enumerate(row):
                sheet.write(line, column, cell)
        book.save(str(tree.root / "CASME2_label_Ver_2.xls"))
    table = load(tree.root, "paper")
    assert table.samples == expected.samples
    assert table.anomalies == expected.anomalies


def write_edition(tree: Casme2Tree, emotion: str) -> Path:
    names = ("EP07_01", "EP07_04f", "EP10_03")
    return tree.write([(24, name, 1, 2, 3, emotion) for name in names])


def test_expected_counts_depend_on_the_edition(tree: Casme2Tree) -> None:
    table = load(write_edition(tree, "sadness"), "paper")
    assert table.expected_clip_counts == (63, 2, 32, 27, 7, 25)
    assert table.expected_sample_counts == (2058, 127, 1573, 1090, 256, 947)
    assert not any("Table 2" in note for note in table.notes)
    assert load(tree.root, "onset_offset").expected_sample_counts == ()
    later = load(write_edition(tree, "surprise"), "paper")
    assert later.expected_clip_counts == (63, 2, 32, 27, 4, 28)
    assert later.expected_sample_counts == ()
    assert any("Table 2 need the sheet of 2014-05-08" in note for note in later.notes)


def test_column_of_objective_classes_is_noted(tree: Casme2Tree) -> None:
    root = tree.write(ROWS)
    header = (*HEADER[:6], "Objective Class", *HEADER[7:])
    tree.sheet(ROWS, header=header)
    assert load(root, "apex").notes[-1] == (
        "column 'Objective Class' of the sheet: not used; the labels are the sheet's emotions"
    )


def test_thousands_of_faults_of_a_kind_are_one_that_counts_them(tree: Casme2Tree) -> None:
    root = tree.write(ROWS[:1])
    lines = "".join(f"1,EP9_{number},1,2,3,fear\n" for number in range(2000))
    (root / "CASME2-coding-20140508.xlsx").unlink()
    (root / "labels.csv").write_text(
        f"Subject,Filename,Onset,Apex,Offset,Emotion\n1,EP03,8,9,11,fear\n{lines}"
    )
    (fault,) = load(root, "apex").anomalies
    assert fault.code == "no folder"
    assert fault.location.endswith("and 1997 more")
    assert fault.description.startswith("2000 times")


def test_missing_sheet_and_missing_release_are_different_errors(tree: Casme2Tree) -> None:
    tree.clip("sub01/EP01", [1])
    with raises_code("coding-sheet.missing"):
        load(tree.root, "apex")
    tree.sheet(ROWS)
    (tree.root / "Cropped").rename(tree.root / "gone")
    (tree.root / "gone/Cropped/sub01/EP01/reg_img1.jpg").unlink()
    with raises_code("release.missing"):
        load(tree.root, "apex")


def test_order_of_rows_and_folders_does_not_matter(tree: Casme2Tree) -> None:
    table = load(tree.write(ROWS), "onset_offset")
    tree.sheet(ROWS[::-1])
    assert load(tree.root, "onset_offset").samples == table.samples
