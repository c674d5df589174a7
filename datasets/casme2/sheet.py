"""CASME II's coding sheet: one row of text for every clip, whichever edition and spelling of the columns.

The 2014 workbook has two blank columns between the named ones, its cells mix numbers and text, and copies
have a title above the header, so columns are matched by normalised name and every cell is read as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datasets.casme2.cells import Grid, grids
from datasets.casme2.facts import EDITIONS, OTHERS, TELLING
from datasets.casme2.takes import subject_id
from datasets.text import named

COLUMNS = {
    "Subject": ("subject", "subjectid"),
    "Filename": ("filename", "file", "clip"),
    "OnsetFrame": ("onsetframe", "onset", "onsetf"),
    "ApexFrame": ("apexframe", "apex", "apexf"),
    "OffsetFrame": ("offsetframe", "offset", "offsetf"),
    "Estimated Emotion": ("estimatedemotion", "emotion"),
}
HEADER_WITHIN = 15
"""The header is one of the first rows; copies have titles and empty rows above it."""

_OBJECTIVE = re.compile(r"objectiveclass(es)?")
_SPELLED_OTHERS = (OTHERS, "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: `subject` as `sub01` ("" if unreadable), `emotion` in lower case, the rest as it stands.

    Rows of two copies are equal wherever they stand.
    """

    line: int = field(compare=False)
    subject: str
    filename: str
    onset: str
    apex: str
    offset: str
    emotion: str

    @property
    def key(self) -> tuple[str, str]:
        """What identifies a clip: file names recur across subjects."""
        return self.subject, self.filename


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet's rows in their order, and `objective`, its column of objective classes, "" without one."""

    rows: tuple[Row, ...]
    objective: str = ""


def read(path: Path) -> Sheet:
    """Every row that names a clip, of the first table of the file that has the columns.

    Raises:
        ValueError: the file cannot be read, none of its tables has the columns, or it names no clip.
    """
    tables = grids(path)
    lacking: list[tuple[int, str]] = []
    for grid in tables:
        for index, header in enumerate(grid[:HEADER_WITHIN]):
            columns, objective = _columns(header)
            missing = [name for name in COLUMNS if name not in columns]
            if not missing:
                rows = _rows(grid, below=index, columns=columns)
                if not rows:
                    raise ValueError(f"the sheet {path} must name clips: there is no row below its header")
                return Sheet(rows=rows, objective=objective)
            found = named([name for name in header if name], most=20) or "none"
            lacking.append((len(missing), f"missing: {', '.join(missing)}; found: {found}"))
    nearest = min(lacking, key=lambda fault: fault[0])[1] if lacking else "it is empty"
    raise ValueError(f"the sheet {path} must have the columns {', '.join(COLUMNS)}; {nearest}")


def _columns(header: Sequence[str]) -> tuple[dict[str, int], str]:
    """Where our columns stand in a header, those that do, and the name of its objective classes."""
    spelled: dict[str, int] = {}
    objective = ""
    for place, name in enumerate(header):
        normal = re.sub(r"[^a-z]", "", name.lower())
        spelled.setdefault(normal, place)
        objective = objective or (name if _OBJECTIVE.fullmatch(normal) else "")
    places = {
        name: next((spelled[alias] for alias in aliases if alias in spelled), -1)
        for name, aliases in COLUMNS.items()
    }
    return {name: place for name, place in places.items() if place >= 0}, objective


def _rows(grid: Grid, *, below: int, columns: dict[str, int]) -> tuple[Row, ...]:
    rows: list[Row] = []
    for index, cells in enumerate(grid[below + 1 :], start=below + 2):
        subject, filename, onset, apex, offset, emotion = (
            cells[columns[name]] if columns[name] < len(cells) else "" for name in COLUMNS
        )
        # A workbook keeps formatted but empty rows below its last clip.
        if subject or filename:
            emotion = OTHERS if emotion.lower() in _SPELLED_OTHERS else emotion.lower()
            rows.append(
                Row(
                    line=index,
                    subject=subject_id(subject),
                    filename=filename,
                    onset=onset,
                    apex=apex,
                    offset=offset,
                    emotion=emotion,
                )
            )
    return tuple(rows)


def edition(rows: Iterable[Row]) -> str:
    """The day of the labels' edition, told by the three clips whose emotion was changed in 2019, or ""."""
    emotions: dict[tuple[str, str], str] = {}
    for row in rows:
        emotions.setdefault(row.key, row.emotion)
    for emotion, date in EDITIONS.items():
        if all(emotions.get(key) == emotion for key in TELLING):
            return date
    return ""


def edition_note(date: str) -> str:
    """What a table says of the edition of its labels, `date` being `edition`'s answer."""
    clips = ", ".join("/".join(key) for key in TELLING)
    if date:
        return f"labels: edition of {date}, told by {clips}"
    return f"labels: edition unknown, {clips} do not tell 2014 from 2019"
