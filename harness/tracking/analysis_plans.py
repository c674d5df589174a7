"""Analysis plans on the tracking server: logged with a study's run before its first cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studies.analysis_plan import AnalysisPlan, plan_of
from studies.codec import to_json
from studies.spec import Study

if TYPE_CHECKING:
    from harness.tracking.ledger import Ledger
    from harness.tracking.store import Run

PLAN, STATE = "harness.plan", "harness.plan.state"
CONFIRMATORY, EXPLORATORY = "confirmatory", "exploratory"


def has_cells(ledger: Ledger, study: Study) -> bool:
    """Whether any cell of a study has been begun: in this study, or finished in any other."""
    if study.name in ledger.study_names():
        _, run_id = ledger.study(study.name)
        if ledger.children(run_id):
            return True
    return any(ledger.find(spec.key) is not None for spec in study.runs())


def log_plan(ledger: Ledger, run_id: str, plan: AnalysisPlan, *, confirmatory: bool) -> None:
    """Log a study's analysis plan with its run; the first plan stands."""
    if PLAN in ledger.client.get_run(run_id).data.tags:
        return
    ledger.log_texts(run_id, {"plan.json": to_json(plan, indent=1)})
    ledger.client.set_tag(run_id, STATE, CONFIRMATORY if confirmatory else EXPLORATORY)
    ledger.client.set_tag(run_id, PLAN, plan.digest)


def is_confirmatory(run: Run, study: Study) -> bool:
    """Whether the plan that a study follows was logged with its run before any of its cells ran."""
    tags = run.data.tags
    return tags.get(PLAN) == plan_of(study).digest and tags.get(STATE) == CONFIRMATORY
