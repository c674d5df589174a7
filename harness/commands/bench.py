"""`harness bench`: what training, answering and growing cost on this machine."""

from __future__ import annotations

import json as json_module
from dataclasses import dataclass
from typing import Annotated

import typer

from harness.commands import options
from harness.commands.data import Size
from harness.errors import wrap_user_errors


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """What is measured, and how often."""

    only: Annotated[
        list[str] | None, typer.Option(help="Only this architecture of `harness cost`. Repeatable.")
    ] = None
    image_size: Size = 64
    batch: Annotated[int, typer.Option(help="Images a training step.")] = 32
    width: Annotated[float, typer.Option(help="Channel factor, where a network can be scaled.")] = 1.0
    rounds: Annotated[int, typer.Option(help="How often to measure, each loop in turn.")] = 3
    steps: Annotated[int, typer.Option(help="Most steps of a round; slow networks take fewer.")] = 12
    device: options.Device = "auto"
    compiled: Annotated[
        bool, typer.Option("--compiled", help="The compiled engine too: a minute more for each network.")
    ] = False
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="What deterministic algorithms cost too.")
    ] = False
    shared: Annotated[
        bool, typer.Option("--shared", help="A step while a second process trains on the same cores too.")
    ] = False
    growth: Annotated[
        bool, typer.Option("--growth", help="Time at 1, 3 and 10 times the frames, epochs, cells, classes.")
    ] = False


@options.expand_option_groups
def bench(bench_options: BenchOptions, json: options.Json = False) -> None:
    """Measure training beside a plain PyTorch script and beside nothing but steps; latency, memory, engines.

    A network that needs more pixels than --image-size gets them.
    """
    from harness.bench.results import BenchSettings

    with wrap_user_errors():
        settings = BenchSettings(**{**vars(bench_options), "only": options.parse_list(bench_options.only)})
        from harness.device import resolve_device

        device = resolve_device(settings.device)
    from harness.bench.measure import benchmark_networks as measure
    from harness.bench.tables import render_bench

    result = measure(settings, device=device)
    print(json_module.dumps(result.to_dict(), indent=1) if json else render_bench(result))
