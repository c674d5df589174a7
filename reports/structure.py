"""Table 1: the layers of VGG16 and of the improved network, with the shapes that they have in this study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from architectures.catalogue import architecture
from architectures.spec import ArchitectureSpec
from reports.numbers import NOTHING, label
from reports.table import Table


def layer_table(*, image_size: int, width: float = 1.0, classes: int | None = None) -> Table:
    """VGG16 and the proposed network side by side at this image size and width."""
    outputs = "n" if classes is None else str(classes)
    left, right = (
        list(_layers(replace(architecture(name), width=width), image_size=image_size, classes=outputs))
        for name in ("vgg16", "proposed")
    )
    rows = []
    for (place, layers, shape), (_, other_layers, other_shape) in zip(left, right, strict=True):
        rows.append(tuple(map(label, (place, layers, shape, other_layers, other_shape))))
    return Table(
        id="layers",
        title=f"Layers and output shapes at {image_size} px and width {width:g}",
        header=("Part", "VGG16", "Output", "Improved network", "Output"),
        rows=tuple(rows),
        notes=(
            "ResBlock: depthwise 3×3 and pointwise 1×1 convolution, each with batch norm and PReLU; CBAM; "
            "sum with the identity, or with a 1×1 projection where the channel count changes; PReLU.",
            "The paper does not mention batch norm; with it the improved network has the paper's 9.05 MB.",
            "The softmax is part of the loss.",
        ),
        paper=("Table 1",),
    )


def _layers(spec: ArchitectureSpec, *, image_size: int, classes: str) -> Iterator[tuple[str, str, str]]:
    """(part, layers, output shape) from input to answer."""
    unit = "ResBlock" if spec.block.residual else "Conv3"
    yield "input", NOTHING, f"3×{image_size}×{image_size}"
    side, channels = image_size, 0
    for stage, (blocks, full) in enumerate(spec.stages, start=1):
        side //= 2
        channels = spec.channels(full)
        yield f"stage {stage}", f"{blocks}×{unit}-{channels}, max-pool", f"{channels}×{side}×{side}"
    if spec.head == "vgg":
        hidden = spec.channels(4096)
        yield "pool", "adaptive average pool", f"{channels}×7×7"
        yield "classifier", f"FC {hidden}, ReLU, dropout, FC {hidden}, ReLU, dropout, FC {classes}", classes
    else:
        hidden = spec.channels(512)
        yield "pool", "global average pool", f"{channels}×1×1"
        yield "classifier", f"FC {hidden}, ReLU, dropout, FC {classes}", classes
