"""A shared view of MLflow's run table that shows the main columns of a study.

MLflow stores a view as JSON in a tag of the experiment and opens it by its key in the URL. The format is
undocumented; a version of MLflow that does not know it shows the default columns.
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
    """Return the JSON of the view: runs sorted newest first, with `PARAM_COLUMNS` and `METRIC_COLUMNS`."""
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
    """Return the URL path of an experiment's view on an MLflow server."""
    return f"/#/experiments/{experiment_id}/runs?viewStateShareKey={VIEW_KEY}"
