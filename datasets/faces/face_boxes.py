"""One face box per clip: the box on the onset frame, or a fallback.

A clip has one box for all its frames, because boxes detected on every frame jitter more than a
micro-expression moves. If no cascade (`datasets.faces.haar_detector`) detects a face on the onset frame (or
on the clip's first sample, if the release has no onset), the fallbacks are, in this order:

1. "other frame": the box on the clip's apex, middle or last sample, the first on which a face is detected;
2. "subject": the median box of the subject's other clips, relative to the image size;
3. "centre": the largest centred square.

The box source of a clip without a readable image is "unreadable". A sample without a clip is treated as a
clip of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from datasets.faces.haar_detector import Image, SquareBox, to_square_box
from datasets.spec import Sample, SampleTable

BOX_SOURCES = ("onset", "other frame", "subject", "centre", "unreadable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """The face box of a clip.

    Attributes:
        clip: Name of the clip, or id of the sample if it has no clip.
        subject: Subject of the clip, "" if unknown.
        label: Class index of the clip.
        cascade: Name of the cascade that detected the face, "" for a fallback without detection.
        box: Left, top and side of a square in an image of size `image_size`, in pixels.
        image_size: Width and height of that image, in pixels.
        box_source: One of `BOX_SOURCES`.
        onset_fault: Reason why the onset frame cannot be read, "" if it can.
    """

    clip: str
    subject: str
    label: int
    cascade: str
    box: SquareBox
    image_size: tuple[int, int]
    box_source: str
    onset_fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCounts:
    """(clips, clips without a face detected on the onset frame) of each subject and class, by name."""

    by_subject: dict[str, tuple[int, int]]
    by_class: dict[str, tuple[int, int]]


def clip_key(sample: Sample) -> str:
    """Return the key of the samples that share a box: the sample's clip, or its id if it has no clip."""
    return sample.clip or sample.id


def group_by_clip(table: SampleTable) -> dict[str, list[Sample]]:
    """Return the samples of each clip; clips and samples keep the table's order.

    Clips of aligned parts of a composite are left out, because they need no face box.
    """
    clips: dict[str, list[Sample]] = {}
    for sample in table.samples:
        if sample.part and sample.part in table.aligned_parts:
            continue
        clips.setdefault(clip_key(sample), []).append(sample)
    return clips


def apply_fallback_boxes(faces: Sequence[Face]) -> tuple[Face, ...]:
    """Give faces without a box (`box_source` "") the subject's median box or the centred square."""
    faces_by_subject: dict[str, list[Face]] = {}
    for face in faces:
        if face.cascade and face.subject:
            faces_by_subject.setdefault(face.subject, []).append(face)

    def add_fallback_box(face: Face) -> Face:
        if detections := faces_by_subject.get(face.subject):
            return replace(face, box=_median_box(detections, face.image_size), box_source="subject")
        width, height = face.image_size
        return replace(
            face, box=to_square_box(0, 0, width, height, shape=(height, width)), box_source="centre"
        )

    return tuple(face if face.box_source else add_fallback_box(face) for face in faces)


def _median_box(faces: Iterable[Face], image_size: tuple[int, int]) -> SquareBox:
    """Return the box in an image of `image_size` whose centre and side are the medians of the faces' boxes.

    Centre and side are relative to the width, the height and the shorter side of each image.
    """
    relative_boxes = [
        (
            (left + side / 2) / face.image_size[0],
            (top + side / 2) / face.image_size[1],
            side / min(face.image_size),
        )
        for face in faces
        for left, top, side in (face.box,)
    ]
    center_x, center_y, relative_side = (median(values) for values in zip(*relative_boxes, strict=True))
    width, height = image_size
    side = relative_side * min(image_size)
    return to_square_box(
        center_x * width - side / 2, center_y * height - side / 2, side, side, shape=(height, width)
    )


def crop_face(image: Image, face: Face) -> Image:
    """Crop uint8 (H, W, 3) to the face box, which is scaled if the image has another size than the face's."""
    height, width = image.shape[:2]
    if face.box_source == "unreadable":
        left, top, side = to_square_box(0, 0, width, height, shape=image.shape)
    elif (width, height) == face.image_size:
        left, top, side = face.box
    else:
        left, top, side = _median_box([face], (width, height))
    return image[top : top + side, left : left + side]


def count_failures(faces: Sequence[Face], table: SampleTable) -> FailureCounts:
    """Count the clips without a face detected on the onset frame, by class and by known subject."""
    by_subject: dict[str, tuple[int, int]] = {}
    by_class = dict.fromkeys(table.classes, (0, 0))
    for face in faces:
        is_failure = face.box_source != "onset"
        for counts, name in ((by_subject, face.subject), (by_class, table.classes[face.label])):
            clips, failures = counts.get(name, (0, 0))
            counts[name] = (clips + 1, failures + is_failure)
    by_subject.pop("", None)
    return FailureCounts(by_subject=by_subject, by_class=by_class)
