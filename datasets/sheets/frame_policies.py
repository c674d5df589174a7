"""Select the frames of clips that become samples, one function per frame policy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from datasets.sheets.clips import Clip
from datasets.spec import Anomaly, Sample
from datasets.text import pluralize, sanitize

APEX_WINDOW_RADIUS = 2
"""Frames of `apex_window` before and after the apex: five frames in all, 25 ms at 200 frames a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSelection:
    """The samples of one frame policy, the anomalies, and notes on the counts."""

    samples: tuple[Sample, ...]
    anomalies: tuple[Anomaly, ...]
    notes: tuple[str, ...]


Policy = Callable[[Sequence[Clip], Sequence[str]], FrameSelection]


def select_onset_offset(clips: Sequence[Clip], classes: Sequence[str]) -> FrameSelection:
    """Select every frame from onset to offset."""
    samples = tuple(sample for clip in clips for sample in _make_samples(clip, clip.frames, classes=classes))
    return FrameSelection(
        samples=samples,
        anomalies=_check_apexes(
            clips, unusable_action="the clip was kept, none of its frames is marked as the apex"
        ),
        notes=(f"frames: {len(samples)}, of {pluralize(len(clips), 'clip')}", *_describe_middle(clips)),
    )


def select_apex(clips: Sequence[Clip], classes: Sequence[str]) -> FrameSelection:
    """Select the apex frame of each clip; leave out clips whose apex is missing."""
    return _select_near_apex(clips, classes, window=0, policy_text="apex frames")


def select_apex_window(clips: Sequence[Clip], classes: Sequence[str]) -> FrameSelection:
    """Select the frames at most `APEX_WINDOW_RADIUS` from the apex, within onset and offset."""
    policy_text = f"frames within {APEX_WINDOW_RADIUS} of the apex"
    return _select_near_apex(clips, classes, window=APEX_WINDOW_RADIUS, policy_text=policy_text)


POLICY_FUNCTIONS: dict[str, Policy] = {
    "onset_offset": select_onset_offset,
    "apex": select_apex,
    "apex_window": select_apex_window,
}


def _select_near_apex(
    clips: Sequence[Clip], classes: Sequence[str], *, window: int, policy_text: str
) -> FrameSelection:
    """Select the frames at most `window` from the apex of each clip; leave out clips without such a frame."""
    samples: list[Sample] = []
    missing_apexes: list[Anomaly] = []
    for clip in clips:
        if clip.apex is None:
            continue
        window_numbers = [number for number in clip.frames if abs(number - clip.apex) <= window]
        samples += _make_samples(clip, window_numbers, classes=classes)
        if clip.apex not in clip.frames:
            action = (
                f"the {pluralize(len(window_numbers), 'frame')} beside it were kept"
                if window_numbers
                else "the clip was left out"
            )
            description = f"the apex frame {clip.apex} is not there"
            missing_apexes.append(
                Anomaly(
                    code="missing apex", location=sanitize(clip.name), description=description, action=action
                )
            )
    return FrameSelection(
        samples=tuple(samples),
        anomalies=(*_check_apexes(clips, unusable_action="the clip was left out"), *missing_apexes),
        notes=(
            f"{policy_text}: {len(samples)}, of {pluralize(len(clips), 'clip')}",
            *_describe_middle(clips),
        ),
    )


def _describe_middle(clips: Sequence[Clip]) -> tuple[str, ...]:
    """Return a note on the clips whose apex is their middle frame, if there are any."""
    count = sum(clip.has_middle_apex for clip in clips)
    if not count:
        return ()
    return (f"apex: {count} of {len(clips)} clips have no usable apex; their middle frame takes its place",)


def _check_apexes(clips: Sequence[Clip], *, unusable_action: str) -> tuple[Anomaly, ...]:
    """Return an anomaly for each clip whose apex is unusable (see `unusable_action`) or at an end.

    A clip of a sheet without an apex is not an anomaly; the notes count it.
    """
    anomalies: list[Anomaly] = []
    for clip in clips:
        if clip.has_middle_apex and not clip.apex_text:
            continue
        if clip.apex is None or clip.has_middle_apex:
            code, description, action = (
                "unusable apex",
                f"the sheet says {sanitize(clip.apex_text)!r}",
                f"the middle frame, {clip.apex}, was taken" if clip.has_middle_apex else unusable_action,
            )
        elif clip.apex in (clip.onset, clip.offset):
            end = "onset" if clip.apex == clip.onset else "offset"
            code, description, action = (
                "odd apex",
                f"the apex is the {end}, {clip.apex}",
                "taken as it stands",
            )
        else:
            continue
        anomalies.append(
            Anomaly(code=code, location=sanitize(clip.name), description=description, action=action)
        )
    return tuple(anomalies)


def _make_samples(clip: Clip, numbers: Collection[int], *, classes: Sequence[str]) -> list[Sample]:
    """Return frames of one clip as samples; an apex at onset or offset has the role "apex"."""
    roles = {clip.offset: "offset", clip.onset: "onset", clip.apex: "apex"}
    label, onset_ref = classes.index(clip.class_name), clip.onset_ref
    return [
        Sample(
            id=f"{clip.name}/{number}",
            path=clip.frames[number].path,
            frame_index=clip.frames[number].frame_index,
            label=label,
            subject=clip.subject,
            clip=clip.name,
            frame_number=number,
            role=roles.get(number, ""),
            onset_ref=onset_ref,
        )
        for number in numbers
    ]
