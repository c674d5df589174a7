"""Anomalies as a person reads them, wherever the harness lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.spec import Anomaly, SampleTable

if TYPE_CHECKING:
    from datasets.pixels.cache import ImageArray


def format_anomaly(anomaly: Anomaly) -> str:
    """One anomaly on one line."""
    return f"anomaly: {anomaly.code}: {anomaly.location}: {anomaly.description}; {anomaly.action}"


def format_anomaly_count(count: int) -> str:
    """How many anomalies there are."""
    return {0: "no anomalies", 1: "1 anomaly"}.get(count, f"{count} anomalies")


def find_new_anomalies(pixels: ImageArray, table: SampleTable) -> tuple[Anomaly, ...]:
    """The anomalies that opening a table's images has shown, which reading it had not."""
    table_anomalies = set(table.anomalies)
    return tuple(anomaly for anomaly in pixels.table.anomalies if anomaly not in table_anomalies)
