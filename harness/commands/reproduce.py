"""`harness reproduce`: everything the paper ran, on the sets that are there, as one report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from harness.commands import options
from harness.errors import user_input


@options.grouped
def reproduce(
    splits: options.Splits,
    comparing: options.Comparing,
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
    from harness.commands.study import run
    from harness.reproducing import present, requests

    with user_input():
        roots = present({"ckplus": ckplus, "casme2": casme2})
    asked = options.request(
        "comparison",
        options.Data(),
        splits=replace(splits, protocol=splits.protocol or ["frame", "subject"]),
        training=training,
        beside=options.Beside(controls=controls),
        comparing=comparing,
        allow_leaks=allow_leaks,
    )
    run(requests(asked, roots), output, joined=f"reproduction-{training.preset}")
