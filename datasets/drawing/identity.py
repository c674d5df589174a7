"""One drawn person: every trait that stays the same from clip to clip.

The defaults are the mean face. A subject is the mean face plus `spread` times its own deviations, so
`spread` 0 is one face for all. Resting brow height, eye opening and the curve of the mouth vary too, on
purpose: they look like weak expressions, and are what a network that has seen only other people stumbles
over.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from datasets.drawing.canvas import Colour

HAIR_STYLES = ("short", "parted", "fringe", "long", "receding")

_SKINS: tuple[Colour, ...] = (
    (158, 186, 226), (148, 178, 222), (138, 166, 210), (170, 196, 232),
    (118, 148, 196), (88, 118, 168), (66, 92, 138),
)  # fmt: skip
_HAIRS: tuple[Colour, ...] = (
    (38, 36, 40),
    (28, 28, 32),
    (44, 58, 82),
    (64, 88, 122),
    (92, 134, 172),
    (30, 34, 44),
    (112, 112, 116),
)
_WALLS: tuple[Colour, ...] = (
    (186, 190, 192),
    (200, 196, 186),
    (176, 186, 200),
    (188, 200, 184),
    (160, 168, 178),
)
_SHIRTS: tuple[Colour, ...] = (
    (120, 84, 60),
    (60, 60, 66),
    (84, 76, 140),
    (90, 120, 84),
    (188, 186, 184),
    (70, 90, 120),
)


def _trait(mean: float, spread: float) -> float:
    trait: float = field(default=mean, metadata={"spread": spread})
    return trait


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Lengths in face units (1 = half the mean face's width); colours BGR, 0 to 255."""

    face_width: float = _trait(1.0, 0.05)
    face_length: float = _trait(1.0, 0.05)
    jaw: float = _trait(0.80, 0.06)
    forehead: float = _trait(0.86, 0.05)
    eye_distance: float = _trait(0.435, 0.022)
    eye_width: float = _trait(0.195, 0.013)
    eye_opening: float = _trait(0.082, 0.012)
    eye_tilt: float = _trait(0.018, 0.018)
    iris_tone: float = _trait(0.0, 1.0)
    brow_height: float = _trait(0.265, 0.025)
    brow_thickness: float = _trait(0.062, 0.014)
    brow_arch: float = _trait(0.045, 0.018)
    brow_slope: float = _trait(0.0, 0.022)
    nose_length: float = _trait(0.60, 0.04)
    nose_width: float = _trait(0.205, 0.022)
    mouth_height: float = _trait(0.95, 0.035)
    mouth_width: float = _trait(0.36, 0.035)
    mouth_curve: float = _trait(0.0, 0.022)
    lip_fullness: float = _trait(0.075, 0.014)
    lip_red: float = _trait(0.0, 1.0)
    fold: float = _trait(0.10, 0.05)
    light_side: float = _trait(0.0, 0.42)
    light_height: float = _trait(0.35, 0.12)
    hair_volume: float = _trait(0.16, 0.045)
    hair_style: str = HAIR_STYLES[0]
    glasses: bool = False
    skin: Colour = _SKINS[0]
    hair: Colour = _HAIRS[0]
    wall: Colour = _WALLS[0]
    shirt: Colour = _SHIRTS[0]
    seed: int = 0


def draw_identity(seed: tuple[int, ...], *, spread: float = 1.0) -> Identity:
    """The person of this seed; `spread` 0 gives the mean face, 1 people as different as strangers are."""
    rng = np.random.default_rng(seed)
    # Beyond two deviations features start to overlap, whatever the spread.
    deviations = {
        trait.name: float(
            trait.default + min(spread, 2.0) * trait.metadata["spread"] * np.clip(rng.normal(), -2, 2)
        )
        for trait in fields(Identity)
        if "spread" in trait.metadata
    }
    reach = min(spread, 1.0)

    def pick(count: int) -> int:
        return int(reach * rng.random() * count)

    return Identity(
        **deviations,
        hair_style=HAIR_STYLES[pick(len(HAIR_STYLES))],
        skin=_SKINS[pick(len(_SKINS))],
        hair=_HAIRS[pick(len(_HAIRS))],
        wall=_WALLS[pick(len(_WALLS))],
        shirt=_SHIRTS[pick(len(_SHIRTS))],
        glasses=bool(rng.random() < 0.22 * reach),
        seed=int(rng.integers(1 << 31) * (reach > 0)),
    )
