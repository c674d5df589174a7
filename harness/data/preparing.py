"""Everything between a data set's files and training, done once and kept in the cache."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from datasets.pixels.cache import ImageArray
from datasets.spec import Anomaly, DatasetSpec, SampleTable
from harness.data.anomalies import find_new_anomalies, format_anomaly
from harness.data.reading import DataRequest, build_dataset_spec, check_protocols, load_images, load_table
from studies.codec import to_data


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationResult:
    """What now lies in the cache, and how long it took.

    `made` images were made now, `cached` ones were there already; `faults` are those that opening the images
    showed.
    """

    spec: DatasetSpec
    pixels: ImageArray
    new_images: int
    cached_images: int
    anomalies: tuple[Anomaly, ...]
    seconds: float

    @property
    def faces(self) -> tuple[int, int]:
        """Clips with a box of a face, their own or their subject's, and those with the centred square."""
        sources = [face.box_source for face in self.pixels.faces]
        centred_clips = sources.count("centre")
        return len(sources) - centred_clips - sources.count("unreadable"), centred_clips

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "dataset": self.spec.name,
            "layout": self.spec.layout,
            "frames": self.spec.frame_policy,
            "image_size": self.spec.image_size,
            "alignment": self.spec.alignment,
            "representation": self.spec.representation,
            "images": len(self.pixels.table.samples),
            "made": self.new_images,
            "already_there": self.cached_images,
            "faces": self.faces[0],
            "without_face": self.faces[1],
            "faults": [to_data(anomaly) for anomaly in self.anomalies],
            "fingerprint": self.pixels.fingerprint,
            "seconds": round(self.seconds, 2),
        }

    def render_text(self) -> str:
        """As a person reads it."""
        spec, images = self.spec, len(self.pixels.table.samples)
        aligned_clips, centred_clips = self.faces
        faces_note = f", {aligned_clips} clips aligned" if self.pixels.faces else ""
        faces_note += f", {centred_clips} without a face cut to the centred square" if centred_clips else ""
        rate = f", {self.new_images / max(self.seconds, 1e-9):.0f} images a second" if self.new_images else ""
        cached_note = (
            f"; {self.cached_images} of {self.new_images + self.cached_images} already there"
            if self.cached_images
            else ""
        )
        summary = (
            f"{spec.name}, layout {spec.layout}, frames {spec.frame_policy}: {images} images at "
            f"{spec.image_size} px ({spec.representation}, alignment {spec.alignment}){faces_note}; "
            f"{self.seconds:.1f} s{rate}{cached_note}"
        )
        return "\n".join((summary, *map(format_anomaly, self.anomalies)))


def prepare_dataset(
    request: DataRequest, *, protocols: tuple[str, ...], image_size: int
) -> PreparationResult:
    """Read, find faces where they are to be found, decode; what the cache has is not done again.

    `protocols` are those of the study to come, which settle the frame policy where none is asked for.

    Raises:
        ValueError: the request or the data are not usable.
        OSError: the cache cannot be written.
    """
    check_protocols(protocols, folds=None)
    spec = build_dataset_spec(request, protocols=protocols, image_size=image_size)
    start = time.perf_counter()
    spec, table = load_table(request, spec)
    steps: list[tuple[int, int]] = []
    pixels = load_with_progress(
        spec, table, progress=lambda completed, total: steps.append((completed, total))
    )
    # Images that are all there are made in no step; the first step says how many were there.
    cached_images, total = steps[0] if steps else (len(pixels.table.samples),) * 2
    return PreparationResult(
        spec=spec,
        pixels=pixels,
        new_images=total - cached_images,
        cached_images=cached_images,
        anomalies=find_new_anomalies(pixels, table),
        seconds=time.perf_counter() - start,
    )


def load_with_progress(
    spec: DatasetSpec, table: SampleTable, *, progress: Callable[[int, int], None] | None = None
) -> ImageArray:
    """`decoded`, with a bar for the search for faces and one for the images; `progress` is of the images.

    Ctrl-C is answered by how far they came.
    """
    if spec.alignment == "haar":
        from datasets.faces.search import detect_faces

        with _resumable_progress("faces, clip by clip", "clips") as told:
            detect_faces(table, progress=told)
    with _resumable_progress("images", "images", progress) as report_progress:
        return load_images(spec, table, progress=report_progress)


@contextmanager
def _resumable_progress(
    description: str, unit: str, progress: Callable[[int, int], None] | None = None
) -> Iterator[Callable[[int, int], None]]:
    """A bar for work that goes on where it was stopped; where it is, Ctrl-C says so on stderr."""
    position = ""
    try:
        with progress_bar(description) as update_bar:

            def report_progress(completed: int, total: int) -> None:
                nonlocal position
                position = f" at {completed} of {total} {unit}"
                update_bar(completed, total)
                if progress:
                    progress(completed, total)

            yield report_progress
    except KeyboardInterrupt:
        print(f"stopped{position}; the same command goes on from there", file=sys.stderr)
        raise


@contextmanager
def progress_bar(description: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr that appears with the first step; silent where there is no terminal."""
    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(description, total=None)
        yield lambda completed, total: progress.update(task, completed=completed, total=total)
