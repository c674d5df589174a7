"""Writing of a synthetic MEGC 2019 composite: one folder with a synthetic SMIC, CASME II and SAMM.

In the size of the releases, the challenge's rules give its official list: 442 clips of 68 subjects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from datasets.casme2.constants import SCHEMES
from datasets.synthetic.casme2 import write_casme2
from datasets.synthetic.casme2_plan import ClipPlan
from datasets.synthetic.rendering.action_units import EMOTION_ACTION_UNITS
from datasets.synthetic.samm import write_samm
from datasets.synthetic.sheet_plan import confine_emotions
from datasets.synthetic.smic import write_smic
from datasets.synthetic.spec import SyntheticSpec

EXCLUDED_CLIPS = ((4, "EP12_01f"), (5, "EP09_05f"))
"""Subject and name of the two clips of disgust that the challenge leaves out."""

NUM_OUTSIDERS = 2
"""Subjects of CASME II without a clip of the composite's classes: 24 of 26 have one."""

_EXCLUDED = "excluded"


def write_megc2019(spec: SyntheticSpec, root: Path, *, progress: Callable[[int, int], None]) -> None:
    """Write the three sets into the empty folder `root`; `progress` counts the clips of each in turn."""
    for part in spec.part_specs:
        folder = root / part.layout
        folder.mkdir()
        if part.layout == "casme2":
            write_casme2(part, folder, progress=progress, arrange=arrange_casme2)
        elif part.layout == "smic":
            write_smic(part, folder, progress=progress)
        else:
            write_samm(part, folder, progress=progress)


def arrange_casme2(spec: SyntheticSpec, clips: Sequence[ClipPlan]) -> tuple[ClipPlan, ...]:
    """Return the clips of a set of the release's size with the composite's subjects and excluded clips.

    The numbers of clips of each class and of each subject stay as planned.
    """
    if not spec.is_full_size:
        return tuple(clips)
    arranged = list(clips)
    for subject, name in EXCLUDED_CLIPS:
        index = next(index for index, clip in enumerate(arranged) if clip.subject == subject)
        own = [i for i, clip in enumerate(arranged) if clip.subject == subject and clip.emotion == "disgust"]
        donors = [
            i
            for i, clip in enumerate(arranged)
            if clip.emotion == "disgust" and clip.subject not in dict(EXCLUDED_CLIPS)
        ]
        index = own[0] if own else index
        if not own:
            arranged[donors[0]] = _with_emotion(arranged[donors[0]], arranged[index].emotion)
        arranged[index] = replace(
            arranged[index], name=name, emotion=_EXCLUDED, action_units=EMOTION_ACTION_UNITS["disgust"][0]
        )
    emotions_by_subject = [
        [clip.emotion for clip in arranged if clip.subject == subject]
        for subject in range(1, spec.subject_count + 1)
    ]
    confined = confine_emotions(
        emotions_by_subject, num_outsiders=NUM_OUTSIDERS, classes=SCHEMES["3-class"].emotions
    )
    emotions = [emotion for subject_emotions in confined for emotion in subject_emotions]
    arranged = [_with_emotion(clip, emotion) for clip, emotion in zip(arranged, emotions, strict=True)]
    return tuple(sorted(arranged, key=lambda clip: (clip.subject, clip.name)))


def _with_emotion(clip: ClipPlan, emotion: str) -> ClipPlan:
    """Return the clip with another emotion and action units of it."""
    emotion = "disgust" if emotion == _EXCLUDED else emotion
    if emotion == clip.emotion:
        return clip
    return replace(clip, emotion=emotion, action_units=EMOTION_ACTION_UNITS[emotion][0])
