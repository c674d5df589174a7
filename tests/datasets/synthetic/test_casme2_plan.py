from collections import Counter
from typing import Any

import pytest

from datasets.synthetic.casme2_plan import CASME2_COUNTS, ClipPlan, plan_clips, scale_class_counts


def plan(**changes: int) -> tuple[ClipPlan, ...]:
    defaults: dict[str, Any] = {"subjects": 26, "clips": 255, "frames": None, "balance": False, "seed": 0}
    return plan_clips(**(defaults | changes))


def test_real_sets_size_has_the_real_sheets_counts() -> None:
    assert Counter(clip.emotion for clip in plan()) == CASME2_COUNTS
    assert sum(CASME2_COUNTS.values()) == 255


@pytest.mark.parametrize("clips", [7, 8, 20, 100, 510])
def test_scaled_counts_sum_up_and_are_positive(clips: int) -> None:
    counts = scale_class_counts(clips)
    assert sum(counts.values()) == clips
    assert min(counts.values()) >= 1


def test_scaled_counts_by_hand() -> None:
    assert scale_class_counts(510) == {emotion: 2 * count for emotion, count in CASME2_COUNTS.items()}
    assert scale_class_counts(7) == dict.fromkeys(CASME2_COUNTS, 1)
    # Shares of 26: 3.26 2.55 6.42 2.75 0.71 0.20 10.09. Floors, at least 1, make 25; repression is next.
    assert list(scale_class_counts(26).values()) == [3, 2, 6, 3, 1, 1, 10]


def test_every_subject_has_clips_and_they_are_shared_unevenly() -> None:
    shares = Counter(clip.subject for clip in plan())
    assert sorted(shares) == list(range(1, 27))
    assert max(shares.values()) >= 2 * 255 / 26


@pytest.mark.parametrize("seed", range(5))
def test_two_clips_of_fear_are_of_two_subjects(seed: int) -> None:
    assert len({clip.subject for clip in plan(seed=seed) if clip.emotion == "fear"}) == 2


def test_balance_gives_subjects_equal_class_counts() -> None:
    clips = plan(subjects=3, clips=36, balance=True)
    cells = Counter((clip.subject, clip.emotion) for clip in clips)
    assert set(cells.values()) == {2}
    assert len(cells) == 18
    assert "others" not in {clip.emotion for clip in clips}


def test_names_are_unique_in_a_subject_and_look_like_the_real_ones() -> None:
    clips = plan(subjects=1, clips=400)
    names = [clip.name for clip in clips]
    assert len(set(names)) == 400
    assert all(name[:2] == "EP" and name[4] == "_" for name in names)
    assert names == sorted(names)


def test_lengths_are_those_of_the_real_set() -> None:
    lengths = sorted(clip.offset - clip.onset + 1 for clip in plan())
    assert lengths[0] >= 24
    assert lengths[-1] <= 141
    assert 54 <= lengths[127] <= 68
    assert 14_500 < sum(lengths) < 19_500


@pytest.mark.parametrize("frames", [3, 4, 9])
def test_frames_option_sets_lengths_and_the_apex_is_inside(frames: int) -> None:
    for clip in plan(frames=frames):
        assert clip.offset - clip.onset + 1 == frames
        assert clip.onset < clip.apex < clip.offset
        assert clip.onset >= 1


def test_plan_depends_only_on_the_seed() -> None:
    assert plan(seed=3) == plan(seed=3)
    assert plan(seed=3) != plan(seed=4)


@pytest.mark.parametrize("emotions", [1, 2, 6])
def test_subjects_of_a_balanced_set_show_the_emotions_in_turn(emotions: int) -> None:
    clips = plan(subjects=12, clips=2 * 12 * emotions, frames=3, balance=True, emotions_per_subject=emotions)
    assert set(Counter(clip.emotion for clip in clips).values()) == {4 * emotions}
    shown = {subject: {clip.emotion for clip in clips if clip.subject == subject} for subject in range(1, 13)}
    assert {len(names) for names in shown.values()} == {emotions}
