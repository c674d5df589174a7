"""Rendering of moving faces: one person in front of one camera, one image per frame.

The head is drawn once per clip. Each frame adds the facial features at their moved positions, a head shift of
a fraction of a pixel, a drift of the light and sensor noise. Neighbouring frames are near-duplicates but
never equal, like those of a real clip at 200 frames per second.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from datasets.synthetic.rendering.action_units import compute_motion
from datasets.synthetic.rendering.canvas import SUPERSAMPLING, Canvas, Image, View
from datasets.synthetic.rendering.facial_features import draw_features
from datasets.synthetic.rendering.head import draw_head
from datasets.synthetic.rendering.identity import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedHead:
    """A person and the canvas with the parts that do not move."""

    person: Identity
    canvas: Canvas


def render_head(person: Identity, view: View) -> RenderedHead:
    """Draw the parts that do not move, as input of `draw_face`."""
    return RenderedHead(person=person, canvas=draw_head(person, view))


def draw_face(head: RenderedHead, action_units: str, *, intensity: float) -> Canvas:
    """Draw the face with action units such as `4+L10` at an intensity; 0 is neutral."""
    left, right = compute_motion(action_units, intensity)
    canvas = head.canvas.copy()
    # The person's left is the image's right.
    draw_features(canvas, head.person, ((-1, right), (1, left)))
    return canvas


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraParams:
    """Camera settings of a frame: shift in pixels of the image, gain of the light, noise in gray levels."""

    shift: tuple[float, float] = (0.0, 0.0)
    gain: float = 1.0
    noise: float = 1.2


def render_frame(canvas: Canvas, camera: CameraParams, rng: np.random.Generator) -> Image:
    """Return the final image [height, width, 3] of the view, uint8 in BGR order."""
    view = canvas.view
    step = 1 / SUPERSAMPLING
    pixel_offset = (step - 1) / 2
    matrix = np.array([[step, 0, camera.shift[0] + pixel_offset], [0, step, camera.shift[1] + pixel_offset]])
    image = cv2.warpAffine(canvas.pixels, matrix, (view.width, view.height), borderMode=cv2.BORDER_REPLICATE)
    lit_image = cv2.convertScaleAbs(image, alpha=camera.gain)
    noise = rng.standard_normal((view.height, view.width), dtype=np.float32) * np.float32(camera.noise)
    return np.asarray(cv2.add(lit_image, cv2.merge([noise, noise, noise]), dtype=cv2.CV_8U), dtype=np.uint8)
