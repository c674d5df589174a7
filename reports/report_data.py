"""A report as JSON: tables with the run keys of each cell, differences with their intervals, claims."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import Any

from reports.arm_differences import ArmDifference, compute_differences
from reports.blocks import Block, flatten
from reports.claims.table import judge_claims
from reports.outcomes import StudyEvaluation
from reports.table import ReportFigure, Summary, Table

FORMAT = 1
"""Version of the layout of report.json."""


def render_report_data(blocks: Iterable[Block], evaluations: Sequence[StudyEvaluation]) -> str:
    """Render a report as JSON.

    Tables and figures have the numbers that they have in report.md. Differences, interval bounds and standard
    errors are fractions of 1. Numbers that are not finite are null.

    Args:
        blocks: Blocks of the report in order; all but summaries, tables and figures are left out.
        evaluations: The studies of the report.
    """
    blocks = tuple(flatten(blocks))
    tables = [block for block in blocks if isinstance(block, Table)]
    summaries = [block for block in blocks if isinstance(block, Summary)]
    figures = [block for block in blocks if isinstance(block, ReportFigure)]
    data = {
        "format": FORMAT,
        "studies": [evaluation.study.name for evaluation in evaluations],
        "aliases": {
            evaluation.study.name: evaluation.result.alias
            for evaluation in evaluations
            if evaluation.result.alias
        },
        "commands": {evaluation.study.name: evaluation.result.commands for evaluation in evaluations},
        "runs": [run for evaluation in evaluations for run in list_runs(evaluation)],
        "failures": [failure for evaluation in evaluations for failure in _list_failures(evaluation)],
        "summary": [
            {
                "study": summary.study_name,
                "text": statement.text,
                "command": statement.code,
                "run_keys": statement.run_keys,
            }
            for summary in summaries
            for statement in summary.statements
        ],
        "tables": [{"number": n, **_convert_table(table)} for n, table in enumerate(tables, start=1)],
        "figures": [
            {
                "number": n,
                "id": figure.id,
                "title": figure.title,
                "file": figure.file,
                "notes": figure.notes,
                "run_keys": figure.run_keys,
            }
            for n, figure in enumerate(figures, start=1)
        ],
        "differences": [
            difference for evaluation in evaluations for difference in _list_differences(evaluation)
        ],
        "claims": [
            {
                "id": claim,
                "protocol": protocol,
                "verdict": result.verdict,
                "measured": result.measured_text,
                "reason": result.reason,
                "run_keys": result.run_keys,
            }
            for (claim, protocol), result in judge_claims(evaluations).items()
        ],
    }
    return json.dumps(data, allow_nan=False) + "\n"


def list_runs(evaluation: StudyEvaluation) -> Iterator[dict[str, Any]]:
    """Yield each finished run of a study: key, MLflow run, network, protocol, seeds, fold and versions."""
    tracking_ids, study_name = dict(evaluation.result.run_ids), evaluation.study.name
    for result in evaluation.result.results:
        spec = result.spec
        yield {
            "key": spec.key,
            "run_id": tracking_ids.get(spec.key),
            "study": study_name,
            "network": spec.name,
            "protocol": spec.protocol,
            "split_seed": spec.split_seed,
            "seed": spec.seed,
            "fold": spec.fold,
            "folds": spec.folds,
            "end_time": result.end_time or None,
            "commit": result.environment.commit,
            "versions": dict(result.environment.versions),
        }


def _list_failures(evaluation: StudyEvaluation) -> Iterator[dict[str, Any]]:
    for failure in evaluation.result.failures:
        yield {
            "key": failure.spec.key,
            "study": evaluation.study.name,
            "network": failure.spec.name,
            "protocol": failure.spec.protocol,
            "reason": failure.reason,
            "traceback_run_id": failure.traceback_run_id or None,
        }


def _convert_table(table: Table) -> dict[str, Any]:
    return {
        "id": table.id,
        "title": table.title,
        "paper_items": table.paper_items,
        "header": table.header,
        "rows": [
            [
                {"text": cell.text, "value": _drop_non_finite(cell.value), "run_keys": cell.run_keys}
                for cell in row
            ]
            for row in table.rows
        ],
        "notes": table.notes,
        "run_keys": tuple(dict.fromkeys(key for row in table.rows for cell in row for key in cell.run_keys)),
    }


def _list_differences(evaluation: StudyEvaluation) -> Iterator[dict[str, Any]]:
    study = evaluation.study
    for protocol in study.protocols:
        for difference in compute_differences(evaluation, protocol):
            yield {
                "study": study.name,
                "protocol": protocol,
                "metric": study.metric,
                "before": difference.before.arm.name,
                "after": difference.after.arm.name,
                "trainings": difference.training_count,
                "difference": _drop_non_finite(difference.value),
                "verdict": difference.verdict.label,
                **_convert_estimate(difference),
                "run_keys": difference.run_keys,
            }


def _convert_estimate(difference: ArmDifference) -> dict[str, float | None]:
    estimate = difference.estimate
    names = ("low", "high", "p", "standard_error", "df", "subject_se", "training_se", "split_se")
    return {name: _drop_non_finite(getattr(estimate, name)) if estimate else None for name in names}


def _drop_non_finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
