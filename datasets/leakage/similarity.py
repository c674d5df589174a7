"""Find near-duplicate images in a table, with a threshold that separates them from merely similar faces.

Faces resemble each other: a fixed distance between image hashes flags half of CK+48 as duplicates. The
threshold is therefore derived from the data (`datasets.leakage.similarity_threshold`): from the distances
between images of different subjects. Clips of one subject are closer to each other, so pairs of them have a
threshold of their own. If the clips of one subject are unknown, two of its images may be of one clip; these
pairs use the threshold between subjects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.leakage.signature import IntArray, compute_signatures, squared_distances
from datasets.leakage.similarity_threshold import compute_class_threshold, compute_group_threshold
from datasets.spec import SampleTable


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
