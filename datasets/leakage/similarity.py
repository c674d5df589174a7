"""Find near-duplicate images in a table, with a threshold that separates them from merely similar faces.

Faces resemble each other: a fixed distance between image hashes flags half of CK+48 as duplicates. The
threshold is therefore derived from the distances between images of different subjects. Clips of one subject
are closer to each other, so pairs of them have a threshold of their own. If the clips of one subject are
unknown, two of its images may be of one clip; these pairs use the threshold between subjects.

The threshold comes from groups that cannot share an image: subjects, or clips of one subject. The distance
from group A to group B is the median, over the images of A, of the distance to the nearest image of B. The
distance between A and B is the larger of the two directions: one copied image brings all frames of its clip
near, but in one direction only, while two people who look alike do so in all of their images. The threshold
is `THRESHOLD_FACTOR` times the lower quantile (`QUANTILE`) of each group's distance to its nearest group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.spec import SampleTable

GRID_SIZE = 16
BLUR_SIGMA = 1.0

_BLOCK_ROWS = 128
_GRAY_WEIGHTS = (0.299, 0.587, 0.114)
_MIN_NORM = 1e-2

IntArray = NDArray[np.int64]

MAX_PROBES = 2000
QUANTILE = 0.05
THRESHOLD_FACTOR = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimilarityIndex:
    """Signatures, thresholds and groups of the images of one table, built once and used for every split.

    Attributes:
        signatures: float32 (N, 256).
        threshold: Two images are near-duplicates if the Euclidean distance of their signatures is below it; 0
            if the data hold no pairs to derive it from.
        same_subject_threshold: The threshold for images of two known clips of one subject; 0 as above.
        basis: The kind of image pairs from which the thresholds were derived, for messages.
        subjects: Number of the subject of each image, -1 if unknown.
        clips: Number of the clip of each image, -1 if unknown.
    """

    signatures: NDArray[np.float32]
    threshold: float
    same_subject_threshold: float
    basis: str
    subjects: IntArray
    clips: IntArray


def build_similarity_index(images: NDArray[np.uint8], table: SampleTable) -> SimilarityIndex:
    """Compute signatures and thresholds of images, uint8 (N, 3, H, W), where image i is `table.samples[i]`.

    If fewer than two subjects are known, the threshold comes from images of different classes.
    """
    assert len(images) == len(table.samples), (len(images), len(table.samples))
    signatures = compute_signatures(images)
    subjects = _encode_names([sample.subject for sample in table.samples])
    clips = _encode_names([sample.clip for sample in table.samples])
    labels = np.array([sample.label for sample in table.samples], dtype=np.int64)
    has_subjects = bool(subjects.max(initial=-1) > 0)
    same_subject_threshold = compute_group_threshold(signatures, clips, parent_groups=subjects)
    return SimilarityIndex(
        signatures=signatures,
        threshold=compute_group_threshold(signatures, subjects, parent_groups=np.zeros_like(subjects))
        if has_subjects
        else compute_class_threshold(signatures, labels),
        same_subject_threshold=same_subject_threshold,
        basis=f"images of different {'subjects' if has_subjects else 'classes'}"
        + (", or different clips of one subject," if same_subject_threshold else ""),
        subjects=subjects,
        clips=clips,
    )


def find_nearest(
    similarity: SimilarityIndex, rows: Sequence[int], *, others: Sequence[int]
) -> tuple[IntArray, NDArray[np.float64]]:
    """Return the most similar row of `others` for each of `rows`, and its relative distance.

    The relative distance is the distance divided by the threshold of the pair: below 1 the pair is a
    near-duplicate. It is inf, and the row is meaningless, if there is no pair to compare. Pairs of one clip
    are not compared, because their similarity is expected. Ties go to the first row in `others`.
    """
    query_rows, other_rows = np.asarray(rows, dtype=np.int64), np.asarray(others, dtype=np.int64)
    nearest_rows, ratios = np.full(len(query_rows), -1, dtype=np.int64), np.full(len(query_rows), np.inf)
    if not len(other_rows):
        return nearest_rows, ratios
    # A threshold of 0 means that there was no data to derive it from, so no pair is below it.
    scale, same_subject_scale = (
        1 / threshold**2 if threshold else np.inf
        for threshold in (similarity.threshold, similarity.same_subject_threshold)
    )
    for chunk, block in squared_distances(similarity.signatures, query_rows, others=other_rows):
        subjects, clips = (
            similarity.subjects[query_rows[chunk]][:, None],
            similarity.clips[query_rows[chunk]][:, None],
        )
        has_clips = (clips >= 0) & (similarity.clips[other_rows] >= 0)
        same_subject = (subjects == similarity.subjects[other_rows]) & (subjects >= 0)
        block *= np.where(same_subject & has_clips, same_subject_scale, scale)
        block[(clips == similarity.clips[other_rows]) & has_clips] = np.inf
        nearest_columns = block.argmin(axis=1)
        nearest_rows[chunk], ratios[chunk] = (
            other_rows[nearest_columns],
            np.sqrt(block[np.arange(len(nearest_columns)), nearest_columns]),
        )
    return nearest_rows, ratios


def _encode_names(names: Sequence[str]) -> IntArray:
    codes = {name: code for code, name in enumerate(sorted(set(names) - {""}))}
    return np.array([codes.get(name, -1) for name in names], dtype=np.int64)


def compute_signatures(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Compute signatures, float32 (N, 256), of images, uint8 (N, 3, H, W).

    A signature holds the 16 by 16 gray means of an image, blurred, with zero mean and unit norm. An image of
    a single gray level has the signature 0.
    """
    vectors = np.empty((len(images), GRID_SIZE * GRID_SIZE), dtype=np.float32)
    weights = np.array(_GRAY_WEIGHTS, dtype=np.float32)
    for row, image in enumerate(images):
        planes = [
            cv2.resize(plane.astype(np.float32), (GRID_SIZE, GRID_SIZE), interpolation=cv2.INTER_AREA)
            for plane in image
        ]
        gray = np.tensordot(weights, np.stack(planes), 1)
        vectors[row] = cv2.GaussianBlur(gray, (0, 0), BLUR_SIGMA, borderType=cv2.BORDER_REFLECT).ravel()
    vectors -= vectors.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    # Rounding gives an image of a single gray level a tiny nonzero norm.
    return np.where(norms > _MIN_NORM, vectors / np.maximum(norms, _MIN_NORM), np.float32(0)).astype(
        np.float32
    )


