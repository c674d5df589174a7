"""`harness data`: list, describe, prepare, audit, benchmark and synthesize data sets."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands import data_options, options
from harness.commands.choices import parse_list
from harness.commands.option_groups import expand_option_groups
from harness.errors import EXIT_FAILED, UserError, wrap_user_errors

if TYPE_CHECKING:
    from collections.abc import Callable

data_app = typer.Typer(
    no_args_is_help=True, help="List, describe, prepare, audit, benchmark and synthesize data sets."
)


def _check_image_size(size: int) -> int:
    """Return the image size; raise UserError if it is too small to show a face or too large for memory."""
    from harness.data.loading import MAX_IMAGE_SIZE, MIN_IMAGE_SIZE

    if not MIN_IMAGE_SIZE <= size <= MAX_IMAGE_SIZE:
        raise UserError(
            f"--image-size must be from {MIN_IMAGE_SIZE} to {MAX_IMAGE_SIZE} pixels; got {size}",
            code="synthetic-image-size.range",
        )
    return size


Size = Annotated[int, typer.Option(help="Side in pixels, 8 to 1024.", callback=_check_image_size)]


@data_app.command("list")
def list_(json: options.Json = False) -> None:
    """List the data sets: frame policies, layouts, classes, and how to obtain them."""
    from datasets.catalogue import DATASETS

    entries = [
        {
            "name": dataset.name,
            "title": dataset.title,
            "about": dataset.description,
            "frames": dataset.frame_policies,
            "layouts": dataset.layouts,
            "classes": dataset.classes,
            "class_choices": {name: list(names) for name, names in dataset.class_schemes.items()},
            "obtain": dataset.access_instructions,
        }
        for dataset in DATASETS.values()
    ]
    if json:
        print(json_module.dumps(entries, indent=1))
        return
    for dataset, entry in zip(DATASETS.values(), entries, strict=True):
        print(f"{entry['name']}: {entry['title']}. {entry['about']}")
        for key in ("frames", "layouts", "classes"):
            print(f"  {key}: {', '.join(entry[key]) or 'read from its files'}")
        for name, names in dataset.class_schemes.items():
            print(f"  --classes {name}: {', '.join(names)}")
        print(f"  {entry['obtain']}")


@data_app.command()
@expand_option_groups
def describe(
    source: data_options.DatasetOptions,
    json: options.Json = False,
) -> None:
    """Compare the files of a release with the complete release and list anomalies; opens no image."""
    from harness.data.description import build_description, render_description
    from harness.data.loading import build_dataset_spec, load_table

    request = source.to_data_request()
    with wrap_user_errors():
        _, table = load_table(request, build_dataset_spec(request, protocols=("frame",), image_size=1))
        from datasets.faces.detection import load_cached_faces
        from datasets.preprocessing.skipped_samples import drop_empty_files

        # The face cache is keyed by all files of a table, including empty ones.
        faces = None if table.is_aligned else load_cached_faces(table)
        description = build_description(drop_empty_files(table), faces)
    print(json_module.dumps(description, indent=1) if json else render_description(description))


@data_app.command()
@expand_option_groups
def prepare(
    data: data_options.DataOptions,
    protocol: options.Protocols = None,
    image_size: Size = 224,
    json: options.Json = False,
) -> None:
    """Decode and align the images of a data set into the cache that studies read; resumes after a stop.

    Pass the same options as to the study: image size (preset quick: 32 for ablate, 72 for compare), frames,
    protocols other than frame, alignment and representation.
    """
    from harness.data.preparation import prepare_dataset

    with wrap_user_errors():
        protocols = parse_list(protocol) or ("frame",)
        result = prepare_dataset(data.to_data_request(), protocols=protocols, image_size=image_size)
    print(json_module.dumps(result.to_dict(), indent=1) if json else result.render_text())


@data_app.command()
@expand_option_groups
def audit(
    data: data_options.DataOptions,
    splits: options.Splits,
    image_size: Size = 64,
    all_examples: Annotated[
        bool, typer.Option("--all-examples", help="List every sample of a finding, not only the first 3.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Find clips, subjects, identical files and near-duplicates that the test set shares with the rest.

    Also finds contradictory labels. The exit status is 1 for a shared clip, identical bytes, an image with
    two labels, or a shared subject that the protocol must exclude.
    """
    from harness.data.leak_audit import audit_splits

    with wrap_user_errors():
        result = audit_splits(
            data.to_data_request(),
            protocols=splits.protocols,
            folds=splits.folds,
            num_splits=splits.splits,
            image_size=image_size,
            all_examples=all_examples,
        )
    print(json_module.dumps(result.to_dict(), indent=1) if json else result.render_text())
    if result.has_errors:
        raise typer.Exit(EXIT_FAILED)


