"""Face detection by OpenCV's Haar cascades.

The method is that of Viola and Jones, "Rapid object detection using a boosted cascade", 2001. The settings
are the usual ones of the field: the cascades default, alt2, alt and alt_tree in this order, scale factor 1.1,
5 neighbours, faces of at least a fifth of the shorter image side, and the largest of several faces.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from datasets.errors import DatasetError

CASCADES = ("default", "alt2", "alt", "alt_tree")
SCALE_FACTOR, MIN_NEIGHBORS, MIN_SIZE_DIVISOR = 1.1, 5, 5

Image = NDArray[np.uint8]
SquareBox = tuple[int, int, int]
"""Left, top and side of a square, in pixels."""


def check_cascades() -> None:
    """Check that OpenCV has the four cascades.

    Raises:
        DatasetError: a cascade is missing.
    """
    missing = [name for name in CASCADES if cv2.CascadeClassifier(str(_cascade_path(name))).empty()]
    if missing:
        raise DatasetError(
            "face-cascade.missing",
            f"face alignment needs OpenCV's cascades {', '.join(CASCADES)}; OpenCV {cv2.__version__} lacks "
            f"{', '.join(missing)}; reinstall opencv-python>=4.8,<5, or use --align none",
        )


def _cascade_path(name: str) -> Path:
    folder = Path(getattr(getattr(cv2, "data", None), "haarcascades", ""))
    return folder / f"haarcascade_frontalface_{name}.xml"


class FaceDetector:
    """The cascades, each loaded when first needed. A detector must not be shared between threads."""

    def __init__(self) -> None:
        self._cascades: dict[str, cv2.CascadeClassifier] = {}

    def detect(self, image: Image) -> tuple[str, SquareBox] | None:
        """Return the first cascade that detects a face in a BGR image, and the box of the largest face."""
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        min_side = max(1, min(gray.shape) // MIN_SIZE_DIVISOR)
        for name in CASCADES:
            boxes = self._load_cascade(name).detectMultiScale(
                gray, scaleFactor=SCALE_FACTOR, minNeighbors=MIN_NEIGHBORS, minSize=(min_side, min_side)
            )
            if len(boxes):
                # OpenCV's threads may order equally large boxes differently, so the upper left one is used.
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
    """Return the square with a box's centre and longer side, without a margin, shifted and cut to the image.

    `shape` is the shape of the image; height and width come first.
    """
    side = max(1, min(round(max(width, height)), *shape[:2]))
    return (
        min(max(0, round(left + (width - side) / 2)), shape[1] - side),
        min(max(0, round(top + (height - side) / 2)), shape[0] - side),
        side,
    )
