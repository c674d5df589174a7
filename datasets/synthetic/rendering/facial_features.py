"""Drawing of the moving features, for every frame: brows, eyes, nose, mouth, folds and glasses."""

from __future__ import annotations

import numpy as np

from datasets.synthetic.rendering.action_units import FaceMotion, SideMotions
from datasets.synthetic.rendering.canvas import Canvas, Points, make_ellipse, scale_brightness, smooth
from datasets.synthetic.rendering.identity import Identity
from datasets.synthetic.rendering.mouth import draw_mouth


def draw_features(canvas: Canvas, person: Identity, sides: SideMotions) -> None:
    """Draw all moving features, each half of the face with its own motion."""
    for side, motion in sides:
        _draw_folds(canvas, person, side, motion)
        _draw_eye(canvas, person, side, motion)
        _draw_brow(canvas, person, side, motion)
        _draw_nose(canvas, person, side, motion)
    draw_mouth(canvas, person, sides)
    if person.has_glasses:
        _draw_glasses(canvas, person)


def _smooth_line(side: int, *points: tuple[float, float]) -> Points:
    return smooth(np.array(points) * (side, 1), closed=False)


def _draw_eye(canvas: Canvas, person: Identity, side: int, motion: FaceMotion) -> None:
    center_x, half_width, tilt = person.eye_distance, person.eye_width, person.eye_tilt
    upper_height = person.eye_opening * max(1 + motion.lid_upper, 0.08) * 1.3
    lower_height = person.eye_opening * max(1 - 1.6 * motion.lid_lower, 0.05) * 0.75
    inner_corner, outer_corner = (center_x - half_width, 0.025), (center_x + half_width, -tilt)
    upper_lid = [
        inner_corner,
        (center_x - 0.55 * half_width, -0.95 * upper_height),
        (center_x + 0.25 * half_width, -1.12 * upper_height),
        outer_corner,
    ]
    lower_lid = [
        outer_corner,
        (center_x + 0.45 * half_width, lower_height),
        (center_x - 0.45 * half_width, 1.05 * lower_height + 0.012),
        inner_corner,
    ]
    upper_edge, lower_edge = _smooth_line(side, *upper_lid), _smooth_line(side, *lower_lid)
    opening = np.concatenate([upper_edge, lower_edge[1:-1]])
    canvas.fill_polygon(opening, (226, 230, 232), edge_blur=0.006)
    iris_color = (62 + 22 * person.iris_tone, 62 + 14 * person.iris_tone, 78 - 8 * person.iris_tone)
    canvas.fill_polygon(
        make_ellipse(side * center_x, -0.012, rx=0.094, ry=0.094),
        iris_color,
        edge_blur=0.008,
        clip_polygon=opening,
    )
    canvas.fill_polygon(
        make_ellipse(side * center_x, -0.012, rx=0.045, ry=0.045),
        (18, 18, 20),
        edge_blur=0.006,
        clip_polygon=opening,
    )
    canvas.fill_polygon(
        make_ellipse(side * center_x + 0.03, -0.045, rx=0.016, ry=0.016),
        (250, 250, 250),
        clip_polygon=opening,
    )
    lash_color = scale_brightness(person.hair_color, 0.5)
    canvas.draw_stroke(upper_edge, lash_color, width=0.036, edge_blur=0.006, opacity=0.92)
    shadow = upper_edge + np.array((0, 0.022))
    canvas.draw_stroke(shadow, lash_color, width=0.03, edge_blur=0.014, opacity=0.35)
    canvas.draw_stroke(
        upper_edge - (0, 0.052 + 0.02 * motion.lid_upper),
        scale_brightness(person.skin_color, 0.55),
        width=0.02,
        edge_blur=0.010,
        opacity=0.5,
    )
    canvas.draw_stroke(
        lower_edge, scale_brightness(person.skin_color, 0.5), width=0.018, edge_blur=0.008, opacity=0.55
    )
    eye_bag = _smooth_line(
        side,
        (center_x - 0.8 * half_width, 0.09),
        (center_x, 0.155 - 0.02 * motion.cheek),
        (center_x + 0.95 * half_width, 0.08 - 0.03 * motion.cheek),
    )
    canvas.shade_line(eye_bag, 0.10 + 0.16 * motion.cheek, width=0.035, edge_blur=0.016)
    for offset in (-0.035, 0.03):
        crows_foot = _smooth_line(
            side,
            (center_x + 1.15 * half_width, 0.01 + offset),
            (center_x + 1.55 * half_width, 0.02 + 2.6 * offset),
        )
        canvas.shade_line(crows_foot, 0.2 * motion.cheek, width=0.02, edge_blur=0.008)


