"""Log the outcome of a study to its run: numbers, a description, and the files of its report.

MLflow cannot average child runs, so the run of a study has metrics of its own. Those under `test/`, `leak/`
and `cost/` are of the best arm under the strictest protocol, because the table of runs shows them in the
columns of the cells. Those under `arms/` are of every arm under every protocol.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from statistics import fmean, stdev

from datasets.splits import PROTOCOLS
from harness.run_names import format_study_note
from harness.tracking.tags import BEST_ARM_TAG, NOTE_TAG
from harness.tracking.tracker import Tracker, build_commit_tags
from reports.formatting import NO_VALUE, format_percent, format_percent_or_unknown, mean_std_cell
from reports.intervals import estimate_bounds
from reports.markdown import escape, render_bullets, render_grid
from reports.outcomes import Outcome, StudyEvaluation
from reports.summary import summarize_study
from reports.tables.differences import describe_verdicts
from studies.spec import Metric
from studies.study import is_null_arm

REPORT_FOLDER = "report"
"""Folder of a study's report among the artifacts of its run."""

METRICS: tuple[Metric, ...] = ("uar", "accuracy")
METRICS_PER_CALL = 1000
MAX_NOTE_LENGTH = 5000
"""Maximum number of characters of a description: versions of MLflow accept 5000 or more."""


def log_study_summary(tracker: Tracker, evaluation: StudyEvaluation, report_folder: Path) -> None:
    """Log the outcome of a study and the files in `report_folder` to the run of the study."""
    run_id = tracker.find_study_entry(evaluation.study.name).run_id
    metrics = compute_study_metrics(evaluation)
    names = list(metrics)
    for start in range(0, len(names), METRICS_PER_CALL):
        tracker.log_batch(
            run_id, metrics={name: metrics[name] for name in names[start : start + METRICS_PER_CALL]}
        )
    best = find_best_outcome(evaluation)
    tags = {NOTE_TAG: render_study_note(evaluation)}
    if best and best.first_run:
        tags |= {BEST_ARM_TAG: f"{best.marked_name} under {best.protocol}"}
        tags |= build_commit_tags(best.first_run.environment)
    tracker.log_batch(run_id, tags=tags)
    tracker.client.log_artifacts(run_id, str(report_folder), REPORT_FOLDER)


def find_best_outcome(evaluation: StudyEvaluation) -> Outcome | None:
    """Return the arm with the highest mean of the study's metric under the strictest protocol that finished.

    A null arm is never the best. None if no training has finished.
    """
    finished = [
        outcome for outcome in evaluation.outcomes if outcome.trainings and not is_null_arm(outcome.arm)
    ]
    metric, strictness = evaluation.study.metric, list(PROTOCOLS)
    return max(
        finished,
        key=lambda outcome: (strictness.index(outcome.protocol), fmean(_list_scores(outcome, metric))),
        default=None,
    )


def _list_scores(outcome: Outcome, metric: Metric) -> list[float]:
    """Return the metric of each training, between 0 and 1."""
    return [getattr(training.scores, metric) for training in outcome.trainings]


def compute_study_metrics(evaluation: StudyEvaluation) -> dict[str, float]:
    """Return the metrics of a study's run; scores and shares are between 0 and 1."""
    finished_count, failed_count, pending_count = evaluation.run_counts
    metrics = {
        "cells/finished": float(finished_count),
        "cells/failed": float(failed_count),
        "cells/total": float(finished_count + failed_count + pending_count),
    }
    for outcome in evaluation.outcomes:
        prefix = f"arms/{outcome.protocol}.{_make_metric_name(outcome.arm.name)}."
        metrics |= {prefix + name: value for name, value in _summarize_scores(outcome)}
    if best := find_best_outcome(evaluation):
        metrics |= {f"test/{name}": value for name, value in _summarize_scores(best)}
        metrics |= dict(_describe_best(best))
    return metrics


def _make_metric_name(name: str) -> str:
    """Return `name` with the characters that MLflow rejects in the name of a metric replaced by "_"."""
    return re.sub(r"[^\w. -]", "_", name, flags=re.ASCII)


def _summarize_scores(outcome: Outcome) -> Iterator[tuple[str, float]]:
    """Yield for each metric its mean, deviation and 95 % interval over the trainings, as far as known."""
    if not outcome.trainings:
        return
    for metric in METRICS:
        scores = _list_scores(outcome, metric)
        yield metric, fmean(scores)
        if len(scores) > 1:
            yield f"{metric}_std", stdev(scores)
        if interval := estimate_bounds(outcome, metric):
            yield from zip((f"{metric}_low", f"{metric}_high"), interval, strict=True)


def _describe_best(best: Outcome) -> Iterator[tuple[str, float]]:
    """Yield the share of collapsed trainings, the leakage and the cost of the best arm."""
    yield "test/collapsed", best.collapsed_count / len(best.trainings)
    if best.leakage:
        shares = {"leak/clip": best.leakage.clip, "leak/subject": best.leakage.subject}
        yield from ((name, share) for name, share in shares.items() if share is not None)
    if best.first_run:
        yield "cost/parameters_mib", best.first_run.cost.mib
        yield "cost/multiply_adds", float(best.first_run.cost.multiply_adds)


def render_study_note(evaluation: StudyEvaluation) -> str:
    """Return the description of a study in markdown: progress, scores by arm and verdicts.

    Rows of the table that do not fit into `MAX_NOTE_LENGTH` characters are left out.
    """
    progress, *_ = summarize_study(evaluation)
    verdicts = chain.from_iterable(
        describe_verdicts(evaluation, protocol) for protocol in evaluation.study.protocols
    )
    verdict_list = render_bullets(statement.text for statement in verdicts)
    outcomes = chain.from_iterable(map(evaluation.select_protocol, evaluation.study.protocols))
    rows = [_build_row(outcome) for outcome in outcomes if outcome.trainings]
    note = ""
    for row_count in range(len(rows), -1, -1):
        more = f"{len(rows) - row_count} more rows: report.md" if row_count < len(rows) else ""
        parts = (
            f"**{escape(progress.text)}**",
            _render_scores(rows[:row_count]),
            more,
            verdict_list,
            format_study_note(evaluation.study, evaluation.result.alias),
        )
        note = "\n\n".join(part for part in parts if part)
        if len(note) <= MAX_NOTE_LENGTH:
            break
    return note[:MAX_NOTE_LENGTH]


def _render_scores(rows: Sequence[Sequence[str]]) -> str:
    header = ("Arm", "Protocol", "UAR, %", "95 %", "Accuracy, %", "95 %", "Trainings", "Subject overlap")
    right_aligned = (False, False, *(True for _ in header[2:]))
    return render_grid(header, rows, right_aligned=right_aligned) if rows else ""


def _build_row(outcome: Outcome) -> tuple[str, ...]:
    scores = chain.from_iterable(
        (mean_std_cell(_list_scores(outcome, metric), ()).text, _format_interval(outcome, metric))
        for metric in METRICS
    )
    return (
        outcome.marked_name,
        outcome.protocol,
        *scores,
        f"{len(outcome.trainings)} of {outcome.planned_trainings}",
        format_percent_or_unknown(outcome.leakage.subject) if outcome.leakage else NO_VALUE,
    )


def _format_interval(outcome: Outcome, metric: Metric) -> str:
    interval = estimate_bounds(outcome, metric)
    return " to ".join(map(format_percent, interval)) if interval else NO_VALUE
