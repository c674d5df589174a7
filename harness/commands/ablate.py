"""`harness ablate`: the paper's ladder, rung by rung, or another design."""

from __future__ import annotations

from harness.commands import options


@options.grouped
def ablate(
    data: options.Data,
    design: options.Design,
    splits: options.Splits,
    comparing: options.Comparing,
    planning: options.Planning,
    training: options.Training,
    beside: options.Beside,
    output: options.Output,
    architecture: options.Own = None,
    allow_leaks: options.AllowLeaks = False,
) -> None:
    """Run an ablation: the parts of the proposed network, one by one or in every combination."""
    from harness.commands.study import run

    asked = options.request(
        "ablation",
        data,
        splits=splits,
        training=training,
        design=design,
        architecture=architecture,
        allow_leaks=allow_leaks,
        beside=beside,
        comparing=comparing,
        plan=planning.plan,
    )
    run((asked,), output, save_plan=planning.save_plan)