def _draw_brow(canvas: Canvas, person: Identity, side: int, motion: FaceMotion) -> None:
    center_x, thickness = person.eye_distance, person.brow_thickness
    inner_point = (
        center_x - 0.235 - motion.brow_squeeze,
        -person.brow_height + person.brow_slope - motion.brow_inner,
    )
    outer_point = (
        center_x + 0.30 - 0.3 * motion.brow_squeeze,
        -person.brow_height - person.brow_slope - motion.brow_outer,
    )
    middle_point = (
        inner_point[0] + 0.55 * (outer_point[0] - inner_point[0]),
        (inner_point[1] + outer_point[1]) / 2 - 1.5 * person.brow_arch,
    )
    lower_edge = _smooth_line(
        side,
        (inner_point[0], inner_point[1] + 0.5 * thickness),
        (middle_point[0], middle_point[1] + 0.55 * thickness),
        (outer_point[0], outer_point[1] + 0.02),
    )
    upper_edge = _smooth_line(
        side,
        (outer_point[0], outer_point[1] + 0.005),
        (middle_point[0], middle_point[1] - 0.5 * thickness),
        (inner_point[0], inner_point[1] - 0.5 * thickness),
    )
    brow = np.concatenate([lower_edge, upper_edge])
    canvas.fill_polygon(brow, scale_brightness(person.hair_color, 0.7), edge_blur=0.022, opacity=0.55)
    canvas.fill_polygon(brow, scale_brightness(person.hair_color, 0.6), edge_blur=0.010, opacity=0.6)
    frown, lift = max(motion.brow_squeeze, 0) / 0.05, max(motion.brow_inner + motion.brow_outer, 0) / 0.16
    furrow = _smooth_line(
        side, (0.075, inner_point[1] - 0.09), (0.06, inner_point[1] + 0.02), (0.075, inner_point[1] + 0.12)
    )
    canvas.shade_line(furrow, 0.26 * min(frown, 2.0), width=0.034, edge_blur=0.012)
    # A fringe hides the forehead.
    for height in () if person.hair_style == "fringe" else (0.16, 0.27):
        y = middle_point[1] - height
        crease = _smooth_line(side, (0.0, y + 0.01), (center_x * 0.8, y - 0.02), (center_x + 0.25, y + 0.03))
        canvas.shade_line(crease, 0.16 * min(lift, 2.0), width=0.026, edge_blur=0.012)


def _draw_nose(canvas: Canvas, person: Identity, side: int, motion: FaceMotion) -> None:
    rise = 0.035 * motion.nose
    tip_y, width = person.nose_length - 0.4 * rise, person.nose_width * (1 + 0.10 * min(motion.nose, 2.0))
    wing = _smooth_line(
        side,
        (0.62 * width, tip_y - 0.13 - rise),
        (1.08 * width, tip_y - 0.05 - rise),
        (1.0 * width, tip_y + 0.03 - rise),
        (0.62 * width, tip_y + 0.05 - rise),
    )
    canvas.shade_line(wing, 0.34, width=0.045, edge_blur=0.014)
    nostril = make_ellipse(side * 0.5 * width, tip_y + 0.025 - 0.7 * rise, rx=0.045, ry=0.022)
    canvas.fill_polygon(nostril, scale_brightness(person.skin_color, 0.22), edge_blur=0.010, opacity=0.85)
    base = _smooth_line(side, (0.0, tip_y + 0.065), (0.4 * width, tip_y + 0.055))
    canvas.shade_line(base, 0.26, width=0.035, edge_blur=0.014)
    bridge = _smooth_line(side, (0.11, -0.16), (0.085, 0.05), (0.10, 0.30), (0.13, tip_y - 0.12))
    canvas.shade_line(bridge, 0.12, width=0.06, edge_blur=0.024)
    for y in (0.02, 0.11, 0.20):
        wrinkle = _smooth_line(side, (0.02, y - 0.01), (0.10, y), (0.17, y + 0.045))
        canvas.shade_line(wrinkle, 0.20 * min(motion.nose, 2.2), width=0.028, edge_blur=0.010)


