"""Which images of a table are nearly the same, told apart from those that are only of alike people.

Faces look alike: a fixed distance between image hashes flags half of CK+48 as duplicates. The threshold is
therefore taken from the set itself (`datasets.likeness_threshold`): from what different subjects keep apart.
Clips of one subject are more alike than that throughout, and have a threshold of their own. Images of one
subject whose clips are not told may be of one clip: they are held to what different subjects keep apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.likeness_threshold import compute_class_threshold, compute_group_threshold
from datasets.signature import IntArray, compute_signatures, squared_distances
from datasets.spec import SampleTable


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimilarityIndex:
    """What comparing the images of one table needs; made once, used for every split.

    `signatures` is float32 (N, 256). Two images are near-duplicates at a Euclidean distance of signatures
    below `threshold`, or below `within` if they are of two clips of one subject; either is 0 where the set
    holds no such pairs to judge by. `basis` says in words what the thresholds were taken from. `subjects`
    and `clips` number the table's, -1 where they are not told.
    """

    signatures: NDArray[np.float32]
    threshold: float
    same_subject_threshold: float
    basis: str
    subjects: IntArray
    clips: IntArray


def build_similarity_index(images: NDArray[np.uint8], table: SampleTable) -> SimilarityIndex:
    """Signatures and thresholds of a table's images, uint8 (N, 3, H, W), row i that of `table.samples[i]`.

    Where fewer than two subjects are told, classes stand for them: images of different classes.
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
    """For each of `rows`, the one of `others` most like it, and how like: below 1 is a near-duplicate.

    The second is the distance over the pair's threshold, inf where there is no pair to judge. Pairs of one
    clip are none: that they are alike is no news. Of equally near ones the first in `others` is given.
    """
    query_rows, other_rows = np.asarray(rows, dtype=np.int64), np.asarray(others, dtype=np.int64)
    nearest_rows, ratios = np.full(len(query_rows), -1, dtype=np.int64), np.full(len(query_rows), np.inf)
    if not len(other_rows):
        return nearest_rows, ratios
    # Nothing is below a threshold of 0, which says that there was nothing to judge by.
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
