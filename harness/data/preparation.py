"""Prepare the images of a data set for training, once, and store them in the cache."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from datasets.anomalies import find_new_anomalies, format_anomaly
from datasets.preprocessing.image_array import ImageArray
from datasets.spec import Anomaly, DatasetSpec, SampleTable
from datasets.text import pluralize
from harness.data.loading import DataRequest, build_dataset_spec, check_protocols, load_images, load_table
from harness.progress import progress_bars
from studies.codec import to_data


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationResult:
    """Images in the cache after preparation, and the time it took.

    `new_images` images were prepared now, `cached_images` were in the cache before. `anomalies` are those
    found when the images were opened.
    """

    spec: DatasetSpec
    pixels: ImageArray
    new_images: int
    cached_images: int
    anomalies: tuple[Anomaly, ...]
    seconds: float

    @property
    def faces(self) -> tuple[int, int]:
        """Number of clips with a face box (their own or their subject's), and with the centred square."""
        sources = [face.box_source for face in self.pixels.faces]
        centred_clips = sources.count("centre")
        return len(sources) - centred_clips - sources.count("unreadable"), centred_clips

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-serializable dict."""
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
        """Return the result as text."""
        spec, images = self.spec, len(self.pixels.table.samples)
        aligned_clips, centred_clips = self.faces
        faces_note = f", {pluralize(aligned_clips, 'clip')} aligned" if self.pixels.faces else ""
        faces_note += (
            f", {centred_clips} without a face cropped to the centred square" if centred_clips else ""
        )
        rate = (
            f", {self.new_images / max(self.seconds, 1e-9):.0f} images per second" if self.new_images else ""
        )
        cached_note = (
            f"; {self.cached_images} of {self.new_images + self.cached_images} already in the cache"
            if self.cached_images
            else ""
        )
        summary = (
            f"{spec.name}, layout {spec.layout}, frames {spec.frame_policy}: {pluralize(images, 'image')} at "
            f"{spec.image_size} px ({spec.describe_representation()}, alignment {spec.alignment})"
            f"{faces_note}; {self.seconds:.1f} s{rate}{cached_note}"
        )
        return "\n".join((summary, *(f"anomaly: {format_anomaly(anomaly)}" for anomaly in self.anomalies)))


def prepare_dataset(
    request: DataRequest, *, protocols: tuple[str, ...], image_size: int
) -> PreparationResult:
    """Load a data set, detect faces if the alignment needs them, and decode all images that are not cached.

    `protocols` are the protocols of the later study. They determine the default frame policy.

    Raises:
        ValueError: The request or the data are invalid.
        OSError: The cache cannot be written.
    """
    check_protocols(protocols, folds=None)
    spec = build_dataset_spec(request, protocols=protocols, image_size=image_size)
    start = time.perf_counter()
    spec, table = load_table(request, spec)
    steps: list[tuple[int, int]] = []
    pixels = load_with_progress(
        spec, table, progress=lambda completed, total: steps.append((completed, total))
    )
    # The first progress step reports the cached images. If all images are cached, there is no step.
    cached_images, total = steps[0] if steps else (len(pixels.table.samples),) * 2
    return PreparationResult(
        spec=spec,
        pixels=pixels,
        new_images=total - cached_images,
        cached_images=cached_images,
        anomalies=find_new_anomalies(pixels.table, table),
        seconds=time.perf_counter() - start,
    )


def load_with_progress(
    spec: DatasetSpec, table: SampleTable, *, progress: Callable[[int, int], None] | None = None
) -> ImageArray:
    """Load images as `load_images` does, with progress bars for face detection and for the images.

    `progress` is called for the images only. After Ctrl-C the position is printed.
    """
    position = ""

    def report(bar: Callable[[int, int], None], completed: int, total: int, *, unit: str) -> None:
        nonlocal position
        position = f" at {completed} of {total} {unit}"
        bar(completed, total)

    def report_images(completed: int, total: int) -> None:
        report(image_bar, completed, total, unit="images")
        if progress:
            progress(completed, total)

    try:
        with progress_bars("faces by clip", "images") as (face_bar, image_bar):
            return load_images(
                spec,
                table,
                progress=report_images,
                face_progress=lambda completed, total: report(face_bar, completed, total, unit="clips"),
            )
    except KeyboardInterrupt:
        print(f"stopped{position}; run the same command to resume", file=sys.stderr)
        raise
