"""What `ablate` and `compare` share: plan, say the plan, run, report."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from harness.errors import FAILED, UserError, user_input

if TYPE_CHECKING:
    from harness.commands.options import Output
    from harness.disk import DiskNeed
    from harness.estimate import Estimate
    from harness.plan import Plan, Request
    from harness.running.executors import Running
    from harness.tracking.ledger import Ledger
    from studies.results import StudyResult
    from studies.spec import RunSpec, Study


SHOWN = 5

NO_RUN = "none"
"""No run's id: cells are looked up by their keys alone, in whatever study they ran."""


def run(
    requests: Sequence[Request], output: Output, *, joined: str = "", save_plan: Path | None = None
) -> None:
    """Plan the studies and say the plans; unless it is a dry run carry them out and report on each.

    With `save_plan` the one study's analysis plan is written there and nothing is run. Where `joined` is a
    name, one more report is of all of them, in a folder that begins so.
    """
    from harness.api import carry_out
    from harness.disk import check_room, disk_need
    from harness.output import check_writable, folder_of
    from harness.plan import prepare
    from harness.running.executors import check
    from harness.tracking.analysis_plans import has_cells
    from harness.tracking.ledger import Ledger
    from reports.document import write

    console = Console(file=sys.stderr)
    with user_input():
        running = output.running()
        check(running)
        idle = output.dry_run or save_plan is not None
        if not idle:
            check_writable(output.out)
        ledger = Ledger(output.tracking_uri)
        ledger.check_address()
        plans = [prepare(request) for request in requests]
        fresh = (idle or output.retry_failed) and not ledger.exists()
        if not fresh:
            ledger.check()
    previews = [_preview(plan, {} if fresh else ledger.standing(plan.study), running) for plan in plans]
    if running.retry_failed and not any(preview.todo for preview in previews):
        named = ", ".join(plan.study.name for plan in plans)
        raise UserError(
            f"--retry-failed runs cells that failed before; of {named} none has: leave it out "
            "(a changed file of your own network makes another study)"
        )
    needs = [disk_need(preview.plan, preview.todo, ledger=ledger, running=running) for preview in previews]
    for preview, need in zip(previews, needs, strict=True):
        _say_plan(preview, need, running=running, console=console)
    if save_plan:
        exists = not fresh and has_cells(ledger, plans[0].study)
        _save_plan(plans[0].study, save_plan, exploratory=exists, as_json=output.json)
        return
    if output.dry_run:
        documents = [
            _document(preview, need, ledger=ledger) for preview, need in zip(previews, needs, strict=True)
        ]
        _say_dry_run(documents, needs, as_json=output.json)
        return
    with user_input():
        check_room(needs)
    done: list[tuple[StudyResult, Path]] = []
    pictures: dict[str, bytes] = {}
    for preview in previews:
        result, drawn = carry_out(
            preview.plan, ledger=ledger, console=console, running=running, estimate=preview.estimate
        )
        done.append((result, write((result,), output.out / result.study.name, pictures=drawn)))
        pictures |= drawn
    results = [result for result, _ in done]
    folder = folder_of([result.study.name for result in results], called=joined)
    whole = write(results, output.out / folder, pictures=pictures) if joined else None
    _say_end(done, whole, ledger=ledger, as_json=output.json)
    if any(result.failures for result in results):
        raise typer.Exit(FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A planned study: the states of its cells by key ("done" or "failed"), those to run, and their time."""

    plan: Plan
    states: Mapping[str, str]
    todo: Sequence[RunSpec]
    estimate: Estimate | None


def _preview(plan: Plan, states: Mapping[str, str], running: Running) -> Preview:
    from harness.estimate import estimate_study
    from harness.running.executors import at_once

    todo = [spec for spec in plan.study.runs() if states.get(spec.key) == running.runs]
    estimate = estimate_study(
        todo,
        plan.splits,
        classes=len(plan.pixels.table.classes),
        device=plan.device,
        slots=at_once(plan, running),
    )
    return Preview(plan=plan, states=states, todo=todo, estimate=estimate)


def _say_plan(preview: Preview, need: DiskNeed, *, running: Running, console: Console) -> None:
    """The plan line: what will run, where, about how long it takes, and what it needs on disk."""
    from harness.data.anomalies import in_words
    from harness.device import in_words as named
    from harness.running.executors import in_words as arranged

    plan, todo, estimate = preview.plan, preview.todo, preview.estimate
    study = plan.study
    states = [preview.states.get(spec.key) for spec in study.runs()]
    done, failed = states.count("done"), states.count("failed")
    words = (
        f"plan: {len(todo)} cells to run"
        + (f", {done} reused" if done else "")
        + (f", {failed} failed before (--retry-failed runs those)" if failed else "")
        + f" on {named(plan.device)}, {arranged(plan, running)}; {study.training.precision}; "
        + plan.choice.why
        + ("; deterministic algorithms" if study.training.deterministic else "")
        + f"; {len(plan.pixels.table.samples)} frames "
        f"(--frames {study.dataset.frames}) at {study.dataset.image_size} px, "
        f"at most {study.training.epochs} epochs"
        + (f"; {_in_words(estimate)}; {need.in_words()}" if todo else "")
    )
    if plan.device.type == "cpu" and study.preset == "paper" and estimate and estimate.high > 3600:
        words += " (there is no GPU: --preset quick is made for that)"
    console.print(words, highlight=False, soft_wrap=True)
    warnings = [
        f"warning: {s.protocol}, division {s.seed}, fold {s.fold}: {text}"
        for s in plan.splits
        for text in s.warnings
    ]
    anomalies = [in_words(fault) for fault in plan.pixels.table.anomalies]
    for what, lines in (("warnings", warnings), ("anomalies", anomalies)):
        for line in lines[:SHOWN]:
            console.print(line, highlight=False, markup=False)
        if len(lines) > SHOWN:
            console.print(f"and {len(lines) - SHOWN} {what} more; the report lists them", highlight=False)


def _in_words(estimate: Estimate | None) -> str:
    if estimate is None:
        return "no estimate of the time, as a network cannot be timed"
    return f"other processes use the cores; {estimate} on an idle machine" if estimate.busy else str(estimate)


def _save_plan(study: Study, path: Path, *, exploratory: bool, as_json: bool) -> None:
    """Write the study's analysis plan, and say how to follow it."""
    from studies.analysis_plan import plan_of
    from studies.codec import to_data, to_json

    plan = plan_of(study)
    with user_input():
        if path.exists():
            raise ValueError(
                f"--save-plan writes a new file and overwrites none; {path} exists: name another"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_json(plan, indent=1) + "\n", encoding="utf-8")
    if as_json:
        print(
            json.dumps({"plan": to_data(plan), "digest": plan.digest, "exploratory": exploratory}, indent=1)
        )
        return
    print(f"plan    {path}   (digest {plan.digest})")
    if exploratory:
        print("warning: cells of this study exist already, so its verdicts stay exploratory")
    print(f"now     the same command with --plan {path} in place of --save-plan")


def _say_dry_run(documents: list[dict[str, Any]], needs: Sequence[DiskNeed], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_one_or_all(documents), indent=1))
        return
    for document, need in zip(documents, needs, strict=True):
        print(f"study {document['study']}")
        for cell in document["cells"]:
            state = "" if cell["state"] == "waiting" else f"  ({cell['state']})"
            print(f"  {cell['key']}  {cell['cell']}{state}")
        print(*document["power"], sep="\n")
        print(*document["leakage"], sep="\n")
        print(need.in_words())


