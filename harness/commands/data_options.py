"""Command-line options that select data."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from datasets.spec import DEFAULT_FLOW, FlowSpec
from harness.commands.choices import choice_option, parse_list

if TYPE_CHECKING:
    from harness.data.loading import DataRequest


@dataclass(frozen=True, kw_only=True)
class DatasetOptions:
    """Options that select a data set and its frames."""

    dataset: Annotated[
        str, choice_option("data set", help="Name of the data set; see `harness data list`.")
    ] = "synthetic"
    root: Annotated[Path | None, typer.Option(help="Folder that holds the data set's release.")] = None
    frames: Annotated[
        str | None,
        typer.Option(
            help="Frame policy; see `harness data list`. Default: the paper's if --protocol is frame alone."
        ),
    ] = None
    classes: Annotated[
        list[str] | None,
        typer.Option(
            help="Class to use instead of the data set's default classes, or a named choice such as 3-class; "
            "see `harness data list`. Repeatable."
        ),
    ] = None
    layout: Annotated[str, typer.Option(help="Layout of the release, if the root holds several.")] = ""
    subject_from: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Your own images: expression whose first group, or group subject, is the subject in an "
            "image's path.",
        ),
    ] = None
    clip_from: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX", help="Your own images: the same for the clip (first group, or group clip)."
        ),
    ] = None

    def to_data_request(self) -> DataRequest:
        """Return these options as a `DataRequest`."""
        from harness.data.loading import DataRequest

        values = {field.name: getattr(self, field.name) for field in fields(DatasetOptions)}
        return DataRequest(**{**values, "classes": parse_list(self.classes)})


@dataclass(frozen=True, kw_only=True)
class DataOptions(DatasetOptions):
    """Options of `DatasetOptions`, and those for face alignment and input representation.

    The options `flow_*` are the fields of `FlowSpec`.
    """

    align: Annotated[
        str,
        choice_option(
            "--align", help="Face alignment: auto (haar unless the release is aligned), haar or none."
        ),
    ] = "auto"
    representation: Annotated[
        str,
        choice_option(
            "--representation", help="Network input: frame, apex_minus_onset or flow (onset to apex)."
        ),
    ] = "frame"
    flow_method: Annotated[str, choice_option("--flow-method", help="Optical flow: farneback or tvl1.")] = (
        DEFAULT_FLOW.method
    )
    flow_size: Annotated[
        int, typer.Option(help="Side in pixels of the images whose flow is computed, 16 to 1024.")
    ] = DEFAULT_FLOW.size
    flow_strain: Annotated[
        str,
        choice_option(
            "--flow-strain",
            help="Formula of the optical strain: published, forward, central_swapped or sobel_swapped.",
        ),
    ] = DEFAULT_FLOW.strain
    flow_scale: Annotated[
        str,
        choice_option(
            "--flow-scale",
            help="Scale of the flow: bytes (8 bits of a fixed range), constant (floats of the same unit) or "
            "image (floats, each map by its largest magnitude).",
        ),
    ] = DEFAULT_FLOW.scale

    def to_data_request(self) -> DataRequest:
        """Return these options as a `DataRequest`."""
        flow = FlowSpec(**{field.name: getattr(self, f"flow_{field.name}") for field in fields(FlowSpec)})
        return replace(
            DatasetOptions.to_data_request(self),
            align=self.align,
            representation=self.representation,
            flow=flow,
        )
