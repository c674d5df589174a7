"""Format the anomalies of a data set for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.spec import Anomaly, SampleTable

if TYPE_CHECKING:
    from datasets.preprocessing.image_array import ImageArray


def format_anomaly(anomaly: Anomaly) -> str:
    """Format an anomaly on one line."""
    return f"anomaly: {anomaly.code}: {anomaly.location}: {anomaly.description}; {anomaly.action}"


def format_anomaly_count(count: int) -> str:
    """Format a number of anomalies."""
    return {0: "no anomalies", 1: "1 anomaly"}.get(count, f"{count} anomalies")


def find_new_anomalies(pixels: ImageArray, table: SampleTable) -> tuple[Anomaly, ...]:
    """Return the anomalies found when the images were opened, without those found when `table` was read."""
    table_anomalies = set(table.anomalies)
    return tuple(anomaly for anomaly in pixels.table.anomalies if anomaly not in table_anomalies)
