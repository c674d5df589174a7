"""Text of others in our messages: names of files and cells of sheets, made safe to print and to read.

A folder or a cell can hold line breaks, bytes that are no text, or a novel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from datasets.oneline import one_line
from datasets.spec import Anomaly

LONGEST = 80
"""How many characters of a foreign text a message shows."""

NAMED = 5
"""How many of many names a message shows."""

EACH = 300
"""How many anomalies of one kind are listed each on its own: more than a complete release has clips."""


def shown(text: str, *, longest: int = LONGEST) -> str:
    """A text on one line, unprintable characters escaped, cut where it is longer than `longest`."""
    return one_line(text if len(text) <= longest else text[: longest - 1] + "…")


def named(names: Sequence[str], *, most: int = NAMED) -> str:
    """The first names of a list, and how many follow."""
    text = ", ".join(shown(name) for name in names[:most])
    return f"{text} and {len(names) - most} more" if len(names) > most else text


def gathered(anomalies: Sequence[Anomaly]) -> tuple[Anomaly, ...]:
    """The anomalies kind by kind; of a kind that has more than `EACH`, one that tells how many there are.

    A kind is a code and what was done. None is left out without being counted.
    """
    kinds: dict[tuple[str, str], list[Anomaly]] = {}
    for anomaly in anomalies:
        kinds.setdefault((anomaly.code, anomaly.action), []).append(anomaly)
    return tuple(
        anomaly for group in kinds.values() for anomaly in (group if len(group) <= EACH else [_one(group)])
    )


def _one(group: list[Anomaly]) -> Anomaly:
    what = f"{len(group)} cases; the first: {group[0].what}"
    return replace(group[0], where=named([one.where for one in group]), what=what)
