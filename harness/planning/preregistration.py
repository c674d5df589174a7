"""Register an analysis plan: log it with a study's run before its first cell."""

from __future__ import annotations

from harness.tracking.analysis_plans import CONFIRMATORY, EXPLORATORY, PLAN_STATE_TAG, PLAN_TAG
from harness.tracking.tracker import Tracker
from studies.analysis_plan import AnalysisPlan
from studies.codec import to_json
from studies.study import Study


def has_cells(tracker: Tracker, study: Study) -> bool:
    """Return True if any cell of a study has started in this study or finished in another."""
    if study.name in tracker.index.list_study_names():
        _, run_id = tracker.reader.find_study(study.name)
        if tracker.reader.list_cell_runs(run_id):
            return True
    return bool(tracker.reader.find_finished_runs([spec.key for spec in study.list_runs()]))


def log_plan(tracker: Tracker, run_id: str, plan: AnalysisPlan, *, confirmatory: bool) -> None:
    """Log a study's analysis plan with its run, unless the run already has a plan."""
    if PLAN_TAG in tracker.store.client.get_run(run_id).data.tags:
        return
    tracker.store.log_texts(run_id, {"plan.json": to_json(plan, indent=1)})
    tracker.store.client.set_tag(run_id, PLAN_STATE_TAG, CONFIRMATORY if confirmatory else EXPLORATORY)
    tracker.store.client.set_tag(run_id, PLAN_TAG, plan.digest)
