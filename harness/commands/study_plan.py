"""Print the plans of studies before they run, and the preview of a dry run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from datasets.text import pluralize
from harness.commands.terminal import print_fields, wrap

if TYPE_CHECKING:
    from harness.planning.execution import ExecutionOptions
    from harness.planning.preview import StudyPreview
    from harness.planning.time_estimate import TimeEstimate
    from harness.tracking.tracker import Tracker

MAX_LINES = 5

NO_RUN_ID = "none"
"""Parent run id that matches no run, so that cells are found by key in any study."""


def print_plans(
    previews: Sequence[StudyPreview], *, execution: ExecutionOptions, console: Console, with_total: bool
) -> None:
    """Print the plan of each study and the remarks on its data, then the total of several studies."""
    from harness.planning.preview import format_total

    printed_lines: set[str] = set()
    for preview in previews:
        label = f"plan of {preview.plan.study.name}" if len(previews) > 1 else "plan"
        for number, line in enumerate(wrap(f"{label}: {_describe_cells(preview, execution)}", console)):
            console.print(Text(line, style="" if number else "bold"), soft_wrap=True)
        print_fields(console, _describe_plan(preview), indent=2)
        _print_data_remarks(preview, console=console, printed_lines=printed_lines)
    if len(previews) > 1 and with_total:
        console.print(format_total(previews), highlight=False, soft_wrap=True)


def _describe_cells(preview: StudyPreview, execution: ExecutionOptions) -> str:
    """Return how many cells run, and where."""
    from harness.device import describe_device
    from harness.planning.execution import describe_execution

    plan = preview.plan
    states = [preview.states.get(spec.key) for spec in plan.study.list_runs()]
    failed_count, repeated_count = states.count("failed"), len(preview.repeated_keys)
    reused_count = states.count("done") - repeated_count
    return (
        f"{pluralize(len(preview.pending_runs), 'cell')} to run"
        + (f", {len(preview.shared_keys)} shared with earlier studies" if preview.shared_keys else "")
        + (f", {repeated_count} of them again for the record of their epochs" if repeated_count else "")
        + (f", {reused_count} reused" if reused_count else "")
        + (f", {failed_count} failed before (--retry-failed runs those)" if failed_count else "")
        + f" on {describe_device(plan.device)}, {describe_execution(plan, execution)}"
    )


def _describe_plan(preview: StudyPreview) -> Iterator[tuple[str, str]]:
    """Yield the label and the text of each line: networks, data, training, time and disk."""
    from studies.presets import get_purpose

    plan, estimate = preview.plan, preview.estimate
    study = plan.study
    splits = f"{pluralize(len(study.split_seeds), 'split')}, " if len(study.split_seeds) > 1 else ""
    yield (
        "arms",
        f"{', '.join(arm.name for arm in study.arms)}; under {' and '.join(study.protocols)}; "
        f"{splits}{pluralize(len(study.seeds), 'seed')}",
    )
    yield (
        "data",
        f"{pluralize(len(plan.pixels.table.samples), 'frame')} of {study.dataset.name} "
        f"(--frames {study.dataset.frame_policy}) at {study.dataset.image_size} px",
    )
    yield (
        "train",
        f"at most {pluralize(study.training.epochs, 'epoch')}; {study.training.precision}; "
        + plan.engine_choice.reason
        + ("; deterministic algorithms" if study.training.deterministic else "")
        + (
            "; one more prediction of the test set an epoch"
            if plan.published_practice and preview.pending_runs
            else ""
        ),
    )
    if preview.pending_runs:
        is_slow = plan.device.type == "cpu" and study.preset == "paper" and estimate and estimate.high > 3600
        yield (
            "time",
            _format_estimate(estimate) + (" (no GPU: use --preset quick on a CPU)" if is_slow else ""),
        )
        yield "disk", preview.disk_need.render_text().removeprefix("disk: ")
    if purpose := get_purpose(study.preset):
        yield "note", purpose


def _format_estimate(estimate: TimeEstimate | None) -> str:
    if estimate is None:
        return "no time estimate, because a network cannot be timed"
    return f"other processes use the cores; {estimate} on an idle machine" if estimate.busy else str(estimate)


def _print_data_remarks(preview: StudyPreview, *, console: Console, printed_lines: set[str]) -> None:
    """Print the groups, warnings and anomalies of the data, without those of `printed_lines`.

    The lines are added to `printed_lines`, because several studies can use the same data.
    """
    from datasets.anomalies import format_anomaly
    from harness.data.description import describe_flow, describe_path_groups

    plan = preview.plan
    for text in (
        *describe_path_groups(plan.data_request, plan.pixels.table),
        *describe_flow(plan.study.dataset),
    ):
        console.print(text, highlight=False, markup=False, soft_wrap=True)
    warnings = [
        f"warning: {split.protocol}, split {split.seed}, fold {split.fold}: {text}"
        for split in plan.splits
        for text in split.warnings
    ]
    anomalies = [f"anomaly: {format_anomaly(anomaly)}" for anomaly in plan.pixels.table.anomalies]
    for kind, all_lines in (("warnings", warnings), ("anomalies", anomalies)):
        lines = [line for line in all_lines if line not in printed_lines]
        printed_lines.update(lines)
        for line in lines[:MAX_LINES]:
            for part in wrap(line, console):
                console.print(part, highlight=False, markup=False, soft_wrap=True)
        if len(lines) > MAX_LINES:
            console.print(f"and {len(lines) - MAX_LINES} more {kind}; the report lists them", highlight=False)


def print_dry_run(
    previews: Sequence[StudyPreview], *, tracker: Tracker, console: Console, as_json: bool
) -> None:
    """Print the cells, statistical power, leakage and disk need of each study to `console`."""
    from harness.planning.preview import format_total

    documents = [_preview_to_dict(preview, tracker=tracker) for preview in previews]
    if as_json:
        print(json.dumps(unwrap_single(documents), indent=1))
        return
    for document, preview in zip(documents, previews, strict=True):
        print(f"study {document['study']}")
        for cell in document["cells"]:
            state = "" if cell["state"] == "waiting" else f"  ({cell['state']})"
            print(f"  {cell['key']}  {cell['cell']}{state}")
        for text in (*document["power"], *document["leakage"], preview.disk_need.render_text()):
            print(*wrap(text, console), sep="\n")
    if len(previews) > 1:
        print(format_total(previews))


def _preview_to_dict(preview: StudyPreview, *, tracker: Tracker) -> dict[str, Any]:
    """Return the JSON document of a dry run: cells, time, statistical power, leakage and disk need."""
    from harness.data.leak_check import describe_split_leakage
    from harness.planning.power_analysis import describe_power
    from harness.run_names import format_run_name
    from reports.noise import measure_noise
    from reports.outcomes import evaluate_study

    plan, states, estimate = preview.plan, preview.states, preview.estimate
    past_outcomes = (
        evaluate_study(tracker.reader.collect_results(plan.study, parent=NO_RUN_ID))
        if "done" in states.values()
        else None
    )

    return {
        "study": plan.study.name,
        "cells": [
            {
                "key": spec.key,
                "cell": format_run_name(spec),
                "state": preview.describe_state(spec.key),
                "done": states.get(spec.key) == "done",
            }
            for spec in plan.study.list_runs()
        ],
        "estimate": estimate
        and {"seconds_low": estimate.low, "seconds_high": estimate.high, "busy": estimate.busy},
        "power": [
            describe_power(plan, protocol, measure_noise(past_outcomes, protocol) if past_outcomes else None)
            for protocol in plan.study.protocols
        ],
        "leakage": [
            describe_split_leakage(plan.pixels.table, plan.splits, protocol)
            for protocol in plan.study.protocols
        ],
        "disk": preview.disk_need.to_dict(),
    }


def unwrap_single(documents: list[dict[str, Any]]) -> dict[str, Any] | list[dict[str, Any]]:
    """Return the only document, or the list if there are several."""
    return documents[0] if len(documents) == 1 else documents
