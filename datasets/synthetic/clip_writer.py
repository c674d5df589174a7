"""Rendering of one planned clip to images or a video, cropped and aligned or as a whole recording.

The expression rises fast from zero at the onset, is complete at the apex and fades towards the offset. Nearly
half of it is left there, because a network learns nothing from frames without an expression.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from datasets.synthetic.casme2_plan import ClipPlan
from datasets.synthetic.landmarks import compute_landmarks
from datasets.synthetic.rendering.canvas import Image, View
from datasets.synthetic.rendering.face import CameraParams, draw_face, render_frame, render_head
from datasets.synthetic.rendering.identity import Identity, sample_identity

RAW_WIDTH, RAW_HEIGHT = 640, 480
FRAME_RATE = 200.0
"""Frames per second of CASME II's camera."""

_OFFSET_INTENSITY = 0.45
_JPEG_QUALITY = 92


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderJob:
    """A clip to write: images `<prefix><frame number>.<extension>` in a folder, or the video `<prefix>.avi`.

    Attributes:
        clip: The planned clip.
        person: The person to render.
        view: Position and size of the face in the image.
        frame_numbers: Frames to write, in ascending order.
        amplitude: Strength of the expression.
        folder: Output folder.
        prefix: First part of the file names.
        seed: Seed of the clip's camera noise, head motion, brightness and strength.
        digits: Minimum number of digits of the frame numbers in file names; shorter numbers get zeros.
        extension: "jpg", "png" or "avi".
        grayscale: True for images with one channel.
        output_size: Width and height of the images in pixels; None keeps the size of the view.
        landmark_folder: Folder for one file of 68 points per image, or None.
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
        """Return the path of a frame's file."""
        return self.folder / f"{self.prefix}{frame_number:0{self.digits}d}.{self.extension}"


def write_clip(job: RenderJob) -> None:
    """Render and write every frame of the job. The bytes depend on the job alone.

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
    """Yield the number and the image of each frame, in order, and write the landmarks."""
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
    """Write Motion JPEG with OpenCV's built-in encoder, whose bytes do not depend on installed codecs."""
    path = job.folder / f"{job.prefix}.avi"
    fourcc, size = cv2.VideoWriter.fourcc(*"MJPG"), (job.view.width, job.view.height)
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, fourcc, FRAME_RATE, size)
    for _, image in _render_frames(job):
        writer.write(image)
    writer.release()
    # The writer reports no errors, so the frame count is read back to detect a full disk.
    reader = cv2.VideoCapture(str(path), cv2.CAP_OPENCV_MJPEG)
    frame_count = int(reader.get(cv2.CAP_PROP_FRAME_COUNT)) if reader.isOpened() else 0
    reader.release()
    if frame_count != len(job.frame_numbers):
        raise OSError(
            f"{path} could not be written: {frame_count} of {len(job.frame_numbers)} frames are in it"
        )


def use_one_thread() -> None:
    """Limit OpenCV to one thread, for worker processes that run one per core."""
    cv2.setNumThreads(1)


def compute_intensity(clip: ClipPlan, frame_number: int) -> float:
    """Return the intensity of the expression: 0 up to the onset, 1 at the apex, fading past the offset."""
    if frame_number <= clip.apex:
        return math.sqrt(_smoothstep(max(frame_number - clip.onset, 0) / (clip.apex - clip.onset)))
    if frame_number <= clip.offset:
        return 1 - (1 - _OFFSET_INTENSITY) * _smoothstep(
            (frame_number - clip.apex) / (clip.offset - clip.apex)
        )
    return _OFFSET_INTENSITY * math.exp(-(frame_number - clip.offset) / 4)


def sample_cropped_view(person: Identity, seed: tuple[int, ...]) -> View:
    """Sample a view of about 280 x 340 pixels filled by the face, almost aligned, like the released crops."""
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
    """Sample a view of the whole camera image, with head and shoulders at a random position."""
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
    """Render a whole camera image of one person with a neutral face, uint8 (480, 640, 3) in BGR order."""
    head = render_head(sample_identity(seed), sample_raw_view(seed))
    neutral_face = draw_face(head, "12", intensity=0.0)
    return render_frame(neutral_face, CameraParams(shift=(0.0, 0.0), gain=1.0), np.random.default_rng(seed))


def sample_tight_view(person: Identity, seed: tuple[int, ...]) -> View:
    """Sample a square view of 144 pixels from brows to chin, to be scaled down to the 48 pixels of CK+48."""
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
