"""`harness tune`: the same search budget for every arm of a study, on validation alone."""

from __future__ import annotations

import json as json_module
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from harness.commands import options
from harness.errors import user_input

if TYPE_CHECKING:
    from harness.plan import Plan
    from studies.search import Search

KINDS: dict[str, Literal["ablation", "comparison"]] = {"ablate": "ablation", "compare": "comparison"}


@options.grouped
def tune(
    data: options.Data,
    design: options.Design,
    networks: options.Networks,
    splits: options.Splits,
    comparing: options.Comparing,
    training: options.Training,
    study: Annotated[str, typer.Option("--for", help="The study to tune: ablate or compare.")] = "ablate",
    trials: Annotated[int, typer.Option(help="Trials for every run of the study.")] = 20,
    pruner: Annotated[str, typer.Option(help="What stops a trial early: median or hyperband.")] = "median",
    searches: options.Searches = None,
    architecture: options.Own = None,
    allow_leaks: options.AllowLeaks = False,
    json: options.Json = False,
) -> None:
    """Search learning rate, focal exponent and class weights for every run; then run it with --tuned.

    Give the options that the study will be given. A search that was stopped goes on where it was.
    """
    from harness.plan import prepare
    from harness.tune import check, default_store

    store = default_store() if searches is None else searches
    with user_input():
        if study not in KINDS:
            raise ValueError(f"unknown study --for {study!r}; accepted: {', '.join(KINDS)}")
        ablation = study == "ablate"
        _check_taken(networks if ablation else design, study=study)
        asked = options.request(
            KINDS[study],
            data,
            splits=splits,
            training=training,
            design=design if ablation else None,
            networks=None if ablation else networks,
            architecture=architecture,
            comparing=comparing,
            allow_leaks=allow_leaks,
        )
        # What needs no data is judged before they are read, and every search before the first is made.
        check((), trials=trials, pruner=pruner, store=store)
        plan = prepare(asked)
        check(plan.study.runs(), trials=trials, pruner=pruner, store=store)
        found = _searched(plan, trials=trials, pruner=pruner, store=store)
    if json:
        print(json_module.dumps(found, indent=1))
        return
    for cell in found:
        print(
            f"{cell['cell']}: validation accuracy {100 * cell['best']:.1f} % (as it was: "
            f"{100 * cell['first']:.1f} %), learning rate {cell['learning_rate']:.2g}, "
            f"gamma {cell['gamma']:g}, class weights {cell['class_weights']}; {cell['trials']} trials, "
            f"{cell['pruned']} stopped early"
        )
    print(f"now the same options with: harness {study} --tuned")


def _check_taken(others: options.Design | options.Networks, *, study: str) -> None:
    """ValueError where an option was given that the study to be tuned does not have."""
    given = [f"--{each.name}" for each in fields(others) if getattr(others, each.name) != each.default]
    if given:
        owner = next(kind for kind in KINDS if kind != study)
        raise ValueError(f"{' and '.join(given)}: of --for {owner} alone; got --for {study}; leave one out")


def _searched(plan: Plan, *, trials: int, pruner: str, store: str) -> list[dict[str, Any]]:
    """Make every search of the plan, with a line a trial on stderr."""
    from harness.labels import run_name
    from harness.training.run import Material
    from harness.tune import search

    material = Material(pixels=plan.pixels, device=plan.device)
    found = []
    for spec in plan.study.runs():
        name = run_name(spec)

        def said(made: int, best: float, name: str = name) -> None:
            print(
                f"{name}: trial {made}/{trials}, best validation accuracy {100 * best:.1f} %", file=sys.stderr
            )

        made = search(spec, material, trials=trials, pruner=pruner, store=store, on_trial=said)
        found.append(_told(name, made))
    return found


def _told(name: str, made: Search) -> dict[str, Any]:
    return {
        "cell": name,
        "key": made.key,
        "best": max(made.values),
        "first": made.values[0],
        "learning_rate": made.learning_rate,
        "gamma": made.gamma,
        "class_weights": made.class_weights,
        "trials": len(made.values),
        "pruned": sum(made.pruned),
    }
