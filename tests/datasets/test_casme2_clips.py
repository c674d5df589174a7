import pytest

from datasets.casme2_clips import join, number
from datasets.casme2_sheet import Row


def row(subject="sub01", filename="EP01", onset="5", apex="6", offset="8", emotion="fear", line=2):
    return Row(
        line=line, subject=subject, filename=filename, onset=onset, apex=apex, offset=offset, emotion=emotion
    )


FOLDERS = {("sub01", "EP01"): {frame: f"{frame}.jpg" for frame in range(3, 12)}}


@pytest.mark.parametrize(("text", "value"), [("46", 46), ("46.0", 46), ("/", None), ("", None), ("-1", None)])
def test_frame_numbers_are_whole_and_not_negative(text, value):
    assert number(text) == value


def test_a_clip_holds_its_frames_from_onset_to_offset():
    (clip,), anomalies = join([row()], FOLDERS)
    assert list(clip.frames) == [5, 6, 7, 8]
    assert (clip.name, clip.apex, anomalies) == ("sub01/EP01", 6, [])


@pytest.mark.parametrize("apex", ["/", "", "-1", "4", "9"])
def test_an_apex_that_is_no_frame_of_the_clip_is_none(apex):
    (clip,), _ = join([row(apex=apex)], FOLDERS)
    assert clip.apex is None
    assert clip.apex_text == apex


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"filename": "EP02"}, "no folder"),
        ({"onset": "20", "offset": "30"}, "no frames"),
        ({"onset": "x"}, "unusable frame numbers"),
        ({"offset": ""}, "unusable frame numbers"),
        ({"onset": "9"}, "unusable frame numbers"),
        ({"emotion": "tense"}, "unknown emotion"),
        ({"subject": ""}, "unreadable key"),
    ],
)
def test_a_row_that_gives_no_clip_is_listed(changes, code):
    clips, anomalies = join([row(**changes)], FOLDERS)
    assert clips == []
    assert anomalies[0].code == code
    assert "left out" in anomalies[0].action


def test_missing_frames_are_listed_as_runs():
    frames = dict.fromkeys((5, 8, 10), "")
    (clip,), (anomaly,) = join([row(offset="12")], {("sub01", "EP01"): frames})
    assert list(clip.frames) == [5, 8, 10]
    assert anomaly.what == "5 of the sheet's frames 5-12 are not there: 6-7, 9, 11-12"
    assert anomaly.action == "the 3 present were kept"


def test_the_first_of_two_rows_of_a_clip_is_kept():
    clips, (anomaly,) = join([row(), row(emotion="disgust", line=3)], FOLDERS)
    assert [clip.emotion for clip in clips] == ["fear"]
    assert (anomaly.code, anomaly.where) == ("duplicate row", "row 3: sub01/EP01")


def test_others_are_set_aside_and_a_folder_without_a_row_is_listed():
    folders = {**FOLDERS, ("sub02", "EP09"): {1: "", 2: ""}}
    clips, (anomaly,) = join([row(emotion="others")], folders)
    assert clips == []
    assert (anomaly.code, anomaly.where) == ("no row", "sub02/EP09")
    assert anomaly.action == "its 2 frames were left out"
