"""Network inputs: the frame itself, or its difference from the clip's onset.

The three maps u, v and strain in one image follow Liong et al., "Shallow Triple Stream Three-dimensional CNN
(STSTNet) for Micro-expression Recognition", FG 2019 (arXiv:1902.03634). Liong et al. compute the flow from
onset to apex and scale each map individually. By default this module computes Farnebäck's flow from the onset
to every frame with one fixed scale, so that the maps of a motionless face show no motion. `FlowSpec` has the
alternatives.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.preprocessing.strain import FloatMap, compute_strain
from datasets.spec import DEFAULT_FLOW, REPRESENTATIONS, FlowSpec

MAX_DISPLACEMENT = 0.03
"""Clipping limit of u and v, a fraction of the image side: micro-expressions move a face by less."""

MAX_STRAIN = 0.5
"""Clipping limit of the strain, without unit: skin stretches by less, larger values are flow errors."""

# For each channel: the clipping limit, its distance from zero in gray levels, and the gray level of zero.
_CHANNEL_LIMITS = np.array([MAX_DISPLACEMENT, MAX_DISPLACEMENT, MAX_STRAIN], np.float32)
_CHANNEL_SCALES = np.array([127, 127, 255], np.float32)
_CHANNEL_ZEROS = np.array([128, 128, 0], np.float32)

Image = NDArray[np.uint8]
FlowImage = NDArray[np.uint8] | NDArray[np.float16]


def resize_to_square(image: Image, size: int) -> Image:
    """Resize the image to `size` x `size` pixels by area interpolation, without keeping its aspect ratio."""
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def represent(
    frame: Image, onset: Image, *, representation: str, size: int, flow: FlowSpec = DEFAULT_FLOW
) -> FlowImage:
    """Convert a face crop, uint8 (H, W, 3), to a representation of type `flow.dtype`, (size, size, 3).

    `representation` is one of REPRESENTATIONS. `onset` is the same face at its clip's onset, of any size;
    "frame" ignores it. The channels keep their order, except for "flow", whose channels are u, v and strain.
    """
    assert representation in REPRESENTATIONS, representation
    if representation == "flow":
        return compute_flow(frame, onset, size=size, flow=flow)
    if representation == "onset":
        return resize_to_square(onset, size)
    if representation == "apex_minus_onset":
        return compute_difference(resize_to_square(frame, size), resize_to_square(onset, size))
    return resize_to_square(frame, size)


def compute_difference(frame: Image, onset: Image) -> Image:
    """Return 128 + (frame - onset) / 2, rounded down, for images of equal shape; 128 means no change."""
    return ((frame.astype(np.int16) - onset + 256) >> 1).astype(np.uint8)


def compute_flow(frame: Image, onset: Image, *, size: int, flow: FlowSpec = DEFAULT_FLOW) -> FlowImage:
    """Return the motion from onset to frame as (size, size, 3) of type `flow.dtype`: u, v and optical strain.

    The flow is computed between gray images (BGR with OpenCV's weights) of `flow.size` x `flow.size` pixels,
    and its maps are then resized. u (to the right) and v (downwards) are fractions of the image side, in
    units of `MAX_DISPLACEMENT`. Strain is in units of `MAX_STRAIN`. The scale "image" divides each map by its
    largest magnitude instead, so that u and v are in [-1, 1] and strain in [0, 1]; maps of zeros stay zeros.
    The scale "bytes" is `quantize_flow`.
    """
    onset_gray, frame_gray = (
        np.asarray(cv2.cvtColor(resize_to_square(image, flow.size), cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        for image in (onset, frame)
    )
    u, v = _ESTIMATORS[flow.method](onset_gray, frame_gray)
    maps = np.dstack([u / flow.size, v / flow.size, compute_strain(u, v, formula=flow.strain)])
    if size != flow.size:
        interpolation = cv2.INTER_AREA if size < flow.size else cv2.INTER_LINEAR
        maps = np.asarray(cv2.resize(maps, (size, size), interpolation=interpolation), dtype=np.float32)
    maps = maps / _CHANNEL_LIMITS
    if flow.scale == "bytes":
        return quantize_flow(maps)
    if flow.scale == "image":
        magnitudes = np.abs(maps).max(axis=(0, 1))
        maps = maps / np.where(magnitudes > 0, magnitudes, 1)
    return maps.astype(np.float16)


def quantize_flow(maps: NDArray[np.floating]) -> Image:
    """Convert maps (..., 3) to uint8: u and v are clipped at ±1 and scaled to 1 to 255, 128 is no motion.

    Strain is clipped at 1 and scaled to 0 to 255.
    """
    fractions = np.clip(maps, -1, 1)
    flow_image: Image = np.rint(fractions * _CHANNEL_SCALES + _CHANNEL_ZEROS).astype(np.uint8)
    return flow_image


def _estimate_farneback(onset: Image, frame: Image) -> tuple[FloatMap, FloatMap]:
    displacement = cv2.calcOpticalFlowFarneback(
        onset,
        frame,
        np.zeros((*onset.shape, 2), np.float32),
        pyr_scale=0.5,
        levels=3,
        winsize=15,
        iterations=3,
        poly_n=5,
        poly_sigma=1.2,
        flags=0,
    ).astype(np.float32)
    return displacement[..., 0], displacement[..., 1]


def _estimate_tvl1(onset: Image, frame: Image) -> tuple[FloatMap, FloatMap]:
    """Return the TV-L1 flow of Zach et al., DAGM 2007, with the default parameters of scikit-image."""
    from skimage.registration import optical_flow_tvl1  # takes half a second to import

    v, u = optical_flow_tvl1(onset, frame)
    return u, v


_ESTIMATORS: dict[str, Callable[[Image, Image], tuple[FloatMap, FloatMap]]] = {
    "farneback": _estimate_farneback,
    "tvl1": _estimate_tvl1,
}
"""Functions that return u and v, float32 (H, W) in pixels, by method."""
