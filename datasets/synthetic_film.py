"""One planned clip as JPEG frames: cropped and aligned, or whole recordings of a person before a wall.

The expression rises fast from nothing at the onset, is whole at the apex and fades towards the offset,
where nearly half is left: frames that show nothing teach a network nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from datasets.drawing.canvas import View
from datasets.drawing.face import Exposure, draw_face, expose, seat
from datasets.drawing.identity import Identity
from datasets.synthetic_plan import Clip

RAW_WIDTH, RAW_HEIGHT = 640, 480

_LEFT_AT_OFFSET = 0.45
_QUALITY = 92


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One clip to be written into a folder, as `<prefix><frame number>.jpg`."""

    clip: Clip
    person: Identity
    view: View
    frames: range
    amplitude: float
    folder: Path
    prefix: str
    seed: tuple[int, ...]


def film(take: Take) -> None:
    """Draw and write every frame of the take; the bytes depend on the take alone.

    Raises:
        OSError: a frame could not be written.
    """
    rng = np.random.default_rng(take.seed)
    sitter = seat(take.person, take.view)
    phases = rng.uniform(0, 2 * np.pi, (3, 2))
    strength = take.amplitude * rng.uniform(0.85, 1.15)
    gain, reach = rng.uniform(0.97, 1.03), 0.003 * take.view.scale
    take.folder.mkdir(parents=True)
    for number in take.frames:
        slow, slower = np.sin(number / 9 + phases), np.sin(number / 23 + phases)
        sway = reach * (slow + slower)
        picture = expose(
            draw_face(sitter, take.clip.units, intensity=strength * intensity(take.clip, number)),
            Exposure(
                sway=(float(sway[0, 0]), float(sway[1, 0])), gain=float(gain * (1 + 0.006 * slower[2, 0]))
            ),
            rng,
        )
        done, code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        assert done
        (take.folder / f"{take.prefix}{number}.jpg").write_bytes(code.tobytes())


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


def raw_view(seed: tuple[int, ...]) -> View:
    """The whole camera picture, head and shoulders, where the subject happened to sit."""
    rng = np.random.default_rng(seed)
    return View(
        width=RAW_WIDTH,
        height=RAW_HEIGHT,
        x=rng.uniform(285, 355),
        y=rng.uniform(185, 215),
        scale=rng.uniform(78, 96),
        roll=float(np.clip(rng.normal(0, 0.02), -0.05, 0.05)),
    )


def _ease(along: float) -> float:
    return along * along * (3 - 2 * along)
