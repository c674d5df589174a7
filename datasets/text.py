"""Shorten and escape untrusted text, such as file names and cells of sheets, for messages.

A folder name or a cell can hold line breaks, bytes that cannot be encoded, or very long text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from datasets.oneline import one_line
from datasets.spec import Anomaly

MAX_TEXT_LENGTH = 80
"""Characters of an untrusted text that a message shows."""

MAX_NAMES = 5
"""Names of a list that a message shows."""

MAX_LISTED_ANOMALIES = 300
"""Anomalies of one kind that are listed one by one: more than a complete release has clips."""


def sanitize(text: str, *, max_length: int = MAX_TEXT_LENGTH) -> str:
    """Return a text on one line, with unprintable characters escaped, cut to `max_length` characters."""
    return one_line(text if len(text) <= max_length else text[: max_length - 1] + "…")


def summarize_names(names: Sequence[str], *, max_names: int = MAX_NAMES) -> str:
    """Return the first names of a list, and how many more there are."""
    text = ", ".join(sanitize(name) for name in names[:max_names])
    return f"{text} and {len(names) - max_names} more" if len(names) > max_names else text


def group_anomalies(anomalies: Sequence[Anomaly]) -> tuple[Anomaly, ...]:
    """Group the anomalies by kind; merge a kind with more than `MAX_LISTED_ANOMALIES` into one with a count.

    A kind is a pair of code and action. Every anomaly is listed or counted.
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