def squared_distances(
    signatures: NDArray[np.float32], rows: IntArray, *, others: IntArray
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield the squared distances, above 0, from the rows to all others, in writable blocks of rows.

    Distances are computed in double precision and rounded, so that the nearest image is the same on every
    machine.
    """
    right = signatures[others].astype(np.float64)
    right_norms = np.einsum("ij,ij->i", right, right)
    for start in range(0, len(rows), _BLOCK_ROWS):
        chunk = slice(start, start + _BLOCK_ROWS)
        left = signatures[rows[chunk]].astype(np.float64)
        block = left @ right.T
        block *= -2
        block += right_norms
        block += np.einsum("ij,ij->i", left, left)[:, None]
        yield chunk, np.maximum(np.round(block, 10, out=block), 1e-10, out=block)


def compute_group_threshold(
    signatures: NDArray[np.float32], groups: IntArray, *, parent_groups: IntArray
) -> float:
    """Return the threshold from groups of images, each compared with the groups of the same parent group.

    Group -1 means no group. At most `MAX_PROBES` images, evenly spaced, search their nearest images. The
    result is 0 if no two groups can be compared.
    """
    probes = _subsample(np.flatnonzero((groups >= 0) & (parent_groups >= 0)))
    names = np.unique(groups[probes])
    if len(names) < 2:
        return 0.0
    members = np.flatnonzero(np.isin(groups, names))
    members = members[np.argsort(groups[members], kind="stable")]
    starts = np.searchsorted(groups[members], names)
    min_squares = np.empty((len(probes), len(names)))
    for chunk, block in squared_distances(signatures, probes, others=members):
        min_squares[chunk] = np.minimum.reduceat(block, starts, axis=1)
    directed_squares = np.stack(
        [np.quantile(min_squares[groups[probes] == name], 0.5, axis=0, method="higher") for name in names]
    )
    parents = parent_groups[members[starts]]
    comparable = (parents[:, None] == parents) & ~np.eye(len(names), dtype=bool)
    return _compute_threshold(
        np.maximum(directed_squares, directed_squares.T).min(axis=1, where=comparable, initial=np.inf)
    )


def compute_class_threshold(signatures: NDArray[np.float32], labels: IntArray) -> float:
    """Return the threshold without known subjects: from images, each with its nearest image of another class.

    One person may show both classes, so this threshold is conservative. It is 0 if there is only one class.
    """
    all_rows = np.arange(len(signatures))
    probes = _subsample(all_rows)
    min_squares = np.full(len(probes), np.inf)
    for chunk, block in squared_distances(signatures, probes, others=all_rows):
        is_other_class = labels[probes[chunk]][:, None] != labels
        min_squares[chunk] = block.min(axis=1, where=is_other_class, initial=np.inf)
    return _compute_threshold(min_squares)


def _subsample(rows: IntArray) -> IntArray:
    """Return at most `MAX_PROBES` of the rows, evenly spaced."""
    return rows[np.unique(np.linspace(0, max(len(rows) - 1, 0), MAX_PROBES).astype(np.int64))[: len(rows)]]


def _compute_threshold(squares: NDArray[np.float64]) -> float:
    """Return the threshold from squared distances, ignoring inf; 0 if no distance is finite."""
    finite_squares = squares[np.isfinite(squares)]
    return (
        THRESHOLD_FACTOR * float(np.quantile(np.sqrt(finite_squares), QUANTILE))
        if len(finite_squares)
        else 0.0
    )
