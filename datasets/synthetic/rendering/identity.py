"""Identity of a rendered person: all traits that stay the same from clip to clip.

The defaults are the mean face. A subject is the mean face plus `spread` times individual deviations, so all
subjects have the same face at `spread` 0. Neutral brow height, eye opening and mouth curve vary on purpose:
they look like weak expressions and mislead a network that was trained on other people.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from datasets.synthetic.rendering.canvas import Color

HAIR_STYLES = ("short", "parted", "fringe", "long", "receding")

_SKIN_COLORS: tuple[Color, ...] = (
    (158, 186, 226), (148, 178, 222), (138, 166, 210), (170, 196, 232),
    (118, 148, 196), (88, 118, 168), (66, 92, 138),
)  # fmt: skip
_HAIR_COLORS: tuple[Color, ...] = (
    (38, 36, 40),
    (28, 28, 32),
    (44, 58, 82),
    (64, 88, 122),
    (92, 134, 172),
    (30, 34, 44),
    (112, 112, 116),
)
_WALL_COLORS: tuple[Color, ...] = (
    (186, 190, 192),
    (200, 196, 186),
    (176, 186, 200),
    (188, 200, 184),
    (160, 168, 178),
)
_SHIRT_COLORS: tuple[Color, ...] = (
    (120, 84, 60),
    (60, 60, 66),
    (84, 76, 140),
    (90, 120, 84),
    (188, 186, 184),
    (70, 90, 120),
)


def _trait_field(mean: float, spread: float) -> float:
    trait: float = field(default=mean, metadata={"spread": spread})
    return trait


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Traits of a person: lengths in face units (1 = half the mean face's width), colors in BGR, 0 to 255."""

    face_width: float = _trait_field(1.0, 0.05)
    face_length: float = _trait_field(1.0, 0.05)
    jaw_width: float = _trait_field(0.80, 0.06)
    forehead_height: float = _trait_field(0.86, 0.05)
    eye_distance: float = _trait_field(0.435, 0.022)
    eye_width: float = _trait_field(0.195, 0.013)
    eye_opening: float = _trait_field(0.082, 0.012)
    eye_tilt: float = _trait_field(0.018, 0.018)
    iris_tone: float = _trait_field(0.0, 1.0)
    brow_height: float = _trait_field(0.265, 0.025)
    brow_thickness: float = _trait_field(0.062, 0.014)
    brow_arch: float = _trait_field(0.045, 0.018)
    brow_slope: float = _trait_field(0.0, 0.022)
    nose_length: float = _trait_field(0.60, 0.04)
    nose_width: float = _trait_field(0.205, 0.022)
    mouth_height: float = _trait_field(0.95, 0.035)
    mouth_width: float = _trait_field(0.36, 0.035)
    mouth_curve: float = _trait_field(0.0, 0.022)
    lip_fullness: float = _trait_field(0.075, 0.014)
    lip_redness: float = _trait_field(0.0, 1.0)
    fold_depth: float = _trait_field(0.10, 0.05)
    light_side: float = _trait_field(0.0, 0.42)
    light_height: float = _trait_field(0.35, 0.12)
    hair_volume: float = _trait_field(0.16, 0.045)
    hair_style: str = HAIR_STYLES[0]
    has_glasses: bool = False
    skin_color: Color = _SKIN_COLORS[0]
    hair_color: Color = _HAIR_COLORS[0]
    wall_color: Color = _WALL_COLORS[0]
    shirt_color: Color = _SHIRT_COLORS[0]
    seed: int = 0


def sample_identity(seed: tuple[int, ...], *, spread: float = 1.0) -> Identity:
    """Sample a person; `spread` 0 gives the mean face, 1 gives people as different as strangers."""
    rng = np.random.default_rng(seed)
    # Beyond two standard deviations features start to overlap, so values are clipped there.
    trait_values = {
        trait.name: float(
            trait.default + min(spread, 2.0) * trait.metadata["spread"] * np.clip(rng.normal(), -2, 2)
        )
        for trait in fields(Identity)
        if "spread" in trait.metadata
    }
    fraction = min(spread, 1.0)

    def pick_index(count: int) -> int:
        return int(fraction * rng.random() * count)

    return Identity(
        **trait_values,
        hair_style=HAIR_STYLES[pick_index(len(HAIR_STYLES))],
        skin_color=_SKIN_COLORS[pick_index(len(_SKIN_COLORS))],
        hair_color=_HAIR_COLORS[pick_index(len(_HAIR_COLORS))],
        wall_color=_WALL_COLORS[pick_index(len(_WALL_COLORS))],
        shirt_color=_SHIRT_COLORS[pick_index(len(_SHIRT_COLORS))],
        has_glasses=bool(rng.random() < 0.22 * fraction),
        seed=int(rng.integers(1 << 31) * (fraction > 0)),
    )
