"""What a network sees of a face: the frame itself, or how it differs from its clip's onset.

Optical strain after Shreve et al., "Macro- and micro-expression spotting in long videos using spatio-temporal
strain", FG 2011; the three maps u, v, strain as one picture after Liong et al., "Shallow Triple Stream
Three-dimensional CNN (STSTNet) for Micro-expression Recognition", FG 2019 (arXiv:1902.03634). Theirs go from
onset to apex, each map on a scale of its own; ours is Farnebäck's flow, from the onset to every frame, on one
fixed scale, so that a still face looks still.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.spec import REPRESENTATIONS

FLOW_SIZE = 224
"""Pixels a side of the grey squares whose flow is computed."""

MAX_DISPLACEMENT = 0.03
"""Share of the side at which u and v are clipped: a micro-expression moves a face by less."""

MAX_STRAIN = 0.5
"""Strain (a share, without unit) at which the third channel is clipped: skin stretches by less, the rest is
the flow's own error."""

# Of the three channels: the ends, their distance in grey levels, and the level of none.
_CHANNEL_LIMITS = np.array([MAX_DISPLACEMENT, MAX_DISPLACEMENT, MAX_STRAIN], np.float32)
_CHANNEL_SCALES = np.array([127, 127, 255], np.float32)
_CHANNEL_ZEROS = np.array([128, 128, 0], np.float32)

Image = NDArray[np.uint8]
FloatMap = NDArray[np.float32]


def resize_to_square(image: Image, size: int) -> Image:
    """The picture at `size` pixels a side, by areas; its aspect ratio is not kept."""
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def represent(frame: Image, onset: Image, *, representation: str, size: int) -> Image:
    """A face square uint8 (H, W, 3) as uint8 (size, size, 3), as `representation`, one of REPRESENTATIONS.

    `onset` is the same face at its clip's onset, of any size; "frame" does not look at it. Channels keep
    their order, save for "flow", whose are u, v and strain.
    """
    assert representation in REPRESENTATIONS, representation
    if representation == "flow":
        return compute_flow(frame, onset, size=size)
    if representation == "onset":
        return resize_to_square(onset, size)
    if representation == "apex_minus_onset":
        return compute_difference(resize_to_square(frame, size), resize_to_square(onset, size))
    return resize_to_square(frame, size)


def compute_difference(frame: Image, onset: Image) -> Image:
    """128 + (frame - onset) / 2, rounded down: 128 is no change; both of one shape."""
    return ((frame.astype(np.int16) - onset + 256) >> 1).astype(np.uint8)


def compute_flow(frame: Image, onset: Image, *, size: int) -> Image:
    """Motion from onset to frame as uint8 (size, size, 3): u, v and optical strain.

    u (to the right) and v (downwards) are shares of the side, clipped at `MOST_MOTION` on a scale where 128
    is none and 1 and 255 are the ends; strain runs from 0 to `MOST_STRAIN` on 0 to 255. The flow is that of
    the grey pictures (blue, green, red to grey by OpenCV's weights) at `FLOW_SIDE` pixels a side.
    """
    onset_gray, frame_gray = (
        cv2.cvtColor(resize_to_square(image, FLOW_SIZE), cv2.COLOR_BGR2GRAY) for image in (onset, frame)
    )
    displacement = cv2.calcOpticalFlowFarneback(
        onset_gray,
        frame_gray,
        np.zeros((FLOW_SIZE, FLOW_SIZE, 2), np.float32),
        pyr_scale=0.5,
        levels=3,
        winsize=15,
        iterations=3,
        poly_n=5,
        poly_sigma=1.2,
        flags=0,
    ).astype(np.float32)
    u, v = displacement[..., 0], displacement[..., 1]
    maps = np.dstack([u / FLOW_SIZE, v / FLOW_SIZE, compute_strain(u, v)])
    if size != FLOW_SIZE:
        interpolation = cv2.INTER_AREA if size < FLOW_SIZE else cv2.INTER_LINEAR
        maps = np.asarray(cv2.resize(maps, (size, size), interpolation=interpolation), dtype=np.float32)
    fractions = np.clip(maps / _CHANNEL_LIMITS, -1, 1)
    flow_image: Image = np.rint(fractions * _CHANNEL_SCALES + _CHANNEL_ZEROS).astype(np.uint8)
    return flow_image


def compute_strain(u: FloatMap, v: FloatMap) -> FloatMap:
    """Optical strain magnitude of a flow in pixels: sqrt(exx² + eyy² + exy² + eyx²), float32 (H, W).

    exx = du/dx, eyy = dv/dy, exy = eyx = (du/dy + dv/dx) / 2, by central differences.
    """
    u_y, u_x = np.gradient(u)
    v_y, v_x = np.gradient(v)
    shear = (u_y + v_x) / 2
    magnitude: FloatMap = np.sqrt(u_x**2 + v_y**2 + 2 * shear**2).astype(np.float32)
    return magnitude
