"""How long one picture takes to answer, with and without finding the face: is that real time?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reports.checked import runs_of
from reports.numbers import label
from reports.outcomes import Outcomes
from reports.table import Cell, Table
from studies.results import RunResult

PERCENTILES = (50, 95, 99)
VIDEO, CAMERA = 30, 200
"""Pictures a second of ordinary video, and of CASME II's camera."""


def latencies(study: Outcomes) -> tuple[tuple[str, RunResult], ...]:
    """Name and finished latency check of every arm, in the study's order."""
    return tuple(
        (arm.name, run)
        for arm in study.study.arms
        for protocol in study.study.protocols
        for runs in runs_of(study, "latency", arm, protocol=protocol).values()
        for run in runs
    )


def percentiles(run: RunResult, *parts: str) -> tuple[float, ...]:
    """p50, p95 and p99 of the milliseconds that these parts take together."""
    told = np.sum([t.milliseconds for t in run.timings if t.part in parts], axis=0)
    return tuple(float(np.percentile(told, p)) for p in PERCENTILES)


def latency_table(study: Outcomes) -> Table | None:
    """Percentiles of every network that was timed; None if none was."""
    found = latencies(study)
    if not found:
        return None
    heads = (f"{what} p{p}" for what in ("Alone", "With face") for p in PERCENTILES)
    devices = dict.fromkeys(run.environment.device for _, run in found)
    count = min(len(timing.milliseconds) for _, run in found for timing in run.timings)
    return Table(
        id=f"latency-{study.study.name}",
        title=f"Milliseconds to answer one picture at {study.study.dataset.image_size} px",
        header=("Network", *heads, "Pictures a second"),
        rows=tuple(_row(name, run) for name, run in found),
        notes=(
            "Alone: scaling one face, its normalisation and the network, one picture at a time. With face: "
            "finding the face in a drawn camera picture of 640 by 480 by Haar cascades too. Pictures a "
            "second: at the median, with the face.",
            f"At least {count} pictures each, in {', '.join(devices)}. Ordinary video has {VIDEO} pictures a "
            f"second, {1000 / VIDEO:.1f} ms each; CASME II's camera {CAMERA}, {1000 / CAMERA:.1f} ms.",
        ),
    )


def _row(name: str, run: RunResult) -> tuple[Cell, ...]:
    keys = (run.spec.key,)

    def cells(values: Sequence[float]) -> list[Cell]:
        return [Cell(text=f"{value:.1f}", value=value, run_keys=keys) for value in values]

    whole = percentiles(run, "face", "network")
    rate = 1000 / whole[0]
    return (
        label(name),
        *cells(percentiles(run, "network")),
        *cells(whole),
        Cell(text=f"{rate:.1f}", value=rate, run_keys=keys),
    )
