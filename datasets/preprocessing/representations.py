"""Network inputs: the frame itself, or its difference from the clip's onset.

Optical strain follows Shreve et al., "Macro- and micro-expression spotting in long videos using
spatio-temporal strain", FG 2011. The three maps u, v and strain in one image follow Liong et al., "Shallow
Triple Stream Three-dimensional CNN (STSTNet) for Micro-expression Recognition", FG 2019 (arXiv:1902.03634).
Liong et al. compute the flow from onset to apex and scale each map individually. This module computes
Farnebäck's flow from the onset to every frame with one fixed scale, so that the maps of a motionless face
show no motion.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.spec import REPRESENTATIONS

FLOW_SIZE = 224
"""Width and height of the gray images whose flow is computed, in pixels."""

MAX_DISPLACEMENT = 0.03
"""Clipping limit of u and v, a fraction of the image side: micro-expressions move a face by less."""

MAX_STRAIN = 0.5
"""Clipping limit of the strain, without unit: skin stretches by less, larger values are flow errors."""

# For each channel: the clipping limit, its distance from zero in gray levels, and the gray level of zero.
_CHANNEL_LIMITS = np.array([MAX_DISPLACEMENT, MAX_DISPLACEMENT, MAX_STRAIN], np.float32)
_CHANNEL_SCALES = np.array([127, 127, 255], np.float32)
_CHANNEL_ZEROS = np.array([128, 128, 0], np.float32)

Image = NDArray[np.uint8]
FloatMap = NDArray[np.float32]


def resize_to_square(image: Image, size: int) -> Image:
    """Resize the image to `size` x `size` pixels by area interpolation, without keeping its aspect ratio."""
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def represent(frame: Image, onset: Image, *, representation: str, size: int) -> Image:
    """Convert a face crop, uint8 (H, W, 3), to a representation, uint8 (size, size, 3).

    `representation` is one of REPRESENTATIONS. `onset` is the same face at its clip's onset, of any size;
    "frame" ignores it. The channels keep their order, except for "flow", whose channels are u, v and strain.
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
    """Return 128 + (frame - onset) / 2, rounded down, for images of equal shape; 128 means no change."""
    return ((frame.astype(np.int16) - onset + 256) >> 1).astype(np.uint8)


def compute_flow(frame: Image, onset: Image, *, size: int) -> Image:
    """Return the motion from onset to frame as uint8 (size, size, 3): u, v and optical strain.

    u (to the right) and v (downwards) are fractions of the image side. They are clipped at
    ±`MAX_DISPLACEMENT` and scaled to 1 to 255, where 128 is no motion. Strain is clipped at `MAX_STRAIN` and
    scaled to 0 to 255. The flow is computed between gray images (BGR with OpenCV's weights) of `FLOW_SIZE` x
    `FLOW_SIZE` pixels.
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
    """Return the optical strain magnitude of a flow in pixels, float32 (H, W).

    The magnitude is sqrt(exx² + eyy² + exy² + eyx²), with exx = du/dx, eyy = dv/dy and exy = eyx =
    (du/dy + dv/dx) / 2, by central differences.
    """
    u_y, u_x = np.gradient(u)
    v_y, v_x = np.gradient(v)
    shear = (u_y + v_x) / 2
    magnitude: FloatMap = np.sqrt(u_x**2 + v_y**2 + 2 * shear**2).astype(np.float32)
    return magnitude
