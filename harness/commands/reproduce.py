"""`harness reproduce`: run all experiments of the paper on the available data sets, with one report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from harness.commands import data_options, options
from harness.commands.option_groups import expand_option_groups
from harness.errors import wrap_user_errors


@expand_option_groups
def reproduce(
    splits: options.SplitsAndSeeds,
    comparison: options.Comparison,
    training: options.Training,
    output: options.Output,
    ckplus: Annotated[Path | None, typer.Option(help="Folder that holds the CK+ release.")] = None,
    casme2: Annotated[Path | None, typer.Option(help="Folder that holds the CASME II release.")] = None,
    controls: Annotated[bool, typer.Option("--controls", help="Add negative controls.")] = False,
    allow_leaks: options.AllowLeaks = False,
) -> None:
    """Run the paper's experiments, with its split and with subject-disjoint splits, and test its claims.

    Runs the seven networks on each data set, the ablation on CASME II, and that ablation again with batch
    norm and the GAP head in every arm; with robustness, latency and cross-entropy runs. The default protocols
    are frame and subject. On CASME II the frame protocol runs twice: on the paper's frames, and on the frames
    of the other protocols.
    """
    from harness.commands.study import run_studies
    from harness.planning.reproduction import build_requests, find_roots

    with wrap_user_errors():
        roots = find_roots({"ckplus": ckplus, "casme2": casme2})
    request = options.build_request(
        "comparison",
        data_options.DataOptions(),
        splits=replace(splits, protocol=splits.protocol or ["frame", "subject"]),
        training=training,
        extras=options.Extras(controls=controls),
        comparison=comparison,
        allow_leaks=allow_leaks,
    )
    run_studies(build_requests(request, roots), output, joint_name=f"reproduction-{training.preset}")
