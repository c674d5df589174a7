"""The mouth: two lips around one opening, each corner carried by its own side's motion."""

from __future__ import annotations

import numpy as np

from datasets.drawing.canvas import Canvas, Points, darker, ellipse, redder, smooth
from datasets.drawing.identity import Identity
from datasets.drawing.motion import Sides


def draw_mouth(canvas: Canvas, person: Identity, sides: Sides) -> None:
    """Paint the mouth; its halves meet in the middle, at the mean of both sides' motions."""
    part = _mean(sides, "part")
    upper, roof, floor, lower = _lip_curves(person, sides)
    line = darker(person.skin, 0.22)
    if part > 0.004:
        canvas.paint(np.concatenate([roof, floor[::-1]]), (34, 28, 62), soft=0.008)
        canvas.stroke(
            roof[2:-2] * (0.8, 1) + (0, 0.3 * part),
            (205, 214, 218),
            width=0.55 * part,
            soft=0.01,
            opacity=0.8,
        )
    lip = redder(darker(person.skin, 0.76), 26 + 9 * person.lip_red)
    canvas.paint(np.concatenate([upper, roof[::-1]]), darker(lip, 0.9), soft=0.012, opacity=0.9)
    canvas.paint(np.concatenate([floor, lower[::-1]]), lip, soft=0.012, opacity=0.9)
    canvas.shade((floor[6:-6] + lower[6:-6]) / 2, -0.16, width=0.03, soft=0.02)
    if part <= 0.004:
        canvas.stroke(roof, line, width=0.026, soft=0.007, opacity=0.85)
    for corner, side in ((upper[0], -1), (upper[-1], 1)):
        canvas.paint(
            ellipse(corner[0] + side * 0.008, corner[1], rx=0.022, ry=0.02), line, soft=0.014, opacity=0.5
        )
    canvas.shade(lower[4:-4] * (0.75, 1) + (0, 0.05), 0.20, width=0.06, soft=0.03)


def _lip_curves(person: Identity, sides: Sides) -> tuple[Points, Points, Points, Points]:
    """Upper lip's edge, its seam, the lower lip's seam, its edge: each [n, 2], from the picture's left."""
    part, lift = _mean(sides, "part"), _mean(sides, "lip_upper")
    full = person.lip_fullness * max(1 - 0.55 * _mean(sides, "press"), 0.25)
    level = person.mouth_height - 0.035 * _mean(sides, "chin")
    halves = []
    for side, motion in sides:
        wide, rise = person.mouth_width + motion.corner_out, person.mouth_curve + motion.corner_up
        near, bend = side * 0.55 * wide, level - 0.35 * rise
        corner = (side * wide, level - rise)
        bow = (side * 0.16 * wide, level - 1.12 * full - lift)
        halves.append(
            (
                (corner, (near, bend - 0.75 * full - motion.lip_upper), bow),
                (corner, (near, bend + 0.008 - 0.3 * motion.lip_upper - 0.25 * part)),
                (corner, (near, bend + 0.008 + 0.75 * part)),
                (corner, (near, bend + 0.95 * full + 0.9 * part)),
            )
        )
    middles = (
        level - 0.86 * full - lift,
        level + 0.014 - 0.3 * lift - 0.3 * part,
        level + 0.014 + part,
        level + 1.35 * full + 1.05 * part,
    )
    upper, roof, floor, lower = (
        smooth(np.array([*left, (0.0, middle), *right[::-1]]), closed=False)
        for left, right, middle in zip(*halves, middles, strict=True)
    )
    return upper, roof, floor, lower


def _mean(sides: Sides, name: str) -> float:
    values = [float(getattr(motion, name)) for _, motion in sides]
    return sum(values) / 2
