"""`harness bench`: measure training, inference, memory and scaling on this machine."""

from __future__ import annotations

import json as json_module
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.commands import options
from harness.commands.choices import choice_option, parse_list
from harness.commands.data import Size
from harness.commands.option_groups import expand_option_groups
from harness.errors import wrap_user_errors


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Options that select the measurements and how often they are repeated."""

    only: Annotated[
        list[str] | None,
        choice_option("architecture", help="Measure only this architecture; see `harness cost`. Repeatable."),
    ] = None
    image_size: Size = 64
    batch: Annotated[int, typer.Option(help="Images per training step.")] = 32
    width: Annotated[float, typer.Option(help="Channel factor of networks that can be scaled.")] = 1.0
    rounds: Annotated[int, typer.Option(help="Number of rounds; each round runs every loop once.")] = 3
    steps: Annotated[int, typer.Option(help="Maximum steps per round; slow networks take fewer.")] = 12
    device: options.Device = "auto"
    compiled: Annotated[
        bool,
        typer.Option("--compiled", help="Also measure the compiled engine: one more minute per network."),
    ] = False
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Also measure deterministic algorithms on a GPU.")
    ] = False
    shared: Annotated[
        bool,
        typer.Option("--shared", help="Also measure a step while a second process uses the same cores."),
    ] = False
    growth: Annotated[
        bool,
        typer.Option(
            "--growth", help="Also measure 1, 3 and 10 times the frames, epochs, classes and cells."
        ),
    ] = False


@expand_option_groups
def bench(
    bench_options: BenchOptions,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            help="Measure all of this device at 224 and 64 px in parts of at most ten minutes, and write "
            "device.md to this folder. Parts that are there are kept. Plans use the measured number of cells "
            "per GPU. Only --batch, --width, --rounds and --device apply."
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Measure training speed against a plain PyTorch script and bare steps; latency, memory and engines.

    A network whose minimum image size exceeds --image-size is measured at its minimum.
    """
    from harness.bench.results import BenchSettings

    with wrap_user_errors():
        settings = BenchSettings(**{**vars(bench_options), "only": parse_list(bench_options.only)})
        from harness.device import resolve_device
        from harness.output_folders import check_writable

        device = resolve_device(settings.device)
        if calibrate:
            check_writable(calibrate)
    if calibrate:
        from harness.bench import calibrate as calibration

        print(
            calibration.calibrate(
                calibrate,
                calibration.CalibrationSettings(
                    device=settings.device, batch=settings.batch, width=settings.width, rounds=settings.rounds
                ),
            )
        )
        return
    from harness.bench.networks import benchmark_networks
    from harness.bench.tables import render_bench

    result = benchmark_networks(settings, device=device)
    print(json_module.dumps(result.to_dict(), indent=1) if json else render_bench(result))
