"""One box a clip: the face on its onset frame, applied to all its frames, or a fallback in a stated order.

Boxes found anew on every frame jitter more than a micro-expression moves, so a clip has one. Where no cascade
(`datasets.faces.haar`) finds a face on the onset frame (the clip's first sample where the release holds no
onset):

1. "other frame": the box found on the clip's apex, middle or last sample, the first that has one;
2. "subject": the median box of the subject's other clips, relative to the image's size;
3. "centre": the largest centred square.

Of a clip of which no picture can be read the source is "unreadable". Samples without a clip are a clip each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from datasets.faces.haar import Image, SquareBox, to_square_box
from datasets.spec import Sample, SampleTable

BOX_SOURCES = ("onset", "other frame", "subject", "centre", "unreadable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Where a clip's face is.

    `clip` is the clip's name, or the sample's id where it has no clip; `cascade` the one that found it, ""
    for a fallback without one; `box` left, top and side of a square in an image of `image` (width, height)
    pixels; `source` one of `SOURCES`; `fault` says why the onset frame cannot be read, "" where it can.
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
    """(clips, those without a face on the onset frame) of each subject and of each class, by name."""

    by_subject: dict[str, tuple[int, int]]
    by_class: dict[str, tuple[int, int]]


def clip_key(sample: Sample) -> str:
    """What shares a box: the sample's clip, or the sample alone."""
    return sample.clip or sample.id


def group_by_clip(table: SampleTable) -> dict[str, list[Sample]]:
    """The samples of each clip, clips and samples in the table's order."""
    clips: dict[str, list[Sample]] = {}
    for sample in table.samples:
        clips.setdefault(clip_key(sample), []).append(sample)
    return clips


def apply_fallback_boxes(faces: Sequence[Face]) -> tuple[Face, ...]:
    """Faces that detection has left without a box (source "") with the subject's or the centred one."""
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
    """The median centre and side of the boxes, as shares of width, height and short side, in `image`."""
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
    """The face's square of uint8 (H, W, 3); in an image of another size, the box's share of it."""
    height, width = image.shape[:2]
    if face.box_source == "unreadable":
        left, top, side = to_square_box(0, 0, width, height, shape=image.shape)
    elif (width, height) == face.image_size:
        left, top, side = face.box
    else:
        left, top, side = _median_box([face], (width, height))
    return image[top : top + side, left : left + side]


def count_failures(faces: Sequence[Face], table: SampleTable) -> FailureCounts:
    """How many clips of each subject and class had no face on the onset frame; subjects only where known."""
    by_subject: dict[str, tuple[int, int]] = {}
    by_class = dict.fromkeys(table.classes, (0, 0))
    for face in faces:
        is_failure = face.box_source != "onset"
        for counts, name in ((by_subject, face.subject), (by_class, table.classes[face.label])):
            clips, failures = counts.get(name, (0, 0))
            counts[name] = (clips + 1, failures + is_failure)
    by_subject.pop("", None)
    return FailureCounts(by_subject=by_subject, by_class=by_class)
