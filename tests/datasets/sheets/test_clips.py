from typing import Any

import pytest

from datasets.casme2.constants import CLASSES, DEFAULT_CLASSES, FACTS
from datasets.class_selection import keep_emotions
from datasets.sheets import clips as sheet_clips
from datasets.sheets.clip_files import ClipFiles
from datasets.sheets.clips import Clip, parse_frame_number, parse_interval
from datasets.sheets.coding_sheet import SheetRow
from datasets.spec import Anomaly, ImageRef


def row(
    subject: str = "sub01",
    filename: str = "EP01",
    onset: str = "5",
    apex: str = "6",
    offset: str = "8",
    emotion: str = "fear",
    line: int = 2,
) -> SheetRow:
    return SheetRow(
        line_number=line,
        subject=subject,
        filename=filename,
        onset=onset,
        apex=apex,
        offset=offset,
        emotion=emotion,
    )


def build_clips(
    rows: list[SheetRow],
    files_by_clip: dict[tuple[str, str], ClipFiles],
    classes: tuple[str, ...] = DEFAULT_CLASSES,
) -> tuple[list[Clip], list[Anomaly]]:
    return sheet_clips.build_clips(rows, files_by_clip, facts=FACTS, scheme=keep_emotions(classes))


def take(*frames: int) -> ClipFiles:
    return ClipFiles(frame_paths={frame: f"{frame}.jpg" for frame in frames})


TAKES = {("sub01", "EP01"): take(*range(3, 12))}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("46", 46),
        ("46.0", 46),
        ("046.", 46),
        (" 7 ", 7),
        ("999999999", 999_999_999),
        ("1000000000", None),
        ("9" * 30, None),
        ("9" * 5000, None),
        ("46.5", None),
        ("/", None),
        ("", None),
        ("-1", None),
        ("1e2", None),
        ("٣", None),
    ],
)
def test_frame_numbers_are_bounded_natural_numbers(text: str, value: int | None) -> None:
    assert parse_frame_number(text) == value


def test_span_needs_an_onset_and_an_offset_in_order() -> None:
    assert parse_interval(row()) == (5, 8)
    assert parse_interval(row(offset="5")) == (5, 5)
    assert parse_interval(row(offset="4")) is None
    assert parse_interval(row(onset="x")) is None


def test_clip_holds_its_frames_from_onset_to_offset() -> None:
    (clip,), anomalies = build_clips([row()], TAKES)
    assert clip.frames == {frame: ImageRef(f"{frame}.jpg") for frame in (5, 6, 7, 8)}
    assert (clip.name, clip.apex, anomalies) == ("sub01/EP01", 6, [])


def test_onset_image_is_the_first_frame_from_the_onset() -> None:
    (clip,), _ = build_clips([row()], TAKES)
    assert clip.onset_ref == ImageRef("5.jpg")
    (clip,), _ = build_clips([row()], {("sub01", "EP01"): take(4, 7, 8)})
    assert clip.onset_ref == ImageRef("7.jpg")


@pytest.mark.parametrize("apex", ["/", "", "-1", "4", "9"])
def test_apex_that_is_no_frame_of_the_clip_is_none(apex: str) -> None:
    (clip,), _ = build_clips([row(apex=apex)], TAKES)
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
        ({"offset": "9" * 30}, "unusable frame numbers"),
        ({"emotion": "tense"}, "unknown emotion"),
        ({"subject": ""}, "unreadable key"),
        ({"filename": ""}, "unreadable key"),
    ],
)
def test_unusable_row_is_listed(changes: dict[str, Any], code: str) -> None:
    clips, anomalies = build_clips([row(**changes)], TAKES)
    assert clips == []
    assert anomalies[0].code == code
    assert "left out" in anomalies[0].action


def test_missing_frames_are_listed_as_runs() -> None:
    (clip,), (anomaly,) = build_clips([row(offset="12")], {("sub01", "EP01"): take(5, 8, 10)})
    assert list(clip.frames) == [5, 8, 10]
    assert anomaly.description == "5 of the sheet's frames 5-12 are not there: 6-7, 9, 11-12"
    assert anomaly.action == "the 3 present were kept"


def test_missing_onset_is_a_run_too() -> None:
    _, (anomaly,) = build_clips([row()], {("sub01", "EP01"): take(6, 7, 8)})
    assert anomaly.description == "1 of the sheet's frames 5-8 are not there: 5"
    assert anomaly.action == "the 3 present were kept, the first of them as the onset"


def test_huge_offset_is_cheap_and_gaps_are_summarized() -> None:
    takes = {("sub01", "EP01"): take(*range(0, 200, 2))}
    _, (anomaly,) = build_clips([row(onset="0", offset="999999999")], takes)
    assert anomaly.description.startswith("999999900 of the sheet's frames 0-999999999 are not there: 1, 3, ")
    assert anomaly.description.endswith("37, 39 and 80 more")


def test_first_of_two_rows_of_a_clip_wins() -> None:
    clips, (anomaly,) = build_clips([row(), row(emotion="disgust", line=3)], TAKES)
    assert [clip.class_name for clip in clips] == ["fear"]
    assert (anomaly.code, anomaly.location) == ("duplicate row", "row 3: sub01/EP01")


def test_other_classes_are_left_out_and_a_folder_without_row_is_listed() -> None:
    takes = {**TAKES, ("sub02", "EP09"): take(1, 2)}
    clips, (anomaly,) = build_clips([row(emotion="others")], takes)
    assert clips == []
    assert (anomaly.code, anomaly.location) == ("no row", "sub02/EP09")
    assert anomaly.action == "its 2 frames were left out"
    assert build_clips([row()], TAKES, classes=("disgust", "sadness")) == ([], [])
    assert len(build_clips([row(emotion="others")], TAKES, classes=CLASSES)[0]) == 1


def test_unreadable_video_is_left_out_and_listed() -> None:
    takes = {
        ("sub01", "EP01"): ClipFiles(video_path="a.avi", fault="the file is empty"),
        ("sub01", "EP02"): ClipFiles(video_path="b.avi", num_frames=9),
    }
    clips, (broken, spare) = build_clips([row()], takes)
    assert clips == []
    assert (broken.code, broken.location, broken.description) == (
        "unreadable video",
        "sub01/EP01",
        "the file is empty",
    )
    assert broken.action == "the clip was left out"
    assert (spare.description, spare.action) == (
        "the video has no row in the sheet",
        "its 9 frames were left out",
    )


def test_video_that_ends_before_the_offset_has_missing_frames() -> None:
    (clip,), (anomaly,) = build_clips(
        [row()], {("sub01", "EP01"): ClipFiles(video_path="a.avi", num_frames=6)}
    )
    assert clip.frames == {5: ImageRef("a.avi", 4), 6: ImageRef("a.avi", 5)}
    assert anomaly.description == "2 of the sheet's frames 5-8 are not there: 7-8"


def test_text_of_the_sheet_is_escaped() -> None:
    wild = row(filename="EP\n01|*x*", emotion="a\nb" * 100)
    _, (anomaly, _) = build_clips([wild], TAKES)
    assert anomaly.location == r"sub01/EP\n01|*x*"
    assert "\n" not in anomaly.description
    assert len(anomaly.description) < 300
