"""Time to classify one image, with and without face detection, compared with the frame rate of video."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reports.check_runs import find_check_runs
from reports.formatting import text_cell
from reports.outcomes import StudyEvaluation
from reports.plots.score_figures import build_cost_figure
from reports.table import Cell, ReportFigure, Table
from studies.results import RunResult

PERCENTILES = (50, 95, 99)
VIDEO_FPS, CAMERA_FPS = 30, 200
"""Frames per second of ordinary video, and of CASME II's camera."""


def find_latency_runs(evaluation: StudyEvaluation) -> tuple[tuple[str, RunResult], ...]:
    """Return (arm name, finished latency run) of every timed arm, in the study's order."""
    return tuple(
        (arm.name, run)
        for arm in evaluation.study.arms
        for protocol in evaluation.study.protocols
        for runs in find_check_runs(evaluation, "latency", arm, protocol=protocol).values()
        for run in runs
    )


def compute_percentiles(run: RunResult, *phases: str) -> tuple[float, ...]:
    """Return p50, p95 and p99 of the milliseconds per image, summed over `phases`."""
    milliseconds = np.sum([timing.milliseconds for timing in run.timings if timing.phase in phases], axis=0)
    return tuple(float(np.percentile(milliseconds, percentile)) for percentile in PERCENTILES)


def build_latency_table(evaluation: StudyEvaluation) -> Table | None:
    """Return a table of the percentiles of every timed network; None if no network was timed."""
    named_runs = find_latency_runs(evaluation)
    if not named_runs:
        return None
    percentile_header = (
        f"{scope_name} p{percentile}"
        for scope_name in ("Without detection", "With detection")
        for percentile in PERCENTILES
    )
    device_names = ", ".join(dict.fromkeys(run.environment.device for _, run in named_runs))
    count = min(len(timing.milliseconds) for _, run in named_runs for timing in run.timings)
    return Table(
        id=f"latency-{evaluation.study.name}",
        title=f"Milliseconds to classify one image at {evaluation.study.dataset.image_size} px",
        header=("Network", *percentile_header, "Images per second"),
        rows=tuple(_build_row(name, run) for name, run in named_runs),
        notes=(
            "Without detection: resizing and normalizing one face and running the network, one image at a "
            "time. With detection: also detecting the face in a synthetic camera image of 640 by 480 pixels "
            "with Haar cascades. Images per second: at the median, with detection.",
            f"At least {count} images per network, on {device_names}. Ordinary video has {VIDEO_FPS} "
            f"frames per second ({1000 / VIDEO_FPS:.1f} ms each), CASME II's camera {CAMERA_FPS} "
            f"({1000 / CAMERA_FPS:.1f} ms).",
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


def build_latency_figure(evaluation: StudyEvaluation) -> ReportFigure | None:
    """Return UAR against the median time without detection; None if no network was timed."""
    named_runs = find_latency_runs(evaluation)
    return build_cost_figure(
        evaluation,
        {name: compute_percentiles(run, "network")[0] for name, run in named_runs},
        figure_name="latency",
        title="UAR against the median time for one image",
        cost_label="milliseconds for one image, without detection",
        cost_keys=tuple(run.spec.key for _, run in named_runs),
    )
