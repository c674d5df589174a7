"""An image as 256 numbers that brightness, contrast, coding and a shift by a pixel hardly change."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 16
BLUR = 1.0

_BLOCK = 128
_GREY = (0.299, 0.587, 0.114)
_FLAT = 1e-2

Numbers = NDArray[np.int64]


def signatures(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Images, uint8 (N, 3, H, W), as float32 (N, 256): 16 by 16 grey means, blurred, zero mean, unit norm.

    An image of one grey is all zeros.
    """
    found = np.empty((len(images), SIDE * SIDE), dtype=np.float32)
    weights = np.array(_GREY, dtype=np.float32)
    for row, image in enumerate(images):
        planes = [
            cv2.resize(plane.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            for plane in image
        ]
        grey = np.tensordot(weights, np.stack(planes), 1)
        found[row] = cv2.GaussianBlur(grey, (0, 0), BLUR, borderType=cv2.BORDER_REFLECT).ravel()
    found -= found.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(found, axis=1, keepdims=True)
    # Rounding leaves an image of one grey a tiny norm, which is no picture.
    return np.where(norms > _FLAT, found / np.maximum(norms, _FLAT), np.float32(0)).astype(np.float32)


def squares(
    found: NDArray[np.float32], rows: Numbers, *, others: Numbers
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Squared distances of the rows to all others, above 0, in blocks of rows that may be written to.

    In double precision and rounded, so that the nearest is the same one on every machine.
    """
    right = found[others].astype(np.float64)
    right_norms = np.einsum("ij,ij->i", right, right)
    for start in range(0, len(rows), _BLOCK):
        cut = slice(start, start + _BLOCK)
        left = found[rows[cut]].astype(np.float64)
        block = left @ right.T
        block *= -2
        block += right_norms
        block += np.einsum("ij,ij->i", left, left)[:, None]
        yield cut, np.maximum(np.round(block, 10, out=block), 1e-10, out=block)
