"""Text of others in our messages: names of files and cells of sheets, made safe to print and to read.

A folder or a cell can hold line breaks, bytes that are no text, or a novel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from datasets.oneline import one_line
from datasets.spec import Anomaly

MAX_TEXT_LENGTH = 80
"""How many characters of a foreign text a message shows."""

MAX_NAMES = 5
"""How many of many names a message shows."""

MAX_LISTED_ANOMALIES = 300
"""How many anomalies of one kind are listed each on its own: more than a complete release has clips."""


def sanitize(text: str, *, max_length: int = MAX_TEXT_LENGTH) -> str:
    """A text on one line, unprintable characters escaped, cut where it is longer than `longest`."""
    return one_line(text if len(text) <= max_length else text[: max_length - 1] + "…")


def summarize_names(names: Sequence[str], *, max_names: int = MAX_NAMES) -> str:
    """The first names of a list, and how many follow."""
    text = ", ".join(sanitize(name) for name in names[:max_names])
    return f"{text} and {len(names) - max_names} more" if len(names) > max_names else text


def group_anomalies(anomalies: Sequence[Anomaly]) -> tuple[Anomaly, ...]:
    """The anomalies kind by kind; of a kind that has more than `EACH`, one that tells how many there are.

    A kind is a code and what was done. None is left out without being counted.
    """
    groups: dict[tuple[str, str], list[Anomaly]] = {}
    for anomaly in anomalies:
        groups.setdefault((anomaly.code, anomaly.action), []).append(anomaly)
    return tuple(
        anomaly
        for group in groups.values()
        for anomaly in (group if len(group) <= MAX_LISTED_ANOMALIES else [_merge_group(group)])
    )


def _merge_group(group: list[Anomaly]) -> Anomaly:
    description = f"{len(group)} cases; the first: {group[0].description}"
    return replace(
        group[0], location=summarize_names([anomaly.location for anomaly in group]), description=description
    )