def _draw_folds(canvas: Canvas, person: Identity, side: int, motion: FaceMotion) -> None:
    """Draw the fold from nose to mouth, the cheek above it, the dimple and the chin."""
    depth = (
        person.fold_depth
        + 0.20 * min(motion.nose, 2)
        + 2.4 * max(motion.corner_up, 0)
        + 2.5 * motion.lip_upper
    )
    end_x, end_y = (
        person.mouth_width + 0.10 + 0.8 * motion.corner_out,
        person.mouth_height - 0.02 - 0.5 * motion.corner_up,
    )
    start = (person.nose_width + 0.05, person.nose_length - 0.06 - 0.03 * motion.nose)
    fold = _smooth_line(side, start, (person.nose_width + 0.16, person.nose_length + 0.10), (end_x, end_y))
    canvas.shade_line(fold, min(depth, 0.7), width=0.05, edge_blur=0.022)
    cheek_roll = _smooth_line(
        side,
        (0.30, 0.36 - 0.05 * motion.cheek),
        (0.52, 0.42 - 0.07 * motion.cheek),
        (0.76, 0.30 - 0.05 * motion.cheek),
    )
    canvas.shade_line(cheek_roll, -0.10 * min(motion.cheek, 2), width=0.16, edge_blur=0.05)
    corner = (person.mouth_width + motion.corner_out + 0.055, person.mouth_height - motion.corner_up)
    dimple = _smooth_line(
        side,
        (corner[0] - 0.01, corner[1] - 0.07),
        (corner[0] + 0.025, corner[1]),
        (corner[0] - 0.01, corner[1] + 0.08),
    )
    canvas.shade_line(dimple, 0.36 * min(motion.dimple, 1.8), width=0.05, edge_blur=0.018)
    chin_y = person.mouth_height + 0.34 - 0.03 * motion.chin
    canvas.shade_line(
        _smooth_line(side, (0.0, chin_y - 0.03), (0.13, chin_y), (0.22, chin_y + 0.09)),
        0.22 * min(motion.chin, 2),
        width=0.05,
        edge_blur=0.022,
    )
    chin_pit = _smooth_line(side, (0.04, chin_y + 0.10), (0.10, chin_y + 0.14))
    canvas.shade_line(chin_pit, 0.20 * min(motion.chin, 2), width=0.05, edge_blur=0.016)


def _draw_glasses(canvas: Canvas, person: Identity) -> None:
    frame_color = (44, 42, 46)
    for side in (-1, 1):
        outer_rim = make_ellipse(side * person.eye_distance, 0.035, rx=0.31, ry=0.225, count=40)
        inner_rim = make_ellipse(side * person.eye_distance, 0.035, rx=0.285, ry=0.20, count=40)
        canvas.fill_polygon(
            np.concatenate([outer_rim, outer_rim[:1], inner_rim[:1], inner_rim[::-1]]),
            frame_color,
            edge_blur=0.006,
            opacity=0.9,
        )
        temple = np.array([(0.31 + person.eye_distance, -0.02), (1.0 * person.face_width, -0.06)]) * (side, 1)
        canvas.draw_stroke(smooth(temple, closed=False), frame_color, width=0.05, opacity=0.85)
    bridge = smooth(np.array([(-0.13, 0.0), (0.0, -0.045), (0.13, 0.0)]), closed=False)
    canvas.draw_stroke(bridge, frame_color, width=0.045, opacity=0.9)
