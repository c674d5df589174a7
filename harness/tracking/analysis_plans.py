"""Whether a study follows an analysis plan that was logged with its run before its first cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studies.analysis_plan import build_analysis_plan
from studies.study import Study

if TYPE_CHECKING:
    from harness.tracking.mlflow_store import Run

PLAN_TAG, PLAN_STATE_TAG = "harness.plan", "harness.plan.state"
CONFIRMATORY, EXPLORATORY = "confirmatory", "exploratory"


def is_confirmatory(run: Run, study: Study) -> bool:
    """Return True if the study's plan was logged with its run before any of its cells ran."""
    tags = run.data.tags
    return (
        tags.get(PLAN_TAG) == build_analysis_plan(study).digest and tags.get(PLAN_STATE_TAG) == CONFIRMATORY
    )
