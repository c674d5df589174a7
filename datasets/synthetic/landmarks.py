"""The 68 points that come with each frame of CK+, where the drawing put them.

Order as in the release: jaw 17, brows 5 + 5, nose 4 + 5, eyes 6 + 6, mouth 12 + 8, each from the picture's
left. The points are approximate: they follow the curves that `datasets.drawing` paints, not their pixels,
and know brows, lids and mouth to move, not the sway of the head, a fraction of a pixel.
"""

from __future__ import annotations

import numpy as np

from datasets.drawing.canvas import SUPERSAMPLE, Points, View
from datasets.drawing.head import face_outline
from datasets.drawing.identity import Identity
from datasets.drawing.motion import Sides, move


def landmarks(person: Identity, view: View, *, units: str, intensity: float) -> Points:
    """Pixels (x, y) in the picture, shape [68, 2], of a face showing these units at this intensity."""
    left, right = move(units, intensity)
    # The person's left is the picture's right.
    sides = ((-1, right), (1, left))
    face = np.concatenate(
        [_jaw(person), _brows(person, sides), _nose(person), _eyes(person, sides), _mouth(person, sides)]
    )
    matrix = view.matrix() / SUPERSAMPLE
    return np.asarray(face @ matrix[:, :2].T + matrix[:, 2], dtype=np.float64)


def _jaw(person: Identity) -> Points:
    """17 points of the outline below the eyes, by equal angles around the mouth's middle."""
    outline = face_outline(person)
    around = outline - (0.0, 0.1)
    turns = np.arctan2(around[:, 1], -around[:, 0])
    wanted = np.linspace(0.0, np.pi, 17)
    nearest = np.abs(turns[None, :] - wanted[:, None]).argmin(axis=1)
    return np.asarray(outline[nearest], dtype=np.float64)


def _brows(person: Identity, sides: Sides) -> Points:
    points = []
    for side, motion in sides:
        inner = person.eye_distance - 0.235 - motion.brow_squeeze
        outer = person.eye_distance + 0.30
        start = -person.brow_height + person.brow_slope - motion.brow_inner
        end = -person.brow_height - person.brow_slope - motion.brow_outer
        along = np.linspace(0, 1, 5)
        arch = 1.5 * person.brow_arch * np.sin(np.pi * along)
        brow = np.stack([side * (inner + along * (outer - inner)), start + along * (end - start) - arch], 1)
        points.append(brow[::-1] if side < 0 else brow)
    return np.concatenate(points)


def _nose(person: Identity) -> Points:
    bridge = np.stack([np.zeros(4), np.linspace(-0.02, person.nose_length - 0.08, 4)], 1)
    across = np.linspace(-1, 1, 5)
    base = np.stack([across * 0.75 * person.nose_width, person.nose_length + 0.06 - 0.04 * across**2], 1)
    return np.concatenate([bridge, base])


def _eyes(person: Identity, sides: Sides) -> Points:
    eyes = []
    for side, motion in sides:
        x, wide = person.eye_distance, person.eye_width
        upper = person.eye_opening * max(1 + motion.lid_upper, 0.08) * 1.3
        lower = person.eye_opening * max(1 - 1.6 * motion.lid_lower, 0.05) * 0.75
        inner, outer = (x - wide, 0.025), (x + wide, -person.eye_tilt)
        near, far = x - 0.45 * wide, x + 0.45 * wide
        if side < 0:
            eye = [outer, (far, -upper), (near, -upper), inner, (near, lower), (far, lower)]
        else:
            eye = [inner, (near, -upper), (far, -upper), outer, (far, lower), (near, lower)]
        eyes.append(np.array(eye) * (side, 1))
    return np.concatenate(eyes)


def _mouth(person: Identity, sides: Sides) -> Points:
    part = sum(motion.part for _, motion in sides) / 2
    level, full = person.mouth_height, person.lip_fullness
    (_, picture_left), (_, picture_right) = sides
    left = -person.mouth_width - picture_left.corner_out
    right = person.mouth_width + picture_right.corner_out
    left_y = level - person.mouth_curve - picture_left.corner_up
    right_y = level - person.mouth_curve - picture_right.corner_up

    def lip(count: int, drop: float) -> Points:
        """From corner to corner, both left out, the middle `drop` below the mouth's level."""
        along = np.linspace(0, 1, count + 2)[1:-1]
        chord = left_y + along * (right_y - left_y)
        bow = np.sin(np.pi * along)
        return np.stack([left + along * (right - left), chord + bow * (level + drop - chord)], 1)

    corners = np.array([(left, left_y), (right, right_y)])
    upper, roof = lip(5, -full - 0.3 * part), lip(3, -0.3 * part)
    floor, lower = lip(3, part + 0.02), lip(5, 1.3 * full + part)
    return np.concatenate(
        [corners[:1], upper, corners[1:], lower[::-1], corners[:1], roof, corners[1:], floor[::-1]]
    )
