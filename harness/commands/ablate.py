"""`harness ablate`: the paper's ladder, rung by rung, or another design."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands import options


def ablate(
    dataset: options.Dataset = "synthetic",
    root: options.Root = None,
    design: Annotated[str, typer.Option(help="ladder (the paper's) or controlled.")] = "ladder",
    protocol: options.Protocols = None,
    folds: options.Folds = None,
    frames: options.Frames = None,
    classes: options.Classes = None,
    layout: options.Layout = "",
    align: options.Align = "auto",
    representation: options.Representation = "frame",
    seeds: options.Seeds = 1,
    preset: options.Preset = "paper",
    epochs: options.Epochs = None,
    image_size: options.ImageSize = None,
    width: options.Width = None,
    batch: options.Batch = 32,
    device: options.Device = "auto",
    tracking_uri: options.TrackingUri = None,
    out: options.Out = Path("results"),
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Run an ablation: VGG16, then one part more at each rung, up to the proposed network."""
    from harness.commands.study import Output, run
    from harness.plan import Request
    from harness.reading import DataRequest

    request = Request(
        kind="ablation",
        data=DataRequest(
            dataset=dataset,
            root=root,
            frames=frames,
            classes=options.listed(classes),
            layout=layout,
            align=align,
            representation=representation,
        ),
        design=design,
        only=(),
        protocols=options.listed(protocol) or ("frame",),
        folds=folds,
        seeds=seeds,
        preset=preset,
        epochs=epochs,
        image_size=image_size,
        width=width,
        batch=batch,
        pretrained=False,
    )
    run(request, Output(device=device, tracking_uri=tracking_uri, out=out, dry_run=dry_run, json=json))
