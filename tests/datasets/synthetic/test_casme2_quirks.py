from collections import Counter

import pytest

from datasets.synthetic.casme2_plan import ClipPlan, plan_clips
from datasets.synthetic.casme2_quirks import (
    CLIPS_WITHOUT_ROW,
    QUIRK_APEXES,
    QUIRK_NAMES,
    TRUNCATED_CLIP,
    ClipFolder,
    ReleasePlan,
    with_release_quirks,
    without_quirks,
)
from datasets.synthetic.coding_sheet import RELABELLED_CLIPS


def plan(subjects: int = 26, clips: int = 255, seed: int = 0) -> tuple[ClipPlan, ...]:
    return plan_clips(subjects=subjects, clips=clips, frames=10, balance=False, seed=seed)


@pytest.fixture(scope="module")
def release() -> ReleasePlan:
    return with_release_quirks(plan(), subjects=26)


def keys(release: ReleasePlan) -> set[tuple[int, str]]:
    return {(row.subject, row.name) for row in release.rows}


def folders(release: ReleasePlan) -> dict[tuple[int, str], ClipFolder]:
    return {(one.clip.subject, one.clip.name): one for one in release.folders}


def test_release_without_quirks_equals_the_plan() -> None:
    clips = plan(subjects=2, clips=9)
    release = without_quirks(clips)
    assert [one.clip for one in release.folders] == list(clips)
    assert [(row.name, row.apex, row.action_units) for row in release.rows] == [
        (clip.name, clip.apex, clip.action_units) for clip in clips
    ]
    assert all(one.last_frame == one.clip.offset for one in release.folders)


def test_release_has_255_rows_and_the_two_folders_without_one(release: ReleasePlan) -> None:
    assert len(release.rows) == len(keys(release)) == 255
    assert set(folders(release)) - keys(release) == set(CLIPS_WITHOUT_ROW)


def test_one_row_of_the_six_classes_has_no_folder(release: ReleasePlan) -> None:
    (missing,) = keys(release) - set(folders(release))
    emotions = {(row.subject, row.name): row.emotion for row in release.rows}
    assert emotions[missing] in ("disgust", "happiness")


def test_equal_plans_have_equal_quirks(release: ReleasePlan) -> None:
    assert with_release_quirks(plan(), subjects=26) == release


def test_quirk_names_are_listed_with_their_subjects(release: ReleasePlan) -> None:
    assert set(QUIRK_NAMES) <= keys(release)


def test_quirk_apexes_match_the_release(release: ReleasePlan) -> None:
    rows = {(row.subject, row.name): row for row in release.rows}
    assert rows[4, "EP12_01f"].apex == "/"
    assert rows[5, "EP09_05f"].apex == rows[5, "EP09_05f"].onset
    for key in ((5, "EP16_04f"), (12, "EP09_06"), (20, "EP16_01"), (25, "EP18_04f")):
        assert rows[key].apex == rows[key].offset
    assert all(rows[key].emotion != "others" for key in QUIRK_APEXES)
    unusual = [row for row in release.rows if row.apex in ("/", row.onset, row.offset)]
    assert len(unusual) == len(QUIRK_APEXES)


def test_one_clip_ends_before_the_offset_in_the_sheet(release: ReleasePlan) -> None:
    (short,) = [one for one in release.folders if one.last_frame != one.clip.offset]
    assert (short.clip.subject, short.clip.name) == TRUNCATED_CLIP
    assert short.clip.apex <= short.last_frame < short.clip.offset


def test_action_units_are_numbers_texts_or_a_question_mark(release: ReleasePlan) -> None:
    assert {"4", "4+L10", "?"} <= {row.action_units for row in release.rows}
    assert all("?" not in one.clip.action_units for one in release.folders)


def test_three_clips_that_tell_2019_show_sadness(release: ReleasePlan) -> None:
    emotions = {(row.subject, row.name): row.emotion for row in release.rows}
    assert [emotions[key] for key in RELABELLED_CLIPS] == ["sadness"] * 3


def test_class_counts_stay_the_sheets(release: ReleasePlan) -> None:
    assert Counter(row.emotion for row in release.rows) == Counter(clip.emotion for clip in plan())


@pytest.mark.parametrize("subjects", [1, 2, 3, 23, 24, 26, 40])
@pytest.mark.parametrize("seed", range(3))
def test_sets_of_any_size_have_every_quirk(subjects: int, seed: int) -> None:
    release = with_release_quirks(plan(subjects=subjects, clips=subjects + 24, seed=seed), subjects=subjects)
    assert len(keys(release)) == len(release.rows) == subjects + 24
    assert len(folders(release)) == len(release.folders) == subjects + 25
    everyone = set(range(1, subjects + 1))
    assert {subject for subject, _ in keys(release)} == everyone
    assert {subject for subject, _ in folders(release)} == everyone
    unusual = [row for row in release.rows if row.apex in ("/", row.onset, row.offset)]
    assert len(unusual) == 6
    assert "others" not in {row.emotion for row in unusual}
    assert {name for _, name in QUIRK_NAMES} <= {row.name for row in release.rows}
    assert {"4", "4+L10", "?"} <= {row.action_units for row in release.rows}
    assert len({row.emotion for row in release.rows}) == 7
