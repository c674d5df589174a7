"""`harness tune`: search training settings with the same budget for every arm, on validation data only."""

from __future__ import annotations

import json as json_module
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from datasets.text import pluralize
from harness.commands import data_options, options
from harness.commands.choices import choice_option
from harness.commands.option_groups import expand_option_groups
from harness.errors import HarnessError, wrap_user_errors

if TYPE_CHECKING:
    from harness.planning.plan import StudyPlan
    from studies.search import Search

STUDY_KINDS: dict[str, Literal["ablation", "comparison"]] = {"ablate": "ablation", "compare": "comparison"}


@expand_option_groups
def tune(
    data: data_options.DataOptions,
    design: options.Design,
    networks: options.Networks,
    splits: options.SplitsAndSeeds,
    comparison: options.Comparison,
    training: options.Training,
    study: Annotated[
        str, choice_option("study --for", "--for", help="The study to tune: ablate or compare.")
    ] = "ablate",
    trials: Annotated[int, typer.Option(help="Number of trials for each run of the study.")] = 20,
    pruner: Annotated[
        str, choice_option("--pruner", help="Rule that stops trials early: median or hyperband.")
    ] = "median",
    searches: options.Searches = None,
    architecture: options.UserNetworks = None,
    allow_leaks: options.AllowLeaks = False,
    json: options.Json = False,
) -> None:
    """Search learning rate, focal exponent and class weights for each run of a study, for use with --tuned.

    Pass the same options as to the study. A stopped search resumes when the command is run again.
    """
    from harness.planning.request import outline_study
    from studies.search import check_budget

    with wrap_user_errors():
        is_ablation = study == "ablate"
        _check_options(networks if is_ablation else design, study=study)
        request = options.build_request(
            STUDY_KINDS[study],
            data,
            splits=splits,
            training=training,
            design=design if is_ablation else None,
            networks=None if is_ablation else networks,
            user_networks=architecture,
            comparison=comparison,
            allow_leaks=allow_leaks,
        )
        check_budget(trials=trials, pruner=pruner)
        outline_study(request)  # reports a mistake in an option before more is imported
        from harness.hyperparameter_search import check_searches, get_default_store
        from harness.planning.plan import plan_study

        store = get_default_store() if searches is None else searches
        # Check what needs no data before loading the data, and all searches before running the first one.
        check_searches((), trials=trials, pruner=pruner, store=store)
        plan = plan_study(request)
        check_searches(plan.study.list_runs(), trials=trials, pruner=pruner, store=store)
        results = _run_searches(plan, trials=trials, pruner=pruner, store=store)
    if json:
        print(json_module.dumps(results, indent=1))
        return
    for cell in results:
        print(
            f"{cell['cell']}: validation accuracy {100 * cell['best']:.1f} % (with default settings: "
            f"{100 * cell['first']:.1f} %), learning rate {cell['learning_rate']:.2g}, "
            f"gamma {cell['gamma']:g}, class weights {cell['class_weights']}; "
            f"{pluralize(cell['trials'], 'trial')}, {cell['pruned']} stopped early"
        )
    print(f"next: run `harness {study} --tuned` with the same options")


def _check_options(other_options: options.Design | options.Networks, *, study: str) -> None:
    """Check that no option of the other kind of study is set.

    Raises:
        HarnessError: `study` does not have an option of `other_options` that was set.
    """
    names = [
        f"--{option.name}"
        for option in fields(other_options)
        if getattr(other_options, option.name) != option.default
    ]
    if names:
        owner = next(kind for kind in STUDY_KINDS if kind != study)
        raise HarnessError(
            "search-option.of-another-command",
            f"{' and '.join(names)} needs --for {owner}; got --for {study}: leave one out",
        )


def _run_searches(plan: StudyPlan, *, trials: int, pruner: str, store: str) -> list[dict[str, Any]]:
    """Run the search of every run in the plan; print one line per trial on stderr."""
    from harness.hyperparameter_search import run_search
    from harness.run_names import format_run_name
    from harness.runs.run_inputs import RunInputs

    inputs = RunInputs(pixels=plan.pixels, splits=plan.splits, device=plan.device)
    results = []
    for spec in plan.study.list_runs():
        name = format_run_name(spec)

        def print_trial(trial_count: int, best_value: float, name: str = name) -> None:
            print(
                f"{name}: trial {trial_count}/{trials}, best validation accuracy {100 * best_value:.1f} %",
                file=sys.stderr,
            )

        search_result = run_search(
            spec, inputs, trials=trials, pruner=pruner, store=store, on_trial=print_trial
        )
        results.append(_search_to_dict(name, search_result))
    return results


def _search_to_dict(name: str, search: Search) -> dict[str, Any]:
    return {
        "cell": name,
        "key": search.key,
        "best": max(search.values),
        "first": search.values[0],
        "learning_rate": search.learning_rate,
        "gamma": search.gamma,
        "class_weights": search.class_weights,
        "trials": len(search.values),
        "pruned": sum(search.pruned),
    }
