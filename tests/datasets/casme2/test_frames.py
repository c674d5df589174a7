import pytest

from datasets.casme2.clips import Clip
from datasets.casme2.facts import FRAMES, USUAL, WINDOW
from datasets.casme2.frames import POLICIES, apex, apex_window, onset_offset, paper
from datasets.spec import Picture


def clip(name="EP01", onset=10, peak=20, offset=30, emotion="fear", subject="sub01", lacking=()):
    present = [number for number in range(onset, offset + 1) if number not in lacking]
    return Clip(
        name=f"{subject}/{name}",
        subject=subject,
        emotion=emotion,
        onset=onset,
        apex=peak,
        offset=offset,
        frames={number: Picture(f"{subject}/{name}.avi", number - 1) for number in present},
        apex_text="/" if peak is None else str(peak),
    )


def numbers(choice):
    return [sample.frame for sample in choice.samples]


def codes(choice):
    return [(anomaly.code, anomaly.where, anomaly.action) for anomaly in choice.anomalies]


def test_every_policy_has_a_function():
    assert tuple(POLICIES) == FRAMES


@pytest.mark.parametrize("policy", POLICIES.values())
def test_every_sample_says_where_it_and_its_onset_lie(policy):
    samples = policy([clip(lacking=(10, 11))], USUAL).samples
    assert samples
    for sample in samples:
        assert sample.picture == Picture("sub01/EP01.avi", sample.frame - 1)
        assert sample.onset == Picture("sub01/EP01.avi", 11)
        assert (sample.label, sample.subject, sample.clip) == (USUAL.index("fear"), "sub01", "sub01/EP01")
        assert sample.id == f"sub01/EP01/{sample.frame}"


def test_labels_are_places_among_the_classes_chosen():
    assert {sample.label for sample in onset_offset([clip()], ("disgust", "fear")).samples} == {1}


def test_the_window_is_two_frames_before_and_after_the_apex():
    assert WINDOW == 2
    choice = apex_window([clip()], USUAL)
    assert numbers(choice) == [18, 19, 20, 21, 22]
    assert [sample.role for sample in choice.samples] == ["", "", "apex", "", ""]
    assert choice.notes == ("frames within 2 of the apex: 5, of 1 clips",)
    assert choice.anomalies == ()


@pytest.mark.parametrize(
    ("peak", "expected"),
    [(10, [10, 11, 12]), (11, [10, 11, 12, 13]), (29, [27, 28, 29, 30]), (30, [28, 29, 30])],
)
def test_the_window_ends_at_onset_and_offset(peak, expected):
    assert numbers(apex_window([clip(peak=peak)], USUAL)) == expected


def test_a_window_without_its_apex_keeps_what_is_there_and_an_apex_that_is_missing_is_listed():
    lone = clip(lacking=(20, 21))
    assert numbers(apex_window([lone], USUAL)) == [18, 19, 22]
    assert codes(apex_window([lone], USUAL)) == [
        ("missing apex", "sub01/EP01", "the 3 frames beside it were kept")
    ]
    assert numbers(apex([lone], USUAL)) == []
    assert codes(apex([lone], USUAL)) == [("missing apex", "sub01/EP01", "the clip was left out")]
    bare = clip(lacking=range(18, 23))
    assert codes(apex_window([bare], USUAL)) == [("missing apex", "sub01/EP01", "the clip was left out")]


def test_a_clip_without_an_apex_is_left_out_where_the_apex_matters_and_kept_elsewhere():
    blank = clip(peak=None)
    for policy in (apex, apex_window):
        assert policy([blank], USUAL).samples == ()
        assert codes(policy([blank], USUAL)) == [("unusable apex", "sub01/EP01", "the clip was left out")]
    for policy in (onset_offset, paper):
        assert len(policy([blank], USUAL).samples) == 21
        assert codes(policy([blank], USUAL))[0][0] == "unusable apex"


def test_an_apex_at_an_end_is_the_apex():
    for peak, end in ((10, "onset"), (30, "offset")):
        choice = apex([clip(peak=peak)], USUAL)
        assert [(sample.frame, sample.role) for sample in choice.samples] == [(peak, "apex")]
        assert choice.anomalies[0].what == f"the apex is the {end}, {peak}"


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
    choice = paper(clips, USUAL)
    assert sum(len(each.frames) for each in clips) == 21 + 16 + 21 + 2 + 21
    assert len(choice.samples) == (15 + 14 + 2) + 21 + 21
    survivors = {
        sample.frame: sample.clip
        for sample in choice.samples
        if sample.subject == "sub01" and sample.label == USUAL.index("happiness")
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
    assert {sample.clip for sample in paper([first, second], USUAL).samples} == {"sub01/EP02"}
    assert {sample.clip for sample in paper([second, first], USUAL).samples} == {"sub01/EP01"}
