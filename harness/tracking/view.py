"""The columns of a study that matter, as a shared view of MLflow's run table.

MLflow keeps such a view as JSON in an experiment's tag and opens it by its key in the address. The format is
MLflow's own and undocumented; where a version does not know it, the table opens with its usual columns.
"""

from __future__ import annotations

import json

VIEW_KEY = "harness"
VIEW_TAG = f"mlflow.sharedViewState.{VIEW_KEY}"
PARAM_COLUMNS = ("arm", "protocol", "split_seed", "seed", "fold")
METRIC_COLUMNS = (
    "test/accuracy",
    "test/uar",
    "test/collapsed",
    "leak/clip",
    "leak/subject",
    "cost/parameters_mib",
    "best_epoch",
)


def build_view_json() -> str:
    """The view's JSON: newest first, arm, protocol, division, seed, the final metrics and the leak shares."""
    columns = [f"params.`{name}`" for name in PARAM_COLUMNS] + [
        f"metrics.`{name}`" for name in METRIC_COLUMNS
    ]
    settings = {
        "searchFilter": "",
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": columns,
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "groupBy": "",
    }
    return json.dumps(settings)


def make_view_path(experiment_id: str) -> str:
    """Where the view of an experiment lies on an MLflow server, from its root."""
    return f"/#/experiments/{experiment_id}/runs?viewStateShareKey={VIEW_KEY}"
