import pytest

from datasets.casme2.clips import Casme2Clip
from datasets.casme2.constants import APEX_WINDOW_RADIUS, DEFAULT_CLASSES, FRAME_POLICIES
from datasets.casme2.frame_policies import (
    POLICY_FUNCTIONS,
    select_apex,
    select_apex_window,
    select_onset_offset,
    select_paper_frames,
)
from datasets.spec import ImageRef


def clip(name="EP01", onset=10, peak=20, offset=30, emotion="fear", subject="sub01", lacking=()):
    present = [number for number in range(onset, offset + 1) if number not in lacking]
    return Casme2Clip(
        name=f"{subject}/{name}",
        subject=subject,
        emotion=emotion,
        onset=onset,
        apex=peak,
        offset=offset,
        frames={number: ImageRef(f"{subject}/{name}.avi", number - 1) for number in present},
        apex_text="/" if peak is None else str(peak),
    )


def numbers(choice):
    return [sample.frame_number for sample in choice.samples]


def codes(choice):
    return [(anomaly.code, anomaly.location, anomaly.action) for anomaly in choice.anomalies]


def test_every_policy_has_a_function():
    assert tuple(POLICY_FUNCTIONS) == FRAME_POLICIES


@pytest.mark.parametrize("policy", POLICY_FUNCTIONS.values())
def test_every_sample_says_where_it_and_its_onset_lie(policy):
    samples = policy([clip(lacking=(10, 11))], DEFAULT_CLASSES).samples
    assert samples
    for sample in samples:
        assert sample.image_ref == ImageRef("sub01/EP01.avi", sample.frame_number - 1)
        assert sample.onset_ref == ImageRef("sub01/EP01.avi", 11)
        assert (sample.label, sample.subject, sample.clip) == (
            DEFAULT_CLASSES.index("fear"),
            "sub01",
            "sub01/EP01",
        )
        assert sample.id == f"sub01/EP01/{sample.frame_number}"


def test_labels_are_places_among_the_classes_chosen():
    assert {sample.label for sample in select_onset_offset([clip()], ("disgust", "fear")).samples} == {1}


def test_the_window_is_two_frames_before_and_after_the_apex():
    assert APEX_WINDOW_RADIUS == 2
    choice = select_apex_window([clip()], DEFAULT_CLASSES)
    assert numbers(choice) == [18, 19, 20, 21, 22]
    assert [sample.role for sample in choice.samples] == ["", "", "apex", "", ""]
    assert choice.notes == ("frames within 2 of the apex: 5, of 1 clip",)
    assert choice.anomalies == ()


@pytest.mark.parametrize(
    ("peak", "expected"),
    [(10, [10, 11, 12]), (11, [10, 11, 12, 13]), (29, [27, 28, 29, 30]), (30, [28, 29, 30])],
)
def test_the_window_ends_at_onset_and_offset(peak, expected):
    assert numbers(select_apex_window([clip(peak=peak)], DEFAULT_CLASSES)) == expected


def test_a_window_without_its_apex_keeps_what_is_there_and_an_apex_that_is_missing_is_listed():
    lone = clip(lacking=(20, 21))
    assert numbers(select_apex_window([lone], DEFAULT_CLASSES)) == [18, 19, 22]
    assert codes(select_apex_window([lone], DEFAULT_CLASSES)) == [
        ("missing apex", "sub01/EP01", "the 3 frames beside it were kept")
    ]
    assert numbers(select_apex([lone], DEFAULT_CLASSES)) == []
    assert codes(select_apex([lone], DEFAULT_CLASSES)) == [
        ("missing apex", "sub01/EP01", "the clip was left out")
    ]
    bare = clip(lacking=range(18, 23))
    assert codes(select_apex_window([bare], DEFAULT_CLASSES)) == [
        ("missing apex", "sub01/EP01", "the clip was left out")
    ]


def test_a_clip_without_an_apex_is_left_out_where_the_apex_matters_and_kept_elsewhere():
    blank = clip(peak=None)
    for policy in (select_apex, select_apex_window):
        assert policy([blank], DEFAULT_CLASSES).samples == ()
        assert codes(policy([blank], DEFAULT_CLASSES)) == [
            ("unusable apex", "sub01/EP01", "the clip was left out")
        ]
    for policy in (select_onset_offset, select_paper_frames):
        assert len(policy([blank], DEFAULT_CLASSES).samples) == 21
        assert codes(policy([blank], DEFAULT_CLASSES))[0][0] == "unusable apex"


def test_an_apex_at_an_end_is_the_apex():
    for peak, end in ((10, "onset"), (30, "offset")):
        choice = select_apex([clip(peak=peak)], DEFAULT_CLASSES)
        assert [(sample.frame_number, sample.role) for sample in choice.samples] == [(peak, "apex")]
        assert choice.anomalies[0].description == f"the apex is the {end}, {peak}"


def test_the_papers_frames_by_hand():
    # Happiness of subject 1: 10-30 (21 frames), 25-40 (16; 6 of them, 25-30, again), 35-36 (2, both again).
    # Its fear has the same numbers, as has the happiness of subject 2: neither overwrites.
    clips = [
        clip("EP05", 10, 20, 30, "happiness"),
        clip("EP01", 25, 30, 40, "happiness"),
        clip("EP03", 10, 20, 30, "fear"),
        clip("EP02", 35, 35, 36, "happiness"),
        clip("EP05", 10, 20, 30, "happiness", subject="sub02"),
    ]
    choice = select_paper_frames(clips, DEFAULT_CLASSES)
    assert sum(len(each.frames) for each in clips) == 21 + 16 + 21 + 2 + 21
    assert len(choice.samples) == (15 + 14 + 2) + 21 + 21
    survivors = {
        sample.frame_number: sample.clip
        for sample in choice.samples
        if sample.subject == "sub01" and sample.label == DEFAULT_CLASSES.index("happiness")
    }
    assert survivors == {
        **dict.fromkeys(range(10, 25), "sub01/EP05"),
        **dict.fromkeys(range(25, 35), "sub01/EP01"),
        35: "sub01/EP02",
        36: "sub01/EP02",
        **dict.fromkeys(range(37, 41), "sub01/EP01"),
    }
    assert choice.notes == (
        "frames: 81, of 5 clips",
        "8 of 81 frames (9.9%) were overwritten by a later clip's frame of the same emotion, subject and "
        "number; 73 remain",
    )


def test_which_row_is_later_decides_whose_frames_survive():
    first, second = clip("EP01"), clip("EP02")
    assert {sample.clip for sample in select_paper_frames([first, second], DEFAULT_CLASSES).samples} == {
        "sub01/EP02"
    }
    assert {sample.clip for sample in select_paper_frames([second, first], DEFAULT_CLASSES).samples} == {
        "sub01/EP01"
    }
