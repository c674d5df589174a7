import time
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.leakage import similarity
from datasets.leakage.similarity import (
    SimilarityIndex,
    build_similarity_index,
    compute_class_threshold,
    compute_group_threshold,
    compute_signatures,
    find_nearest,
    squared_distances,
)
from datasets.spec import SampleTable
from tests.datasets.image_files import recode_as_jpeg


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def face(rng: np.random.Generator) -> Callable[[], NDArray[np.uint8]]:
    """Return a smooth random image, uint8 (3, 64, 64); each call returns another person."""

    def draw() -> NDArray[np.uint8]:
        coarse = rng.normal(128, 45, (8, 8, 3)).astype(np.float32)
        smooth = cv2.resize(coarse, (64, 64), interpolation=cv2.INTER_CUBIC)
        return np.clip(smooth, 20, 220).astype(np.uint8).transpose(2, 0, 1)

    return draw


def noisy(rng: np.random.Generator, image: NDArray[np.uint8], spread: float = 3.0) -> NDArray[np.uint8]:
    return np.clip(image + rng.normal(0, spread, image.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def people(
    rng: np.random.Generator, face: Callable[[], NDArray[np.uint8]], table_of: Callable[..., SampleTable]
) -> tuple[NDArray[np.uint8], SampleTable]:
    """Return images and table of 20 subjects with 2 clips of 3 frames; the two clips differ in class."""
    groups = [
        (("anger", "joy")[clip], f"s{person:02d}", f"c{clip}", 3) for person in range(20) for clip in range(2)
    ]
    images = [noisy(rng, image) for image in (face() for _ in range(20)) for _ in range(6)]
    return np.stack(images), table_of(groups)


def distance(signatures: NDArray[np.float32], row: int | np.int64, other: int | np.int64) -> float:
    return float(np.linalg.norm(signatures[row].astype(np.float64) - signatures[other].astype(np.float64)))


def test_basis_is_described(people: tuple[NDArray[np.uint8], SampleTable]) -> None:
    images, table = people
    index = build_similarity_index(images, table)
    assert index.basis == "images of different subjects, or different clips of one subject,"
    nameless = replace(table, samples=tuple(replace(s, subject="", clip="") for s in table.samples))
    index = build_similarity_index(images, nameless)
    assert (index.basis, index.same_subject_threshold) == ("images of different classes", 0)
    # Every subject has both classes, so a match must be closer than two frames of one subject.
    assert 0 < index.threshold < build_similarity_index(images, table).threshold / 4


def test_unknown_subjects_and_clips_are_numbered_minus_one(
    people: tuple[NDArray[np.uint8], SampleTable],
) -> None:
    images, table = people
    half = replace(
        table, samples=(*(replace(s, subject="", clip="") for s in table.samples[:60]), *table.samples[60:])
    )
    index = build_similarity_index(images, half)
    assert index.subjects[:60].tolist() == index.clips[:60].tolist() == [-1] * 60
    assert index.subjects[60:72].tolist() == [0] * 6 + [1] * 6
    assert index.clips[60:66].tolist() == [0] * 3 + [1] * 3


def test_without_clips_images_of_one_subject_use_the_basis_of_subjects(
    people: tuple[NDArray[np.uint8], SampleTable],
) -> None:
    images, table = people
    clipless = replace(table, samples=tuple(replace(s, clip="") for s in table.samples))
    index = build_similarity_index(images, clipless)
    assert index.basis == "images of different subjects"
    # The six images of a subject differ only by noise.
    neighbors, ratios = find_nearest(index, [0], others=[1, 7, 30])
    assert (neighbors.tolist(), ratios[0] < 0.5) == ([1], True)
    assert find_nearest(build_similarity_index(images, table), [0], others=[3, 7, 30])[1][0] > 1


def test_without_basis_no_image_is_near(
    people: tuple[NDArray[np.uint8], SampleTable], table_of: Callable[..., SampleTable]
) -> None:
    images, _ = people
    index = build_similarity_index(np.stack([images[0]] * 6), table_of([("joy", "s1", "c1", 6)]))
    assert (index.threshold, index.same_subject_threshold) == (0, 0)
    separate = replace(index, clips=np.arange(6), subjects=np.arange(6))
    assert find_nearest(separate, [0, 1], others=[2, 3])[1].tolist() == [np.inf, np.inf]


def test_nearest_equals_a_plain_loop(rng: np.random.Generator) -> None:
    count = 400
    signatures = rng.normal(size=(count, 256)).astype(np.float32)
    signatures /= np.linalg.norm(signatures, axis=1, keepdims=True)
    subjects, clips = rng.integers(-1, 4, count), rng.integers(-1, 8, count)
    index = SimilarityIndex(
        signatures=signatures,
        threshold=0.5,
        same_subject_threshold=0.2,
        basis="",
        subjects=subjects,
        clips=clips * 10 + subjects,
    )
    index = replace(index, clips=np.where(clips < 0, -1, index.clips))
    rows, others = list(range(0, count, 2)), list(range(1, count, 2))
    neighbors, ratios = find_nearest(index, rows, others=others)
    for row, neighbor, ratio in zip(rows, neighbors, ratios, strict=True):
        best = (np.inf, -1)
        for other in others:
            if index.clips[row] == index.clips[other] >= 0:
                continue
            two_clips = subjects[row] == subjects[other] >= 0 and min(index.clips[[row, other]]) >= 0
            limit = index.same_subject_threshold if two_clips else index.threshold
            best = min(best, (distance(signatures, row, other) / limit, other))
        assert (ratio, neighbor) == (pytest.approx(best[0]), best[1])


def test_frames_of_one_clip_are_no_near_duplicates_and_those_of_another_are(
    people: tuple[NDArray[np.uint8], SampleTable],
) -> None:
    images, table = people
    images = images.copy()
    images[4] = images[1]
    images[119] = images[0]
    index = build_similarity_index(images, table)
    neighbors, ratios = find_nearest(index, [1, 0, 7], others=[2, 4, 119, 30])
    assert neighbors[:2].tolist() == [4, 119]
    assert ratios[0] < 1
    assert ratios[1] < 1
    assert ratios[2] > 1


def test_similarity_without_other_images_is_no_error(people: tuple[NDArray[np.uint8], SampleTable]) -> None:
    neighbors, ratios = find_nearest(build_similarity_index(*people), [0, 1], others=[])
    assert (neighbors.tolist(), ratios.tolist()) == ([-1, -1], [np.inf, np.inf])
    assert find_nearest(build_similarity_index(*people), [], others=[0])[0].tolist() == []


def test_a_tenth_of_casme_ii_is_compared_in_seconds(rng: np.random.Generator) -> None:
    count = 17_000
    signatures = rng.random((count, 256), dtype=np.float32)
    numbers = np.arange(count)
    index = SimilarityIndex(
        signatures=signatures,
        threshold=1.0,
        same_subject_threshold=1.0,
        basis="",
        subjects=numbers // 650,
        clips=numbers // 65,
    )
    start = time.perf_counter()
    find_nearest(index, range(0, count, 10), others=[row for row in range(count) if row % 10])
    assert time.perf_counter() - start < 5


def test_signature_is_256_numbers_of_zero_mean_and_unit_norm(face: Callable[[], NDArray[np.uint8]]) -> None:
    signatures = compute_signatures(np.stack([face(), face()]))
    assert signatures.shape == (2, 256)
    assert signatures.dtype == np.float32
    assert signatures.mean(axis=1) == pytest.approx([0, 0], abs=1e-6)
    assert np.linalg.norm(signatures, axis=1) == pytest.approx([1, 1], abs=1e-6)


def test_image_of_one_grey_has_a_signature_of_zeros() -> None:
    assert not compute_signatures(np.full((1, 3, 37, 37), 201, dtype=np.uint8)).any()


@pytest.mark.parametrize("side", [8, 16, 50])
def test_images_of_any_size_have_a_signature(face: Callable[[], NDArray[np.uint8]], side: int) -> None:
    small = cv2.resize(np.ascontiguousarray(face().transpose(1, 2, 0)), (side, side))
    images = np.asarray(small, dtype=np.uint8).transpose(2, 0, 1)[None]
    assert np.linalg.norm(compute_signatures(images)) == pytest.approx(1, abs=1e-6)


def test_signature_weights_colours_as_grey(face: Callable[[], NDArray[np.uint8]]) -> None:
    image = face()
    grey = cv2.cvtColor(np.ascontiguousarray(image.transpose(1, 2, 0)), cv2.COLOR_RGB2GRAY)
    signatures = compute_signatures(np.stack([image, np.stack([grey] * 3)]))
    assert distance(signatures, 0, 1) < 0.01


def test_changed_copy_is_near_and_another_person_is_far(
    rng: np.random.Generator, face: Callable[[], NDArray[np.uint8]]
) -> None:
    image = face()
    coded = recode_as_jpeg(image, quality=60)
    brighter = (image * 1.1 + 10).astype(np.uint8)
    shifted = np.roll(image, 1, axis=2)
    signatures = compute_signatures(np.stack([image, coded, brighter, shifted, face()]))
    near = [distance(signatures, 0, other) for other in (1, 2, 3)]
    assert max(near) < distance(signatures, 0, 4) / 4


def test_squared_distances_equal_a_plain_loop(rng: np.random.Generator) -> None:
    signatures = rng.normal(size=(300, 256)).astype(np.float32)
    rows, others = np.arange(0, 300, 2), np.array([1, 298, 5])
    blocks = [(cut, block.copy()) for cut, block in squared_distances(signatures, rows, others=others)]
    assert [cut.start for cut, _ in blocks] == [0, 128]
    squares = np.concatenate([block for _, block in blocks])
    assert squares.shape == (150, 3)
    assert np.sqrt(squares[149, 1]) == pytest.approx(1e-5)
    for row, other in ((0, 0), (140, 1), (149, 2)):
        assert np.sqrt(squares[row, other]) == pytest.approx(distance(signatures, rows[row], others[other]))


@pytest.fixture
def signatures(rng: np.random.Generator) -> NDArray[np.float32]:
    """Return unit signatures of 20 subjects with 6 similar images each."""
    people = rng.normal(size=(20, 256)).repeat(6, axis=0) + rng.normal(0, 0.05, size=(120, 256))
    unit: NDArray[np.float32] = (people / np.linalg.norm(people, axis=1, keepdims=True)).astype(np.float32)
    return unit


SUBJECTS = np.arange(120) // 6
ALL = np.zeros(120, dtype=np.int64)


def compute_slowly(
    signatures: NDArray[np.float32], groups: NDArray[np.int64], inside: NDArray[np.int64]
) -> float:
    """Compute `compute_group_threshold` in plain loops."""
    members = {group: np.flatnonzero(groups == group) for group in set(groups.tolist()) - {-1}}

    def one_way(one: int, other: int) -> float:
        nearest = sorted(min(distance(signatures, row, n) for n in members[other]) for row in members[one])
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


def test_subjects_are_compared_as_in_a_plain_loop(signatures: NDArray[np.float32]) -> None:
    assert compute_group_threshold(signatures, SUBJECTS, parent_groups=ALL) == pytest.approx(
        compute_slowly(signatures, SUBJECTS, ALL), rel=1e-6
    )


def test_clips_are_compared_inside_their_subject(signatures: NDArray[np.float32]) -> None:
    clips = np.arange(120) // 2
    limit = compute_group_threshold(signatures, clips, parent_groups=SUBJECTS)
    assert limit == pytest.approx(compute_slowly(signatures, clips, SUBJECTS), rel=1e-6)
    assert limit < compute_group_threshold(signatures, SUBJECTS, parent_groups=ALL) / 4


def test_order_of_the_images_does_not_matter(
    signatures: NDArray[np.float32], rng: np.random.Generator
) -> None:
    order = rng.permutation(120)
    assert compute_group_threshold(signatures[order], SUBJECTS[order], parent_groups=ALL) == pytest.approx(
        compute_group_threshold(signatures, SUBJECTS, parent_groups=ALL)
    )


def test_copies_do_not_move_the_threshold(signatures: NDArray[np.float32]) -> None:
    clean = compute_group_threshold(signatures, SUBJECTS, parent_groups=ALL)
    # For four subjects, a third of the images belong to another subject.
    for row, other in ((0, 30), (1, 37), (12, 50), (13, 51), (60, 90), (100, 110)):
        signatures[row] = signatures[other]
    assert compute_group_threshold(signatures, SUBJECTS, parent_groups=ALL) == pytest.approx(clean, rel=0.05)


def test_similar_people_lower_the_threshold(signatures: NDArray[np.float32]) -> None:
    clean = compute_group_threshold(signatures, SUBJECTS, parent_groups=ALL)
    for person in range(0, 20, 2):
        rows = slice(6 * person + 6, 6 * person + 12)
        signatures[rows] = (signatures[rows] + 3 * signatures[6 * person : 6 * person + 6]) / 4
    assert compute_group_threshold(signatures, SUBJECTS, parent_groups=ALL) < clean / 2


def test_unknown_groups_are_excluded(signatures: NDArray[np.float32]) -> None:
    subjects, inside = SUBJECTS.copy(), ALL.copy()
    subjects[6:12], inside[12:18] = -1, -1
    signatures[6:18] = signatures[0]
    limit = compute_group_threshold(signatures, subjects, parent_groups=inside)
    rest = np.r_[0:6, 18:120]
    assert limit == pytest.approx(
        compute_group_threshold(signatures[rest], SUBJECTS[rest], parent_groups=ALL[rest])
    )


@pytest.mark.parametrize("groups", [ALL, ALL - 1])
def test_one_group_or_none_gives_no_threshold(
    signatures: NDArray[np.float32], groups: NDArray[np.int64]
) -> None:
    assert compute_group_threshold(signatures, groups, parent_groups=ALL) == 0
    assert compute_group_threshold(signatures, SUBJECTS, parent_groups=np.arange(120) // 6) == 0
    assert compute_class_threshold(signatures, ALL) == 0


def test_class_threshold_compares_images(signatures: NDArray[np.float32]) -> None:
    labels = np.arange(120) % 2
    closest = [
        min(distance(signatures, row, n) for n in range(120) if labels[n] != labels[row])
        for row in range(120)
    ]
    assert compute_class_threshold(signatures, labels) == pytest.approx(
        np.quantile(closest, 0.05) / 2, rel=1e-6
    )


def test_number_of_probed_images_is_limited(
    signatures: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = (
        compute_group_threshold(signatures, SUBJECTS, parent_groups=ALL),
        compute_class_threshold(signatures, SUBJECTS),
    )
    monkeypatch.setattr(similarity, "MAX_PROBES", 60)
    half = (
        compute_group_threshold(signatures, SUBJECTS, parent_groups=ALL),
        compute_class_threshold(signatures, SUBJECTS),
    )
    assert half == pytest.approx(full, rel=0.1)
    assert half != full
