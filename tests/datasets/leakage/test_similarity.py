import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from datasets.leakage.similarity import SimilarityIndex, build_similarity_index, find_nearest


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def face(rng):
    """Return a smooth random image, uint8 (3, 64, 64); each call returns another person."""

    def draw():
        coarse = rng.normal(128, 45, (8, 8, 3)).astype(np.float32)
        smooth = cv2.resize(coarse, (64, 64), interpolation=cv2.INTER_CUBIC)
        return np.clip(smooth, 20, 220).astype(np.uint8).transpose(2, 0, 1)

    return draw


def noisy(rng, image, spread=3.0):
    return np.clip(image + rng.normal(0, spread, image.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def people(rng, face, table_of):
    """Return images and table of 20 subjects with 2 clips of 3 frames; the two clips differ in class."""
    groups = [
        (("anger", "joy")[clip], f"s{who:02d}", f"c{clip}", 3) for who in range(20) for clip in range(2)
    ]
    images = [noisy(rng, drawn) for drawn in (face() for _ in range(20)) for _ in range(6)]
    return np.stack(images), table_of(groups)


def apart(found, row, other):
    return float(np.linalg.norm(found[row].astype(np.float64) - found[other].astype(np.float64)))


def test_the_basis_is_said_in_words(people):
    images, table = people
    found = build_similarity_index(images, table)
    assert found.basis == "images of different subjects, or different clips of one subject,"
    nameless = replace(table, samples=tuple(replace(s, subject="", clip="") for s in table.samples))
    found = build_similarity_index(images, nameless)
    assert (found.basis, found.same_subject_threshold) == ("images of different classes", 0)
    # Every subject has both classes, so a match must be closer than two frames of one subject.
    assert 0 < found.threshold < build_similarity_index(images, table).threshold / 4


def test_numbers_of_subjects_and_clips_are_told_apart_from_unknown(people):
    images, table = people
    half = replace(
        table, samples=(*(replace(s, subject="", clip="") for s in table.samples[:60]), *table.samples[60:])
    )
    found = build_similarity_index(images, half)
    assert found.subjects[:60].tolist() == found.clips[:60].tolist() == [-1] * 60
    assert found.subjects[60:72].tolist() == [0] * 6 + [1] * 6
    assert found.clips[60:66].tolist() == [0] * 3 + [1] * 3


def test_where_clips_are_not_told_images_of_one_subject_are_judged_as_those_of_two(people):
    images, table = people
    told = replace(table, samples=tuple(replace(s, clip="") for s in table.samples))
    found = build_similarity_index(images, told)
    assert found.basis == "images of different subjects"
    # The six images of a subject differ only by noise.
    places, ratios = find_nearest(found, [0], others=[1, 7, 30])
    assert (places.tolist(), ratios[0] < 0.5) == ([1], True)
    assert find_nearest(build_similarity_index(images, table), [0], others=[3, 7, 30])[1][0] > 1


def test_where_there_is_nothing_to_judge_by_nothing_is_near(people, table_of):
    images, _ = people
    found = build_similarity_index(np.stack([images[0]] * 6), table_of([("joy", "s1", "c1", 6)]))
    assert (found.threshold, found.same_subject_threshold) == (0, 0)
    made = replace(found, clips=np.arange(6), subjects=np.arange(6))
    assert find_nearest(made, [0, 1], others=[2, 3])[1].tolist() == [np.inf, np.inf]


def test_nearest_is_what_a_plain_loop_finds(rng):
    count = 400
    found = rng.normal(size=(count, 256)).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    subjects, clips = rng.integers(-1, 4, count), rng.integers(-1, 8, count)
    made = SimilarityIndex(
        signatures=found,
        threshold=0.5,
        same_subject_threshold=0.2,
        basis="",
        subjects=subjects,
        clips=clips * 10 + subjects,
    )
    made = replace(made, clips=np.where(clips < 0, -1, made.clips))
    rows, others = list(range(0, count, 2)), list(range(1, count, 2))
    places, ratios = find_nearest(made, rows, others=others)
    for row, place, ratio in zip(rows, places, ratios, strict=True):
        best = (np.inf, -1)
        for other in others:
            if made.clips[row] == made.clips[other] >= 0:
                continue
            two_clips = subjects[row] == subjects[other] >= 0 and min(made.clips[[row, other]]) >= 0
            limit = made.same_subject_threshold if two_clips else made.threshold
            best = min(best, (apart(found, row, other) / limit, other))
        assert (ratio, place) == (pytest.approx(best[0]), best[1])


def test_frames_of_one_clip_are_no_near_duplicates_and_those_of_another_are(people):
    images, table = people
    images = images.copy()
    images[4] = images[1]
    images[119] = images[0]
    found = build_similarity_index(images, table)
    places, ratios = find_nearest(found, [1, 0, 7], others=[2, 4, 119, 30])
    assert places[:2].tolist() == [4, 119]
    assert ratios[0] < 1
    assert ratios[1] < 1
    assert ratios[2] > 1


def test_nothing_to_compare_with_is_no_error(people):
    places, ratios = find_nearest(build_similarity_index(*people), [0, 1], others=[])
    assert (places.tolist(), ratios.tolist()) == ([-1, -1], [np.inf, np.inf])
    assert find_nearest(build_similarity_index(*people), [], others=[0])[0].tolist() == []


def test_a_tenth_of_casme_ii_is_compared_within_seconds(rng):
    count = 17_000
    found = rng.random((count, 256), dtype=np.float32)
    numbers = np.arange(count)
    made = SimilarityIndex(
        signatures=found,
        threshold=1.0,
        same_subject_threshold=1.0,
        basis="",
        subjects=numbers // 650,
        clips=numbers // 65,
    )
    start = time.perf_counter()
    find_nearest(made, range(0, count, 10), others=[row for row in range(count) if row % 10])
    assert time.perf_counter() - start < 5
