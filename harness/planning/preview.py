"""Preview planned studies: their finished cells, and the time and disk space that the others need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.planning.disk_space import DiskNeed, estimate_disk_need, sum_disk_needs
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
        shared_keys: The keys of the cells that a study before this one runs.
        disk_need: The disk space that they need.
        estimate: The time that they take; None without an estimate.
    """

    plan: StudyPlan
    states: Mapping[str, str]
    pending_runs: Sequence[RunSpec]
    disk_need: DiskNeed
    estimate: TimeEstimate | None
    shared_keys: frozenset[str] = frozenset()


def preview_study(
    plan: StudyPlan,
    states: Mapping[str, str],
    *,
    tracker: Tracker,
    execution: ExecutionOptions,
    with_estimate: bool,
    earlier_keys: frozenset[str] = frozenset(),
) -> StudyPreview:
    """Preview a plan, given the `states` of its cells; a time estimate takes about a second per network.

    `earlier_keys` are the keys of the cells that the studies before this one run; it reuses those.
    """
    unfinished_runs = [
        spec for spec in plan.study.list_runs() if states.get(spec.key) == execution.pending_state
    ]
    pending_runs = [spec for spec in unfinished_runs if spec.key not in earlier_keys]
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
        shared_keys=earlier_keys & {spec.key for spec in unfinished_runs},
    )


def format_total(previews: Sequence[StudyPreview]) -> str:
    """Return the number of cells, the time and the disk space of studies that run one after the other."""
    pending = [preview for preview in previews if preview.pending_runs]
    cell_count = sum(len(preview.pending_runs) for preview in pending)
    text = f"total: {cell_count} cells to run in {len(previews)} studies"
    if not pending:
        return text
    estimates = [preview.estimate for preview in pending if preview.estimate]
    time_text = (
        str(
            TimeEstimate(
                low=sum(estimate.low for estimate in estimates),
                high=sum(estimate.high for estimate in estimates),
            )
        )
        if len(estimates) == len(pending)
        else "no time estimate, because a network cannot be timed"
    )
    return f"{text}; {time_text}; {sum_disk_needs([preview.disk_need for preview in previews]).render_text()}"
