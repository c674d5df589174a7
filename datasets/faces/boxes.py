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

from datasets.faces.haar import Box, Image, squared
from datasets.spec import Sample, SampleTable

SOURCES = ("onset", "other frame", "subject", "centre", "unreadable")


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
    box: Box
    image: tuple[int, int]
    source: str
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRates:
    """(clips, those without a face on the onset frame) of each subject and of each class, by name."""

    by_subject: dict[str, tuple[int, int]]
    by_class: dict[str, tuple[int, int]]


def unit(sample: Sample) -> str:
    """What shares a box: the sample's clip, or the sample alone."""
    return sample.clip or sample.id


def units(table: SampleTable) -> dict[str, list[Sample]]:
    """The samples of each clip, clips and samples in the table's order."""
    found: dict[str, list[Sample]] = {}
    for sample in table.samples:
        found.setdefault(unit(sample), []).append(sample)
    return found


def settled(faces: Sequence[Face]) -> tuple[Face, ...]:
    """Faces that detection has left without a box (source "") with the subject's or the centred one."""
    of_subject: dict[str, list[Face]] = {}
    for face in faces:
        if face.cascade and face.subject:
            of_subject.setdefault(face.subject, []).append(face)

    def fallback(face: Face) -> Face:
        if others := of_subject.get(face.subject):
            return replace(face, box=_typical(others, face.image), source="subject")
        width, height = face.image
        return replace(face, box=squared(0, 0, width, height, shape=(height, width)), source="centre")

    return tuple(face if face.source else fallback(face) for face in faces)


def _typical(faces: Iterable[Face], image: tuple[int, int]) -> Box:
    """The median centre and side of the boxes, as shares of width, height and short side, in `image`."""
    shares = [
        (
            (left + side / 2) / face.image[0],
            (top + side / 2) / face.image[1],
            side / min(face.image),
        )
        for face in faces
        for left, top, side in (face.box,)
    ]
    x, y, size = (median(share) for share in zip(*shares, strict=True))
    width, height = image
    side = size * min(image)
    return squared(x * width - side / 2, y * height - side / 2, side, side, shape=(height, width))


def cropped(image: Image, face: Face) -> Image:
    """The face's square of uint8 (H, W, 3); in an image of another size, the box's share of it."""
    height, width = image.shape[:2]
    if face.source == "unreadable":
        left, top, side = squared(0, 0, width, height, shape=image.shape)
    elif (width, height) == face.image:
        left, top, side = face.box
    else:
        left, top, side = _typical([face], (width, height))
    return image[top : top + side, left : left + side]


def failure_rates(faces: Sequence[Face], table: SampleTable) -> FailureRates:
    """How many clips of each subject and class had no face on the onset frame; subjects only where known."""
    by_subject: dict[str, tuple[int, int]] = {}
    by_class = dict.fromkeys(table.classes, (0, 0))
    for face in faces:
        failed = face.source != "onset"
        for rates, name in ((by_subject, face.subject), (by_class, table.classes[face.label])):
            clips, fallbacks = rates.get(name, (0, 0))
            rates[name] = (clips + 1, fallbacks + failed)
    by_subject.pop("", None)
    return FailureRates(by_subject=by_subject, by_class=by_class)
