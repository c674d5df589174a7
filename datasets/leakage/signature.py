"""Image signatures: 256 numbers that barely change with brightness, contrast, coding or a small shift."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

GRID_SIZE = 16
BLUR_SIGMA = 1.0

_BLOCK_ROWS = 128
_GRAY_WEIGHTS = (0.299, 0.587, 0.114)
_MIN_NORM = 1e-2

IntArray = NDArray[np.int64]


def compute_signatures(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Compute signatures, float32 (N, 256), of images, uint8 (N, 3, H, W).

    A signature holds the 16 by 16 gray means of an image, blurred, with zero mean and unit norm. An image of
    a single gray level has the signature 0.
    """
    vectors = np.empty((len(images), GRID_SIZE * GRID_SIZE), dtype=np.float32)
    weights = np.array(_GRAY_WEIGHTS, dtype=np.float32)
    for row, image in enumerate(images):
        planes = [
            cv2.resize(plane.astype(np.float32), (GRID_SIZE, GRID_SIZE), interpolation=cv2.INTER_AREA)
            for plane in image
        ]
        gray = np.tensordot(weights, np.stack(planes), 1)
        vectors[row] = cv2.GaussianBlur(gray, (0, 0), BLUR_SIGMA, borderType=cv2.BORDER_REFLECT).ravel()
    vectors -= vectors.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    # Rounding gives an image of a single gray level a tiny nonzero norm.
    return np.where(norms > _MIN_NORM, vectors / np.maximum(norms, _MIN_NORM), np.float32(0)).astype(
        np.float32
    )


def squared_distances(
    signatures: NDArray[np.float32], rows: IntArray, *, others: IntArray
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Yield the squared distances, above 0, from the rows to all others, in writable blocks of rows.

    Distances are computed in double precision and rounded, so that the nearest image is the same on every
    machine.
    """
    right = signatures[others].astype(np.float64)
    right_norms = np.einsum("ij,ij->i", right, right)
    for start in range(0, len(rows), _BLOCK_ROWS):
        chunk = slice(start, start + _BLOCK_ROWS)
        left = signatures[rows[chunk]].astype(np.float64)
        block = left @ right.T
        block *= -2
        block += right_norms
        block += np.einsum("ij,ij->i", left, left)[:, None]
        yield chunk, np.maximum(np.round(block, 10, out=block), 1e-10, out=block)
