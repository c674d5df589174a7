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
SCALE_FACTOR, NEIGHBOURS, LEAST_SHARE = 1.1, 5, 5

Image = NDArray[np.uint8]
Box = tuple[int, int, int]
"""Left, top and side of a square, in pixels."""


def check_cascades() -> None:
    """See that OpenCV has its cascades.

    Raises:
        ValueError: it has none, or not all four.
    """
    missing = [name for name in CASCADES if cv2.CascadeClassifier(str(_file(name))).empty()]
    if missing:
        raise ValueError(
            f"face alignment needs OpenCV's cascades {', '.join(CASCADES)}; OpenCV {cv2.__version__} lacks "
            f"{', '.join(missing)}; install opencv-python>=4.8,<5 anew, or align with none"
        )


def _file(name: str) -> Path:
    folder = Path(getattr(getattr(cv2, "data", None), "haarcascades", ""))
    return folder / f"haarcascade_frontalface_{name}.xml"


class Detector:
    """The chain of cascades, each loaded when first needed; no two threads may share one."""

    def __init__(self) -> None:
        self._loaded: dict[str, cv2.CascadeClassifier] = {}

    def find(self, image: Image) -> tuple[str, Box] | None:
        """The first cascade that finds a face in uint8 (H, W, 3), blue, green, red, and the largest found."""
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        least = max(1, min(grey.shape) // LEAST_SHARE)
        for name in CASCADES:
            found = self._cascade(name).detectMultiScale(
                grey, scaleFactor=SCALE_FACTOR, minNeighbors=NEIGHBOURS, minSize=(least, least)
            )
            if len(found):
                # Threads of OpenCV's may list equal boxes in another order: the upper left one is taken.
                left, top, width, height = min(
                    (tuple(map(int, box)) for box in found),
                    key=lambda box: (-box[2] * box[3], box[1], box[0]),
                )
                return name, squared(left, top, width, height, shape=grey.shape)
        return None

    def _cascade(self, name: str) -> cv2.CascadeClassifier:
        if name not in self._loaded:
            self._loaded[name] = cv2.CascadeClassifier(str(_file(name)))
        return self._loaded[name]


def squared(left: float, top: float, width: float, height: float, *, shape: tuple[int, ...]) -> Box:
    """The square about a box's centre on its longer side, without a margin, moved and cut into the image.

    `shape` is the image's, height and width first.
    """
    side = max(1, min(round(max(width, height)), *shape[:2]))
    return (
        min(max(0, round(left + (width - side) / 2)), shape[1] - side),
        min(max(0, round(top + (height - side) / 2)), shape[0] - side),
        side,
    )
