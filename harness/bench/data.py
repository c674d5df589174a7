"""Measure describing and preparing a data set against plain decoding and resizing of its images."""

from __future__ import annotations

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

from datasets.io.cache_files import count_cores
from datasets.spec import SampleTable
from harness.bench.timing import compute_ratios, format_median_range, measure_seconds
from harness.data.loading import DataRequest, build_dataset_spec, load_images, load_table
from harness.errors import HarnessError
from harness.process_settings import set_environment
from harness.progress import progress_bars

MAX_ROUNDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DataBenchResult:
    """Seconds of each round; `plain_seconds` is () if the images are not separate files."""

    image_count: int
    image_size: int
    aligned: bool
    core_count: int
    describe_seconds: tuple[float, ...]
    prepare_seconds: tuple[float, ...]
    plain_seconds: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """Speed of preparing divided by the speed of plain decoding on the same cores, for each round."""
        return compute_ratios(self.plain_seconds, self.prepare_seconds) if self.plain_seconds else ()

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-serializable dict."""
        return {
            "images": self.image_count,
            "image_size": self.image_size,
            "aligned": self.aligned,
            "cores": self.core_count,
            "describe_s": list(self.describe_seconds),
            "prepare_s": list(self.prepare_seconds),
            "plain_decoding_s": list(self.plain_seconds),
            "ratio": list(self.ratios),
        }

    def render_text(self) -> str:
        """Return the result as text."""
        rate = self.image_count / median(self.prepare_seconds)
        faces = "with face detection " if self.aligned else ""
        text = (
            f"{self.image_count} images, {self.core_count} cores, {len(self.prepare_seconds)} rounds\n"
            f"described in {median(self.describe_seconds):.2f} s\n"
            f"prepared at {self.image_size} px {faces}in {median(self.prepare_seconds):.1f} s, "
            f"{rate:.0f} images per second"
        )
        if not self.plain_seconds:
            return text
        return (
            f"{text}\nplain decoding and resizing on the same cores: "
            f"{self.image_count / median(self.plain_seconds):.0f} images per second; preparing reaches "
            f"{format_median_range(self.ratios, '{:.0%}'.format)} of that"
        )


def benchmark_data(request: DataRequest, *, image_size: int, rounds: int) -> DataBenchResult:
    """Measure describing, plain decoding and preparing into an empty cache, `rounds` times in turn.

    Raises:
        HarnessError: The request or the data are invalid, or `rounds` is out of range.
    """
    if not 1 <= rounds <= MAX_ROUNDS:
        raise HarnessError(
            "bench-rounds.range", f"--rounds must be at least 1 and at most {MAX_ROUNDS}; got {rounds}"
        )
    spec = build_dataset_spec(request, protocols=("frame",), image_size=image_size)
    describe_seconds, prepare_seconds, plain_seconds = [], [], []
    resolved_spec, table = load_table(request, spec)
    has_image_files = all(sample.frame_index < 0 for sample in table.samples)
    if has_image_files:
        # Warm up the system's file cache, so that the first round is not slower than the others.
        _decode_images(table, image_size)
    for _ in range(rounds):
        start = time.perf_counter()
        resolved_spec, table = load_table(request, spec)
        describe_seconds.append(time.perf_counter() - start)
        if has_image_files:
            plain_seconds.append(measure_seconds(partial(_decode_images, table, image_size)))
        with temporary_cache(), progress_bars("images") as (progress,):
            prepare_seconds.append(
                measure_seconds(partial(load_images, resolved_spec, table, progress=progress))
            )
    return DataBenchResult(
        image_count=len(table.samples),
        image_size=image_size,
        aligned=resolved_spec.alignment != "none",
        core_count=count_cores(),
        describe_seconds=tuple(describe_seconds),
        prepare_seconds=tuple(prepare_seconds),
        plain_seconds=tuple(plain_seconds),
    )


def _decode_images(table: SampleTable, image_size: int) -> None:
    """Read and resize every image, as a plain training script does, and discard the result."""

    def decode_image(path: str) -> None:
        image = cv2.imread(path)
        if image is not None:
            cv2.resize(image, (image_size, image_size), interpolation=cv2.INTER_AREA)

    with ThreadPoolExecutor(count_cores()) as pool:
        for _ in pool.map(decode_image, [sample.path for sample in table.samples]):
            pass


@contextmanager
def temporary_cache() -> Iterator[None]:
    """Use an empty image cache within the block, so that nothing is cached."""
    with (
        tempfile.TemporaryDirectory(prefix="harness-bench-") as folder,
        set_environment({"HARNESS_CACHE": folder}),
    ):
        yield
