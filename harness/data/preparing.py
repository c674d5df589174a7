"""Everything between a data set's files and training, done once and kept in the cache."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from datasets.pixels.cache import Pixels
from datasets.spec import Anomaly, DatasetSpec, SampleTable
from harness.data.anomalies import in_words, on_opening
from harness.data.reading import DataRequest, asked, check_protocols, decoded, read


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What now lies in the cache, and how long it took.

    `made` images were made now, `cached` ones were there already; `faults` are those that opening the images
    showed.
    """

    spec: DatasetSpec
    pixels: Pixels
    made: int
    cached: int
    faults: tuple[Anomaly, ...]
    seconds: float

    @property
    def faces(self) -> tuple[int, int]:
        """Clips with a box of a face, their own or their subject's, and those with the centred square."""
        sources = [face.source for face in self.pixels.faces]
        centred = sources.count("centre")
        return len(sources) - centred - sources.count("unreadable"), centred

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "dataset": self.spec.name,
            "layout": self.spec.layout,
            "frames": self.spec.frames,
            "image_size": self.spec.image_size,
            "alignment": self.spec.alignment,
            "representation": self.spec.representation,
            "images": len(self.pixels.table.samples),
            "made": self.made,
            "already_there": self.cached,
            "faces": self.faces[0],
            "without_face": self.faces[1],
            "faults": [asdict(fault) for fault in self.faults],
            "fingerprint": self.pixels.fingerprint,
            "seconds": round(self.seconds, 2),
        }

    def in_words(self) -> str:
        """As a person reads it."""
        spec, images = self.spec, len(self.pixels.table.samples)
        aligned, centred = self.faces
        faces = f", {aligned} clips aligned" if self.pixels.faces else ""
        faces += f", {centred} without a face cut to the centred square" if centred else ""
        rate = f", {self.made / max(self.seconds, 1e-9):.0f} images a second" if self.made else ""
        there = f"; {self.cached} of {self.made + self.cached} already there" if self.cached else ""
        head = (
            f"{spec.name}, layout {spec.layout}, frames {spec.frames}: {images} images at "
            f"{spec.image_size} px ({spec.representation}, alignment {spec.alignment}){faces}; "
            f"{self.seconds:.1f} s{rate}{there}"
        )
        return "\n".join((head, *map(in_words, self.faults)))


def prepared(request: DataRequest, *, protocols: tuple[str, ...], image_size: int) -> Prepared:
    """Read, find faces where they are to be found, decode; what the cache has is not done again.

    `protocols` are those of the study to come, which settle the frame policy where none is asked for.

    Raises:
        ValueError: the request or the data are not usable.
        OSError: the cache cannot be written.
    """
    check_protocols(protocols, folds=None)
    spec = asked(request, protocols=protocols, image_size=image_size)
    start = time.perf_counter()
    spec, table = read(request, spec)
    steps: list[tuple[int, int]] = []
    pixels = decoded_with_bars(spec, table, progress=lambda done, total: steps.append((done, total)))
    # Images that are all there are made in no step; the first step says how many were there.
    cached, total = steps[0] if steps else (len(pixels.table.samples),) * 2
    return Prepared(
        spec=spec,
        pixels=pixels,
        made=total - cached,
        cached=cached,
        faults=on_opening(pixels, table),
        seconds=time.perf_counter() - start,
    )


def decoded_with_bars(
    spec: DatasetSpec, table: SampleTable, *, progress: Callable[[int, int], None] | None = None
) -> Pixels:
    """`decoded`, with a bar for the search for faces and one for the images; `progress` is of the images.

    Ctrl-C is answered by how far they came.
    """
    if spec.alignment == "haar":
        from datasets.faces.search import find_faces

        with _resumable("faces, clip by clip", "clips") as told:
            find_faces(table, progress=told)
    with _resumable("images", "images", progress) as told:
        return decoded(spec, table, progress=told)


@contextmanager
def _resumable(
    what: str, unit: str, progress: Callable[[int, int], None] | None = None
) -> Iterator[Callable[[int, int], None]]:
    """A bar for work that goes on where it was stopped; where it is, Ctrl-C says so on stderr."""
    come = ""
    try:
        with bar(what) as shown:

            def told(done: int, total: int) -> None:
                nonlocal come
                come = f" at {done} of {total} {unit}"
                shown(done, total)
                if progress:
                    progress(done, total)

            yield told
    except KeyboardInterrupt:
        print(f"stopped{come}; the same command goes on from there", file=sys.stderr)
        raise


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr that appears with the first step; silent where there is no terminal."""
    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
