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
from harness.reading import DataRequest, asked, decoded, read


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What now lies in the cache, and how long it took; `faults` are those that opening the images showed."""

    spec: DatasetSpec
    pixels: Pixels
    faults: tuple[Anomaly, ...]
    seconds: float

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
            "faces": len(self.pixels.faces),
            "faults": [asdict(fault) for fault in self.faults],
            "fingerprint": self.pixels.fingerprint,
            "seconds": round(self.seconds, 2),
        }

    def in_words(self) -> str:
        """As a person reads it."""
        spec, images = self.spec, len(self.pixels.table.samples)
        faces = f", {len(self.pixels.faces)} clips aligned" if self.pixels.faces else ""
        head = (
            f"{spec.name}, layout {spec.layout}, frames {spec.frames}: {images} images at "
            f"{spec.image_size} px ({spec.representation}, alignment {spec.alignment}){faces}; "
            f"{self.seconds:.1f} s, {images / max(self.seconds, 1e-9):.0f} a second"
        )
        return "\n".join(
            (head, *(f"anomaly: {a.code}: {a.where}: {a.what}; {a.action}" for a in self.faults))
        )


def prepared(request: DataRequest, *, protocols: tuple[str, ...], image_size: int) -> Prepared:
    """Read, find faces where they are to be found, decode; what the cache has is not done again.

    `protocols` are those of the study to come, which settle the frame policy where none is asked for.

    Raises:
        ValueError: the request or the data are not usable.
        OSError: the cache cannot be written.
    """
    spec = asked(request, protocols=protocols, image_size=image_size)
    start = time.perf_counter()
    spec, table = read(request, spec)
    pixels = decoded_with_bars(spec, table)
    known = set(table.anomalies)
    return Prepared(
        spec=spec,
        pixels=pixels,
        faults=tuple(fault for fault in pixels.table.anomalies if fault not in known),
        seconds=time.perf_counter() - start,
    )


def decoded_with_bars(spec: DatasetSpec, table: SampleTable) -> Pixels:
    """`decoded`, with a bar for the search for faces and one for the images."""
    if spec.alignment == "haar":
        from datasets.faces.search import find_faces

        with bar("faces, clip by clip") as progress:
            find_faces(table, progress=progress)
    with bar("images") as progress:
        return decoded(spec, table, progress=progress)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr that appears with the first step; silent where there is no terminal."""
    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
