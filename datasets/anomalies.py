"""Format and merge anomalies: defects of the data, and how they were handled."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from datasets.spec import Anomaly, SampleTable
from datasets.text import pluralize, summarize_names

MAX_EXAMPLES = 3
"""Locations that a merged anomaly names."""


def format_anomaly(anomaly: Anomaly) -> str:
    """Format an anomaly on one line."""
    return f"{anomaly.code}: {anomaly.location}: {anomaly.description}; {anomaly.action}"


def format_anomaly_count(count: int) -> str:
    """Format a number of anomalies."""
    return pluralize(count, "anomaly") if count else "no anomalies"


def find_new_anomalies(opened_table: SampleTable, table: SampleTable) -> tuple[Anomaly, ...]:
    """Return the anomalies found when the images of `table` were opened, without those that `table` lists."""
    table_anomalies = set(table.anomalies)
    return tuple(anomaly for anomaly in opened_table.anomalies if anomaly not in table_anomalies)


def merge_anomalies(
    anomalies: Iterable[Anomaly], *, max_similar: int, ignore_description: bool = False
) -> tuple[Anomaly, ...]:
    """Group the anomalies by kind, and merge each kind with more than `max_similar` into one with its number.

    Anomalies of one kind have the same code and differ at most in location and in the numbers of their texts.
    With `ignore_description` they may also differ in their descriptions.
    """
    groups: dict[tuple[str, str, str], list[Anomaly]] = {}
    for anomaly in anomalies:
        description = "" if ignore_description else _remove_numbers(anomaly.description)
        key = (anomaly.code, description, _remove_numbers(anomaly.action))
        groups.setdefault(key, []).append(anomaly)
    return tuple(
        anomaly
        for group in groups.values()
        for anomaly in (group if len(group) <= max_similar else [_merge_group(group)])
    )


def _remove_numbers(text: str) -> str:
    return re.sub(r"\d+", "", text)


def _merge_group(group: Sequence[Anomaly]) -> Anomaly:
    first = group[0]
    return replace(
        first,
        location=summarize_names([anomaly.location for anomaly in group], max_names=MAX_EXAMPLES),
        description=f"{len(group)} times, first: {first.description}",
        action=f"each time: {first.action}",
    )
