"""`harness compare`: run the comparison of the paper's seven networks."""

from __future__ import annotations

from harness.commands import data_options, options
from harness.commands.option_groups import expand_option_groups


@expand_option_groups
def compare(
    data: data_options.DataOptions,
    networks: options.Networks,
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
    """Run a comparison: the proposed network with six published networks, or with your own."""
    from harness.commands.study import run_studies

    request = options.build_request(
        "comparison",
        data,
        splits=splits,
        training=training,
        networks=networks,
        user_networks=architecture,
        allow_leaks=allow_leaks,
        extras=extras,
        comparison=comparison,
        plan_path=planning.plan,
    )
    run_studies((request,), output, alias=name, save_plan=planning.save_plan)
