from pathlib import Path

import pytest

from datasets.casme2 import FRAMES, load

# Two clips of subject 1 share an emotion and the frames 8 to 10; the later row is the first by name.
ROWS = [
    ("01", "EP03", 8, 9, 11, "happiness"),
    (1, "EP02", 7, 10, 10, "happiness"),
    (1, "EP04", 9, "/", 10, "disgust"),
    (2, "EP02", 8, 8, 9, "happiness"),
    (2, "EP05", 1, 2, 3, "others"),
]


def codes(table):
    return sorted((anomaly.code, anomaly.where) for anomaly in table.anomalies)


def test_every_frame_from_onset_to_offset(tree):
    table = load(tree.write(ROWS), "onset_offset")
    assert table.classes == ("disgust", "fear", "happiness", "repression", "sadness", "surprise")
    assert table.counts() == (2, 0, 10, 0, 0, 0)
    first = table.samples[0]
    assert (first.id, first.subject, first.clip, first.frame) == ("sub01/EP02/7", "sub01", "sub01/EP02", 7)
    assert (first.label, first.role) == (2, "onset")
    assert Path(first.path) == tree.root / "Cropped/Cropped/sub01/EP02/reg_img7.jpg"
    assert [sample.id for sample in table.samples[:4]] == [f"sub01/EP02/{frame}" for frame in (7, 8, 9, 10)]


def test_roles_and_odd_apexes(tree):
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


def test_one_apex_a_clip_and_clips_without_one_are_left_out_and_listed(tree):
    root = tree.write(ROWS)
    (root / "Cropped/Cropped/sub01/EP03/reg_img9.jpg").unlink()
    table = load(root, "apex")
    assert [sample.id for sample in table.samples] == ["sub01/EP02/10", "sub02/EP02/8"]
    left_out = {
        anomaly.where: anomaly.code
        for anomaly in table.anomalies
        if anomaly.action == "the clip was left out"
    }
    assert left_out == {"sub01/EP04": "unusable apex", "sub01/EP03": "missing apex"}


def test_the_papers_flattening_lets_the_later_row_win_and_keep_its_clip(tree):
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


def test_frames_are_ordered_by_number_and_not_by_text(tree):
    table = load(tree.write([(1, "EP01", 8, 9, 101, "fear")]), "onset_offset")
    assert [sample.frame for sample in table.samples] == list(range(8, 102))


def test_notes_name_the_sheet_the_edition_and_the_others(tree):
    notes = load(tree.write(ROWS), "onset_offset").notes
    assert notes[0] == "sheet: CASME2-coding-20140508.xlsx"
    assert notes[1].startswith("labels: edition unknown")
    assert notes[2].startswith("others: 1 rows")
    assert notes[3] == "frames: 12, of 4 clips"


def test_anomalies_of_folders_and_rows_reach_the_table(tree):
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


@pytest.mark.parametrize("frames", FRAMES)
def test_no_usable_frame_is_an_error(tree, frames):
    tree.clip("sub05/EP01", [1])
    tree.sheet(ROWS)
    with pytest.raises(
        ValueError, match=rf"no usable frames below .* '{frames}': none of the 5 rows .* 1 clip folders"
    ):
        load(tree.root, frames)


def test_a_root_that_moves_changes_nothing_but_paths(tree):
    before = load(tree.write(ROWS), "paper")
    moved = tree.root.rename(tree.root.with_name("elsewhere"))
    after = load(moved, "paper")
    assert [sample.id for sample in after.samples] == [sample.id for sample in before.samples]
    assert after.notes == before.notes
