"""The 68 landmarks that CK+ provides for each frame, computed from the rendered face.

The order is that of the release: jaw 17, brows 5 + 5, nose 4 + 5, eyes 6 + 6, mouth 12 + 8, each from the
left of the image. The points are approximate: they follow the curves of `datasets.synthetic.rendering`, not
the pixels. They include the motion of brows, lids and mouth, but not the shift of the head, which is a
fraction of a pixel.
"""

from __future__ import annotations

import numpy as np

from datasets.synthetic.rendering.action_units import SideMotions, compute_motion
from datasets.synthetic.rendering.canvas import SUPERSAMPLING, Points, View
from datasets.synthetic.rendering.head import compute_face_outline
from datasets.synthetic.rendering.identity import Identity


def compute_landmarks(person: Identity, view: View, *, action_units: str, intensity: float) -> Points:
    """Return the landmarks (x, y) of a face with these action units at this intensity.

    The result has shape [68, 2], in pixels of the image.
    """
    left, right = compute_motion(action_units, intensity)
    # The person's left is the image's right.
    sides = ((-1, right), (1, left))
    points = np.concatenate(
        [
            _compute_jaw(person),
            _compute_brows(person, sides),
            _compute_nose(person),
            _compute_eyes(person, sides),
            _compute_mouth(person, sides),
        ]
    )
    matrix = view.affine_matrix() / SUPERSAMPLING
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], dtype=np.float64)


def _compute_jaw(person: Identity) -> Points:
    """Return 17 points of the outline below the eyes, at about equal angles around the point (0, 0.1)."""
    outline = compute_face_outline(person)
    offsets = outline - (0.0, 0.1)
    angles = np.arctan2(offsets[:, 1], -offsets[:, 0])
    target_angles = np.linspace(0.0, np.pi, 17)
    nearest = np.abs(angles[None, :] - target_angles[:, None]).argmin(axis=1)
    return np.asarray(outline[nearest], dtype=np.float64)


def _compute_brows(person: Identity, sides: SideMotions) -> Points:
    points = []
    for side, motion in sides:
        inner_x = person.eye_distance - 0.235 - motion.brow_squeeze
        outer_x = person.eye_distance + 0.30
        inner_y = -person.brow_height + person.brow_slope - motion.brow_inner
        outer_y = -person.brow_height - person.brow_slope - motion.brow_outer
        fractions = np.linspace(0, 1, 5)
        arch = 1.5 * person.brow_arch * np.sin(np.pi * fractions)
        brow = np.stack(
            [
                side * (inner_x + fractions * (outer_x - inner_x)),
                inner_y + fractions * (outer_y - inner_y) - arch,
            ],
            1,
        )
        points.append(brow[::-1] if side < 0 else brow)
    return np.concatenate(points)


def _compute_nose(person: Identity) -> Points:
    bridge = np.stack([np.zeros(4), np.linspace(-0.02, person.nose_length - 0.08, 4)], 1)
    offsets = np.linspace(-1, 1, 5)
    base = np.stack([offsets * 0.75 * person.nose_width, person.nose_length + 0.06 - 0.04 * offsets**2], 1)
    return np.concatenate([bridge, base])


def _compute_eyes(person: Identity, sides: SideMotions) -> Points:
    eyes = []
    for side, motion in sides:
        center_x, half_width = person.eye_distance, person.eye_width
        upper_height = person.eye_opening * max(1 + motion.lid_upper, 0.08) * 1.3
        lower_height = person.eye_opening * max(1 - 1.6 * motion.lid_lower, 0.05) * 0.75
        inner_corner, outer_corner = (center_x - half_width, 0.025), (center_x + half_width, -person.eye_tilt)
        inner_x, outer_x = center_x - 0.45 * half_width, center_x + 0.45 * half_width
        if side < 0:
            eye = [
                outer_corner,
                (outer_x, -upper_height),
                (inner_x, -upper_height),
                inner_corner,
                (inner_x, lower_height),
                (outer_x, lower_height),
            ]
        else:
            eye = [
                inner_corner,
                (inner_x, -upper_height),
                (outer_x, -upper_height),
                outer_corner,
                (outer_x, lower_height),
                (inner_x, lower_height),
            ]
        eyes.append(np.array(eye) * (side, 1))
    return np.concatenate(eyes)


def _compute_mouth(person: Identity, sides: SideMotions) -> Points:
    opening = sum(motion.mouth_open for _, motion in sides) / 2
    center_y, fullness = person.mouth_height, person.lip_fullness
    (_, left_motion), (_, right_motion) = sides
    left_x = -person.mouth_width - left_motion.corner_out
    right_x = person.mouth_width + right_motion.corner_out
    left_y = center_y - person.mouth_curve - left_motion.corner_up
    right_y = center_y - person.mouth_curve - right_motion.corner_up

    def make_lip(count: int, drop: float) -> Points:
        """Return `count` points between the mouth corners; the middle is `drop` below the mouth's center."""
        fractions = np.linspace(0, 1, count + 2)[1:-1]
        chord_y = left_y + fractions * (right_y - left_y)
        bulge = np.sin(np.pi * fractions)
        return np.stack(
            [left_x + fractions * (right_x - left_x), chord_y + bulge * (center_y + drop - chord_y)], 1
        )

    corners = np.array([(left_x, left_y), (right_x, right_y)])
    outer_upper, inner_upper = make_lip(5, -fullness - 0.3 * opening), make_lip(3, -0.3 * opening)
    inner_lower, outer_lower = make_lip(3, opening + 0.02), make_lip(5, 1.3 * fullness + opening)
    return np.concatenate(
        [
            corners[:1],
            outer_upper,
            corners[1:],
            outer_lower[::-1],
            corners[:1],
            inner_upper,
            corners[1:],
            inner_lower[::-1],
        ]
    )
