"""Join every row of a coding sheet with its frames, and report where the two disagree.

Every clip that is left out has an anomaly. The copies in circulation lack frames, have folders without a row,
and have rows with invalid frame numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from datasets.class_selection import ClassScheme
from datasets.sheets.clip_files import FilesByClip
from datasets.sheets.coding_sheet import SheetRow
from datasets.sheets.facts import SheetFacts
from datasets.spec import Anomaly, ImageRef
from datasets.text import pluralize, sanitize, summarize_names

# No clip has more than nine digits of frames, and Python limits the length of integers that it parses.
_NUMBER = re.compile(r"(\d{1,9})(?:\.0*)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A row of the sheet with its frames on disk, onset to offset, and its class.

    `frames` maps frame numbers to images, in order, and is never empty. `apex_text` is the cell of the sheet.
    If it is not a frame number between onset and offset, the data set's `apex_fallback` decides whether
    `apex` is the middle frame (`has_middle_apex`) or None.
    """

    name: str
    subject: str
    class_name: str
    onset: int
    apex: int | None
    offset: int
    frames: dict[int, ImageRef]
    apex_text: str
    has_middle_apex: bool = False

    @property
    def onset_ref(self) -> ImageRef:
        """The onset frame or, if the release lacks it, the first frame present."""
        return self.frames.get(self.onset) or next(iter(self.frames.values()))


def build_clips(
    rows: Iterable[SheetRow], files_by_clip: FilesByClip, *, facts: SheetFacts, scheme: ClassScheme
) -> tuple[list[Clip], list[Anomaly]]:
    """Build the clips of the scheme's classes in sheet order, and list where sheet and release disagree."""
    clips: list[Clip] = []
    anomalies: list[Anomaly] = []
    keys: set[tuple[str, str]] = set()
    for row in rows:
        if anomaly := _check_key(row, keys):
            anomalies.append(anomaly)
            continue
        keys.add(row.key)
        if row.key in scheme.excluded_clips:
            continue
        if row.emotion in scheme.emotions or row.emotion not in facts.classes:
            clip, clip_anomalies = _build_clip(row, files_by_clip, facts=facts, scheme=scheme)
            clips += [clip] if clip else []
            anomalies += clip_anomalies
    anomalies += [
        _make_missing_row_anomaly(key, files_by_clip) for key in sorted(files_by_clip.keys() - keys)
    ]
    return clips, anomalies


def parse_frame_number(text: str) -> int | None:
    """Parse a frame number as spreadsheets write it (`46`, `46.0`); return None for any other text."""
    match = _NUMBER.fullmatch(text.strip())
    return int(match[1]) if match else None


def parse_interval(row: SheetRow) -> tuple[int, int] | None:
    """Return onset and offset of a row, or None if they are not frame numbers in order."""
    onset, offset = parse_frame_number(row.onset), parse_frame_number(row.offset)
    return None if onset is None or offset is None or onset > offset else (onset, offset)


def find_middle_frame(frames: Iterable[int]) -> int:
    """Return the frame number in the middle of these; of two, the earlier one."""
    numbers = sorted(frames)
    return numbers[(len(numbers) - 1) // 2]


def _check_key(row: SheetRow, keys: set[tuple[str, str]]) -> Anomaly | None:
    """Return the anomaly of a row without a readable key, or with the key of an earlier row; else None."""
    if not row.subject or not row.filename:
        code, description = "unreadable key", "subject or file name cannot be read"
    elif row.key in keys:
        code, description = (
            "duplicate row",
            f"row {row.line_number} names a clip that an earlier row has named",
        )
    else:
        return None
    location = sanitize("/".join(part for part in row.key if part))
    return Anomaly(
        code=code,
        location=f"row {row.line_number}: {location}",
        description=description,
        action="the row was left out",
    )


def _make_missing_row_anomaly(key: tuple[str, str], files_by_clip: FilesByClip) -> Anomaly:
    count = len(files_by_clip[key])
    kind = "video" if files_by_clip[key].video_path else "folder"
    return Anomaly(
        code="no row",
        location=sanitize("/".join(key)),
        description=f"the {kind} has no row in the sheet",
        action=f"its {pluralize(count, 'frame')} {'was' if count == 1 else 'were'} left out",
    )


def _build_clip(
    row: SheetRow, files_by_clip: FilesByClip, *, facts: SheetFacts, scheme: ClassScheme
) -> tuple[Clip | None, list[Anomaly]]:
    """Join one row with its files; return None for the clip if that fails, and the anomalies."""
    name = "/".join(row.key)
    interval, apex, clip_files = parse_interval(row), parse_frame_number(row.apex), files_by_clip.get(row.key)

    def exclude_clip(code: str, description: str) -> tuple[None, list[Anomaly]]:
        anomaly = Anomaly(
            code=code, location=sanitize(name), description=description, action="the clip was left out"
        )
        return None, [anomaly]

    if row.emotion not in facts.classes:
        known_emotions = ", ".join(facts.classes)
        return exclude_clip(
            "unknown emotion", f"the sheet says {sanitize(row.emotion)!r}; known: {known_emotions}"
        )
    if interval is None:
        onset_text, offset_text = sanitize(row.onset), sanitize(row.offset)
        return exclude_clip("unusable frame numbers", f"onset {onset_text!r}, offset {offset_text!r}")
    if clip_files is None:
        return exclude_clip("no folder", "the release has no clip of the row's name")
    if clip_files.fault:
        return exclude_clip("unreadable video", clip_files.fault)
    onset, offset = interval
    frames = clip_files.select_frames(onset, offset)
    if not frames:
        return exclude_clip("no frames", f"none of the frames {onset}-{offset} is there")
    is_inside = apex is not None and onset <= apex <= offset
    use_middle = not is_inside and facts.apex_fallback == "middle"
    clip = Clip(
        name=name,
        subject=row.subject,
        class_name=scheme.emotions[row.emotion],
        onset=onset,
        apex=apex if is_inside else find_middle_frame(frames) if use_middle else None,
        offset=offset,
        frames=frames,
        apex_text=row.apex,
        has_middle_apex=use_middle,
    )
    return clip, _check_missing_frames(clip) if facts.has_consecutive_numbers else []


def _check_missing_frames(clip: Clip) -> list[Anomaly]:
    """Return an anomaly that lists the frames between onset and offset that the release lacks, if any."""
    runs: list[str] = []
    next_frame = clip.onset
    for frame in (*clip.frames, clip.offset + 1):
        if frame > next_frame:
            runs.append(str(next_frame) if frame - 1 == next_frame else f"{next_frame}-{frame - 1}")
        next_frame = frame + 1
    if not runs:
        return []
    missing = clip.offset - clip.onset + 1 - len(clip.frames)
    return [
        Anomaly(
            code="missing frames",
            location=sanitize(clip.name),
            description=f"{missing} of the sheet's frames {clip.onset}-{clip.offset} are not there: "
            f"{summarize_names(runs, max_names=20)}",
            action=f"the {len(clip.frames)} present were kept"
            + ("" if clip.onset in clip.frames else ", the first of them as the onset"),
        )
    ]
