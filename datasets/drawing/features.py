"""What moves: brows, eyes, nose, mouth, and the folds they throw, drawn anew for every frame."""

from __future__ import annotations

import numpy as np

from datasets.drawing.canvas import Canvas, Points, darker, ellipse, smooth
from datasets.drawing.identity import Identity
from datasets.drawing.motion import Motion, Sides
from datasets.drawing.mouth import draw_mouth


def draw_features(canvas: Canvas, person: Identity, sides: Sides) -> None:
    """Paint everything that moves, each half of the face by its own motion."""
    for side, motion in sides:
        _folds(canvas, person, side, motion)
        _eye(canvas, person, side, motion)
        _brow(canvas, person, side, motion)
        _nose(canvas, person, side, motion)
    draw_mouth(canvas, person, sides)
    if person.glasses:
        _glasses(canvas, person)


def _line(side: int, *points: tuple[float, float]) -> Points:
    return smooth(np.array(points) * (side, 1), closed=False)


def _eye(canvas: Canvas, person: Identity, side: int, motion: Motion) -> None:
    x, wide, tilt = person.eye_distance, person.eye_width, person.eye_tilt
    upper = person.eye_opening * max(1 + motion.lid_upper, 0.08) * 1.3
    lower = person.eye_opening * max(1 - 1.6 * motion.lid_lower, 0.05) * 0.75
    inner, outer = (x - wide, 0.025), (x + wide, -tilt)
    lid = [inner, (x - 0.55 * wide, -0.95 * upper), (x + 0.25 * wide, -1.12 * upper), outer]
    rim = [outer, (x + 0.45 * wide, lower), (x - 0.45 * wide, 1.05 * lower + 0.012), inner]
    top, bottom = _line(side, *lid), _line(side, *rim)
    opening = np.concatenate([top, bottom[1:-1]])
    canvas.paint(opening, (226, 230, 232), soft=0.006)
    iris = (62 + 22 * person.iris_tone, 62 + 14 * person.iris_tone, 78 - 8 * person.iris_tone)
    canvas.paint(ellipse(side * x, -0.012, rx=0.094, ry=0.094), iris, soft=0.008, within=opening)
    canvas.paint(ellipse(side * x, -0.012, rx=0.045, ry=0.045), (18, 18, 20), soft=0.006, within=opening)
    canvas.paint(ellipse(side * x + 0.03, -0.045, rx=0.016, ry=0.016), (250, 250, 250), within=opening)
    lashes = darker(person.hair, 0.5)
    canvas.stroke(top, lashes, width=0.036, soft=0.006, opacity=0.92)
    shadow = top + np.array((0, 0.022))
    canvas.stroke(shadow, lashes, width=0.03, soft=0.014, opacity=0.35)
    canvas.stroke(
        top - (0, 0.052 + 0.02 * motion.lid_upper),
        darker(person.skin, 0.55),
        width=0.02,
        soft=0.010,
        opacity=0.5,
    )
    canvas.stroke(bottom, darker(person.skin, 0.5), width=0.018, soft=0.008, opacity=0.55)
    bag = _line(
        side,
        (x - 0.8 * wide, 0.09),
        (x, 0.155 - 0.02 * motion.cheek),
        (x + 0.95 * wide, 0.08 - 0.03 * motion.cheek),
    )
    canvas.shade(bag, 0.10 + 0.16 * motion.cheek, width=0.035, soft=0.016)
    for foot in (-0.035, 0.03):
        crow = _line(side, (x + 1.15 * wide, 0.01 + foot), (x + 1.55 * wide, 0.02 + 2.6 * foot))
        canvas.shade(crow, 0.2 * motion.cheek, width=0.02, soft=0.008)


def _brow(canvas: Canvas, person: Identity, side: int, motion: Motion) -> None:
    x, thick = person.eye_distance, person.brow_thickness
    inner = (x - 0.235 - motion.brow_squeeze, -person.brow_height + person.brow_slope - motion.brow_inner)
    outer = (
        x + 0.30 - 0.3 * motion.brow_squeeze,
        -person.brow_height - person.brow_slope - motion.brow_outer,
    )
    middle = (inner[0] + 0.55 * (outer[0] - inner[0]), (inner[1] + outer[1]) / 2 - 1.5 * person.brow_arch)
    lower = _line(
        side,
        (inner[0], inner[1] + 0.5 * thick),
        (middle[0], middle[1] + 0.55 * thick),
        (outer[0], outer[1] + 0.02),
    )
    upper = _line(
        side,
        (outer[0], outer[1] + 0.005),
        (middle[0], middle[1] - 0.5 * thick),
        (inner[0], inner[1] - 0.5 * thick),
    )
    brow = np.concatenate([lower, upper])
    canvas.paint(brow, darker(person.hair, 0.7), soft=0.022, opacity=0.55)
    canvas.paint(brow, darker(person.hair, 0.6), soft=0.010, opacity=0.6)
    frown, lift = max(motion.brow_squeeze, 0) / 0.05, max(motion.brow_inner + motion.brow_outer, 0) / 0.16
    furrow = _line(side, (0.075, inner[1] - 0.09), (0.06, inner[1] + 0.02), (0.075, inner[1] + 0.12))
    canvas.shade(furrow, 0.26 * min(frown, 2.0), width=0.034, soft=0.012)
    # A fringe hides the forehead.
    for row in () if person.hair_style == "fringe" else (0.16, 0.27):
        level = middle[1] - row
        crease = _line(side, (0.0, level + 0.01), (x * 0.8, level - 0.02), (x + 0.25, level + 0.03))
        canvas.shade(crease, 0.16 * min(lift, 2.0), width=0.026, soft=0.012)


