"""Drawing of hair: a cap with a hairline for each style, and hair behind the head for long hair."""

from __future__ import annotations

import numpy as np

from datasets.synthetic.rendering.canvas import Canvas, Points, scale_brightness, smooth
from datasets.synthetic.rendering.identity import Identity


def draw_rear_hair(canvas: Canvas, person: Identity) -> None:
    """Draw the hair behind the neck; call this before drawing the body."""
    left = np.array([(-0.95, -0.8), (-1.22, 0.2), (-1.25, 1.4), (-1.1, 2.4)])
    outline = np.concatenate([left, left[::-1] * (-1, 1)])
    canvas.fill_polygon(
        smooth(outline, closed=True), scale_brightness(person.hair_color, 0.85), edge_blur=0.03
    )


def draw_hair(canvas: Canvas, person: Identity, rng: np.random.Generator) -> None:
    """Draw the hair from the crown to the hairline of the style, with strands of uneven brightness."""
    top_y, hairline_y, half_width = (
        -1.22 - person.hair_volume,
        -person.forehead_height,
        1.04 * person.face_width,
    )
    hairline = {
        "short": [
            (half_width, -0.1), (0.88, -0.52), (0.60, hairline_y),
            (0, hairline_y - 0.04), (-0.60, hairline_y), (-0.88, -0.52),
        ],
        "parted": [
            (half_width, 0.0), (0.90, -0.50), (0.55, hairline_y + 0.08),
            (0.30, hairline_y - 0.16), (-0.35, hairline_y + 0.16), (-0.90, -0.42),
        ],
        "fringe": [
            (half_width, 0.15), (0.90, -0.45), (0.62, -0.50),
            (0, -0.54), (-0.62, -0.50), (-0.90, -0.45),
        ],
        "long": [
            (half_width, 1.3), (0.93, 0.2), (0.72, hairline_y + 0.20),
            (0, hairline_y - 0.12), (-0.72, hairline_y + 0.20), (-0.93, 0.2),
        ],
        "receding": [
            (half_width, -0.2), (0.92, -0.55), (0.70, hairline_y - 0.16),
            (0, hairline_y - 0.08), (-0.70, hairline_y - 0.16), (-0.92, -0.55),
        ],
    }[person.hair_style]  # fmt: skip
    left = [(-half_width, hairline[0][1]), (-half_width - 0.10, -0.55), (-0.78, top_y + 0.18)]
    right = [(0.78, top_y + 0.18), (half_width + 0.10, -0.55)]
    crown = [*left, (0.0, top_y), *right]
    cap = smooth(np.array(crown + hairline), closed=True)
    original_light = canvas.light
    # Hair is also darker on the unlit side, but much less than skin.
    canvas.light = np.clip(0.55 + 0.5 * original_light, 0.6, 1.1).astype(np.float32)
    canvas.fill_polygon(cap, person.hair_color, edge_blur=0.022)
    for _ in range(70):
        start = rng.uniform((-1.05, top_y), (1.05, -0.6))
        strand = start + np.array([(0, 0), (0.14 * start[0], 0.12), (0.22 * start[0], 0.32)])
        color = scale_brightness(person.hair_color, rng.uniform(0.7, 1.4))
        canvas.fill_polygon(
            _make_ribbon(strand, 0.03), color, edge_blur=0.012, opacity=0.35, clip_polygon=cap
        )
    canvas.light = original_light


def _make_ribbon(line: Points, width: float) -> Points:
    offset = np.array([width / 2, 0.0])
    return np.concatenate([line - offset, (line + offset)[::-1]])
