"""Table of the layers and output shapes of VGG16 and the proposed network (the paper's Table 1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from architectures.catalogue import get_architecture
from architectures.spec import ArchitectureSpec
from reports.formatting import NO_VALUE, text_cell
from reports.table import Table


def build_layer_table(*, image_size: int, width: float = 1.0, classes: int | None = None) -> Table:
    """Build the table of the layers of VGG16 and the proposed network at an image size and width.

    `classes` is the number of outputs; None shows it as n.
    """
    outputs = "n" if classes is None else str(classes)
    vgg_layers, proposed_layers = (
        list(
            _list_layers(replace(get_architecture(name), width=width), image_size=image_size, classes=outputs)
        )
        for name in ("vgg16", "proposed")
    )
    rows = []
    for (part, layers, shape), (_, other_layers, other_shape) in zip(
        vgg_layers, proposed_layers, strict=True
    ):
        rows.append(tuple(map(text_cell, (part, layers, shape, other_layers, other_shape))))
    return Table(
        id="layers",
        title=f"Layers and output shapes at {image_size} px and width {width:g}",
        header=("Part", "VGG16", "Output", "Improved network", "Output"),
        rows=tuple(rows),
        notes=(
            "ResBlock: depthwise 3×3 and pointwise 1×1 convolution, each with batch norm and PReLU; CBAM; "
            "sum with the identity, or with a 1×1 projection where the channel count changes; PReLU.",
            "The paper does not mention batch norm; with batch norm the improved network has the size that "
            "the paper states, 9.05 MB.",
            "The softmax is part of the loss.",
        ),
        paper_items=("Table 1",),
    )


def _list_layers(spec: ArchitectureSpec, *, image_size: int, classes: str) -> Iterator[tuple[str, str, str]]:
    """Yield (part, layers, output shape) from input to classifier."""
    block_name = "ResBlock" if spec.block.residual else "Conv3"
    yield "input", NO_VALUE, f"3×{image_size}×{image_size}"
    side, channels = image_size, 0
    for stage, (blocks, full_channels) in enumerate(spec.stages, start=1):
        side //= 2
        channels = spec.scale_channels(full_channels)
        yield f"stage {stage}", f"{blocks}×{block_name}-{channels}, max-pool", f"{channels}×{side}×{side}"
    if spec.head == "vgg":
        hidden_units = spec.scale_channels(4096)
        yield "pool", "adaptive average pool", f"{channels}×7×7"
        yield (
            "classifier",
            f"FC {hidden_units}, ReLU, dropout, FC {hidden_units}, ReLU, dropout, FC {classes}",
            classes,
        )
    else:
        hidden_units = spec.scale_channels(512)
        yield "pool", "global average pool", f"{channels}×1×1"
        yield "classifier", f"FC {hidden_units}, ReLU, dropout, FC {classes}", classes