@data_app.command()
@expand_option_groups
def bench(
    data: data_options.DataOptions,
    image_size: Size = 224,
    rounds: Annotated[int, typer.Option(help="Number of measurements.")] = 3,
    json: options.Json = False,
) -> None:
    """Measure the speed of describe and prepare, and of plain decoding of the same images for comparison."""
    from harness.bench.data import benchmark_data

    with wrap_user_errors():
        result = benchmark_data(data.to_data_request(), image_size=image_size, rounds=rounds)
    print(json_module.dumps(result.to_dict(), indent=1) if json else result.render_text())


@data_app.command()
def synthesize(
    out: Annotated[Path, typer.Option(help="Folder to create; must be empty or not exist.")],
    layout: Annotated[str, typer.Option(help="Release layout; an unknown name lists them.")] = "casme2",
    seed: Annotated[int, typer.Option(help="Random seed; the same seed gives the same bytes.")] = 0,
    subjects: Annotated[
        int | None, typer.Option(help="Number of subjects. Default: as in the real data set.")
    ] = None,
    clips: Annotated[
        int | None, typer.Option(help="Number of clips. Default: as in the real data set.")
    ] = None,
    frames: Annotated[
        int | None, typer.Option(help="Frames per clip. Default: as in the real data set.")
    ] = None,
    balance: Annotated[bool, typer.Option("--balance", help="Same number of clips in each class.")] = False,
    amplitude: Annotated[float, typer.Option(help="Scale of the expression's motion.")] = 1.0,
    identity: Annotated[float, typer.Option(help="Scale of the differences between subjects.")] = 1.0,
    raw: Annotated[bool, typer.Option("--raw", help="Also write RAW full frames (casme2 only).")] = False,
    quirks: Annotated[
        bool, typer.Option("--quirks", help="Reproduce the irregularities of the real releases.")
    ] = False,
    sheet: Annotated[
        str,
        typer.Option(
            help="Coding sheet: 2014, 2019, xls or csv (casme2), 162 or 157 (smic), v2 or 2018 (samm). "
            "Default: the first of these."
        ),
    ] = "",
) -> None:
    """Render synthetic faces in the layout of a real release: no license needed, labels known."""
    from datasets.synthetic.generator import SyntheticSpec
    from datasets.synthetic.generator import synthesize as write_release

    with wrap_user_errors():
        spec = SyntheticSpec(
            layout=layout,
            subjects=subjects,
            clips=clips,
            frames=frames,
            balance=balance,
            amplitude=amplitude,
            identity=identity,
            raw=raw,
            quirks=quirks,
            sheet=sheet,
            seed=seed,
        )
        print(write_release(spec, out, progress=_make_progress_printer()))


def _make_progress_printer() -> Callable[[int, int], None]:
    """Return a callback that prints the progress of rendering on one terminal line."""
    is_terminal = sys.stderr.isatty()

    def print_progress(completed: int, total: int) -> None:
        if is_terminal:
            print(f"rendering {completed}/{total}", end="\r", file=sys.stderr)

    return print_progress
