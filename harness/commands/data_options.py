"""Command-line options that select data."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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

        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return DataRequest(**{**values, "classes": parse_list(self.classes)})


@dataclass(frozen=True, kw_only=True)
class DataOptions(DatasetOptions):
    """Options of `DatasetOptions`, and those for face alignment and input representation."""

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
