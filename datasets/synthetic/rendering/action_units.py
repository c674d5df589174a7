"""Facial motion of action units: what each unit of the Facial Action Coding System moves, and how far.

The units are those of Ekman and Friesen, "Facial Action Coding System" (1978). The motion of a unit is linear
in its intensity, and the motions of several units add up. A unit with a side (`L10`, `R14`, the person's left
and right) moves only that half of the face. At intensity 1 the motion is that of a clear but small
expression, about three times that of a real micro-expression.
"""

from __future__ import annotations

import re
from dataclasses import astuple, dataclass

from datasets.errors import DatasetError


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceMotion:
    """Motion of one half of the face from neutral: lengths in face units, or values from 0 to about 1."""

    brow_inner: float = 0.0
    brow_outer: float = 0.0
    brow_squeeze: float = 0.0
    lid_upper: float = 0.0
    lid_lower: float = 0.0
    cheek: float = 0.0
    nose: float = 0.0
    lip_upper: float = 0.0
    corner_up: float = 0.0
    corner_out: float = 0.0
    dimple: float = 0.0
    press: float = 0.0
    mouth_open: float = 0.0
    chin: float = 0.0

    def add_scaled(self, other: FaceMotion, *, factor: float) -> FaceMotion:
        """Return this motion plus `factor` times `other`."""
        names = FaceMotion.__dataclass_fields__
        pairs = zip(astuple(self), astuple(other), strict=True)
        return FaceMotion(
            **dict(zip(names, (value + factor * other_value for value, other_value in pairs), strict=True))
        )


# (side, motion) of both halves of the face in the image: side -1 is left and comes first, side 1 is right.
SideMotions = tuple[tuple[int, FaceMotion], tuple[int, FaceMotion]]

ACTION_UNIT_MOTIONS: dict[int, FaceMotion] = {
    1: FaceMotion(brow_inner=0.085, brow_outer=0.01),
    2: FaceMotion(brow_outer=0.08, brow_inner=0.015),
    4: FaceMotion(brow_inner=-0.06, brow_outer=-0.03, brow_squeeze=0.05, lid_upper=-0.12),
    5: FaceMotion(lid_upper=0.35),
    6: FaceMotion(cheek=1.0, lid_lower=0.32, lid_upper=-0.06),
    7: FaceMotion(lid_lower=0.25, lid_upper=-0.18),
    9: FaceMotion(nose=1.0, brow_inner=-0.025, lip_upper=0.03, lid_lower=0.12),
    10: FaceMotion(lip_upper=0.05, nose=0.35),
    12: FaceMotion(corner_up=0.085, corner_out=0.06, cheek=0.25),
    14: FaceMotion(dimple=1.0, corner_out=0.03),
    15: FaceMotion(corner_up=-0.075, corner_out=-0.005),
    17: FaceMotion(chin=1.0, press=0.3),
    20: FaceMotion(corner_out=0.085, corner_up=-0.015, press=0.2),
    24: FaceMotion(press=1.0),
    25: FaceMotion(mouth_open=0.045),
    26: FaceMotion(mouth_open=0.09),
}

EMOTION_ACTION_UNITS: dict[str, tuple[str, ...]] = {
    "happiness": ("6+12", "12"),
    "surprise": ("1+2+5+26", "1+2+25"),
    "disgust": ("4+9", "4+9+10", "4+7+10"),
    "repression": ("14+17", "15+17+24"),
    "sadness": ("1+4+15", "1+15"),
    "fear": ("1+2+4+20", "1+2+4+5+20"),
    "others": ("4", "14", "4+L10", "R14", "7", "4+7"),
}

_UNIT_PATTERN = re.compile(r"([LR]?)(\d+)")


def compute_motion(action_units: str, intensity: float) -> tuple[FaceMotion, FaceMotion]:
    """Return the motion of the person's left and right half of the face for units such as `4+L10`.

    Raises:
        DatasetError: a unit is not in `ACTION_UNIT_MOTIONS`.
    """
    left = right = FaceMotion()
    for unit in action_units.split("+"):
        match = _UNIT_PATTERN.fullmatch(unit)
        if match is None or int(match[2]) not in ACTION_UNIT_MOTIONS:
            known_units = ", ".join(map(str, ACTION_UNIT_MOTIONS))
            raise DatasetError(
                "action-unit.unknown",
                f"action unit {unit!r} in {action_units!r} is not supported; "
                f"accepted, alone or after L or R: {known_units}",
            )
        motion = ACTION_UNIT_MOTIONS[int(match[2])]
        if match[1] != "R":
            left = left.add_scaled(motion, factor=intensity)
        if match[1] != "L":
            right = right.add_scaled(motion, factor=intensity)
    return left, right
