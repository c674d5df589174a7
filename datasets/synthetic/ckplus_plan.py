"""Plan of a synthetic CK+: subjects, numbers, emotions and lengths of all sequences, before rendering.

Class counts follow Lucey et al., "The Extended Cohn-Kanade Dataset (CK+)", CVPR Workshops 2010: 593 sequences
of 123 subjects. Of these, 327 sequences of 118 subjects are labelled, at most one per subject and emotion.
Lengths are 8 to 30 frames, shorter than the release's 10 to 60, to save rendering time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from datasets.ckplus.constants import SEQUENCE_COUNTS
from datasets.synthetic.casme2_plan import ClipPlan, scale_counts
from datasets.synthetic.rendering.identity import Identity, sample_identity

CK_ACTION_UNITS: dict[str, tuple[str, ...]] = {
    "anger": ("4+5+7+24", "4+7+17+24"),
    "contempt": ("R12+R14", "L12+L14"),
    "disgust": ("9+10+17", "4+9+10"),
    "fear": ("1+2+4+5+20+25", "1+4+20+25"),
    "happy": ("6+12+25", "6+12"),
    "sadness": ("1+4+15+17", "1+15+17"),
    "surprise": ("1+2+5+26", "1+2+5+25+26"),
    "": ("4", "1+2", "17", "14", "10+25", "15+24"),
}

# The release's subject numbers: most numbers below 50 are missing, and there are four gaps after 139.
RELEASE_SUBJECT_IDS = (
    *(5, 10, 11, 14, 22, 26, 28, 29, 32, 34, 35, 37, 42, 44, 45, 46),
    *(number for number in range(50, 140) if number not in (88, 123)),
    *(147, 148, 149, 151, 154, 155, 156, 157, 158, 159, 160),
    *(501, 502, 503, 504, 505, 506),
    *(895, 999),
)
_JUMP_IDS = (5, 999, 139, 147, 501, 895)

_MIN_LENGTH, _MEDIAN_LENGTH, _MAX_LENGTH = 8, 13, 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencePlan:
    """A sequence of `length` frames from a neutral face to the peak. `emotion` "" means no label."""

    subject: int
    number: int
    emotion: str
    action_units: str
    length: int

    @property
    def name(self) -> str:
        """First part of the sequence's file names, such as `S005_001`."""
        return f"S{self.subject:03d}_{self.number:03d}"

    @property
    def clip_plan(self) -> ClipPlan:
        """The sequence as a clip to render: neutral for an eighth of its frames, strongest at the end."""
        return ClipPlan(
            subject=self.subject,
            name=self.name,
            emotion=self.emotion,
            action_units=self.action_units,
            onset=1 + self.length // 8,
            apex=self.length,
            offset=self.length,
        )


def plan_sequences(
    *,
    ids: Sequence[int],
    unlabelled_subject_count: int,
    labelled_count: int,
    unlabelled_count: int,
    frames: int | None,
    seed: int,
) -> tuple[SequencePlan, ...]:
    """Return all sequences, sorted by subject and number.

    `ids` are the subjects in ascending order; `unlabelled_subject_count` of them have only unlabelled
    sequences. If `frames` is None, each sequence gets a random length.
    """
    rng = np.random.default_rng((seed, 6))
    unlabelled_subjects = {
        int(index) for index in rng.choice(len(ids), size=unlabelled_subject_count, replace=False)
    }
    labelled_subjects = [index for index in range(len(ids)) if index not in unlabelled_subjects]
    emotions_by_subject: list[list[str]] = [[] for _ in ids]
    for index, emotions in zip(
        labelled_subjects, _assign_emotions(len(labelled_subjects), labelled_count, rng), strict=True
    ):
        emotions_by_subject[index] += emotions
    unlabelled_indices = sorted(unlabelled_subjects) + [
        int(index) for index in rng.integers(len(ids), size=unlabelled_count - unlabelled_subject_count)
    ]
    for index in unlabelled_indices:
        emotions_by_subject[index].append("")
    sequences = []
    for subject, emotions in zip(ids, emotions_by_subject, strict=True):
        for number, emotion in enumerate(rng.permutation(emotions), start=1):
            variants = CK_ACTION_UNITS[str(emotion)]
            action_units = variants[rng.integers(len(variants))]
            random_length = int(
                np.clip(round(rng.lognormal(np.log(_MEDIAN_LENGTH), 0.35)), _MIN_LENGTH, _MAX_LENGTH)
            )
            sequences.append(
                SequencePlan(
                    subject=subject,
                    number=number,
                    emotion=str(emotion),
                    action_units=action_units,
                    length=random_length if frames is None else frames,
                )
            )
    return tuple(sequences)


def make_subject_ids(count: int, *, from_release: bool) -> tuple[int, ...]:
    """Return `count` subject numbers in ascending order: 1 to `count`, or numbers of the release.

    A small count takes the numbers at the release's gaps first. A count above the release's 123 adds the
    lowest unused numbers.
    """
    if not from_release:
        return tuple(range(1, count + 1))
    other_ids = [number for number in RELEASE_SUBJECT_IDS if number not in _JUMP_IDS]
    unused_ids = [number for number in range(1, 1000) if number not in RELEASE_SUBJECT_IDS]
    return tuple(sorted([*_JUMP_IDS, *other_ids, *unused_ids][:count]))


def sample_identities(sequences: Iterable[SequencePlan], *, seed: int, spread: float) -> dict[int, Identity]:
    """Return the identity of each subject, by subject number."""
    subjects = sorted({sequence.subject for sequence in sequences})
    return {subject: sample_identity((seed, 1, subject), spread=spread) for subject in subjects}


def _assign_emotions(subjects: int, labelled_count: int, rng: np.random.Generator) -> list[list[str]]:
    """Return the emotions of each subject.

    No subject has an emotion twice or none at all. Class counts follow the release; subjects have unequal
    numbers of emotions.
    """
    counts = scale_counts(SEQUENCE_COUNTS, labelled_count, max_count=subjects)
    weights = rng.gamma(3.0, size=subjects)
    emotions_by_subject: list[list[str]] = [[] for _ in range(subjects)]
    for emotion, count in counts.items():
        # The largest keys u^(1/w) are a weighted sample without replacement (Efraimidis and Spirakis, 2006).
        keys = rng.random(subjects) ** (1 / weights)
        for subject in np.argsort(-keys, kind="stable")[:count]:
            emotions_by_subject[subject].append(emotion)
    for emotions in emotions_by_subject:
        if not emotions:
            emotions.append(max(emotions_by_subject, key=len).pop())
    return emotions_by_subject
