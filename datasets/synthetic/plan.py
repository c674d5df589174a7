"""Which clips a synthetic CASME II holds: subjects, names, emotions and frame numbers, before anything is
drawn.

Class counts, clip lengths and the uneven share of subjects follow the released set (Yan et al., "CASME II",
PLoS ONE 2014, the coding sheet of 2014-05-08): 255 clips of 26 subjects, 24 to 141 frames long, median 61.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from datasets.drawing.motion import EMOTION_UNITS

SHEET_COUNTS = {
    "happiness": 32,
    "surprise": 25,
    "disgust": 63,
    "repression": 27,
    "sadness": 7,
    "fear": 2,
    "others": 99,
}

_EPISODES = 19
_SHORTEST, _MEDIAN, _LONGEST = 24, 61, 141


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One row of the coding sheet; its frame numbers are those of the whole recording, which begins at 1."""

    subject: int
    name: str
    emotion: str
    units: str
    onset: int
    apex: int
    offset: int


def plan_clips(
    *, subjects: int, clips: int, frames: int | None, balance: bool, seed: int
) -> tuple[Clip, ...]:
    """Every clip of the tree, by subject and name.

    `balance` gives each subject each of the six classes equally often; otherwise classes and subjects are as
    uneven as in the released set. `frames` None draws a length for each clip.
    """
    rng = np.random.default_rng((seed, 0))
    cast = _balanced(subjects, clips) if balance else _uneven(subjects, clips, rng)
    rows = []
    for subject, emotions in enumerate(cast, start=1):
        names = _names(len(emotions), rng)
        rows += [
            _clip(subject, name, emotion, frames, rng) for name, emotion in zip(names, emotions, strict=True)
        ]
    return tuple(sorted(rows, key=lambda clip: (clip.subject, clip.name)))


def class_counts(clips: int) -> dict[str, int]:
    """The sheet's class counts scaled to so many clips by largest remainders; no class falls below 1."""
    return scaled(SHEET_COUNTS, clips)


def scaled(real: Mapping[str, int], clips: int, *, most: int | None = None) -> dict[str, int]:
    """Counts of a release scaled to so many clips by largest remainders, each from 1 to `most`."""
    total, limit = sum(real.values()), clips if most is None else most
    assert len(real) <= clips <= limit * len(real)
    shares = {emotion: clips * count / total for emotion, count in real.items()}
    counts = {emotion: min(max(1, int(share)), limit) for emotion, share in shares.items()}
    while (missing := clips - sum(counts.values())) != 0:
        gaps = {emotion: shares[emotion] - counts[emotion] for emotion in counts}
        if missing > 0:
            counts[max((emotion for emotion in counts if counts[emotion] < limit), key=gaps.__getitem__)] += 1
        else:
            counts[min((emotion for emotion in counts if counts[emotion] > 1), key=gaps.__getitem__)] -= 1
    return counts


def _balanced(subjects: int, clips: int) -> list[list[str]]:
    six = [emotion for emotion in SHEET_COUNTS if emotion != "others"]
    return [six * (clips // (subjects * len(six)))] * subjects


def _uneven(subjects: int, clips: int, rng: np.random.Generator) -> list[list[str]]:
    shares = rng.gamma(1.6, size=subjects)
    quotas = 1 + rng.multinomial(clips - subjects, shares / shares.sum())
    # Everyone's first clip comes before anyone's second, so the two of fear, dealt first, meet two subjects.
    turns = [(turn, rng.random(), subject) for subject, quota in enumerate(quotas) for turn in range(quota)]
    counts = class_counts(clips)
    fear = ["fear"] * counts.pop("fear")
    rest = [emotion for emotion, count in counts.items() for _ in range(count)]
    rng.shuffle(rest)
    cast: list[list[str]] = [[] for _ in range(subjects)]
    for (_, _, subject), emotion in zip(sorted(turns), fear + rest, strict=True):
        cast[subject].append(emotion)
    return cast


def _names(count: int, rng: np.random.Generator) -> list[str]:
    takes = max(12, -(-count // _EPISODES))
    chosen = rng.choice(_EPISODES * takes, size=count, replace=False)
    return [
        f"EP{place // takes + 1:02d}_{place % takes + 1:02d}{'f' if rng.random() < 0.6 else ''}"
        for place in chosen
    ]


def _clip(subject: int, name: str, emotion: str, frames: int | None, rng: np.random.Generator) -> Clip:
    drawn = int(np.clip(round(rng.lognormal(np.log(_MEDIAN), 0.44)), _SHORTEST, _LONGEST))
    length = drawn if frames is None else frames
    onset = int(rng.integers(-(-length // 3), 3 * length + 1))
    rise = int(np.clip(round((length - 1) * rng.uniform(0.35, 0.55)), 1, length - 2))
    variants = EMOTION_UNITS[emotion]
    units = variants[rng.integers(len(variants))]
    return Clip(
        subject=subject,
        name=name,
        emotion=emotion,
        units=units,
        onset=onset,
        apex=onset + rise,
        offset=onset + length - 1,
    )