def _nose(canvas: Canvas, person: Identity, side: int, motion: Motion) -> None:
    rise = 0.035 * motion.nose
    tip, wide = person.nose_length - 0.4 * rise, person.nose_width * (1 + 0.10 * min(motion.nose, 2.0))
    wing = _line(
        side,
        (0.62 * wide, tip - 0.13 - rise),
        (1.08 * wide, tip - 0.05 - rise),
        (1.0 * wide, tip + 0.03 - rise),
        (0.62 * wide, tip + 0.05 - rise),
    )
    canvas.shade(wing, 0.34, width=0.045, soft=0.014)
    nostril = ellipse(side * 0.5 * wide, tip + 0.025 - 0.7 * rise, rx=0.045, ry=0.022)
    canvas.paint(nostril, darker(person.skin, 0.22), soft=0.010, opacity=0.85)
    base = _line(side, (0.0, tip + 0.065), (0.4 * wide, tip + 0.055))
    canvas.shade(base, 0.26, width=0.035, soft=0.014)
    bridge = _line(side, (0.11, -0.16), (0.085, 0.05), (0.10, 0.30), (0.13, tip - 0.12))
    canvas.shade(bridge, 0.12, width=0.06, soft=0.024)
    for level in (0.02, 0.11, 0.20):
        wrinkle = _line(side, (0.02, level - 0.01), (0.10, level), (0.17, level + 0.045))
        canvas.shade(wrinkle, 0.20 * min(motion.nose, 2.2), width=0.028, soft=0.010)


def _folds(canvas: Canvas, person: Identity, side: int, motion: Motion) -> None:
    """The fold from nose to mouth, the cheek's roll above it, the dimple, and the chin's boss."""
    depth = person.fold + 0.20 * min(motion.nose, 2) + 2.4 * max(motion.corner_up, 0) + 2.5 * motion.lip_upper
    out, up = (
        person.mouth_width + 0.10 + 0.8 * motion.corner_out,
        person.mouth_height - 0.02 - 0.5 * motion.corner_up,
    )
    start = (person.nose_width + 0.05, person.nose_length - 0.06 - 0.03 * motion.nose)
    fold = _line(side, start, (person.nose_width + 0.16, person.nose_length + 0.10), (out, up))
    canvas.shade(fold, min(depth, 0.7), width=0.05, soft=0.022)
    roll = _line(
        side,
        (0.30, 0.36 - 0.05 * motion.cheek),
        (0.52, 0.42 - 0.07 * motion.cheek),
        (0.76, 0.30 - 0.05 * motion.cheek),
    )
    canvas.shade(roll, -0.10 * min(motion.cheek, 2), width=0.16, soft=0.05)
    corner = (person.mouth_width + motion.corner_out + 0.055, person.mouth_height - motion.corner_up)
    dimple = _line(
        side,
        (corner[0] - 0.01, corner[1] - 0.07),
        (corner[0] + 0.025, corner[1]),
        (corner[0] - 0.01, corner[1] + 0.08),
    )
    canvas.shade(dimple, 0.36 * min(motion.dimple, 1.8), width=0.05, soft=0.018)
    chin = person.mouth_height + 0.34 - 0.03 * motion.chin
    canvas.shade(
        _line(side, (0.0, chin - 0.03), (0.13, chin), (0.22, chin + 0.09)),
        0.22 * min(motion.chin, 2),
        width=0.05,
        soft=0.022,
    )
    pit = _line(side, (0.04, chin + 0.10), (0.10, chin + 0.14))
    canvas.shade(pit, 0.20 * min(motion.chin, 2), width=0.05, soft=0.016)


def _glasses(canvas: Canvas, person: Identity) -> None:
    frame = (44, 42, 46)
    for side in (-1, 1):
        rim = ellipse(side * person.eye_distance, 0.035, rx=0.31, ry=0.225, count=40)
        inside = ellipse(side * person.eye_distance, 0.035, rx=0.285, ry=0.20, count=40)
        canvas.paint(np.concatenate([rim, rim[:1], inside[:1], inside[::-1]]), frame, soft=0.006, opacity=0.9)
        temple = np.array([(0.31 + person.eye_distance, -0.02), (1.0 * person.face_width, -0.06)]) * (side, 1)
        canvas.stroke(smooth(temple, closed=False), frame, width=0.05, opacity=0.85)
    bridge = smooth(np.array([(-0.13, 0.0), (0.0, -0.045), (0.13, 0.0)]), closed=False)
    canvas.stroke(bridge, frame, width=0.045, opacity=0.9)
