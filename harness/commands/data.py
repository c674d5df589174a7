"""`harness data`: what data sets there are, what lies on disk, and how far a split keeps it apart."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands import options
from harness.errors import FAILED, UserError, user_input

if TYPE_CHECKING:
    from collections.abc import Callable

data_app = typer.Typer(no_args_is_help=True, help="List, describe, prepare, audit and synthesize data sets.")


def _in_bounds(size: int) -> int:
    """An image size; UserError where nothing could be seen at it, or no memory holds the images."""
    from harness.data.reading import LARGEST, SMALLEST

    if not SMALLEST <= size <= LARGEST:
        raise UserError(f"--image-size must be from {SMALLEST} to {LARGEST} pixels; got {size}")
    return size


Size = Annotated[int, typer.Option(help="Side in pixels, 8 to 1024.", callback=_in_bounds)]


@data_app.command("list")
def list_(json: options.Json = False) -> None:
    """List the data sets: frame policies, layouts, classes, and where to apply for them."""
    from datasets.catalogue import DATASETS

    fields = ("name", "title", "about", "frames", "layouts", "classes", "obtain")
    entries = [{field: getattr(e, field) for field in fields} for e in DATASETS.values()]
    if json:
        print(json_module.dumps(entries, indent=1))
        return
    for e in DATASETS.values():
        print(f"{e.name}: {e.title}. {e.about}")
        for what in ("frames", "layouts", "classes"):
            print(f"  {what}: {', '.join(getattr(e, what)) or 'as its files tell'}")
        print(f"  {e.obtain}")


@data_app.command()
@options.grouped
def describe(
    source: options.Source,
    json: options.Json = False,
) -> None:
    """Say what a folder holds beside what a complete release does, and what is wrong; opens no image."""
    from harness.data.describe import document, in_words
    from harness.data.reading import asked, read

    request = source.request()
    with user_input():
        _, table = read(request, asked(request, protocols=("frame",), image_size=1))
        from datasets.faces.search import known_faces
        from datasets.pixels.losses import without_empty

        # Faces are kept by all of a table's files, those that hold nothing among them.
        faces = None if table.aligned else known_faces(table)
        found = document(without_empty(table), faces)
    print(json_module.dumps(found, indent=1) if json else in_words(found))


@data_app.command()
@options.grouped
def prepare(
    data: options.Data,
    protocol: options.Protocols = None,
    image_size: Size = 224,
    json: options.Json = False,
) -> None:
    """Decode, find faces and align once, into the cache that studies read; goes on where it was stopped.

    Give what the study will be given: its size (preset quick: 32 for ablate, 72 for compare), frames,
    protocols if it has others than frame, alignment, representation.
    """
    from harness.data.preparing import prepared

    with user_input():
        protocols = options.listed(protocol) or ("frame",)
        found = prepared(data.request(), protocols=protocols, image_size=image_size)
    print(json_module.dumps(found.document(), indent=1) if json else found.in_words())


@data_app.command()
@options.grouped
def audit(
    data: options.Data,
    division: options.Division,
    image_size: Size = 64,
    json: options.Json = False,
) -> None:
    """Say what each split's test shares with the rest, and which labels contradict each other.

    It compares clips, subjects, bytes and near-duplicates. Exit status 1 for a shared clip, identical bytes,
    an image with two labels, or a shared subject where the protocol promises none.
    """
    from harness.data.auditing import audited

    with user_input():
        found = audited(
            data.request(),
            protocols=division.protocols,
            folds=division.folds,
            splits=division.splits,
            image_size=image_size,
        )
    print(json_module.dumps(found.document(), indent=1) if json else found.in_words())
    if found.failed:
        raise typer.Exit(FAILED)


@data_app.command()
@options.grouped
def bench(
    data: options.Data,
    image_size: Size = 224,
    rounds: Annotated[int, typer.Option(help="How often to measure.")] = 3,
    json: options.Json = False,
) -> None:
    """Measure describing and preparing beside plain decoding of the same images on the same cores."""
    from harness.bench.data import measured

    with user_input():
        found = measured(data.request(), image_size=image_size, rounds=rounds)
    print(json_module.dumps(found.document(), indent=1) if json else found.in_words())


@data_app.command()
def synthesize(
    out: Annotated[Path, typer.Option(help="Folder to make; must be empty or not exist.")],
    layout: Annotated[str, typer.Option(help="Release layout; a wrong one lists them.")] = "casme2",
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    subjects: Annotated[int | None, typer.Option(help="Subjects; default: as in the real set.")] = None,
    clips: Annotated[int | None, typer.Option(help="Clips; default: as many as the real set.")] = None,
    frames: Annotated[int | None, typer.Option(help="Frames a clip; default: as in the real set.")] = None,
    balance: Annotated[bool, typer.Option("--balance", help="As many clips of each class.")] = False,
    amplitude: Annotated[float, typer.Option(help="Size of the expression's motion.")] = 1.0,
    identity: Annotated[float, typer.Option(help="How far subjects differ from one another.")] = 1.0,
    raw: Annotated[bool, typer.Option("--raw", help="With casme2: write RAW full frames too.")] = False,
    quirks: Annotated[bool, typer.Option("--quirks", help="With the real releases' oddities.")] = False,
    sheet: Annotated[str, typer.Option(help="CASME II's coding sheet: 2014, 2019, xls or csv.")] = "2014",
) -> None:
    """Draw faces and write them in the layout of the real release: no licence, known truth."""
    from datasets.synthetic.synthesize import SyntheticSpec
    from datasets.synthetic.synthesize import synthesize as write

    with user_input():
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
        print(write(spec, out, progress=_drawing()))


def _drawing() -> Callable[[int, int], None]:
    """Progress of drawing, on one line of a terminal."""
    terminal = sys.stderr.isatty()

    def say(done: int, total: int) -> None:
        if terminal:
            print(f"drawing {done}/{total}", end="\r", file=sys.stderr)

    return say
