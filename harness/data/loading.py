"""Load the sample table and the images that a `DataRequest` describes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.catalogue import check_path_patterns, get_default_frame_policy, get_entry, load_dataset
from datasets.spec import (
    ALIGNMENTS,
    DEFAULT_FLOW,
    MOTION_REPRESENTATIONS,
    DatasetSpec,
    FlowSpec,
    SampleTable,
)
from datasets.splits import PROTOCOLS
from datasets.text import pluralize
from harness.errors import HarnessError, check_choice

if TYPE_CHECKING:
    from collections.abc import Callable

    from datasets.preprocessing.image_array import ImageArray

AUTO = "auto"
ALIGN_CHOICES = (AUTO, *ALIGNMENTS)

STUDY_REPRESENTATIONS = ("frame", *MOTION_REPRESENTATIONS)
"""Input representations of a study. (The "onset" representation is for a control only.)"""

MAX_REPETITIONS = 1000
"""Maximum number of seeds and of splits."""

MIN_IMAGE_SIZE, MAX_IMAGE_SIZE = 8, 1024
"""Limits of the image side in pixels, for visible faces and for images that fit in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequest:
    """Data as the user requests them.

    None, () and layout "" use the default of the data set. `align` "auto" aligns faces unless the release is
    aligned. `subject_from` and `clip_from` are regular expressions that find the subject and the clip in the
    paths of one's own images (`datasets.folder.path_patterns`).
    """

    dataset: str
    root: Path | None = None
    frames: str | None = None
    classes: tuple[str, ...] = ()
    layout: str = ""
    align: str = AUTO
    representation: str = "frame"
    flow: FlowSpec = DEFAULT_FLOW
    subject_from: str | None = None
    clip_from: str | None = None


def build_dataset_spec(request: DataRequest, *, protocols: tuple[str, ...], image_size: int) -> DatasetSpec:
    """Build the data set spec as far as it is known without the data; alignment "auto" becomes "none".

    Raises:
        HarnessError: A name is unknown, or the values do not fit together.
    """
    dataset_entry = get_entry(request.dataset)
    check_path_patterns(request.dataset, subject_from=request.subject_from, clip_from=request.clip_from)
    check_choice("--align", request.align, ALIGN_CHOICES)
    check_choice("--representation", request.representation, STUDY_REPRESENTATIONS)
    if image_size > MAX_IMAGE_SIZE:
        raise HarnessError(
            "image-size.too-large", f"--image-size must be at most {MAX_IMAGE_SIZE} pixels; got {image_size}"
        )
    default_policy = get_default_frame_policy(request.dataset, protocols, request.representation)
    frame_policy = default_policy if request.frames is None else request.frames
    dataset_entry.check_options(frame_policy, request.layout)
    spec = DatasetSpec(
        name=request.dataset,
        frame_policy=frame_policy,
        image_size=image_size,
        alignment="none" if request.align == AUTO else request.align,
        representation=request.representation,
        classes=request.classes,
        layout=request.layout,
        flow=request.flow,
    )
    if spec.representation in MOTION_REPRESENTATIONS and spec.frame_policy not in dataset_entry.apex_policies:
        choices = (
            f"accepted: {', '.join(dataset_entry.apex_policies)}"
            if dataset_entry.apex_policies
            else f"{dataset_entry.name} has no such frames, so take --representation frame"
        )
        raise HarnessError(
            "representation.wrong-frames",
            f"--representation {spec.representation} shows the change of a face since its onset, so "
            f"--frames must select frames at or near the apex; got {spec.frame_policy}; {choices}",
        )
    return spec


def check_protocols(protocols: tuple[str, ...], *, folds: int | None) -> None:
    """Check protocols and the number of folds, as far as possible without the data.

    Raises:
        HarnessError: A protocol is unknown, `folds` is below 2, or `folds` is set without protocol kfold.
    """
    for protocol in protocols:
        check_choice("protocol", protocol, PROTOCOLS)
    if folds is not None and "kfold" not in protocols:
        raise HarnessError(
            "folds.without-kfold", f"--folds needs --protocol kfold; got {', '.join(protocols)}"
        )
    if folds is not None and folds < 2:
        raise HarnessError("folds.too-few", f"--folds must be at least 2; got {folds}")


def check_count(option: str, count: int) -> None:
    """Check the value of `--seeds` or `--splits`.

    Raises:
        HarnessError: `count` is below 1 or above `MAX_REPETITIONS`.
    """
    if not 1 <= count <= MAX_REPETITIONS:
        raise HarnessError(
            "repetitions.range", f"{option} must be at least 1 and at most {MAX_REPETITIONS}; got {count}"
        )


def load_table(request: DataRequest, spec: DatasetSpec) -> tuple[DatasetSpec, SampleTable]:
    """Load the sample table; return it with a spec whose classes, layout and alignment are resolved.

    Raises:
        ValueError: The data do not exist or are invalid.
    """
    table = load_dataset(
        spec.name,
        spec.frame_policy,
        root=request.root,
        classes=spec.classes,
        layout=spec.layout,
        subject_from=request.subject_from,
        clip_from=request.clip_from,
    )
    use_haar = request.align == AUTO and not table.is_aligned
    alignment = "haar" if use_haar else spec.alignment
    return replace(spec, classes=table.classes, layout=table.layout, alignment=alignment), table


def load_images(
    spec: DatasetSpec,
    table: SampleTable,
    *,
    progress: Callable[[int, int], None] | None = None,
    face_progress: Callable[[int, int], None] | None = None,
) -> ImageArray:
    """Load the images of a table as the spec describes them, from the cache if possible.

    `progress` and `face_progress` are as in `preprocess_images`.

    Raises:
        ValueError: No image can be read, or the representation is not possible for any image.
        OSError: The cache cannot be written.
    """
    from datasets.preprocessing.image_array import preprocess_images

    images = preprocess_images(
        table,
        size=spec.image_size,
        alignment=spec.alignment,
        representation=spec.representation,
        flow=spec.flow,
        progress=progress,
        face_progress=face_progress,
    )
    if not images.faces:
        return images
    sources = Counter(face.box_source for face in images.faces)
    boxes = ", ".join(f"{count} {source}" for source, count in sources.most_common())
    note = f"faces: one box for each of {pluralize(len(images.faces), 'clip')}; sources of the boxes: {boxes}"
    return replace(images, table=replace(images.table, notes=(*images.table.notes, note)))
