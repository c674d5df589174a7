"""`harness compare`: the paper's seven networks side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands import options


def compare(
    dataset: options.Dataset = "synthetic",
    root: options.Root = None,
    only: options.Only = None,
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help="Start from torchvision weights on this machine.")
    ] = False,
    architecture: options.Own = None,
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
    controls: options.Controls = False,
    tuned: options.Tuned = False,
    searches: options.Searches = None,
    device: options.Device = "auto",
    tracking_uri: options.TrackingUri = None,
    out: options.Out = Path("results"),
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Run a comparison: VGG16, AlexNet, ResNet34, EfficientNet-B0, ShuffleNetV2, MobileNetV3, proposed."""
    from harness.commands.study import Output, run
    from harness.plan import Request
    from harness.reading import DataRequest

    request = Request(
        kind="comparison",
        data=DataRequest(
            dataset=dataset,
            root=root,
            frames=frames,
            classes=options.listed(classes),
            layout=layout,
            align=align,
            representation=representation,
        ),
        design="",
        order=(),
        only=options.listed(only),
        own=tuple(architecture or ()),
        protocols=options.listed(protocol) or ("frame",),
        folds=folds,
        seeds=seeds,
        preset=preset,
        epochs=epochs,
        image_size=image_size,
        width=width,
        batch=batch,
        controls=controls,
        tuned=tuned,
        searches=searches,
        pretrained=pretrained,
    )
    run(request, Output(device=device, tracking_uri=tracking_uri, out=out, dry_run=dry_run, json=json))
