from collections import Counter
from itertools import chain

import numpy as np

from datasets.synthetic.sheet_plan import assign_emotions, confine_emotions, plan_clip

COUNTS = {"a": 6, "b": 3, "c": 1}


def test_every_subject_has_a_clip_and_the_classes_have_their_counts() -> None:
    emotions = assign_emotions(COUNTS, subjects=4, clips=20, rng=np.random.default_rng(0))
    assert all(emotions)
    assert Counter(name for names in emotions for name in names) == {"a": 12, "b": 6, "c": 2}


def test_a_balanced_set_shows_every_subject_in_every_class() -> None:
    rng = np.random.default_rng(0)
    emotions = assign_emotions(COUNTS, subjects=2, clips=12, balanced_classes=("a", "b"), rng=rng)
    assert emotions == [["a", "b"] * 3] * 2


def test_confined_classes_leave_out_as_many_subjects_as_asked() -> None:
    before = [["a"], ["b", "c"], ["c", "c", "c"], ["a", "a", "c", "b"], ["c", "a", "c"]]
    after = confine_emotions(before, num_outsiders=2, classes={"a", "b"})
    assert [len(names) for names in after] == [len(names) for names in before]
    assert Counter(chain(*after)) == Counter(chain(*before))
    assert sum(not {"a", "b"} & set(names) for names in after) == 2


def test_a_clip_has_its_apex_between_onset_and_offset() -> None:
    rng = np.random.default_rng(0)
    clip = plan_clip(
        subject=6, name="x", emotion="contempt", frames=3, first_frame=100, lengths=(5, 9), rng=rng
    )
    assert (clip.onset, clip.apex, clip.offset) == (100, 101, 102)
    assert clip.action_units in ("L14", "R14")
