"""`harness ablate`: run the paper's ablation ladder, or another design."""

from __future__ import annotations

from harness.commands import data_options, options
from harness.commands.option_groups import expand_option_groups


@expand_option_groups
def ablate(
    data: data_options.DataOptions,
    design: options.Design,
    splits: options.SplitsAndSeeds,
    comparison: options.Comparison,
    planning: options.Planning,
    training: options.Training,
    extras: options.Extras,
    output: options.Output,
    architecture: options.UserNetworks = None,
    allow_leaks: options.AllowLeaks = False,
    name: options.Name = "",
) -> None:
    """Run an ablation: the components of the proposed network, one by one or in every combination."""
    from harness.commands.study import run_studies

    request = options.build_request(
        "ablation",
        data,
        splits=splits,
        training=training,
        design=design,
        user_networks=architecture,
        allow_leaks=allow_leaks,
        extras=extras,
        comparison=comparison,
        plan_path=planning.plan,
    )
    run_studies((request,), output, alias=name, save_plan=planning.save_plan)
