"""How long reading and preparing a data set take, beside nothing but decoding and resizing its images."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import cv2

from datasets.pixels.store import cores
from datasets.spec import SampleTable
from harness.bench.timed import paired, seconds, spread
from harness.data.preparing import bar
from harness.data.reading import DataRequest, asked, decoded, read

MOST_ROUNDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DataBench:
    """Seconds of each round; `plain` is () where images do not lie in files of their own."""

    images: int
    image_size: int
    aligned: bool
    cores: int
    describe: tuple[float, ...]
    prepare: tuple[float, ...]
    plain: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """Of each round, the rate of preparing as a share of plain decoding's on the same cores."""
        return paired(self.plain, self.prepare) if self.plain else ()

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "images": self.images,
            "image_size": self.image_size,
            "aligned": self.aligned,
            "cores": self.cores,
            "describe_s": list(self.describe),
            "prepare_s": list(self.prepare),
            "plain_decoding_s": list(self.plain),
            "ratio": list(self.ratios),
        }

    def in_words(self) -> str:
        """As a person reads it."""
        rate = self.images / median(self.prepare)
        faces = "with the search for faces " if self.aligned else ""
        text = (
            f"{self.images} images, {self.cores} cores, {len(self.prepare)} rounds\n"
            f"described in {median(self.describe):.2f} s\n"
            f"prepared at {self.image_size} px {faces}in {median(self.prepare):.1f} s, "
            f"{rate:.0f} images a second"
        )
        if not self.plain:
            return text
        return (
            f"{text}\nplain decoding and resizing on the same cores: "
            f"{self.images / median(self.plain):.0f} images a second; preparing keeps of that "
            f"{spread(self.ratios, '{:.0%}'.format)}"
        )


def measured(request: DataRequest, *, image_size: int, rounds: int) -> DataBench:
    """Read and prepare into a cache of its own, `rounds` times, plain decoding in turn with it.

    Raises:
        ValueError: the request or the data are not usable, or `rounds` is below 1.
    """
    if not 1 <= rounds <= MOST_ROUNDS:
        raise ValueError(f"--rounds must be at least 1 and at most {MOST_ROUNDS}; got {rounds}")
    spec = asked(request, protocols=("frame",), image_size=image_size)
    describe, prepare, plain = [], [], []
    settled, table = read(request, spec)
    own_files = all(sample.item < 0 for sample in table.samples)
    if own_files:
        # Unmeasured, so that no round pays for bringing the files into the system's memory.
        _decode(table, image_size)
    for _ in range(rounds):
        start = time.perf_counter()
        settled, table = read(request, spec)
        describe.append(time.perf_counter() - start)
        if own_files:
            plain.append(seconds(partial(_decode, table, image_size)))
        with own_cache(), bar("images") as progress:
            prepare.append(seconds(partial(decoded, settled, table, progress=progress)))
    return DataBench(
        images=len(table.samples),
        image_size=image_size,
        aligned=settled.alignment != "none",
        cores=cores(),
        describe=tuple(describe),
        prepare=tuple(prepare),
        plain=tuple(plain),
    )


def _decode(table: SampleTable, size: int) -> None:
    """What a training script does with every image: read, resize, forget."""

    def one(path: str) -> None:
        image = cv2.imread(path)
        if image is not None:
            cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)

    with ThreadPoolExecutor(cores()) as pool:
        for _ in pool.map(one, [sample.path for sample in table.samples]):
            pass


@contextmanager
def own_cache() -> Iterator[None]:
    """An empty cache for as long as it takes, so that nothing is found done."""
    before = os.environ.get("HARNESS_CACHE")
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as place:
        os.environ["HARNESS_CACHE"] = place
        try:
            yield
        finally:
            if before is None:
                del os.environ["HARNESS_CACHE"]
            else:
                os.environ["HARNESS_CACHE"] = before
