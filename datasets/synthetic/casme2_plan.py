"""Plan of a synthetic CASME II: subjects, names, emotions and frame numbers of all clips, before rendering.

Class counts, clip lengths and the uneven numbers of clips per subject follow the release (Yan et al., "CASME
II", PLoS ONE 2014, coding sheet of 2014-05-08): 255 clips of 26 subjects, 24 to 141 frames long, median 61.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from datasets.casme2.constants import CLIP_COUNTS, EDITION_2014
from datasets.synthetic.rendering.action_units import EMOTION_ACTION_UNITS

CASME2_COUNTS = CLIP_COUNTS[EDITION_2014]

_EPISODE_COUNT = 19
_MIN_LENGTH, _MEDIAN_LENGTH, _MAX_LENGTH = 24, 61, 141


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipPlan:
    """One row of the coding sheet. Frame numbers count from 1 at the start of the whole recording."""

    subject: int
    name: str
    emotion: str
    action_units: str
    onset: int
    apex: int
    offset: int


def plan_clips(
    *, subjects: int, clips: int, frames: int | None, balance: bool, seed: int, emotions_per_subject: int = 6
) -> tuple[ClipPlan, ...]:
    """Return all clips of the set, sorted by subject and name.

    With `balance`, each subject has equally many clips of each of `emotions_per_subject` classes, and all
    classes have equally many clips; otherwise classes and subjects are as uneven as in the release. If
    `frames` is None, each clip gets a random length.
    """
    rng = np.random.default_rng((seed, 0))
    emotions_by_subject = (
        _assign_balanced(subjects, clips, emotions_per_subject)
        if balance
        else _assign_uneven(subjects, clips, rng)
    )
    plans = []
    for subject, emotions in enumerate(emotions_by_subject, start=1):
        names = _sample_names(len(emotions), rng)
        plans += [
            _plan_clip(subject, name, emotion, frames, rng)
            for name, emotion in zip(names, emotions, strict=True)
        ]
    return tuple(sorted(plans, key=lambda clip: (clip.subject, clip.name)))


def scale_class_counts(clips: int) -> dict[str, int]:
    """Scale the class counts of CASME II to `clips` by largest remainders, with at least 1 per class."""
    return scale_counts(CASME2_COUNTS, clips)


def scale_counts(
    reference_counts: Mapping[str, int], clips: int, *, max_count: int | None = None
) -> dict[str, int]:
    """Scale the counts of a release to a sum of `clips` by largest remainders, each from 1 to `max_count`."""
    total, limit = sum(reference_counts.values()), clips if max_count is None else max_count
    assert len(reference_counts) <= clips <= limit * len(reference_counts)
    shares = {emotion: clips * count / total for emotion, count in reference_counts.items()}
    counts = {emotion: min(max(1, int(share)), limit) for emotion, share in shares.items()}
    while (shortfall := clips - sum(counts.values())) != 0:
        deficits = {emotion: shares[emotion] - counts[emotion] for emotion in counts}
        if shortfall > 0:
            counts[
                max((emotion for emotion in counts if counts[emotion] < limit), key=deficits.__getitem__)
            ] += 1
        else:
            counts[min((emotion for emotion in counts if counts[emotion] > 1), key=deficits.__getitem__)] -= 1
    return counts


def _assign_balanced(subjects: int, clips: int, count: int) -> list[list[str]]:
    """Return the emotions of each subject: `count` of the six classes, which the subjects show in turn."""
    emotions = [emotion for emotion in CASME2_COUNTS if emotion != "others"]
    repetitions = clips // (subjects * count)
    turns = ([subject * count + index for index in range(count)] for subject in range(subjects))
    return [[emotions[turn % len(emotions)] for turn in numbers] * repetitions for numbers in turns]


def _assign_uneven(subjects: int, clips: int, rng: np.random.Generator) -> list[list[str]]:
    shares = rng.gamma(1.6, size=subjects)
    quotas = 1 + rng.multinomial(clips - subjects, shares / shares.sum())
    # Every subject's first clip comes before any second clip. The fear clips are assigned first, so they go
    # to different subjects.
    turns = [(turn, rng.random(), subject) for subject, quota in enumerate(quotas) for turn in range(quota)]
    counts = scale_class_counts(clips)
    fear_emotions = ["fear"] * counts.pop("fear")
    other_emotions = [emotion for emotion, count in counts.items() for _ in range(count)]
    rng.shuffle(other_emotions)
    emotions_by_subject: list[list[str]] = [[] for _ in range(subjects)]
    for (_, _, subject), emotion in zip(sorted(turns), fear_emotions + other_emotions, strict=True):
        emotions_by_subject[subject].append(emotion)
    return emotions_by_subject


def _sample_names(count: int, rng: np.random.Generator) -> list[str]:
    codes_per_episode = max(12, -(-count // _EPISODE_COUNT))
    codes = rng.choice(_EPISODE_COUNT * codes_per_episode, size=count, replace=False)
    return [
        f"EP{code // codes_per_episode + 1:02d}_{code % codes_per_episode + 1:02d}"
        f"{'f' if rng.random() < 0.6 else ''}"
        for code in codes
    ]


def _plan_clip(
    subject: int, name: str, emotion: str, frames: int | None, rng: np.random.Generator
) -> ClipPlan:
    random_length = int(np.clip(round(rng.lognormal(np.log(_MEDIAN_LENGTH), 0.44)), _MIN_LENGTH, _MAX_LENGTH))
    length = random_length if frames is None else frames
    onset = int(rng.integers(-(-length // 3), 3 * length + 1))
    rise = int(np.clip(round((length - 1) * rng.uniform(0.35, 0.55)), 1, length - 2))
    variants = EMOTION_ACTION_UNITS[emotion]
    action_units = variants[rng.integers(len(variants))]
    return ClipPlan(
        subject=subject,
        name=name,
        emotion=emotion,
        action_units=action_units,
        onset=onset,
        apex=onset + rise,
        offset=onset + length - 1,
    )
