from collections.abc import Sequence

import pytest

from datasets.casme2.constants import DEFAULT_CLASSES
from datasets.sheets.clips import Clip
from datasets.sheets.facts import FRAME_POLICIES
from datasets.sheets.frame_policies import (
    APEX_WINDOW_RADIUS,
    POLICY_FUNCTIONS,
    FrameSelection,
    Policy,
    select_apex,
    select_apex_window,
    select_onset_offset,
)
from datasets.spec import ImageRef


def clip(
    name: str = "EP01",
    onset: int = 10,
    peak: int | None = 20,
    offset: int = 30,
    emotion: str = "fear",
    subject: str = "sub01",
    lacking: Sequence[int] = (),
) -> Clip:
    present = [number for number in range(onset, offset + 1) if number not in lacking]
    return Clip(
        name=f"{subject}/{name}",
        subject=subject,
        class_name=emotion,
        onset=onset,
        apex=peak,
        offset=offset,
        frames={number: ImageRef(f"{subject}/{name}.avi", number - 1) for number in present},
        apex_text="/" if peak is None else str(peak),
    )


def numbers(choice: FrameSelection) -> list[int]:
    return [sample.frame_number for sample in choice.samples]


def codes(choice: FrameSelection) -> list[tuple[str, str, str]]:
    return [(anomaly.code, anomaly.location, anomaly.action) for anomaly in choice.anomalies]


def test_every_policy_has_a_function() -> None:
    assert tuple(POLICY_FUNCTIONS) == FRAME_POLICIES


@pytest.mark.parametrize("policy", POLICY_FUNCTIONS.values())
def test_samples_reference_their_image_and_onset(policy: Policy) -> None:
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


def test_labels_index_the_selected_classes() -> None:
    assert {sample.label for sample in select_onset_offset([clip()], ("disgust", "fear")).samples} == {1}


def test_window_is_two_frames_before_and_after_the_apex() -> None:
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
def test_window_ends_at_onset_and_offset(peak: int, expected: list[int]) -> None:
    assert numbers(select_apex_window([clip(peak=peak)], DEFAULT_CLASSES)) == expected


def test_window_without_apex_has_the_other_frames_and_lists_the_apex() -> None:
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


def test_clip_without_apex_is_left_out_only_by_apex_policies() -> None:
    blank = clip(peak=None)
    for policy in (select_apex, select_apex_window):
        assert policy([blank], DEFAULT_CLASSES).samples == ()
        assert codes(policy([blank], DEFAULT_CLASSES)) == [
            ("unusable apex", "sub01/EP01", "the clip was left out")
        ]
    choice = select_onset_offset([blank], DEFAULT_CLASSES)
    assert len(choice.samples) == 21
    assert codes(choice)[0][0] == "unusable apex"


def test_apex_at_onset_or_offset_is_valid() -> None:
    for peak, end in ((10, "onset"), (30, "offset")):
        choice = select_apex([clip(peak=peak)], DEFAULT_CLASSES)
        assert [(sample.frame_number, sample.role) for sample in choice.samples] == [(peak, "apex")]
        assert choice.anomalies[0].description == f"the apex is the {end}, {peak}"
