"""`harness reproduce`: everything the paper ran, on the sets that are there, as one report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from harness.commands import options
from harness.errors import wrap_user_errors


@options.expand_option_groups
def reproduce(
    splits: options.Splits,
    comparison: options.Comparison,
    training: options.Training,
    output: options.Output,
    ckplus: Annotated[Path | None, typer.Option(help="Folder that holds CK+'s release.")] = None,
    casme2: Annotated[Path | None, typer.Option(help="Folder that holds CASME II's release.")] = None,
    controls: Annotated[bool, typer.Option("--controls", help="Negative controls too.")] = False,
    allow_leaks: options.AllowLeaks = False,
) -> None:
    """Run what the paper ran, under its split and on unseen people, and judge its claims.

    The seven networks on each set, the ablation on CASME II, and the ablation with batch norm and the GAP
    head throughout; with robustness, latency and cross-entropy. Without --protocol: frame and subject. On
    CASME II the paper's split comes twice: on the paper's frames, and on those of the other protocols.
    """
    from harness.commands.study import run_studies
    from harness.reproducing import build_requests, find_roots

    with wrap_user_errors():
        roots = find_roots({"ckplus": ckplus, "casme2": casme2})
    request = options.build_request(
        "comparison",
        options.Data(),
        splits=replace(splits, protocol=splits.protocol or ["frame", "subject"]),
        training=training,
        extras=options.Extras(controls=controls),
        comparison=comparison,
        allow_leaks=allow_leaks,
    )
    run_studies(build_requests(request, roots), output, joint_name=f"reproduction-{training.preset}")
