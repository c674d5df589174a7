"""Editions of CASME II's labels, which the emotion of three clips relabeled in 2019 identifies."""

from __future__ import annotations

from collections.abc import Iterable

from datasets.casme2.constants import EDITION_BY_EMOTION, RELABELED_CLIPS
from datasets.sheets.coding_sheet import SheetRow


def detect_edition(rows: Iterable[SheetRow]) -> str:
    """Return the date of the labels' edition, from the three clips relabeled in 2019; "" if it is unclear."""
    emotions: dict[tuple[str, str], str] = {}
    for row in rows:
        emotions.setdefault(row.key, row.emotion)
    for emotion, date in EDITION_BY_EMOTION.items():
        if all(emotions.get(key) == emotion for key in RELABELED_CLIPS):
            return date
    return ""


def describe_edition(date: str) -> str:
    """Return the note of a table on the edition of its labels; `date` is the result of `detect_edition`."""
    clips = ", ".join("/".join(key) for key in RELABELED_CLIPS)
    if date:
        return f"labels: edition of {date}, identified by {clips}"
    return f"labels: edition unknown; {clips} match neither 2014 nor 2019"
