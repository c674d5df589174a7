import numpy as np
import pytest

from datasets.leakage import similarity_threshold
from datasets.leakage.similarity_threshold import compute_class_threshold, compute_group_threshold


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def found(rng):
    """Return unit signatures of 20 subjects with 6 similar images each."""
    people = rng.normal(size=(20, 256)).repeat(6, axis=0) + rng.normal(0, 0.05, size=(120, 256))
    return (people / np.linalg.norm(people, axis=1, keepdims=True)).astype(np.float32)


SUBJECTS = np.arange(120) // 6
ALL = np.zeros(120, dtype=np.int64)


def apart(found, row, other):
    return float(np.linalg.norm(found[row].astype(np.float64) - found[other].astype(np.float64)))


def plainly(found, groups, inside):
    """Compute `compute_group_threshold` in plain loops."""
    members = {group: np.flatnonzero(groups == group) for group in set(groups.tolist()) - {-1}}

    def one_way(one, other):
        nearest = sorted(min(apart(found, row, n) for n in members[other]) for row in members[one])
        return nearest[len(nearest) // 2]

    closest = [
        min(
            max(one_way(one, other), one_way(other, one))
            for other in members
            if other != one and inside[members[one][0]] == inside[members[other][0]]
        )
        for one in members
    ]
    return np.quantile(closest, 0.05) / 2


def test_subjects_are_compared_as_in_a_plain_loop(found):
    assert compute_group_threshold(found, SUBJECTS, parent_groups=ALL) == pytest.approx(
        plainly(found, SUBJECTS, ALL), rel=1e-6
    )


def test_clips_are_compared_within_their_subject(found):
    clips = np.arange(120) // 2
    limit = compute_group_threshold(found, clips, parent_groups=SUBJECTS)
    assert limit == pytest.approx(plainly(found, clips, SUBJECTS), rel=1e-6)
    assert limit < compute_group_threshold(found, SUBJECTS, parent_groups=ALL) / 4


def test_the_order_of_the_images_does_not_matter(found, rng):
    order = rng.permutation(120)
    assert compute_group_threshold(found[order], SUBJECTS[order], parent_groups=ALL) == pytest.approx(
        compute_group_threshold(found, SUBJECTS, parent_groups=ALL)
    )


def test_copies_do_not_move_the_threshold_though_their_whole_clip_is_near_them(found):
    clean = compute_group_threshold(found, SUBJECTS, parent_groups=ALL)
    # For four subjects, a third of the images belong to another subject.
    for row, other in ((0, 30), (1, 37), (12, 50), (13, 51), (60, 90), (100, 110)):
        found[row] = found[other]
    assert compute_group_threshold(found, SUBJECTS, parent_groups=ALL) == pytest.approx(clean, rel=0.05)


def test_people_who_look_alike_lower_it(found):
    clean = compute_group_threshold(found, SUBJECTS, parent_groups=ALL)
    for who in range(0, 20, 2):
        rows = slice(6 * who + 6, 6 * who + 12)
        found[rows] = (found[rows] + 3 * found[6 * who : 6 * who + 6]) / 4
    assert compute_group_threshold(found, SUBJECTS, parent_groups=ALL) < clean / 2


def test_groups_that_are_not_told_take_no_part(found):
    subjects, inside = SUBJECTS.copy(), ALL.copy()
    subjects[6:12], inside[12:18] = -1, -1
    found[6:18] = found[0]
    limit = compute_group_threshold(found, subjects, parent_groups=inside)
    rest = np.r_[0:6, 18:120]
    assert limit == pytest.approx(
        compute_group_threshold(found[rest], SUBJECTS[rest], parent_groups=ALL[rest])
    )


@pytest.mark.parametrize("groups", [ALL, ALL - 1])
def test_one_group_or_none_gives_no_threshold(found, groups):
    assert compute_group_threshold(found, groups, parent_groups=ALL) == 0
    assert compute_group_threshold(found, SUBJECTS, parent_groups=np.arange(120) // 6) == 0
    assert compute_class_threshold(found, ALL) == 0


def test_classes_are_compared_image_by_image(found):
    labels = np.arange(120) % 2
    closest = [
        min(apart(found, row, n) for n in range(120) if labels[n] != labels[row]) for row in range(120)
    ]
    assert compute_class_threshold(found, labels) == pytest.approx(np.quantile(closest, 0.05) / 2, rel=1e-6)


def test_so_many_images_are_probed_and_no_more(found, monkeypatch):
    whole = (
        compute_group_threshold(found, SUBJECTS, parent_groups=ALL),
        compute_class_threshold(found, SUBJECTS),
    )
    monkeypatch.setattr(similarity_threshold, "MAX_PROBES", 60)
    half = (
        compute_group_threshold(found, SUBJECTS, parent_groups=ALL),
        compute_class_threshold(found, SUBJECTS),
    )
    assert half == pytest.approx(whole, rel=0.1)
    assert half != whole
