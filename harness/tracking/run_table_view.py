"""The pages on which an MLflow server opens a study: the table of its runs, and charts.

MLflow stores a view as JSON in a tag of the experiment and opens it by its key in the URL. The format is
undocumented; a version of MLflow that does not know a field ignores it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

TABLE_KEY, CHARTS_KEY = "harness", "harness-charts"
"""Keys of the two views: the table of runs, and charts of the newest study by arm and protocol."""

_TAG_PREFIX = "mlflow.sharedViewState."

EXPERIMENT_KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Tag of an experiment that trains models. Without it MLflow takes the experiment for one of GenAI."""

EXPANDED_RUN_TYPE = {"mlflow.runType": "evaluation"}
"""Tag of a run whose parent's row opens expanded. MLflow 3.17 ignores the field `runsExpanded` of a view."""

COLUMNS = (
    "params.`arm`",
    "params.`protocol`",
    "params.`seed`",
    "metrics.`test/accuracy`",
    "metrics.`test/uar`",
    "metrics.`cost/parameters_mib`",
    "metrics.`cost/multiply_adds`",
    "attributes.`Dataset`",
    "metrics.`test/collapsed`",
    "metrics.`leak/clip`",
    "metrics.`leak/subject`",
    "metrics.`best_epoch`",
    "params.`split_seed`",
    "params.`fold`",
)
"""The columns after the run's name, from left to right."""

_NAME_COLUMN, _TIME_COLUMN = "attributes.`Run Name`", "runDateAndNestInfo"
_COLUMN_WIDTHS = {
    _NAME_COLUMN: 270,
    _TIME_COLUMN: 130,
    "params.`arm`": 150,
    "params.`protocol`": 75,
    "params.`seed`": 60,
    "metrics.`cost/parameters_mib`": 140,
    "metrics.`cost/multiply_adds`": 130,
}
"""Widths in pixels; other columns get MLflow's width."""

_CHARTS = {
    "Scores": (
        {"type": "BAR", "metricKey": "test/uar"},
        {"type": "BAR", "metricKey": "test/accuracy"},
        {
            "type": "SCATTER",
            "xaxis": {"key": "cost/multiply_adds", "type": "METRIC"},
            "yaxis": {"key": "test/uar", "type": "METRIC"},
        },
    ),
    "Training": tuple(
        {"type": "LINE", "metricKey": key, "selectedMetricKeys": [key]}
        for key in ("validation/accuracy", "validation/loss", "train/accuracy", "train/loss")
    ),
}
"""The charts by section."""

_FOLDED_SECTIONS = ("arms", "cells", "cost", "gradient", "latency", "leak", "robustness", "test", "")
"""Sections of the other metrics, which MLflow draws itself: the part of a metric's name before its last /."""

_MAX_CHART_RUNS = 100


def build_experiment_tags(study_run_id: str) -> dict[str, str]:
    """Return the tags of an experiment by which MLflow opens it on the study of `study_run_id`."""
    table = _build_settings(runsExpanded={study_run_id: True})
    # Sorted by time, MLflow would add the study's run to its cells.
    charts = _build_settings(
        orderByKey="params.`arm`",
        orderByAsc=True,
        searchFilter=f"tags.`mlflow.parentRunId` = '{study_run_id}'",
        groupBy={
            "aggregateFunction": "average",
            "groupByKeys": [{"mode": "param", "groupByData": name} for name in ("arm", "protocol")],
        },
    )
    views = {TABLE_KEY: table, CHARTS_KEY: charts}
    return EXPERIMENT_KIND | {
        _TAG_PREFIX + key: json.dumps(settings, separators=(",", ":")) for key, settings in views.items()
    }


def is_current_view(experiment_tags: Mapping[str, str]) -> bool:
    """Return True if an experiment has the tags of this version of harness."""
    return build_experiment_tags("").keys() <= experiment_tags.keys()


def _build_settings(**changes: Any) -> dict[str, Any]:
    """Return the settings of a view, newest run first, with `changes`."""
    return {
        "searchFilter": "",
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": COLUMNS,
        "columnOrder": (_NAME_COLUMN, _TIME_COLUMN, *COLUMNS),
        "columnWidths": _COLUMN_WIDTHS,
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsHiddenMode": "SHOW_ALL",
        "compareRunCharts": list(_build_charts()),
        "compareRunSections": [
            {"uuid": name, "name": name, "display": name in _CHARTS, "isReordered": False}
            for name in (*_CHARTS, *_FOLDED_SECTIONS)
        ],
        "isAccordionReordered": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        **changes,
    }


def _build_charts() -> Iterator[dict[str, Any]]:
    """Yield the settings of each chart; a line chart needs its axes."""
    for section, charts in _CHARTS.items():
        for number, chart in enumerate(charts):
            axes = {
                "xAxisKey": "step",
                "yAxisKey": "metric",
                "xAxisScaleType": "linear",
                "scaleType": "linear",
                "range": {},
                "lineSmoothness": 0,
            }
            yield {
                "uuid": f"{section}-{number}",
                "metricSectionId": section,
                "runsCountToCompare": _MAX_CHART_RUNS,
                "deleted": False,
                "isGenerated": False,
                **(axes if chart["type"] == "LINE" else {}),
                **chart,
            }


def make_view_path(experiment_id: str, *, charts: bool = False) -> str:
    """Return the URL path of an experiment's table of runs, or of its charts, on an MLflow server."""
    view = f"{CHARTS_KEY}&compareRunsMode=CHART" if charts else TABLE_KEY
    return f"/#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={view}"
