"""`harness cost`: what every architecture costs, counted."""

from __future__ import annotations

import json as json_module
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands import options
from harness.commands.data import Size
from harness.errors import user_input

if TYPE_CHECKING:
    from architectures.spec import ArchitectureSpec

MOST_CLASSES = 10_000
"""Of faces there are no more; millions would fill the memory with one layer."""


def cost(
    image_size: Size = 224,
    classes: Annotated[int, typer.Option(help="Number of classes.")] = 6,
    width: Annotated[float, typer.Option(help="Channel factor, where a network can be scaled.")] = 1.0,
    architecture: options.Own = None,
    json: options.Json = False,
) -> None:
    """Count parameters, multiply-adds and elementwise work of every architecture, and equations (1), (2)."""
    from architectures.catalogue import CATALOGUE, scaled, smallest_input

    with user_input():
        specs = tuple(scaled(spec, width) for spec in CATALOGUE.values())
        for spec in specs:
            if image_size < smallest_input(spec):
                raise ValueError(
                    f"--image-size must be at least {smallest_input(spec)} for {spec.name}; got {image_size}"
                )
        if not 2 <= classes <= MOST_CLASSES:
            raise ValueError(f"--classes must be at least 2 and at most {MOST_CLASSES}; got {classes}")
        if architecture:
            from architectures.network import build
            from architectures.user import check_answers, described

            own = tuple(map(described, architecture))
            for spec in own:
                check_answers(build(spec, classes=classes), spec, classes=classes, size=image_size)
            specs += own
    from harness.cost import count
    from reports.costs import block_cost_table, cost_table
    from reports.markdown import render_table
    from studies.codec import to_data
    from studies.cost import block_costs

    def marked(spec: ArchitectureSpec) -> ArchitectureSpec:
        fixed = width != 1 and spec.width == 1
        return replace(spec, name=f"{spec.name} (full width)") if fixed else spec

    rows = [(marked(spec), count(spec, classes=classes, image_size=image_size)) for spec in specs]
    blocks = block_costs(CATALOGUE["vgg16"].stages, image_size)
    if json:
        document = {
            "image_size": image_size,
            "classes": classes,
            "architectures": [
                {**to_data(found), "name": spec.name, "mib": found.mib} for spec, found in rows
            ],
            "blocks": to_data(blocks),
        }
        print(json_module.dumps(document, indent=1))
        return
    print(render_table(cost_table(rows, about=f" at {image_size} px, {classes} classes")), end="\n\n")
    print(render_table(block_cost_table(blocks)))
