"""Preview planned studies: their finished cells, and the time and disk space that the others need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.output_folders import check_writable
from harness.planning.execution import ExecutionOptions, check_cluster_address, choose_slots
from harness.planning.plan import StudyPlan, plan_study
from harness.planning.request import Request
from studies.spec import RunSpec

if TYPE_CHECKING:  # mistakes in a request are reported before torch is loaded
    from harness.planning.disk_space import DiskNeed
    from harness.planning.time_estimate import TimeEstimate
    from harness.tracking.tracker import Tracker


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPreview:
    """A planned study before it runs.

    Attributes:
        plan: The planned study.
        states: "done" or "failed" for each cell that has ended, by key.
        pending_runs: The cells to run.
        shared_keys: The keys of the cells that a study before this one runs.
        repeated_keys: The keys of the finished cells among `pending_runs`, which are trained again for the
            record of their epochs.
        disk_need: The disk space that they need.
        estimate: The time that they take; None without an estimate.
    """

    plan: StudyPlan
    states: Mapping[str, str]
    pending_runs: Sequence[RunSpec]
    disk_need: DiskNeed
    estimate: TimeEstimate | None
    shared_keys: frozenset[str] = frozenset()
    repeated_keys: frozenset[str] = frozenset()

    def describe_state(self, key: str) -> str:
        """Return the state of a cell for the list of a dry run."""
        if key in self.shared_keys:
            return "shared"
        if key in self.repeated_keys:
            return "done, again for the record of its epochs"
        return self.states.get(key, "waiting")


def plan_studies(
    requests: Sequence[Request],
    *,
    tracker: Tracker,
    execution: ExecutionOptions,
    out: Path | None,
    with_estimates: bool = True,
) -> list[StudyPreview]:
    """Plan studies and find their finished cells; run nothing. A cell counts in the first study that has it.

    `out` is the folder of the reports; None means that the studies are not to be run, so that nothing is
    created. With `with_estimates` each network is timed, which takes about a second.

    Raises:
        ValueError: A request or an option is invalid, or no cell has failed before and only such cells were
            requested.
    """
    plans = make_plans(requests, tracker=tracker, execution=execution, out=out)
    return preview_plans(plans, tracker=tracker, execution=execution, out=out, with_estimates=with_estimates)


def make_plans(
    requests: Sequence[Request], *, tracker: Tracker, execution: ExecutionOptions, out: Path | None
) -> list[StudyPlan]:
    """Check the options and plan the studies, as `plan_studies` does, without their finished cells.

    Raises:
        ValueError: A request or an option is invalid.
    """
    check_cluster_address(execution)
    if out:
        check_writable(out)
    tracker.store.check_address()
    if out:
        from harness.tracking.uri import check_store_writable

        check_store_writable(tracker.store.uri)
    return [plan_study(request) for request in requests]


def preview_plans(
    plans: Sequence[StudyPlan],
    *,
    tracker: Tracker,
    execution: ExecutionOptions,
    out: Path | None,
    with_estimates: bool = True,
) -> list[StudyPreview]:
    """Find the finished cells of planned studies, and what the others need, as `plan_studies` does.

    Raises:
        HarnessError: The store does not answer, or no cell has failed before and only such cells were
            requested.
    """
    is_new_store = (out is None or execution.retry_failed) and not tracker.store.exists()
    if not is_new_store:
        tracker.store.check_connection()
    previews: list[StudyPreview] = []
    for plan in plans:
        preview = preview_study(
            plan,
            {} if is_new_store else tracker.reader.cell_states(plan.study),
            tracker=tracker,
            execution=execution,
            with_estimate=with_estimates,
            earlier_keys=frozenset(spec.key for earlier in previews for spec in earlier.pending_runs),
        )
        previews.append(preview)
    if execution.retry_failed and not any(preview.pending_runs for preview in previews):
        names = ", ".join(plan.study.name for plan in plans)
        raise HarnessError(
            "retry-failed.no-failure",
            f"--retry-failed runs only cells that failed before; {names} has none: leave the option out "
            "(if you changed the file of your own network, it is a new study)",
        )
    return previews


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

    `earlier_keys` are the keys of the cells that earlier studies will run. This study reuses their results.
    """
    from harness.planning.disk_space import estimate_disk_need
    from harness.planning.time_estimate import estimate_study

    repeated_keys = _find_repeated_keys(plan, states, tracker=tracker, execution=execution)
    unfinished_runs = [
        spec
        for spec in plan.study.list_runs()
        if states.get(spec.key) == execution.pending_state or spec.key in repeated_keys
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
            epoch_record=plan.published_practice,
        )
    return StudyPreview(
        plan=plan,
        states=states,
        pending_runs=pending_runs,
        disk_need=estimate_disk_need(plan, pending_runs, tracker=tracker, execution=execution),
        estimate=estimate,
        shared_keys=earlier_keys & {spec.key for spec in unfinished_runs},
        repeated_keys=repeated_keys,
    )


def _find_repeated_keys(
    plan: StudyPlan, states: Mapping[str, str], *, tracker: Tracker, execution: ExecutionOptions
) -> frozenset[str]:
    """Return the keys of the finished cells that are trained again for the record of their epochs."""
    if not plan.published_practice or execution.retry_failed:
        return frozenset()
    from harness.tracking.epoch_records import has_epoch_record
    from studies.published_practice import can_record

    keys = [s.key for s in plan.study.list_runs() if states.get(s.key) == "done" and can_record(s)]
    finished_runs = tracker.reader.find_finished_runs(keys)
    return frozenset(key for key, run in finished_runs.items() if not has_epoch_record(run))


def format_total(previews: Sequence[StudyPreview]) -> str:
    """Return the number of cells, the time and the disk space of studies that run one after the other."""
    from harness.planning.disk_space import sum_disk_needs
    from harness.planning.time_estimate import TimeEstimate

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
