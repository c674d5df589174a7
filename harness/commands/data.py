"""`harness data`: what data sets there are, what lies on disk, and a drawn one to try things on."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.commands import options
from harness.errors import user_input

data = typer.Typer(no_args_is_help=True, help="List, describe and synthesize data sets.")


@data.command("list")
def list_(json: options.Json = False) -> None:
    """List the data sets, their frame policies, and where to apply for them."""
    from datasets.catalogue import DATASETS

    if json:
        entries = [
            {"name": e.name, "title": e.title, "frames": e.frames, "obtain": e.obtain}
            for e in DATASETS.values()
        ]
        print(json_module.dumps(entries, indent=1))
        return
    for e in DATASETS.values():
        print(f"{e.name}: {e.title}\n  frames: {', '.join(e.frames)}\n  {e.obtain}")


@data.command()
def describe(
    dataset: options.Dataset = "synthetic",
    root: options.Root = None,
    frames: Annotated[str | None, typer.Option(help="Frame policy; default: the set's first.")] = None,
    json: options.Json = False,
) -> None:
    """Say what a data set's folder holds, class by class, and what is wrong with it; opens no image."""
    from datasets.catalogue import entry, load
    from studies.codec import to_data

    with user_input():
        table = load(dataset, frames or entry(dataset).frames[0], root=root)
    subjects = {sample.subject for sample in table.samples}
    clips = {sample.clip for sample in table.samples}
    counts = dict(zip(table.classes, table.counts(), strict=True))
    if json:
        document = {
            "dataset": table.dataset,
            "frames": table.frames,
            "samples": len(table.samples),
            "subjects": len(subjects),
            "clips": len(clips),
            "classes": counts,
            "notes": list(table.notes),
            "anomalies": to_data(table.anomalies),
        }
        print(json_module.dumps(document, indent=1))
        return
    print(f"{table.dataset} ({table.frames}): {len(table.samples)} frames, {len(clips)} clips, ", end="")
    print(f"{len(subjects)} subjects")
    for name, count in counts.items():
        print(f"  {name:12} {count:6}")
    for note in table.notes:
        print(f"note: {note}")
    for fault in table.anomalies:
        print(f"anomaly: {fault.code}: {fault.where}: {fault.what}; {fault.action}")


@data.command()
def synthesize(
    out: Annotated[Path, typer.Option(help="Folder to make; must be empty or not exist.")],
    layout: Annotated[str, typer.Option(help="Release layout: casme2.")] = "casme2",
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    subjects: Annotated[int, typer.Option(help="Number of subjects.")] = 26,
    clips: Annotated[int | None, typer.Option(help="Clips; default: as many as the real set.")] = None,
    frames: Annotated[int | None, typer.Option(help="Frames a clip; default: as in the real set.")] = None,
    balance: Annotated[bool, typer.Option("--balance", help="As many clips of each class.")] = False,
    amplitude: Annotated[float, typer.Option(help="Size of the expression's motion.")] = 1.0,
    identity: Annotated[float, typer.Option(help="How far subjects differ from one another.")] = 1.0,
    raw: Annotated[bool, typer.Option("--raw", help="Write RAW full frames too.")] = False,
) -> None:
    """Draw faces and write them in the layout of the real release: no licence, known truth."""
    from datasets.synthetic import SyntheticSpec
    from datasets.synthetic import synthesize as write

    with user_input():
        if layout != "casme2":
            raise ValueError(f"unknown layout {layout!r}; accepted: casme2")
        spec = SyntheticSpec(
            subjects=subjects,
            clips=clips,
            frames=frames,
            balance=balance,
            amplitude=amplitude,
            identity=identity,
            raw=raw,
            seed=seed,
        )
        terminal = sys.stderr.isatty()

        def say(done: int, total: int) -> None:
            if terminal:
                print(f"drawing {done}/{total}", end="\r", file=sys.stderr)

        print(write(spec, out, progress=say))
