"""`harness bench`: what training, answering and growing cost on this machine."""

from __future__ import annotations

import json as json_module
from dataclasses import dataclass
from typing import Annotated

import typer

from harness.commands import options
from harness.commands.data import Size
from harness.errors import user_input


@dataclass(frozen=True, kw_only=True)
class Measured:
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


@options.grouped
def bench(measured: Measured, json: options.Json = False) -> None:
    """Measure training beside a plain PyTorch script and beside nothing but steps; latency, memory, engines.

    A network that needs more pixels than --image-size gets them.
    """
    from harness.bench.results import Settings

    with user_input():
        settings = Settings(**{**vars(measured), "only": options.listed(measured.only)})
        from harness.device import resolve

        device = resolve(settings.device)
    from harness.bench.measure import measured as measure
    from harness.bench.tables import in_words

    found = measure(settings, device=device)
    print(json_module.dumps(found.document(), indent=1) if json else in_words(found))
