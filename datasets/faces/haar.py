"""Faces by OpenCV's Haar cascades: Viola and Jones, "Rapid object detection using a boosted cascade", 2001.

The chain and its numbers are the field's usual ones: default, alt2, alt, alt_tree at scale factor 1.1 and 5
neighbours, faces of at least a fifth of the short side, and of several the largest.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

CASCADES = ("default", "alt2", "alt", "alt_tree")
SCALE_FACTOR, MIN_NEIGHBORS, MIN_SIZE_DIVISOR = 1.1, 5, 5

Image = NDArray[np.uint8]
SquareBox = tuple[int, int, int]
"""Left, top and side of a square, in pixels."""


def check_cascades() -> None:
    """See that OpenCV has its cascades.

    Raises:
        ValueError: it has none, or not all four.
    """
    missing = [name for name in CASCADES if cv2.CascadeClassifier(str(_cascade_path(name))).empty()]
    if missing:
        raise ValueError(
            f"face alignment needs OpenCV's cascades {', '.join(CASCADES)}; OpenCV {cv2.__version__} lacks "
            f"{', '.join(missing)}; install opencv-python>=4.8,<5 anew, or align with none"
        )


def _cascade_path(name: str) -> Path:
    folder = Path(getattr(getattr(cv2, "data", None), "haarcascades", ""))
    return folder / f"haarcascade_frontalface_{name}.xml"


class FaceDetector:
    """The chain of cascades, each loaded when first needed; no two threads may share one."""

    def __init__(self) -> None:
        self._cascades: dict[str, cv2.CascadeClassifier] = {}

    def detect(self, image: Image) -> tuple[str, SquareBox] | None:
        """The first cascade that finds a face in uint8 (H, W, 3), blue, green, red, and the largest found."""
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        min_side = max(1, min(gray.shape) // MIN_SIZE_DIVISOR)
        for name in CASCADES:
            boxes = self._load_cascade(name).detectMultiScale(
                gray, scaleFactor=SCALE_FACTOR, minNeighbors=MIN_NEIGHBORS, minSize=(min_side, min_side)
            )
            if len(boxes):
                # Threads of OpenCV's may list equal boxes in another order: the upper left one is taken.
                left, top, width, height = min(
                    (tuple(map(int, box)) for box in boxes),
                    key=lambda box: (-box[2] * box[3], box[1], box[0]),
                )
                return name, to_square_box(left, top, width, height, shape=gray.shape)
        return None

    def _load_cascade(self, name: str) -> cv2.CascadeClassifier:
        if name not in self._cascades:
            self._cascades[name] = cv2.CascadeClassifier(str(_cascade_path(name)))
        return self._cascades[name]


def to_square_box(
    left: float, top: float, width: float, height: float, *, shape: tuple[int, ...]
) -> SquareBox:
    """The square about a box's centre on its longer side, without a margin, moved and cut into the image.

    `shape` is the image's, height and width first.
    """
    side = max(1, min(round(max(width, height)), *shape[:2]))
    return (
        min(max(0, round(left + (width - side) / 2)), shape[1] - side),
        min(max(0, round(top + (height - side) / 2)), shape[0] - side),
        side,
    )
