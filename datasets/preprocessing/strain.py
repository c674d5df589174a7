"""Optical strain of a flow, by one of the formulas of `datasets.spec.STRAIN_FORMULAS`.

The published formula follows Shreve et al., "Macro- and micro-expression spotting in long videos using
spatio-temporal strain", FG 2011. The others are those of published code, to reproduce its inputs. Sobel's
kernel is divided by 8 here, so that all formulas estimate derivatives per pixel.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

FloatMap = NDArray[np.float32]
Gradient = tuple[FloatMap, FloatMap]


def compute_strain(u: FloatMap, v: FloatMap, *, formula: str = "published") -> FloatMap:
    """Return the optical strain magnitude of a flow in pixels, float32 (H, W)."""
    compute_gradient = _GRADIENTS[formula]
    (u_x, u_y), (v_x, v_y) = compute_gradient(u), compute_gradient(v)
    shear = u_y**2 + v_x**2 if formula == "sobel_swapped" else (u_y + v_x) ** 2
    magnitude: FloatMap = np.sqrt(u_x**2 + v_y**2 + shear / 2).astype(np.float32)
    return magnitude


def _compute_central_gradient(values: FloatMap) -> Gradient:
    """Return the derivatives by x and y by central differences, one-sided at the border."""
    by_y, by_x = (np.asarray(slope, dtype=np.float32) for slope in np.gradient(values))
    return by_x, by_y


def _compute_forward_gradient(values: FloatMap) -> Gradient:
    by_x, by_y = np.diff(values, axis=1)[:-1], np.diff(values, axis=0)[:, :-1]
    return np.pad(by_x, (0, 1), mode="edge"), np.pad(by_y, (0, 1), mode="edge")


def _swap_central_gradient(values: FloatMap) -> Gradient:
    return _compute_central_gradient(values)[::-1]


def _swap_sobel_gradient(values: FloatMap) -> Gradient:
    by_y, by_x = (
        cv2.Sobel(values, cv2.CV_32F, dx, dy, ksize=3, scale=1 / 8, borderType=cv2.BORDER_CONSTANT)
        for dx, dy in ((0, 1), (1, 0))
    )
    return np.asarray(by_y, dtype=np.float32), np.asarray(by_x, dtype=np.float32)


_GRADIENTS: dict[str, Callable[[FloatMap], Gradient]] = {
    "published": _compute_central_gradient,
    "forward": _compute_forward_gradient,
    "central_swapped": _swap_central_gradient,
    "sobel_swapped": _swap_sobel_gradient,
}
