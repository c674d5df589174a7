"""Drawn faces that move: one sitter before one camera, one picture a frame.

The head is drawn once; a frame adds the features where their motion has carried them, a sway of the head of
a fraction of a pixel, a drift of the light and the sensor's noise. Neighbouring frames are near-duplicates,
never equal, like those of a real clip at 200 frames a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from datasets.drawing.canvas import SUPERSAMPLE, Canvas, Image, View
from datasets.drawing.features import draw_features
from datasets.drawing.head import draw_head
from datasets.drawing.identity import Identity
from datasets.drawing.motion import move


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitter:
    """A person before a camera: the still part is drawn already."""

    person: Identity
    head: Canvas


def seat(person: Identity, view: View) -> Sitter:
    """Draw what stays still, ready for `draw_face`."""
    return Sitter(person=person, head=draw_head(person, view))


def draw_face(sitter: Sitter, units: str, *, intensity: float) -> Canvas:
    """The face showing these action units (such as `4+L10`) at this intensity; 0 is at rest."""
    left, right = move(units, intensity)
    canvas = sitter.head.copy()
    # The person's left is the picture's right.
    draw_features(canvas, sitter.person, ((-1, right), (1, left)))
    return canvas


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How the camera sees a frame: sway in pixels of the picture, gain of the light, noise in grey levels."""

    sway: tuple[float, float] = (0.0, 0.0)
    gain: float = 1.0
    noise: float = 1.2


def expose(canvas: Canvas, exposure: Exposure, rng: np.random.Generator) -> Image:
    """The finished picture [height, width, 3] of the view, uint8 in BGR."""
    view = canvas.view
    step = 1 / SUPERSAMPLE
    centre = (step - 1) / 2
    sampling = np.array([[step, 0, exposure.sway[0] + centre], [0, step, exposure.sway[1] + centre]])
    seen = cv2.warpAffine(canvas.pixels, sampling, (view.width, view.height), borderMode=cv2.BORDER_REPLICATE)
    lit = cv2.convertScaleAbs(seen, alpha=exposure.gain)
    grain = rng.standard_normal((view.height, view.width), dtype=np.float32) * np.float32(exposure.noise)
    return np.asarray(cv2.add(lit, cv2.merge([grain, grain, grain]), dtype=cv2.CV_8U), dtype=np.uint8)
