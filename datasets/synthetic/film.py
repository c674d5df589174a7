"""One planned clip as images or a film: cropped and aligned, or whole recordings of a person before a wall.

The expression rises fast from nothing at the onset, is whole at the apex and fades towards the offset,
where nearly half is left: frames that show nothing teach a network nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from datasets.drawing.canvas import Image, View
from datasets.drawing.face import Exposure, draw_face, expose, seat
from datasets.drawing.identity import Identity, draw_identity
from datasets.synthetic.landmarks import landmarks
from datasets.synthetic.plan import Clip

RAW_WIDTH, RAW_HEIGHT = 640, 480
RATE = 200.0
"""Frames a second of CASME II's camera."""

_LEFT_AT_OFFSET = 0.45
_QUALITY = 92


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One clip to be written: images `<prefix><frame number>.<form>` in a folder, or the film `<prefix>.avi`.

    `frames` are in ascending order; `digits` pads the numbers of images with zeros; `form` is "jpg", "png" or
    "avi"; `grey` images have one channel; `side` is what the picture is resized to, a square, in pixels, None
    for the view's own size; `landmarks` is a folder for a file of 68 points an image, or None.
    """

    clip: Clip
    person: Identity
    view: View
    frames: Sequence[int]
    amplitude: float
    folder: Path
    prefix: str
    seed: tuple[int, ...]
    digits: int = 1
    form: str = "jpg"
    grey: bool = False
    side: int | None = None
    landmarks: Path | None = None

    def place(self, number: int) -> Path:
        """The file of a frame."""
        return self.folder / f"{self.prefix}{number:0{self.digits}d}.{self.form}"


def film(take: Take) -> None:
    """Draw and write every frame of the take; the bytes depend on the take alone.

    Raises:
        OSError: a frame could not be written.
    """
    take.folder.mkdir(parents=True, exist_ok=True)
    if take.form == "avi":
        _write_film(take)
        return
    for number, picture in _pictures(take):
        if take.side is not None:
            small = cv2.resize(picture, (take.side, take.side), interpolation=cv2.INTER_AREA)
            picture = np.asarray(small, dtype=np.uint8)
        if take.grey:
            picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY] if take.form == "jpg" else []
        done, code = cv2.imencode(f".{take.form}", picture, quality)
        assert done
        take.place(number).write_bytes(code.tobytes())


def _pictures(take: Take) -> Iterator[tuple[int, Image]]:
    """Each frame's number and picture, in order; its landmarks are written on the way."""
    rng = np.random.default_rng(take.seed)
    sitter = seat(take.person, take.view)
    phases = rng.uniform(0, 2 * np.pi, (3, 2))
    strength = take.amplitude * rng.uniform(0.85, 1.15)
    gain, reach = rng.uniform(0.97, 1.03), 0.003 * take.view.scale
    for number in take.frames:
        slow, slower = np.sin(number / 9 + phases), np.sin(number / 23 + phases)
        sway = reach * (slow + slower)
        shown = strength * intensity(take.clip, number)
        exposure = Exposure(
            sway=(float(sway[0, 0]), float(sway[1, 0])), gain=float(gain * (1 + 0.006 * slower[2, 0]))
        )
        yield number, expose(draw_face(sitter, take.clip.units, intensity=shown), exposure, rng)
        if take.landmarks is not None:
            points = landmarks(take.person, take.view, units=take.clip.units, intensity=shown)
            take.landmarks.mkdir(parents=True, exist_ok=True)
            lines = "".join(f"   {x:.7e}   {y:.7e}\n" for x, y in points)
            (take.landmarks / f"{take.place(number).stem}_landmarks.txt").write_text(lines, newline="\n")


def _write_film(take: Take) -> None:
    """Motion JPEG by OpenCV's own encoder, whose bytes do not depend on what the machine has installed."""
    path = take.folder / f"{take.prefix}.avi"
    code, size = cv2.VideoWriter.fourcc(*"MJPG"), (take.view.width, take.view.height)
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, code, RATE, size)
    for _, picture in _pictures(take):
        writer.write(picture)
    writer.release()
    # The writer reports no error: a full disk shows in what can be read back.
    reader = cv2.VideoCapture(str(path), cv2.CAP_OPENCV_MJPEG)
    written = int(reader.get(cv2.CAP_PROP_FRAME_COUNT)) if reader.isOpened() else 0
    reader.release()
    if written != len(take.frames):
        raise OSError(f"{path} could not be written: {written} of {len(take.frames)} frames are in it")


def use_one_thread() -> None:
    """Keep OpenCV to one thread, for a process that is one of as many as there are cores."""
    cv2.setNumThreads(1)


def intensity(clip: Clip, number: int) -> float:
    """How much of the expression shows: 0 up to the onset, 1 at the apex, fading past the offset."""
    if number <= clip.apex:
        return math.sqrt(_ease(max(number - clip.onset, 0) / (clip.apex - clip.onset)))
    if number <= clip.offset:
        return 1 - (1 - _LEFT_AT_OFFSET) * _ease((number - clip.apex) / (clip.offset - clip.apex))
    return _LEFT_AT_OFFSET * math.exp(-(number - clip.offset) / 4)


def cropped_view(person: Identity, seed: tuple[int, ...]) -> View:
    """About 280 by 340 pixels filled by the face, as the released crops: aligned, but never quite."""
    rng = np.random.default_rng(seed)
    width, height = int(rng.integers(272, 289)), int(rng.integers(330, 351))
    fit = min(0.425 * width / person.face_width, 0.345 * height / person.face_length)
    return View(
        width=width,
        height=height,
        x=width / 2 + rng.normal(0, 0.8),
        y=0.40 * height + rng.normal(0, 0.8),
        scale=fit * rng.uniform(0.99, 1.01),
        roll=float(np.clip(rng.normal(0, 0.008), -0.02, 0.02)),
    )


def raw_view(seed: tuple[int, ...], *, height: int = RAW_HEIGHT) -> View:
    """The whole camera picture, head and shoulders, where the subject happened to sit."""
    rng = np.random.default_rng(seed)
    return View(
        width=RAW_WIDTH,
        height=height,
        x=rng.uniform(285, 355),
        y=rng.uniform(185, 215),
        scale=rng.uniform(78, 96),
        roll=float(np.clip(rng.normal(0, 0.02), -0.05, 0.05)),
    )


def portrait(seed: tuple[int, ...]) -> Image:
    """A whole camera picture of one person at rest, uint8 (480, 640, 3) blue, green, red."""
    sitter = seat(draw_identity(seed), raw_view(seed))
    at_rest = draw_face(sitter, "12", intensity=0.0)
    return expose(at_rest, Exposure(sway=(0.0, 0.0), gain=1.0), np.random.default_rng(seed))


def tight_view(person: Identity, seed: tuple[int, ...]) -> View:
    """A square of 144 pixels from brows to chin, to be scaled down to CK+48's 48."""
    rng = np.random.default_rng(seed)
    side, fit = 144, min(66 / person.face_width, 62 / person.face_length)
    return View(
        width=side,
        height=side,
        x=side / 2 + rng.normal(0, 1.5),
        y=0.37 * side + rng.normal(0, 1.5),
        scale=fit * rng.uniform(0.98, 1.02),
        roll=float(np.clip(rng.normal(0, 0.01), -0.03, 0.03)),
    )


def _ease(along: float) -> float:
    return along * along * (3 - 2 * along)
