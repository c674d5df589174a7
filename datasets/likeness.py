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

from datasets.likeness_threshold import between_classes, between_groups
from datasets.signature import Numbers, signatures, squares
from datasets.spec import SampleTable


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Likeness:
    """What comparing the images of one table needs; made once, used for every split.

    `signatures` is float32 (N, 256). Two images are near-duplicates at a Euclidean distance of signatures
    below `threshold`, or below `within` if they are of two clips of one subject; either is 0 where the set
    holds no such pairs to judge by. `basis` says in words what the thresholds were taken from. `subjects`
    and `clips` number the table's, -1 where they are not told.
    """

    signatures: NDArray[np.float32]
    threshold: float
    within: float
    basis: str
    subjects: Numbers
    clips: Numbers


def likeness(images: NDArray[np.uint8], table: SampleTable) -> Likeness:
    """Signatures and thresholds of a table's images, uint8 (N, 3, H, W), row i that of `table.samples[i]`.

    Where fewer than two subjects are told, classes stand for them: images of different classes.
    """
    assert len(images) == len(table.samples), (len(images), len(table.samples))
    found = signatures(images)
    subjects = _numbered([sample.subject for sample in table.samples])
    clips = _numbered([sample.clip for sample in table.samples])
    labels = np.array([sample.label for sample in table.samples], dtype=np.int64)
    by_subject = bool(subjects.max(initial=-1) > 0)
    within = between_groups(found, clips, inside=subjects)
    return Likeness(
        signatures=found,
        threshold=between_groups(found, subjects, inside=np.zeros_like(subjects))
        if by_subject
        else between_classes(found, labels),
        within=within,
        basis=f"images of different {'subjects' if by_subject else 'classes'}"
        + (", or different clips of one subject," if within else ""),
        subjects=subjects,
        clips=clips,
    )


def nearest(
    found: Likeness, rows: Sequence[int], *, others: Sequence[int]
) -> tuple[Numbers, NDArray[np.float64]]:
    """For each of `rows`, the one of `others` most like it, and how like: below 1 is a near-duplicate.

    The second is the distance over the pair's threshold, inf where there is no pair to judge. Pairs of one
    clip are none: that they are alike is no news. Of equally near ones the first in `others` is given.
    """
    asked, rest = np.asarray(rows, dtype=np.int64), np.asarray(others, dtype=np.int64)
    place, ratio = np.full(len(asked), -1, dtype=np.int64), np.full(len(asked), np.inf)
    if not len(rest):
        return place, ratio
    # Nothing is below a threshold of 0, which says that there was nothing to judge by.
    scale, scale_within = (
        1 / threshold**2 if threshold else np.inf for threshold in (found.threshold, found.within)
    )
    for cut, block in squares(found.signatures, asked, others=rest):
        subjects, clips = found.subjects[asked[cut]][:, None], found.clips[asked[cut]][:, None]
        clips_told = (clips >= 0) & (found.clips[rest] >= 0)
        same = (subjects == found.subjects[rest]) & (subjects >= 0)
        block *= np.where(same & clips_told, scale_within, scale)
        block[(clips == found.clips[rest]) & clips_told] = np.inf
        best = block.argmin(axis=1)
        place[cut], ratio[cut] = rest[best], np.sqrt(block[np.arange(len(best)), best])
    return place, ratio


def _numbered(names: Sequence[str]) -> Numbers:
    numbers = {name: number for number, name in enumerate(sorted(set(names) - {""}))}
    return np.array([numbers.get(name, -1) for name in names], dtype=np.int64)
