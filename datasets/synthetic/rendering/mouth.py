"""Drawing of the mouth: two lips around one opening; each corner moves with its side of the face."""

from __future__ import annotations

import numpy as np

from datasets.synthetic.rendering.action_units import SideMotions
from datasets.synthetic.rendering.canvas import Canvas, Points, make_ellipse, redden, scale_brightness, smooth
from datasets.synthetic.rendering.identity import Identity


def draw_mouth(canvas: Canvas, person: Identity, sides: SideMotions) -> None:
    """Draw the mouth. Its halves meet in the middle, which moves by the mean of both sides' motions."""
    opening = _average_motion(sides, "mouth_open")
    upper_edge, upper_seam, lower_seam, lower_edge = _compute_lip_curves(person, sides)
    seam_color = scale_brightness(person.skin_color, 0.22)
    if opening > 0.004:
        canvas.fill_polygon(np.concatenate([upper_seam, lower_seam[::-1]]), (34, 28, 62), edge_blur=0.008)
        canvas.draw_stroke(
            upper_seam[2:-2] * (0.8, 1) + (0, 0.3 * opening),
            (205, 214, 218),
            width=0.55 * opening,
            edge_blur=0.01,
            opacity=0.8,
        )
    lip_color = redden(scale_brightness(person.skin_color, 0.76), 26 + 9 * person.lip_redness)
    canvas.fill_polygon(
        np.concatenate([upper_edge, upper_seam[::-1]]),
        scale_brightness(lip_color, 0.9),
        edge_blur=0.012,
        opacity=0.9,
    )
    canvas.fill_polygon(
        np.concatenate([lower_seam, lower_edge[::-1]]), lip_color, edge_blur=0.012, opacity=0.9
    )
    canvas.shade_line((lower_seam[6:-6] + lower_edge[6:-6]) / 2, -0.16, width=0.03, edge_blur=0.02)
    if opening <= 0.004:
        canvas.draw_stroke(upper_seam, seam_color, width=0.026, edge_blur=0.007, opacity=0.85)
    for corner, side in ((upper_edge[0], -1), (upper_edge[-1], 1)):
        canvas.fill_polygon(
            make_ellipse(corner[0] + side * 0.008, corner[1], rx=0.022, ry=0.02),
            seam_color,
            edge_blur=0.014,
            opacity=0.5,
        )
    canvas.shade_line(lower_edge[4:-4] * (0.75, 1) + (0, 0.05), 0.20, width=0.06, edge_blur=0.03)


def _compute_lip_curves(person: Identity, sides: SideMotions) -> tuple[Points, Points, Points, Points]:
    """Return the edge and seam of the upper lip and the seam and edge of the lower lip.

    Each curve has shape [n, 2] and starts at the left of the image.
    """
    opening, lift = _average_motion(sides, "mouth_open"), _average_motion(sides, "lip_upper")
    fullness = person.lip_fullness * max(1 - 0.55 * _average_motion(sides, "press"), 0.25)
    center_y = person.mouth_height - 0.035 * _average_motion(sides, "chin")
    halves = []
    for side, motion in sides:
        half_width, rise = person.mouth_width + motion.corner_out, person.mouth_curve + motion.corner_up
        mid_x, mid_y = side * 0.55 * half_width, center_y - 0.35 * rise
        corner = (side * half_width, center_y - rise)
        bow = (side * 0.16 * half_width, center_y - 1.12 * fullness - lift)
        halves.append(
            (
                (corner, (mid_x, mid_y - 0.75 * fullness - motion.lip_upper), bow),
                (corner, (mid_x, mid_y + 0.008 - 0.3 * motion.lip_upper - 0.25 * opening)),
                (corner, (mid_x, mid_y + 0.008 + 0.75 * opening)),
                (corner, (mid_x, mid_y + 0.95 * fullness + 0.9 * opening)),
            )
        )
    middle_ys = (
        center_y - 0.86 * fullness - lift,
        center_y + 0.014 - 0.3 * lift - 0.3 * opening,
        center_y + 0.014 + opening,
        center_y + 1.35 * fullness + 1.05 * opening,
    )
    upper_edge, upper_seam, lower_seam, lower_edge = (
        smooth(np.array([*left, (0.0, middle_y), *right[::-1]]), closed=False)
        for left, right, middle_y in zip(*halves, middle_ys, strict=True)
    )
    return upper_edge, upper_seam, lower_seam, lower_edge


def _average_motion(sides: SideMotions, name: str) -> float:
    values = [float(getattr(motion, name)) for _, motion in sides]
    return sum(values) / 2
