"""Hair: a fall behind the head for long hair, and a cap whose hairline makes the style."""

from __future__ import annotations

import numpy as np

from datasets.drawing.canvas import Canvas, Points, darker, smooth
from datasets.drawing.identity import Identity


def draw_hair_behind(canvas: Canvas, person: Identity) -> None:
    """The hair that falls behind the neck; painted before the body."""
    left = np.array([(-0.95, -0.8), (-1.22, 0.2), (-1.25, 1.4), (-1.1, 2.4)])
    fall = np.concatenate([left, left[::-1] * (-1, 1)])
    canvas.paint(smooth(fall, closed=True), darker(person.hair, 0.85), soft=0.03)


def draw_hair(canvas: Canvas, person: Identity, rng: np.random.Generator) -> None:
    """The cap of hair: down from the crown to a hairline of the style, with strands of uneven brightness."""
    top, line, wide = -1.22 - person.hair_volume, -person.forehead, 1.04 * person.face_width
    lines = {
        "short": [(wide, -0.1), (0.88, -0.52), (0.60, line), (0, line - 0.04), (-0.60, line), (-0.88, -0.52)],
        "parted": [
            (wide, 0.0), (0.90, -0.50), (0.55, line + 0.08),
            (0.30, line - 0.16), (-0.35, line + 0.16), (-0.90, -0.42),
        ],
        "fringe": [(wide, 0.15), (0.90, -0.45), (0.62, -0.50), (0, -0.54), (-0.62, -0.50), (-0.90, -0.45)],
        "long": [
            (wide, 1.3), (0.93, 0.2), (0.72, line + 0.20),
            (0, line - 0.12), (-0.72, line + 0.20), (-0.93, 0.2),
        ],
        "receding": [
            (wide, -0.2), (0.92, -0.55), (0.70, line - 0.16),
            (0, line - 0.08), (-0.70, line - 0.16), (-0.92, -0.55),
        ],
    }[person.hair_style]  # fmt: skip
    left = [(-wide, lines[0][1]), (-wide - 0.10, -0.55), (-0.78, top + 0.18)]
    right = [(0.78, top + 0.18), (wide + 0.10, -0.55)]
    crown = [*left, (0.0, top), *right]
    cap = smooth(np.array(crown + lines), closed=True)
    tone = canvas.light
    # Hair is darker on the far side too, but far less than skin.
    canvas.light = np.clip(0.55 + 0.5 * tone, 0.6, 1.1).astype(np.float32)
    canvas.paint(cap, person.hair, soft=0.022)
    for _ in range(70):
        start = rng.uniform((-1.05, top), (1.05, -0.6))
        strand = start + np.array([(0, 0), (0.14 * start[0], 0.12), (0.22 * start[0], 0.32)])
        colour = darker(person.hair, rng.uniform(0.7, 1.4))
        canvas.paint(_ribbon(strand, 0.03), colour, soft=0.012, opacity=0.35, within=cap)
    canvas.light = tone


def _ribbon(line: Points, width: float) -> Points:
    across = np.array([width / 2, 0.0])
    return np.concatenate([line - across, (line + across)[::-1]])
