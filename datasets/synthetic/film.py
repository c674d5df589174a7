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
from datasets.drawing.face import CameraParams, draw_face, render_frame, render_head
from datasets.drawing.identity import Identity, sample_identity
from datasets.synthetic.landmarks import compute_landmarks
from datasets.synthetic.plan import ClipPlan

RAW_WIDTH, RAW_HEIGHT = 640, 480
FRAME_RATE = 200.0
"""Frames a second of CASME II's camera."""

_OFFSET_INTENSITY = 0.45
_JPEG_QUALITY = 92


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderJob:
    """One clip to be written: images `<prefix><frame number>.<form>` in a folder, or the film `<prefix>.avi`.

    `frames` are in ascending order; `digits` pads the numbers of images with zeros; `form` is "jpg", "png" or
    "avi"; `grey` images have one channel; `side` is what the picture is resized to, a square, in pixels, None
    for the view's own size; `landmarks` is a folder for a file of 68 points an image, or None.
    """

    clip: ClipPlan
    person: Identity
    view: View
    frame_numbers: Sequence[int]
    amplitude: float
    folder: Path
    prefix: str
    seed: tuple[int, ...]
    digits: int = 1
    extension: str = "jpg"
    grayscale: bool = False
    output_size: int | None = None
    landmark_folder: Path | None = None

    def frame_path(self, frame_number: int) -> Path:
        """The file of a frame."""
        return self.folder / f"{self.prefix}{frame_number:0{self.digits}d}.{self.extension}"


def write_clip(job: RenderJob) -> None:
    """Draw and write every frame of the take; the bytes depend on the take alone.

    Raises:
        OSError: a frame could not be written.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    if job.extension == "avi":
        _write_video(job)
        return
    for frame_number, image in _render_frames(job):
        if job.output_size is not None:
            small_image = cv2.resize(image, (job.output_size, job.output_size), interpolation=cv2.INTER_AREA)
            image = np.asarray(small_image, dtype=np.uint8)
        if job.grayscale:
            image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        encode_params = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if job.extension == "jpg" else []
        ok, buffer = cv2.imencode(f".{job.extension}", image, encode_params)
        assert ok
        job.frame_path(frame_number).write_bytes(buffer.tobytes())


def _render_frames(job: RenderJob) -> Iterator[tuple[int, Image]]:
    """Each frame's number and picture, in order; its landmarks are written on the way."""
    rng = np.random.default_rng(job.seed)
    head = render_head(job.person, job.view)
    phases = rng.uniform(0, 2 * np.pi, (3, 2))
    strength = job.amplitude * rng.uniform(0.85, 1.15)
    gain, shift_scale = rng.uniform(0.97, 1.03), 0.003 * job.view.scale
    for frame_number in job.frame_numbers:
        wave, slow_wave = np.sin(frame_number / 9 + phases), np.sin(frame_number / 23 + phases)
        shift = shift_scale * (wave + slow_wave)
        frame_intensity = strength * compute_intensity(job.clip, frame_number)
        camera = CameraParams(
            shift=(float(shift[0, 0]), float(shift[1, 0])), gain=float(gain * (1 + 0.006 * slow_wave[2, 0]))
        )
        yield (
            frame_number,
            render_frame(draw_face(head, job.clip.action_units, intensity=frame_intensity), camera, rng),
        )
        if job.landmark_folder is not None:
            points = compute_landmarks(
                job.person, job.view, action_units=job.clip.action_units, intensity=frame_intensity
            )
            job.landmark_folder.mkdir(parents=True, exist_ok=True)
            lines = "".join(f"   {x:.7e}   {y:.7e}\n" for x, y in points)
            (job.landmark_folder / f"{job.frame_path(frame_number).stem}_landmarks.txt").write_text(
                lines, newline="\n"
            )


def _write_video(job: RenderJob) -> None:
    """Motion JPEG by OpenCV's own encoder, whose bytes do not depend on what the machine has installed."""
    path = job.folder / f"{job.prefix}.avi"
    fourcc, size = cv2.VideoWriter.fourcc(*"MJPG"), (job.view.width, job.view.height)
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, fourcc, FRAME_RATE, size)
    for _, image in _render_frames(job):
        writer.write(image)
    writer.release()
    # The writer reports no error: a full disk shows in what can be read back.
    reader = cv2.VideoCapture(str(path), cv2.CAP_OPENCV_MJPEG)
    frame_count = int(reader.get(cv2.CAP_PROP_FRAME_COUNT)) if reader.isOpened() else 0
    reader.release()
    if frame_count != len(job.frame_numbers):
        raise OSError(
            f"{path} could not be written: {frame_count} of {len(job.frame_numbers)} frames are in it"
        )


def use_one_thread() -> None:
    """Keep OpenCV to one thread, for a process that is one of as many as there are cores."""
    cv2.setNumThreads(1)


def compute_intensity(clip: ClipPlan, frame_number: int) -> float:
    """How much of the expression shows: 0 up to the onset, 1 at the apex, fading past the offset."""
    if frame_number <= clip.apex:
        return math.sqrt(_smoothstep(max(frame_number - clip.onset, 0) / (clip.apex - clip.onset)))
    if frame_number <= clip.offset:
        return 1 - (1 - _OFFSET_INTENSITY) * _smoothstep(
            (frame_number - clip.apex) / (clip.offset - clip.apex)
        )
    return _OFFSET_INTENSITY * math.exp(-(frame_number - clip.offset) / 4)


def sample_cropped_view(person: Identity, seed: tuple[int, ...]) -> View:
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


def sample_raw_view(seed: tuple[int, ...], *, height: int = RAW_HEIGHT) -> View:
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


def render_portrait(seed: tuple[int, ...]) -> Image:
    """A whole camera picture of one person at rest, uint8 (480, 640, 3) blue, green, red."""
    head = render_head(sample_identity(seed), sample_raw_view(seed))
    neutral_face = draw_face(head, "12", intensity=0.0)
    return render_frame(neutral_face, CameraParams(shift=(0.0, 0.0), gain=1.0), np.random.default_rng(seed))


def sample_tight_view(person: Identity, seed: tuple[int, ...]) -> View:
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


def _smoothstep(fraction: float) -> float:
    return fraction * fraction * (3 - 2 * fraction)
