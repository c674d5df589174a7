"""Preview a planned study: its finished cells, and the time and disk space that the others need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.planning.disk_space import DiskNeed, estimate_disk_need
from harness.planning.execution import ExecutionOptions, choose_slots
from harness.planning.plan import StudyPlan
from harness.planning.time_estimate import TimeEstimate, estimate_study
from harness.tracking.tracker import Tracker
from studies.spec import RunSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPreview:
    """A planned study before it runs.

    Attributes:
        plan: The planned study.
        states: "done" or "failed" for each cell that has ended, by key.
        pending_runs: The cells to run.
        disk_need: The disk space that they need.
        estimate: The time that they take; None without an estimate.
    """

    plan: StudyPlan
    states: Mapping[str, str]
    pending_runs: Sequence[RunSpec]
    disk_need: DiskNeed
    estimate: TimeEstimate | None


def preview_study(
    plan: StudyPlan,
    states: Mapping[str, str],
    *,
    tracker: Tracker,
    execution: ExecutionOptions,
    with_estimate: bool,
) -> StudyPreview:
    """Preview a plan, given the `states` of its cells; a time estimate takes about a second per network."""
    pending_runs = [
        spec for spec in plan.study.list_runs() if states.get(spec.key) == execution.pending_state
    ]
    estimate = None
    if with_estimate:
        estimate = estimate_study(
            pending_runs,
            plan.splits,
            num_classes=len(plan.pixels.table.classes),
            device=plan.device,
            slots=choose_slots(plan, execution),
        )
    return StudyPreview(
        plan=plan,
        states=states,
        pending_runs=pending_runs,
        disk_need=estimate_disk_need(plan, pending_runs, tracker=tracker, execution=execution),
        estimate=estimate,
    )
