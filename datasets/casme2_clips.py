"""CASME II's clips: every row of the sheet joined with its folder, and all in which the two disagree.

No clip is left out without an anomaly that says so: the copies in circulation lack frames, have folders that
no row names, and rows whose frame numbers are no numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from datasets.casme2_files import Folders
from datasets.casme2_sheet import Row
from datasets.spec import Anomaly

CLASSES = ("disgust", "fear", "happiness", "repression", "sadness", "surprise")
SET_ASIDE = ("others", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A row of the sheet with its frames on disk, onset to offset.

    `frames` maps frame numbers to paths; `apex` is None where the sheet's is no frame of the clip.
    """

    name: str
    subject: str
    emotion: str
    onset: int
    apex: int | None
    offset: int
    frames: dict[int, str]
    apex_text: str


def join(rows: Iterable[Row], folders: Folders) -> tuple[list[Clip], list[Anomaly]]:
    """Clips of the six classes in the sheet's order, and everything in which sheet and folders disagree."""
    clips: list[Clip] = []
    anomalies: list[Anomaly] = []
    named: set[tuple[str, str]] = set()
    for row in rows:
        if fault := _misnamed(row, named):
            anomalies.append(fault)
            continue
        named.add(row.key)
        if row.emotion not in SET_ASIDE:
            clip, faults = _clip(row, folders)
            clips += [clip] if clip else []
            anomalies += faults
    anomalies += [
        Anomaly(
            code="no row",
            where="/".join(key),
            what="the folder has no row in the sheet",
            action=f"its {len(folders[key])} frames were left out",
        )
        for key in sorted(folders.keys() - named)
    ]
    return clips, anomalies


def _misnamed(row: Row, named: set[tuple[str, str]]) -> Anomaly | None:
    """The fault of a row that names no clip, or one that an earlier row has named."""
    if not row.subject or not row.filename:
        code, what = "unreadable key", "subject or file name cannot be read"
    elif row.key in named:
        code, what = "duplicate row", f"row {row.line} names a clip that an earlier row has named"
    else:
        return None
    where = "/".join(part for part in row.key if part)
    return Anomaly(code=code, where=f"row {row.line}: {where}", what=what, action="the row was left out")


def _clip(row: Row, folders: Folders) -> tuple[Clip | None, list[Anomaly]]:
    """One row joined with its folder, or None where that cannot be, and what is wrong with it."""
    name = "/".join(row.key)
    onset, offset, apex = number(row.onset), number(row.offset), number(row.apex)

    def left_out(code: str, what: str) -> tuple[None, list[Anomaly]]:
        return None, [Anomaly(code=code, where=name, what=what, action="the clip was left out")]

    if row.emotion not in CLASSES:
        return left_out(
            "unknown emotion",
            f"the sheet says {row.emotion!r}; known: {', '.join((*CLASSES, *SET_ASIDE[:1]))}",
        )
    if onset is None or offset is None or onset > offset:
        return left_out("unusable frame numbers", f"onset {row.onset!r}, offset {row.offset!r}")
    if row.key not in folders:
        return left_out("no folder", "the row has no folder")
    present = {frame: path for frame, path in folders[row.key].items() if onset <= frame <= offset}
    if not present:
        return left_out("no frames", f"the folder holds none of the frames {onset}-{offset}")
    clip = Clip(
        name=name,
        subject=row.subject,
        emotion=row.emotion,
        onset=onset,
        apex=apex if apex is not None and onset <= apex <= offset else None,
        offset=offset,
        frames=present,
        apex_text=row.apex,
    )
    return clip, _gaps(clip)


def number(text: str) -> int | None:
    """A frame number as spreadsheets spell it (`46`, `46.0`), or None."""
    whole = text.removesuffix(".0")
    return int(whole) if whole.isascii() and whole.isdigit() else None


def _gaps(clip: Clip) -> list[Anomaly]:
    """The frames that the sheet names and the folder lacks."""
    missing = [frame for frame in range(clip.onset, clip.offset + 1) if frame not in clip.frames]
    if not missing:
        return []
    starts = [frame for frame in missing if frame - 1 not in missing]
    ends = [frame for frame in missing if frame + 1 not in missing]
    runs = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))
    return [
        Anomaly(
            code="missing frames",
            where=clip.name,
            what=f"{len(missing)} of the sheet's frames {clip.onset}-{clip.offset} are not there: {runs}",
            action=f"the {len(clip.frames)} present were kept",
        )
    ]