def _document(preview: Preview, need: DiskNeed, *, ledger: Ledger) -> dict[str, Any]:
    """A study before it runs: its cells, time and disk need, what its tests show and share with training."""
    from harness.data.leaks import leakage_in_words
    from harness.labels import run_name
    from harness.planned_power import describe_power
    from reports.noise import measure_noise
    from reports.outcomes import outcomes

    plan, ended, estimate = preview.plan, preview.states, preview.estimate
    finished = outcomes(ledger.collect(plan.study, parent=NO_RUN)) if "done" in ended.values() else None

    return {
        "study": plan.study.name,
        "cells": [
            {
                "key": spec.key,
                "cell": run_name(spec),
                "state": ended.get(spec.key, "waiting"),
                "done": ended.get(spec.key) == "done",
            }
            for spec in plan.study.runs()
        ],
        "estimate": estimate
        and {"seconds_low": estimate.low, "seconds_high": estimate.high, "busy": estimate.busy},
        "power": [
            describe_power(plan, protocol, measure_noise(finished, protocol) if finished else None)
            for protocol in plan.study.protocols
        ],
        "leakage": [leakage_in_words(plan, protocol) for protocol in plan.study.protocols],
        "disk": need.document(),
    }


def _say_end(
    done: Sequence[tuple[StudyResult, Path]], whole: Path | None, *, ledger: Ledger, as_json: bool
) -> None:
    from harness.tracking.store import is_local

    if as_json:
        print(json.dumps(_one_or_all([_carried_out(result, report) for result, report in done]), indent=1))
        return
    for result, report in done:
        print(f"study   {result.study.name}")
        for failure in result.failures:
            print(f"failed  {failure.spec.name} ({failure.spec.protocol}): {failure.reason}")
        print(f"report  {report}")
    if whole:
        print(f"\nall     {whole}")
    if not is_local(ledger.uri):
        print(f"runs    {ledger.shown()}   (MLflow)")
        return
    program = "harness" if shutil.which("harness") else sys.argv[0]
    print(f"runs    {program} ui{ledger.as_option()}   (MLflow, {ledger.shown()})")


def _carried_out(result: StudyResult, report: Path) -> dict[str, Any]:
    """A study that has run: its cells with their numbers, and what failed."""
    from harness.tracking.record import final_metrics
    from studies.codec import to_data

    return {
        "study": result.study.name,
        "report": str(report),
        "cells": [
            {
                "key": r.spec.key,
                "spec": to_data(r.spec),
                "metrics": final_metrics(r),
                "leakage": to_data(r.leakage),
            }
            for r in result.results
        ],
        "failures": [{"key": f.spec.key, "reason": f.reason} for f in result.failures],
    }


def _one_or_all(documents: list[dict[str, Any]]) -> dict[str, Any] | list[dict[str, Any]]:
    """The document of a single study, or the list of several studies'."""
    return documents[0] if len(documents) == 1 else documents
