"""CASME II's coding sheet: one row of text for every clip, whichever edition and spelling of the columns.

The 2014 workbook has two blank columns between the named ones, and its cells mix numbers and text, so columns
are matched by normalised name and every cell is read as text.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from datasets.casme2_files import OBTAIN, subject_id

COLUMNS = {
    "Subject": ("subject",),
    "Filename": ("filename",),
    "OnsetFrame": ("onsetframe", "onset"),
    "ApexFrame": ("apexframe", "apex"),
    "OffsetFrame": ("offsetframe", "offset"),
    "Estimated Emotion": ("estimatedemotion", "emotion"),
}
EDITIONS = {"sadness": "2014-05-08", "surprise": "2019-07-01"}
TELLING = (("sub24", "EP07_01"), ("sub24", "EP07_04f"), ("sub24", "EP10_03"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: `subject` as `sub01` ("" if unreadable), `emotion` in lower case, the rest as it stands."""

    line: int
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


def choose(workbooks: Sequence[Path], *, root: Path) -> tuple[Path, str]:
    """The workbook to read, and a note on why it was this one; copies of one file count once.

    Raises:
        ValueError: there is no workbook, or several different ones of equal standing.
    """
    if not workbooks:
        raise ValueError(f"the coding sheet is missing: no .xlsx workbook at or below {root}. {OBTAIN}")
    best = min(_standing(path) for path in workbooks)
    rivals = [path for path in workbooks if _standing(path) == best]
    if len({hashlib.sha256(path.read_bytes()).digest() for path in rivals}) > 1:
        names = ", ".join(str(path.relative_to(root)) for path in rivals)
        raise ValueError(f"one coding sheet is accepted; {root} holds different ones: {names}. Keep one.")
    used = rivals[0]
    others = ", ".join(str(path.relative_to(root)) for path in workbooks if path != used)
    return used, f"sheet: {used.relative_to(root)}" + (f" (not used: {others})" if others else "")


def _standing(path: Path) -> int:
    """Lower is better: the edition of 2014, which the paper used, then any coding sheet, then the rest."""
    name = path.name.lower()
    return 0 if "coding-2014" in name else 1 if "coding" in name else 2


def read(path: Path) -> tuple[Row, ...]:
    """Every row of the workbook's first sheet that names a clip, in the sheet's order.

    Raises:
        ValueError: the file is no workbook, or a column is missing.
    """
    try:
        cells = pd.read_excel(path, dtype=str, keep_default_na=False, engine="openpyxl")
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"the sheet must be an .xlsx workbook: cannot read {path} ({error})") from error
    columns = _columns([str(name) for name in cells.columns], path=path)
    texts = {name: [str(cell).strip() for cell in cells[column]] for name, column in columns.items()}
    rows = (
        Row(
            line=index + 2,
            subject=subject_id(subject),
            filename=filename,
            onset=onset,
            apex=apex,
            offset=offset,
            emotion=emotion.lower(),
        )
        for index, (subject, filename, onset, apex, offset, emotion) in enumerate(
            zip(*(texts[name] for name in COLUMNS), strict=True)
        )
        # A workbook keeps formatted but empty rows below its last clip.
        if subject or filename
    )
    return tuple(rows)


def _columns(found: Sequence[str], *, path: Path) -> dict[str, str]:
    """Our column names → the sheet's; raises ValueError naming those that are missing."""
    spelled = {re.sub(r"[^a-z]", "", name.lower()): name for name in reversed(found)}
    columns = {
        name: next((spelled[alias] for alias in aliases if alias in spelled), "")
        for name, aliases in COLUMNS.items()
    }
    missing = [name for name, column in columns.items() if not column]
    if missing:
        named = ", ".join(name for name in found if not name.startswith("Unnamed"))
        raise ValueError(
            f"the sheet {path} must have the columns {', '.join(COLUMNS)}; "
            f"missing: {', '.join(missing)}; found: {named or 'none'}"
        )
    return columns


def edition(rows: Iterable[Row]) -> str:
    """A note on the edition of the labels, told by the three clips whose emotion was changed in 2019."""
    emotions = {row.key: row.emotion for row in rows}
    clips = ", ".join("/".join(key) for key in TELLING)
    for emotion, date in EDITIONS.items():
        if all(emotions.get(key) == emotion for key in TELLING):
            return f"labels: edition of {date}, told by {clips}"
    return f"labels: edition unknown, {clips} do not tell 2014 from 2019"
