"""A canvas in face units: polygons and strokes with soft edges, lit by one map.

The origin lies between the eyes, x to the right and y down; 1 is half the width of the mean face.
Everything is painted at `SUPERSAMPLE` times the picture's size and sampled down once, at exposure, so edges
are smooth and a motion of a tenth of a pixel still shows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

SUPERSAMPLE = 2

Colour = tuple[float, float, float]
Points = NDArray[np.float64]
Image = NDArray[np.uint8]

_SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where the face stands in the picture: all in pixels of the finished picture, roll in radians."""

    width: int
    height: int
    x: float
    y: float
    scale: float
    roll: float = 0.0

    def matrix(self) -> NDArray[np.float64]:
        """Face units to canvas pixels, shape [2, 3]."""
        cos, sin = np.cos(self.roll) * self.scale, np.sin(self.roll) * self.scale
        return SUPERSAMPLE * np.array([[cos, -sin, self.x], [sin, cos, self.y]])

    def grid(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The face-unit x and y in the middle of each square of `step` canvas pixels, [rows, columns]."""
        inverse = cv2.invertAffineTransform(self.matrix())
        shape = (self.height * SUPERSAMPLE // step, self.width * SUPERSAMPLE // step)
        rows, columns = (np.indices(shape, dtype=np.float32) + np.float32(0.5)) * step - np.float32(0.5)
        x, y = (row[0] * columns + row[1] * rows + row[2] for row in inverse)
        return x.astype(np.float32), y.astype(np.float32)


@dataclass(slots=True, kw_only=True)
class Canvas:
    """Pixels [height, width, 3] in BGR and the light [height, width] that falls on them, supersampled."""

    view: View
    pixels: Image
    light: NDArray[np.float32]

    def copy(self) -> Canvas:
        """The same picture to paint on further; the light is shared."""
        return Canvas(view=self.view, pixels=self.pixels.copy(), light=self.light)

    def paint(
        self,
        points: Points,
        colour: Colour,
        *,
        soft: float = 0.004,
        opacity: float = 1.0,
        within: Points | None = None,
    ) -> None:
        """Fill the polygon [n, 2]; `soft` is the blur of its edge, `within` a polygon that clips it."""
        matrix = self.view.matrix()
        placed = points @ matrix[:, :2].T + matrix[:, 2]
        blur = soft * self.view.scale * SUPERSAMPLE
        box = _box(placed, margin=2 + 3 * blur, shape=self.light.shape)
        if box is None:
            return
        mask = _mask(placed, box)
        if blur > 0.3:
            mask = _blurred(mask, blur)
        if within is not None:
            clip = _mask(within @ matrix[:, :2].T + matrix[:, 2], box)
            mask = np.asarray(cv2.multiply(mask, clip, scale=1 / 255), dtype=np.uint8)
        cover = cv2.convertScaleAbs(mask, alpha=opacity)
        alpha = cv2.merge([cover, cover, cover])
        mixed = cv2.multiply(self.pixels[box], cv2.bitwise_not(alpha), scale=1 / 255)
        if any(colour):
            lit = cv2.convertScaleAbs(cv2.transform(self.light[box], np.array(colour)[:, None]))
            mixed = cv2.add(mixed, cv2.multiply(lit, alpha, scale=1 / 255))
        self.pixels[box] = mixed

    def stroke(
        self, points: Points, colour: Colour, *, width: float, soft: float = 0.004, opacity: float = 1.0
    ) -> None:
        """Draw the line [n, 2], widest in its middle and pointed at both ends."""
        ends = np.concatenate([points[:1], points, points[-1:]])
        along = ends[2:] - ends[:-2]
        length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)
        half = width / 2 * _taper(len(points)) / length
        normal = np.array([-along[:, 1] * half, along[:, 0] * half]).T
        self.paint(
            np.concatenate([points + normal, (points - normal)[::-1]]),
            colour,
            soft=soft,
            opacity=opacity,
        )

    def shade(self, points: Points, strength: float, *, width: float, soft: float) -> None:
        """A soft dark (or, below 0, bright) line on whatever is there: a fold, a furrow, a shadow."""
        if abs(strength) < 1e-3:
            return
        self.stroke(
            points,
            (0.0, 0.0, 0.0) if strength > 0 else (255.0, 255.0, 255.0),
            width=width,
            soft=soft,
            opacity=abs(strength),
        )


def smooth(points: Points, *, closed: bool) -> Points:
    """Chaikin's corner cutting, three times, of a line or polygon [n, 2]; a line keeps its two ends."""
    return _corner_cutting(len(points), closed) @ points


def ellipse(x: float, y: float, *, rx: float, ry: float, count: int = 28) -> Points:
    """The outline [count, 2] of an upright ellipse."""
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([x + rx * np.cos(turn), y + ry * np.sin(turn)], axis=1)


def redder(colour: Colour, by: float) -> Colour:
    """The colour with more red and a little less green and blue."""
    return colour[0] - 0.6 * by, colour[1] - 0.6 * by, min(colour[2] + 0.4 * by, 255.0)


def darker(colour: Colour, times: float) -> Colour:
    """The colour at `times` its brightness."""
    return colour[0] * times, colour[1] * times, colour[2] * times


def _box(points: Points, *, margin: float, shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    left, top, width, height = cv2.boundingRect(points.astype(np.float32))
    margin = math.ceil(margin)
    rows = slice(max(top - margin, 0), min(top + height + margin, shape[0]))
    columns = slice(max(left - margin, 0), min(left + width + margin, shape[1]))
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def _mask(polygon: Points, box: tuple[slice, slice]) -> Image:
    rows, columns = box
    mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint8)
    shifted = (polygon - (columns.start, rows.start)) * (1 << _SUBPIXEL_BITS)
    cv2.fillPoly(
        mask, [np.rint(shifted).astype(np.int32)], (255,), lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS
    )
    return mask


def _blurred(mask: Image, spread: float) -> Image:
    """A box blur, twice: of a Gaussian's spread, and faster.

    `cv2.stackBlur` would be faster still, but its result depends on the number of threads (OpenCV 4.14).
    """
    size = 2 * round((math.sqrt(6 * spread**2 + 1) - 1) / 2) + 1
    return np.asarray(cv2.blur(cv2.blur(mask, (size, size)), (size, size)), dtype=np.uint8)


@cache
def _taper(count: int) -> NDArray[np.float64]:
    return np.sin(np.linspace(0.12, np.pi - 0.12, count))


@cache
def _corner_cutting(count: int, closed: bool) -> NDArray[np.float64]:
    """What `smooth` does is linear: its matrix, shape [finer, count]."""
    points = np.eye(count)
    for _ in range(3):
        following = np.roll(points, -1, axis=0) if closed else points[1:]
        leading = points if closed else points[:-1]
        cut = np.stack([0.75 * leading + 0.25 * following, 0.25 * leading + 0.75 * following], axis=1)
        cut = cut.reshape(-1, count)
        points = cut if closed else np.concatenate([points[:1], cut[1:-1], points[-1:]])
    return points
