"""Which frames of CASME II's clips are samples, one function for each policy.

`paper` retraces Zhang et al.'s numbers: frames are flattened into one folder for every emotion under subject
and frame number, so clips of a subject that share an emotion overwrite each other. The paper does not say so;
its Table 2 follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from datasets.casme2.clips import Clip
from datasets.casme2.facts import WINDOW
from datasets.spec import Anomaly, Sample
from datasets.text import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The samples of one frame policy, what it had to leave out, and how to read its numbers."""

    samples: tuple[Sample, ...]
    anomalies: tuple[Anomaly, ...]
    notes: tuple[str, ...]


Policy = Callable[[Sequence[Clip], Sequence[str]], Choice]


def onset_offset(clips: Sequence[Clip], classes: Sequence[str]) -> Choice:
    """Every frame from onset to offset."""
    samples = tuple(sample for clip in clips for sample in _samples(clip, clip.frames, classes=classes))
    return Choice(
        samples=samples,
        anomalies=_apexes(clips, unusable="the clip was kept, none of its frames is marked as the apex"),
        notes=(f"frames: {len(samples)}, of {len(clips)} clips",),
    )


def apex(clips: Sequence[Clip], classes: Sequence[str]) -> Choice:
    """One frame a clip, the apex; clips without one on disk are left out."""
    return _around(clips, classes, window=0, called="apex frames")


def apex_window(clips: Sequence[Clip], classes: Sequence[str]) -> Choice:
    """The frames at most `WINDOW` before and after the apex, within onset and offset."""
    called = f"frames within {WINDOW} of the apex"
    return _around(clips, classes, window=WINDOW, called=called)


def paper(clips: Sequence[Clip], classes: Sequence[str]) -> Choice:
    """Onset to offset, one frame for each emotion, subject and number: the sheet's later row wins."""
    every = onset_offset(clips, classes)
    kept = {(sample.label, sample.subject, sample.frame): sample for sample in every.samples}
    total, lost = len(every.samples), len(every.samples) - len(kept)
    share = f"{lost / total:.1%}" if total else "none"
    overwritten = (
        f"{lost} of {total} frames ({share}) were overwritten by a later clip's frame of the same emotion, "
        f"subject and number; {len(kept)} remain"
    )
    return replace(every, samples=tuple(kept.values()), notes=(*every.notes, overwritten))


POLICIES: dict[str, Policy] = {
    "onset_offset": onset_offset,
    "apex": apex,
    "apex_window": apex_window,
    "paper": paper,
}


def _around(clips: Sequence[Clip], classes: Sequence[str], *, window: int, called: str) -> Choice:
    """The frames at most `window` from each clip's apex; clips that have none of them are left out."""
    samples: list[Sample] = []
    missing: list[Anomaly] = []
    for clip in clips:
        if clip.apex is None:
            continue
        near = [number for number in clip.frames if abs(number - clip.apex) <= window]
        samples += _samples(clip, near, classes=classes)
        if clip.apex not in clip.frames:
            action = f"the {len(near)} frames beside it were kept" if near else "the clip was left out"
            what = f"the apex frame {clip.apex} is not there"
            missing.append(Anomaly(code="missing apex", where=shown(clip.name), what=what, action=action))
    return Choice(
        samples=tuple(samples),
        anomalies=(*_apexes(clips, unusable="the clip was left out"), *missing),
        notes=(f"{called}: {len(samples)}, of {len(clips)} clips",),
    )


def _apexes(clips: Sequence[Clip], *, unusable: str) -> tuple[Anomaly, ...]:
    """Clips whose apex is no frame of theirs (what was done about it: `unusable`) or stands at an end."""
    anomalies: list[Anomaly] = []
    for clip in clips:
        if clip.apex is None:
            code, what, action = "unusable apex", f"the sheet says {shown(clip.apex_text)!r}", unusable
        elif clip.apex in (clip.onset, clip.offset):
            end = "onset" if clip.apex == clip.onset else "offset"
            code, what, action = "odd apex", f"the apex is the {end}, {clip.apex}", "taken as it stands"
        else:
            continue
        anomalies.append(Anomaly(code=code, where=shown(clip.name), what=what, action=action))
    return tuple(anomalies)


def _samples(clip: Clip, numbers: Collection[int], *, classes: Sequence[str]) -> list[Sample]:
    """Frames of one clip as samples; an apex at an end of its clip is called the apex."""
    roles = {clip.offset: "offset", clip.onset: "onset", clip.apex: "apex"}
    label, first = classes.index(clip.emotion), clip.first
    return [
        Sample(
            id=f"{clip.name}/{number}",
            path=clip.frames[number].path,
            item=clip.frames[number].item,
            label=label,
            subject=clip.subject,
            clip=clip.name,
            frame=number,
            role=roles.get(number, ""),
            onset=first,
        )
        for number in numbers
    ]
