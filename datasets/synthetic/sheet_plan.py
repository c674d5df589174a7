"""Plan of a synthetic SMIC or SAMM: the emotions of every subject, and the frames of every clip.

Class counts follow the release, and subjects have unequal numbers of clips, as in the release.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from datasets.synthetic.casme2_plan import ClipPlan, scale_counts
from datasets.synthetic.rendering.action_units import EMOTION_ACTION_UNITS

_ACTION_UNITS: Mapping[str, tuple[str, ...]] = {
    **EMOTION_ACTION_UNITS,
    "anger": ("4+7", "4+5+7"),
    "contempt": ("L14", "R14"),
    "other": EMOTION_ACTION_UNITS["others"],
    "negative": ("4+9", "1+4+15", "4+7+10"),
    "positive": EMOTION_ACTION_UNITS["happiness"],
}


def assign_emotions(
    class_counts: Mapping[str, int],
    *,
    subjects: int,
    clips: int,
    balanced_classes: Sequence[str] = (),
    rng: np.random.Generator,
) -> list[list[str]]:
    """Return the emotions of each subject's clips, at least one.

    With `balanced_classes`, every subject shows each of them equally often. Otherwise the counts are those of
    the release, scaled to `clips`.
    """
    if balanced_classes:
        return [list(balanced_classes) * (clips // (subjects * len(balanced_classes)))] * subjects
    shares = rng.gamma(1.6, size=subjects)
    quotas = 1 + rng.multinomial(clips - subjects, shares / shares.sum())
    emotions = [emotion for emotion, count in scale_counts(class_counts, clips).items() for _ in range(count)]
    rng.shuffle(emotions)
    ends = np.cumsum(quotas)
    return [emotions[end - quota : end] for end, quota in zip(ends, quotas, strict=True)]


def confine_emotions(
    emotions_by_subject: Sequence[Sequence[str]], *, num_outsiders: int, classes: Collection[str]
) -> list[list[str]]:
    """Return the emotions with exactly `num_outsiders` subjects who show none of `classes`.

    The outsiders are the subjects with the fewest clips. Emotions are exchanged between subjects, so the
    number of clips of each class and of each subject stays the same.
    """
    result = [list(emotions) for emotions in emotions_by_subject]
    order = sorted(range(len(result)), key=lambda subject: (len(result[subject]), subject))
    outsiders, insiders = order[:num_outsiders], order[num_outsiders:]
    for subject in outsiders:
        for index, emotion in enumerate(result[subject]):
            if emotion in classes:
                other, other_index = next(
                    (other, other_index)
                    for other in reversed(insiders)
                    for other_index, other_emotion in enumerate(result[other])
                    if other_emotion not in classes
                )
                result[subject][index], result[other][other_index] = result[other][other_index], emotion
    for subject in insiders:
        if not any(emotion in classes for emotion in result[subject]):
            donor = max(insiders, key=lambda other: sum(emotion in classes for emotion in result[other]))
            index = next(index for index, emotion in enumerate(result[donor]) if emotion in classes)
            result[subject][0], result[donor][index] = result[donor][index], result[subject][0]
    return result


def plan_clip(
    *,
    subject: int,
    name: str,
    emotion: str,
    frames: int | None,
    first_frame: int,
    lengths: tuple[int, int],
    rng: np.random.Generator,
) -> ClipPlan:
    """Return a clip that starts at `first_frame`; its length is `frames` or random within `lengths`."""
    random_length = int(rng.integers(lengths[0], lengths[1] + 1))
    length = random_length if frames is None else frames
    rise = int(np.clip(round((length - 1) * rng.uniform(0.35, 0.55)), 1, length - 2))
    variants = _ACTION_UNITS[emotion]
    return ClipPlan(
        subject=subject,
        name=name,
        emotion=emotion,
        action_units=variants[int(rng.integers(len(variants)))],
        onset=first_frame,
        apex=first_frame + rise,
        offset=first_frame + length - 1,
    )
