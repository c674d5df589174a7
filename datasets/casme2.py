"""CASME II, Cropped release, six classes: which frames of its clips are samples, and the table of them.

`paper` retraces Zhang et al.'s numbers: frames are flattened into one folder for every emotion under subject
and frame number, so clips of a subject that share an emotion overwrite each other. The paper does not say so;
its Table 2 follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from datasets.casme2_clips import CLASSES, SET_ASIDE, Clip, join
from datasets.casme2_files import OBTAIN, find, scan
from datasets.casme2_sheet import choose, edition, read
from datasets.spec import Anomaly, Sample, SampleTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The samples of one frame policy, what it had to leave out, and how to read its numbers."""

    samples: tuple[Sample, ...]
    anomalies: tuple[Anomaly, ...]
    notes: tuple[str, ...]


def load(root: Path, frames: str) -> SampleTable:
    """Read the release below `root` under the policy `frames`, one of `FRAMES`.

    Samples are ordered by subject, clip and frame number. Every oddity of the data is in `anomalies`.

    Raises:
        ValueError: no release, no sheet or no usable frame was found, or the sheet cannot be read.
    """
    assert frames in FRAMES, frames
    root = root.expanduser().absolute()
    layout = find(root)
    sheet, used = choose(layout.workbooks, root=root)
    rows = read(sheet)
    folders, strange = scan(layout.cropped)
    clips, faults = join(rows, folders)
    choice = FRAMES[frames](clips)
    if not choice.samples:
        raise ValueError(
            f"no usable frames below {root} under the policy {frames!r}: none of the {len(rows)} rows of "
            f"{sheet.name} fits one of the {len(folders)} clip folders; do the two belong together? {OBTAIN}"
        )
    aside = sum(row.emotion in SET_ASIDE for row in rows)
    others = f"others: {aside} rows of the sheet, left out as none of the six classes"
    return SampleTable(
        dataset="casme2",
        frames=frames,
        classes=CLASSES,
        samples=tuple(sorted(choice.samples, key=lambda sample: (sample.subject, sample.clip, sample.frame))),
        anomalies=(*strange, *faults, *choice.anomalies),
        notes=(used, edition(rows), others, *choice.notes),
    )


def _apexes(clips: Sequence[Clip], *, unusable: str) -> tuple[Anomaly, ...]:
    """Clips whose apex is no frame of theirs (what was done about it: `unusable`) or stands at an end."""
    anomalies: list[Anomaly] = []
    for clip in clips:
        if clip.apex is None:
            code, what, action = "unusable apex", f"the sheet says {clip.apex_text!r}", unusable
        elif clip.apex in (clip.onset, clip.offset):
            end = "onset" if clip.apex == clip.onset else "offset"
            code, what, action = "odd apex", f"the apex is the {end}, {clip.apex}", "taken as it stands"
        else:
            continue
        anomalies.append(Anomaly(code=code, where=clip.name, what=what, action=action))
    return tuple(anomalies)


def _sample(clip: Clip, frame: int) -> Sample:
    """One frame of a clip as a sample; an apex at an end of its clip is called the apex."""
    roles = {clip.offset: "offset", clip.onset: "onset", clip.apex: "apex"}
    return Sample(
        id=f"{clip.name}/{frame}",
        path=clip.frames[frame],
        label=CLASSES.index(clip.emotion),
        subject=clip.subject,
        clip=clip.name,
        frame=frame,
        role=roles.get(frame, ""),
    )


def onset_offset(clips: Sequence[Clip]) -> Choice:
    """Every frame from onset to offset."""
    samples = tuple(_sample(clip, frame) for clip in clips for frame in clip.frames)
    return Choice(
        samples=samples,
        anomalies=_apexes(clips, unusable="the clip was kept, none of its frames is marked as the apex"),
        notes=(f"frames: {len(samples)}, of {len(clips)} clips",),
    )


def apex(clips: Sequence[Clip]) -> Choice:
    """One frame a clip, the apex; clips without one on disk are left out."""
    samples = tuple(_sample(clip, frame) for clip in clips for frame in clip.frames if frame == clip.apex)
    missing = tuple(
        Anomaly(
            code="missing apex",
            where=clip.name,
            what=f"the apex frame {clip.apex} is not there",
            action="the clip was left out",
        )
        for clip in clips
        if clip.apex is not None and clip.apex not in clip.frames
    )
    return Choice(
        samples=samples,
        anomalies=(*_apexes(clips, unusable="the clip was left out"), *missing),
        notes=(f"apex frames: {len(samples)}, of {len(clips)} clips",),
    )


def paper(clips: Sequence[Clip]) -> Choice:
    """Onset to offset, one frame for each emotion, subject and number: the sheet's later row wins."""
    every = onset_offset(clips)
    kept = {(sample.label, sample.subject, sample.frame): sample for sample in every.samples}
    total, lost = len(every.samples), len(every.samples) - len(kept)
    share = f"{lost / total:.1%}" if total else "none"
    overwritten = (
        f"{lost} of {total} frames ({share}) were overwritten by a later clip's frame of the same emotion, "
        f"subject and number; {len(kept)} remain"
    )
    return replace(every, samples=tuple(kept.values()), notes=(*every.notes, overwritten))


FRAMES: dict[str, Callable[[Sequence[Clip]], Choice]] = {
    "onset_offset": onset_offset,
    "apex": apex,
    "paper": paper,
}
