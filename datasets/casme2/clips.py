"""CASME II's clips: every row of the sheet joined with its frames, and all in which the two disagree.

No clip is left out without an anomaly that says so: the copies in circulation lack frames, have folders that
no row names, and rows whose frame numbers are no numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from datasets.casme2.facts import CLASSES, USUAL
from datasets.casme2.sheet import Row
from datasets.casme2.takes import Takes
from datasets.spec import Anomaly, Picture
from datasets.text import named, shown

# Nine digits are beyond any clip, and more would take Python's own limits.
_NUMBER = re.compile(r"(\d{1,9})(?:\.0*)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A row of the sheet with its frames on disk, onset to offset.

    `frames` maps frame numbers to pictures, in order, and is never empty; `apex` is None where the sheet's is
    no frame of the clip.
    """

    name: str
    subject: str
    emotion: str
    onset: int
    apex: int | None
    offset: int
    frames: dict[int, Picture]
    apex_text: str

    @property
    def first(self) -> Picture:
        """The onset frame, or where the release lacks it, the first that is there."""
        return self.frames.get(self.onset) or next(iter(self.frames.values()))


def join(
    rows: Iterable[Row], takes: Takes, *, classes: Sequence[str] = USUAL
) -> tuple[list[Clip], list[Anomaly]]:
    """Clips of the classes in the sheet's order, and everything in which sheet and release disagree."""
    clips: list[Clip] = []
    anomalies: list[Anomaly] = []
    keys: set[tuple[str, str]] = set()
    for row in rows:
        if fault := _misnamed(row, keys):
            anomalies.append(fault)
            continue
        keys.add(row.key)
        if row.emotion in classes or row.emotion not in CLASSES:
            clip, faults = _clip(row, takes)
            clips += [clip] if clip else []
            anomalies += faults
    anomalies += [_without_row(key, takes) for key in sorted(takes.keys() - keys)]
    return clips, anomalies


def number(text: str) -> int | None:
    """A frame number as spreadsheets spell it (`46`, `46.0`), or None."""
    match = _NUMBER.fullmatch(text.strip())
    return int(match[1]) if match else None


def span(row: Row) -> tuple[int, int] | None:
    """Onset and offset of a row, or None where they are no frame numbers in order."""
    onset, offset = number(row.onset), number(row.offset)
    return None if onset is None or offset is None or onset > offset else (onset, offset)


def _misnamed(row: Row, keys: set[tuple[str, str]]) -> Anomaly | None:
    """The fault of a row that names no clip, or one that an earlier row has named."""
    if not row.subject or not row.filename:
        code, what = "unreadable key", "subject or file name cannot be read"
    elif row.key in keys:
        code, what = "duplicate row", f"row {row.line} names a clip that an earlier row has named"
    else:
        return None
    where = shown("/".join(part for part in row.key if part))
    return Anomaly(code=code, where=f"row {row.line}: {where}", what=what, action="the row was left out")


def _without_row(key: tuple[str, str], takes: Takes) -> Anomaly:
    kind = "video" if takes[key].video else "folder"
    return Anomaly(
        code="no row",
        where=shown("/".join(key)),
        what=f"the {kind} has no row in the sheet",
        action=f"its {len(takes[key])} frames were left out",
    )


def _clip(row: Row, takes: Takes) -> tuple[Clip | None, list[Anomaly]]:
    """One row joined with its take, or None where that cannot be, and what is wrong with it."""
    name = "/".join(row.key)
    ends, apex, take = span(row), number(row.apex), takes.get(row.key)

    def left_out(code: str, what: str) -> tuple[None, list[Anomaly]]:
        anomaly = Anomaly(code=code, where=shown(name), what=what, action="the clip was left out")
        return None, [anomaly]

    if row.emotion not in CLASSES:
        known = ", ".join(CLASSES)
        return left_out("unknown emotion", f"the sheet says {shown(row.emotion)!r}; known: {known}")
    if ends is None:
        onset_text, offset_text = shown(row.onset), shown(row.offset)
        return left_out("unusable frame numbers", f"onset {onset_text!r}, offset {offset_text!r}")
    if take is None:
        return left_out("no folder", "the release has no clip of the row's name")
    if take.fault:
        return left_out("unreadable video", take.fault)
    onset, offset = ends
    frames = take.within(onset, offset)
    if not frames:
        return left_out("no frames", f"none of the frames {onset}-{offset} is there")
    clip = Clip(
        name=name,
        subject=row.subject,
        emotion=row.emotion,
        onset=onset,
        apex=apex if apex is not None and onset <= apex <= offset else None,
        offset=offset,
        frames=frames,
        apex_text=row.apex,
    )
    return clip, _gaps(clip)


def _gaps(clip: Clip) -> list[Anomaly]:
    """The frames that the sheet names and the release lacks."""
    runs: list[str] = []
    due = clip.onset
    for frame in (*clip.frames, clip.offset + 1):
        if frame > due:
            runs.append(str(due) if frame - 1 == due else f"{due}-{frame - 1}")
        due = frame + 1
    if not runs:
        return []
    missing = clip.offset - clip.onset + 1 - len(clip.frames)
    return [
        Anomaly(
            code="missing frames",
            where=shown(clip.name),
            what=f"{missing} of the sheet's frames {clip.onset}-{clip.offset} are not there: "
            f"{named(runs, most=20)}",
            action=f"the {len(clip.frames)} present were kept"
            + ("" if clip.onset in clip.frames else ", the first of them as the onset"),
        )
    ]
