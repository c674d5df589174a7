"""`harness cost`: count the parameters and operations of every architecture."""

from __future__ import annotations

import json as json_module
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands import options
from harness.commands.choices import choice_option, parse_list
from harness.commands.data import Size
from harness.errors import HarnessError, wrap_user_errors

if TYPE_CHECKING:
    from architectures.spec import ArchitectureSpec

MAX_CLASSES = 10_000
"""Maximum number of classes. With millions of classes, one layer would fill the memory."""


def cost(
    image_size: Size = 224,
    classes: Annotated[int, typer.Option(help="Number of classes.")] = 6,
    width: Annotated[float, typer.Option(help="Channel factor of networks that can be scaled.")] = 1.0,
    only: Annotated[
        list[str] | None, choice_option("architecture", help="Count only this architecture. Repeatable.")
    ] = None,
    architecture: options.UserNetworks = None,
    json: options.Json = False,
) -> None:
    """Count parameters, multiply-adds and elementwise operations of each network; equations (1) and (2)."""
    from architectures.catalogue import CATALOGUE, min_image_size, with_width

    with wrap_user_errors():
        names = dict.fromkeys(parse_list(only) or CATALOGUE)
        specs = tuple(with_width(CATALOGUE[name], width) for name in names)
        for spec in specs:
            if image_size < min_image_size(spec):
                raise HarnessError(
                    "cost-image-size.too-small",
                    f"--image-size must be at least {min_image_size(spec)} for {spec.name}; got {image_size}",
                )
        if not 2 <= classes <= MAX_CLASSES:
            raise HarnessError(
                "cost-classes.range", f"--classes must be at least 2 and at most {MAX_CLASSES}; got {classes}"
            )
        if architecture:
            from architectures.network import build_network
            from architectures.user import check_output_shape, load_user_spec

            user_specs = tuple(map(load_user_spec, architecture))
            for spec in user_specs:
                check_output_shape(
                    build_network(spec, num_classes=classes), spec, num_classes=classes, image_size=image_size
                )
            specs += user_specs
    from harness.flop_count import count_cost
    from reports.markdown import render_table
    from reports.tables.costs import build_block_cost_table, build_cost_table
    from studies.codec import to_data
    from studies.cost import compute_block_costs

    def mark_full_width(spec: ArchitectureSpec) -> ArchitectureSpec:
        has_fixed_width = width != 1 and spec.width == 1
        return replace(spec, name=f"{spec.name} (full width)") if has_fixed_width else spec

    rows = [
        (mark_full_width(spec), count_cost(spec, num_classes=classes, image_size=image_size))
        for spec in specs
    ]
    blocks = compute_block_costs(CATALOGUE["vgg16"].stages, image_size)
    if json:
        document = {
            "image_size": image_size,
            "classes": classes,
            "architectures": [
                {**to_data(network_cost), "name": spec.name, "mib": network_cost.mib}
                for spec, network_cost in rows
            ],
            "blocks": to_data(blocks),
        }
        print(json_module.dumps(document, indent=1))
        return
    print(
        render_table(build_cost_table(rows, title_suffix=f" at {image_size} px, {classes} classes")),
        end="\n\n",
    )
    print(render_table(build_block_cost_table(blocks)))
