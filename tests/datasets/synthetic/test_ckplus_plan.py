from collections import Counter
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest

from datasets.ckplus.constants import SEQUENCE_COUNTS
from datasets.synthetic.ckplus_plan import (
    CK_ACTION_UNITS,
    SequencePlan,
    make_subject_ids,
    plan_sequences,
    sample_identities,
)
from datasets.synthetic.clip_writer import compute_intensity
from datasets.synthetic.rendering.canvas import View
from datasets.synthetic.rendering.face import draw_face, render_head
from datasets.synthetic.rendering.identity import Identity


def plan(**changes: Any) -> tuple[SequencePlan, ...]:
    ids = make_subject_ids(123, from_release=True)
    full: dict[str, Any] = {
        "ids": ids,
        "unlabelled_subject_count": 5,
        "labelled_count": 327,
        "unlabelled_count": 266,
        "frames": None,
        "seed": 0,
    }
    return plan_sequences(**(full | changes))


def make_small_plan(subjects: int, labelled: int, seed: int = 0, **changes: int) -> tuple[SequencePlan, ...]:
    defaults = {
        "ids": range(1, subjects + 1),
        "unlabelled_subject_count": 0,
        "unlabelled_count": 0,
        "frames": 4,
    }
    return plan(**(defaults | {"labelled_count": labelled, "seed": seed} | changes))


def test_full_plan_has_the_releases_counts() -> None:
    sequences = plan()
    assert len(sequences) == 593
    assert Counter(one.emotion for one in sequences if one.emotion) == SEQUENCE_COUNTS
    assert len({one.subject for one in sequences}) == 123
    assert len({one.subject for one in sequences if one.emotion}) == 118


def test_names_are_unique_and_ordered_and_numbers_begin_at_1() -> None:
    sequences = plan()
    names = [one.name for one in sequences]
    assert names == sorted(set(names))
    assert {one.number for one in sequences} >= {1, 2}
    firsts = [b for a, b in pairwise(sequences) if a.subject != b.subject]
    assert {one.number for one in firsts} == {1}


def test_labelled_shares_are_uneven() -> None:
    shares = Counter(one.subject for one in plan() if one.emotion)
    assert min(shares.values()) == 1
    assert max(shares.values()) >= 5


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("subjects", "labelled"), [(1, 7), (2, 7), (2, 14), (6, 12), (7, 7), (7, 49), (30, 30)]
)
def test_subjects_never_repeat_an_emotion(subjects: int, labelled: int, seed: int) -> None:
    sequences = make_small_plan(subjects, labelled, seed)
    cells = Counter((one.subject, one.emotion) for one in sequences)
    assert set(cells.values()) == {1}
    assert sum(cells.values()) == labelled
    assert {subject for subject, _ in cells} == set(range(1, subjects + 1))
    assert {emotion for _, emotion in cells} == set(SEQUENCE_COUNTS)


def test_unlabelled_subjects_have_no_label() -> None:
    sequences = make_small_plan(6, 12, unlabelled_subject_count=2, unlabelled_count=5)
    labelled = {one.subject for one in sequences if one.emotion}
    unlabelled = [one for one in sequences if not one.emotion]
    assert len(labelled) == 4
    assert {one.subject for one in sequences} == set(range(1, 7))
    assert len(unlabelled) == 5


def test_lengths_are_8_to_30_or_as_requested() -> None:
    lengths = {one.length for one in plan()}
    assert (min(lengths), max(lengths)) == (8, 30)
    assert {one.length for one in plan(frames=5)} == {5}


@pytest.mark.parametrize("length", [3, 4, 8, 30])
def test_sequence_begins_neutral_and_ends_at_its_peak(length: int) -> None:
    clip = SequencePlan(subject=5, number=1, emotion="happy", action_units="12", length=length).clip_plan
    profile = [compute_intensity(clip, number) for number in range(1, length + 1)]
    assert profile[0] == 0
    assert profile[-1] == 1
    assert all(a <= b for a, b in pairwise(profile))
    assert min(profile[-2:]) > 0.5


def test_subject_numbers_are_consecutive_or_those_of_the_release() -> None:
    assert make_subject_ids(3, from_release=False) == (1, 2, 3)
    assert make_subject_ids(6, from_release=True) == (5, 139, 147, 501, 895, 999)
    full = make_subject_ids(123, from_release=True)
    assert len(set(full)) == 123
    assert full == tuple(sorted(full))
    assert not set(range(161, 501)) & set(full)
    assert len(set(make_subject_ids(999, from_release=True))) == 999


def test_plan_depends_only_on_the_seed() -> None:
    assert plan(seed=3) == plan(seed=3)
    assert plan(seed=3) != plan(seed=4)


def test_subject_is_the_same_person_in_every_set_of_a_seed() -> None:
    few, many = (
        sample_identities(make_small_plan(2, 7), seed=1, spread=1.0),
        sample_identities(make_small_plan(6, 12), seed=1, spread=1.0),
    )
    assert few[2] == many[2] != many[1]
    assert few != sample_identities(make_small_plan(2, 7), seed=2, spread=1.0)


def test_every_expression_of_every_emotion_looks_different() -> None:
    head = render_head(Identity(), View(width=140, height=170, x=70, y=68, scale=58))
    faces = [
        cv2.resize(draw_face(head, units, intensity=2.0).pixels, (48, 48), interpolation=cv2.INTER_AREA)
        for variants in CK_ACTION_UNITS.values()
        for units in variants
    ]
    gaps = [np.abs(a.astype(int) - b).max() for i, a in enumerate(faces) for b in faces[:i]]
    assert min(gaps) >= 5
