"""Drawing of the parts that do not move, once per clip: wall, shoulders, neck, hair and lit skin."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.synthetic.rendering.canvas import (
    SUPERSAMPLING,
    Canvas,
    Image,
    Points,
    View,
    make_ellipse,
    redden,
    scale_brightness,
    smooth,
)
from datasets.synthetic.rendering.hair import draw_hair, draw_rear_hair
from datasets.synthetic.rendering.identity import Identity

# Hollows and bumps: x, y, sigma in x, sigma in y, brightness. Those with x > 0 are on both sides of the face.
_RELIEF = (
    (0.43, -0.07, 0.24, 0.14, -0.24),
    (0.16, -0.02, 0.07, 0.14, -0.10),
    (0.13, 0.40, 0.06, 0.20, -0.07),
    (0.54, 0.42, 0.26, 0.20, 0.10),
    (0.92, 0.70, 0.22, 0.50, -0.14),
    (0.95, -0.35, 0.16, 0.40, -0.10),
    (0.0, 0.25, 0.055, 0.30, 0.12),
    (0.0, 0.56, 0.09, 0.07, 0.08),
    (0.0, -0.60, 0.48, 0.20, 0.07),
    (0.0, 0.78, 0.07, 0.07, -0.05),
    (0.0, 1.16, 0.20, 0.05, -0.12),
    (0.0, 1.36, 0.18, 0.10, 0.06),
)

# Light changes slowly over a face, so it is computed for one pixel of each square of this many canvas pixels.
_LIGHT_STEP = 4


def draw_head(person: Identity, view: View) -> Canvas:
    """Return a canvas with the person in front of a wall, without brows, eyes, nose and mouth."""
    rng = np.random.default_rng(person.seed)
    canvas = Canvas(
        view=view,
        pixels=_draw_wall(person, view),
        light=np.ones((view.height * SUPERSAMPLING, view.width * SUPERSAMPLING), np.float32),
    )
    if person.hair_style == "long":
        draw_rear_hair(canvas, person)
    _draw_body(canvas, person)
    canvas.light = _compute_light(person, view)
    outline = compute_face_outline(person)
    for side in (-1, 1):
        ear = make_ellipse(side * 1.0 * person.face_width, 0.22, rx=0.11, ry=0.24)
        canvas.fill_polygon(ear, person.skin_color, edge_blur=0.012)
        canvas.shade_line(ear[8:22] * (1, 0.8) + (0, 0.05), 0.12, width=0.08, edge_blur=0.02)
    canvas.fill_polygon(outline, person.skin_color, edge_blur=0.010)
    for side in (-1, 1):
        canvas.fill_polygon(
            make_ellipse(side * 0.56, 0.5, rx=0.20, ry=0.14),
            redden(person.skin_color, 14),
            edge_blur=0.10,
            opacity=0.8,
        )
    canvas.fill_polygon(
        make_ellipse(0, 0.54, rx=0.09, ry=0.08), redden(person.skin_color, 10), edge_blur=0.05, opacity=0.7
    )
    _add_skin_texture(canvas, rng)
    draw_hair(canvas, person, rng)
    return canvas


def compute_face_outline(person: Identity) -> Points:
    """Return the outline of the skin from crown to chin, a closed polygon [n, 2]."""
    half = np.array(
        [
            (0.0, -1.18), (0.55, -1.10), (0.90, -0.72), (1.0, -0.20), (0.99, 0.30), (0.93, 0.78),
            (person.jaw_width, 1.14), (0.50, 1.46), (0.22, 1.60), (0.0, 1.62),
        ]
    )  # fmt: skip
    half = half * (person.face_width, 1.0)
    half[4:, 1] *= person.face_length
    return smooth(np.concatenate([half, half[-2:0:-1] * (-1, 1)]), closed=True)


def _draw_wall(person: Identity, view: View) -> Image:
    height, width = view.height * SUPERSAMPLING, view.width * SUPERSAMPLING
    row_gain = np.linspace(1.04, 0.86, height, dtype=np.float32)[:, None]
    column_gain = 1 + 0.10 * person.light_side * np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    wall = (row_gain * column_gain)[..., None] * np.array(person.wall_color, np.float32)
    return np.asarray(np.clip(wall, 0, 255), dtype=np.uint8)


def _compute_light(person: Identity, view: View) -> NDArray[np.float32]:
    """Compute the light by Lambert's law on an ellipsoid, times the hollows and bumps of a face."""
    x, y = view.coordinate_grid(_LIGHT_STEP)
    normal_x, normal_y = x / (1.12 * person.face_width), (y - 0.25) / 1.75
    normal_z = np.sqrt(np.maximum(1 - normal_x**2 - normal_y**2, 0.02))
    light_direction = np.array([person.light_side, -person.light_height, 0.85])
    light_direction /= np.linalg.norm(light_direction)
    light = 0.42 + 0.66 * np.maximum(
        normal_x * light_direction[0] + normal_y * light_direction[1] + normal_z * light_direction[2], 0
    )
    for center_x, center_y, sigma_x, sigma_y, strength in _RELIEF:
        for side in (-1, 1) if center_x else (1,):
            light *= 1 + strength * np.exp(
                -(((x - side * center_x) / sigma_x) ** 2 + ((y - center_y) / sigma_y) ** 2) / 2
            )
    size = (view.width * SUPERSAMPLING, view.height * SUPERSAMPLING)
    smooth_light = cv2.resize(light, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(smooth_light, dtype=np.float32)


def _draw_body(canvas: Canvas, person: Identity) -> None:
    left = np.array([(-2.9, 4.6), (-2.5, 2.75), (-1.2, 2.30), (-0.5, 2.02)])
    shoulders = np.concatenate([left, left[::-1] * (-1, 1)])
    neck = np.array(
        [(-0.60, 0.9), (-0.56, 1.7), (-0.66, 2.15), (0.0, 2.42), (0.66, 2.15), (0.56, 1.7), (0.60, 0.9)]
    )
    canvas.fill_polygon(smooth(shoulders, closed=True), person.shirt_color, edge_blur=0.02)
    canvas.fill_polygon(smooth(neck, closed=True), scale_brightness(person.skin_color, 0.74), edge_blur=0.03)
    chin_shadow = np.array([(-0.6, 1.45), (0.0, 1.85), (0.6, 1.45)])
    canvas.shade_line(smooth(chin_shadow, closed=False), 0.35, width=0.42, edge_blur=0.09)
    collar = np.array([(-0.70, 2.02), (-0.35, 2.36), (0.0, 2.46), (0.35, 2.36), (0.70, 2.02)])
    canvas.draw_stroke(
        smooth(collar, closed=False), scale_brightness(person.shirt_color, 0.7), width=0.10, edge_blur=0.02
    )


def _add_skin_texture(canvas: Canvas, rng: np.random.Generator) -> None:
    """Add faint blotches to the pixels, fixed for the person, because skin is not of one color."""
    height, width = canvas.light.shape
    coarse_noise = rng.normal(0, 1.8, (height // 12, width // 12)).astype(np.float32)
    blotches = cv2.resize(coarse_noise, (width, height), interpolation=cv2.INTER_CUBIC)
    canvas.pixels = np.clip(canvas.pixels + blotches[..., None], 0, 255).astype(np.uint8)
