"""What `ablate` and `compare` share: plan, say the plan, run, report."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from harness.errors import FAILED, user_input

if TYPE_CHECKING:
    import torch

    from harness.plan import Plan, Request
    from harness.tracking import Ledger
    from studies.results import StudyResult
    from studies.spec import RunSpec


SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a study runs and where it goes."""

    device: str
    tracking_uri: str | None
    out: Path
    dry_run: bool
    json: bool


def run(request: Request, output: Output) -> None:
    """Plan the study, print the plan, and unless it is a dry run carry it out and write its report."""
    from harness.api import carry_out
    from harness.output import check_writable
    from harness.plan import prepare

    console = Console(file=sys.stderr)
    with user_input():
        plan = prepare(request)
        from harness.device import resolve

        device = resolve(output.device)
        _check_pretrained(plan)
        if not output.dry_run:
            check_writable(output.out)
        from harness.tracking import Ledger

        ledger = Ledger(output.tracking_uri)
        fresh = output.dry_run and not ledger.exists()
        if not fresh:
            ledger.check()
    todo = [spec for spec in plan.study.runs() if fresh or ledger.find(spec.key) is None]
    say_plan(plan, todo, device=device, console=console)
    if output.dry_run:
        _say_dry_run(plan, todo, as_json=output.json)
        return
    result, report = carry_out(plan, ledger=ledger, device=device, out=output.out, console=console)
    _say_end(result, report, ledger=ledger, as_json=output.json)
    if result.failures:
        raise typer.Exit(FAILED)


def say_plan(plan: Plan, todo: list[RunSpec], *, device: torch.device, console: Console) -> None:
    """The plan line: what will run, where, and about how long it takes."""
    from harness.anomalies import in_words
    from harness.device import in_words as named
    from harness.estimate import upper_bound
    from harness.progress import clock

    study = plan.study
    done = len(study.runs()) - len(todo)
    seconds = upper_bound(
        todo,
        samples=max(len(split.train) for split in plan.splits),
        classes=len(plan.pixels.table.classes),
        device=device,
    )
    words = (
        f"plan: {len(todo)} cells to run"
        + (f", {done} already done" if done else "")
        + f" on {named(device)}, "
        f"{study.training.precision}, not compiled; {len(plan.pixels.table.samples)} frames "
        f"(--frames {study.dataset.frames}) at {study.dataset.image_size} px, "
        f"at most {study.training.epochs} epochs"
        + (f"; about {clock(seconds)} if none stops early" if todo and seconds else "")
    )
    if device.type == "cpu" and study.preset == "paper" and seconds > 3600:
        words += " (there is no GPU: --preset quick is made for that)"
    console.print(words, highlight=False, soft_wrap=True)
    warnings = [
        f"warning: {s.protocol}, seed {s.seed}, fold {s.fold}: {text}"
        for s in plan.splits
        for text in s.warnings
    ]
    anomalies = [in_words(fault) for fault in plan.pixels.table.anomalies]
    for what, lines in (("warnings", warnings), ("anomalies", anomalies)):
        for line in lines[:SHOWN]:
            console.print(line, highlight=False, markup=False)
        if len(lines) > SHOWN:
            console.print(f"and {len(lines) - SHOWN} {what} more; the report lists them", highlight=False)


def _say_dry_run(plan: Plan, todo: list[RunSpec], *, as_json: bool) -> None:
    from harness.plan import smallest_difference
    from harness.tracking import run_name

    waiting = {spec.key for spec in todo}
    cells = [
        {"key": spec.key, "cell": run_name(spec), "done": spec.key not in waiting}
        for spec in plan.study.runs()
    ]
    power = [smallest_difference(plan, protocol) for protocol in plan.study.protocols]
    if as_json:
        print(json.dumps({"study": plan.study.name, "cells": cells, "power": power}, indent=1))
        return
    print(f"study {plan.study.name}")
    for cell in cells:
        print(f"  {cell['key']}  {cell['cell']}{'  (done)' if cell['done'] else ''}")
    print(*power, sep="\n")


def _say_end(result: StudyResult, report: Path, *, ledger: Ledger, as_json: bool) -> None:
    from harness.record import final_metrics
    from studies.codec import to_data

    if as_json:
        cells = [
            {"key": r.spec.key, "spec": to_data(r.spec), "metrics": final_metrics(r)} for r in result.results
        ]
        failures = [{"key": f.spec.key, "reason": f.reason} for f in result.failures]
        document = {
            "study": result.study.name,
            "report": str(report),
            "cells": cells,
            "failures": failures,
        }
        print(json.dumps(document, indent=1))
        return
    print(f"study   {result.study.name}")
    for failure in result.failures:
        print(f"failed  {failure.spec.name} ({failure.spec.protocol}): {failure.reason}")
    print(f"report  {report}")
    program = "harness" if shutil.which("harness") else sys.argv[0]
    print(f"runs    {program} ui{ledger.as_option()}   (MLflow, {ledger.shown()})")


def _check_pretrained(plan: Plan) -> None:
    """Weights that are not there are the user's to fetch before anything runs."""
    from architectures.network import build

    for arm in plan.study.arms:
        if arm.pretrained:
            build(arm, classes=len(plan.pixels.table.classes))
