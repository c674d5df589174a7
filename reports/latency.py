"""How long one picture takes to answer, with and without finding the face: is that real time?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reports.checked import find_check_runs
from reports.numbers import text_cell
from reports.outcomes import StudyEvaluation
from reports.table import Cell, Table
from studies.results import RunResult

PERCENTILES = (50, 95, 99)
VIDEO_FPS, CAMERA_FPS = 30, 200
"""Pictures a second of ordinary video, and of CASME II's camera."""


def find_latency_runs(evaluation: StudyEvaluation) -> tuple[tuple[str, RunResult], ...]:
    """Name and finished latency check of every arm, in the study's order."""
    return tuple(
        (arm.name, run)
        for arm in evaluation.study.arms
        for protocol in evaluation.study.protocols
        for runs in find_check_runs(evaluation, "latency", arm, protocol=protocol).values()
        for run in runs
    )


def compute_percentiles(run: RunResult, *parts: str) -> tuple[float, ...]:
    """p50, p95 and p99 of the milliseconds that these parts take together."""
    milliseconds = np.sum([timing.milliseconds for timing in run.timings if timing.phase in parts], axis=0)
    return tuple(float(np.percentile(milliseconds, percentile)) for percentile in PERCENTILES)


def build_latency_table(evaluation: StudyEvaluation) -> Table | None:
    """Percentiles of every network that was timed; None if none was."""
    named_runs = find_latency_runs(evaluation)
    if not named_runs:
        return None
    percentile_header = (
        f"{scope_name} p{percentile}" for scope_name in ("Alone", "With face") for percentile in PERCENTILES
    )
    devices = dict.fromkeys(run.environment.device for _, run in named_runs)
    count = min(len(timing.milliseconds) for _, run in named_runs for timing in run.timings)
    return Table(
        id=f"latency-{evaluation.study.name}",
        title=f"Milliseconds to answer one picture at {evaluation.study.dataset.image_size} px",
        header=("Network", *percentile_header, "Pictures a second"),
        rows=tuple(_build_row(name, run) for name, run in named_runs),
        notes=(
            "Alone: scaling one face, its normalisation and the network, one picture at a time. With face: "
            "finding the face in a drawn camera picture of 640 by 480 by Haar cascades too. Pictures a "
            "second: at the median, with the face.",
            f"At least {count} pictures each, in {', '.join(devices)}. Ordinary video has {VIDEO_FPS} pictures a "
            f"second, {1000 / VIDEO_FPS:.1f} ms each; CASME II's camera {CAMERA_FPS}, {1000 / CAMERA_FPS:.1f} ms.",
        ),
    )


def _build_row(name: str, run: RunResult) -> tuple[Cell, ...]:
    run_keys = (run.spec.key,)

    def build_cells(values: Sequence[float]) -> list[Cell]:
        return [Cell(text=f"{value:.1f}", value=value, run_keys=run_keys) for value in values]

    total_ms = compute_percentiles(run, "face", "network")
    rate = 1000 / total_ms[0]
    return (
        text_cell(name),
        *build_cells(compute_percentiles(run, "network")),
        *build_cells(total_ms),
        Cell(text=f"{rate:.1f}", value=rate, run_keys=run_keys),
    )
