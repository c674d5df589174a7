"""Anomalies as a person reads them, wherever the harness lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets.spec import Anomaly, SampleTable

if TYPE_CHECKING:
    from datasets.pixels.cache import Pixels


def in_words(fault: Anomaly) -> str:
    """One anomaly on one line."""
    return f"anomaly: {fault.code}: {fault.where}: {fault.what}; {fault.action}"


def counted(count: int) -> str:
    """How many anomalies there are."""
    return {0: "no anomalies", 1: "1 anomaly"}.get(count, f"{count} anomalies")


def on_opening(pixels: Pixels, table: SampleTable) -> tuple[Anomaly, ...]:
    """The anomalies that opening a table's images has shown, which reading it had not."""
    known = set(table.anomalies)
    return tuple(fault for fault in pixels.table.anomalies if fault not in known)
