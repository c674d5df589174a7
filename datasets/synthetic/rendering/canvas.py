"""A canvas in face units: polygons and strokes with soft edges, lit by one light map.

The origin lies between the eyes, x points right and y down. The unit is half the width of the mean face. The
canvas has `SUPERSAMPLING` times the size of the image, and `datasets.synthetic.rendering.face.render_frame`
samples it down once, so edges are smooth and a motion of a tenth of a pixel is still visible.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

SUPERSAMPLING = 2

Color = tuple[float, float, float]
Points = NDArray[np.float64]
Image = NDArray[np.uint8]

_SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Position and size of the face in the image, in pixels of the final image; `roll` is in radians."""

    width: int
    height: int
    x: float
    y: float
    scale: float
    roll: float = 0.0

    def affine_matrix(self) -> NDArray[np.float64]:
        """Return the matrix from face units to canvas pixels, shape [2, 3]."""
        cos, sin = np.cos(self.roll) * self.scale, np.sin(self.roll) * self.scale
        return SUPERSAMPLING * np.array([[cos, -sin, self.x], [sin, cos, self.y]])

    def coordinate_grid(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return x and y in face units at the centers of squares of `step` canvas pixels, [rows, columns]."""
        inverse = cv2.invertAffineTransform(self.affine_matrix())
        shape = (self.height * SUPERSAMPLING // step, self.width * SUPERSAMPLING // step)
        rows, columns = (np.indices(shape, dtype=np.float32) + np.float32(0.5)) * step - np.float32(0.5)
        x, y = (
            coefficients[0] * columns + coefficients[1] * rows + coefficients[2] for coefficients in inverse
        )
        return x.astype(np.float32), y.astype(np.float32)


@dataclass(slots=True, kw_only=True)
class Canvas:
    """Supersampled BGR pixels [height, width, 3] and the light [height, width] that falls on them."""

    view: View
    pixels: Image
    light: NDArray[np.float32]

    def copy(self) -> Canvas:
        """Return a copy of the canvas that shares the light."""
        return Canvas(view=self.view, pixels=self.pixels.copy(), light=self.light)

    def fill_polygon(
        self,
        points: Points,
        color: Color,
        *,
        edge_blur: float = 0.004,
        opacity: float = 1.0,
        clip_polygon: Points | None = None,
    ) -> None:
        """Fill the polygon [n, 2], inside `clip_polygon` if given. `edge_blur` is a sigma in face units."""
        matrix = self.view.affine_matrix()
        canvas_points = points @ matrix[:, :2].T + matrix[:, 2]
        sigma = edge_blur * self.view.scale * SUPERSAMPLING
        region = _compute_bounds(canvas_points, margin=2 + 3 * sigma, shape=self.light.shape)
        if region is None:
            return
        mask = _rasterize_polygon(canvas_points, region)
        if sigma > 0.3:
            mask = _box_blur(mask, sigma)
        if clip_polygon is not None:
            clip_mask = _rasterize_polygon(clip_polygon @ matrix[:, :2].T + matrix[:, 2], region)
            mask = np.asarray(cv2.multiply(mask, clip_mask, scale=1 / 255), dtype=np.uint8)
        coverage = cv2.convertScaleAbs(mask, alpha=opacity)
        alpha = cv2.merge([coverage, coverage, coverage])
        blend = cv2.multiply(self.pixels[region], cv2.bitwise_not(alpha), scale=1 / 255)
        if any(color):
            foreground = cv2.convertScaleAbs(cv2.transform(self.light[region], np.array(color)[:, None]))
            blend = cv2.add(blend, cv2.multiply(foreground, alpha, scale=1 / 255))
        self.pixels[region] = blend

    def draw_stroke(
        self, points: Points, color: Color, *, width: float, edge_blur: float = 0.004, opacity: float = 1.0
    ) -> None:
        """Draw the line [n, 2], widest in the middle and pointed at both ends."""
        padded_points = np.concatenate([points[:1], points, points[-1:]])
        tangents = padded_points[2:] - padded_points[:-2]
        tangent_lengths = np.maximum(np.hypot(tangents[:, 0], tangents[:, 1]), 1e-9)
        half_widths = width / 2 * _compute_taper(len(points)) / tangent_lengths
        normals = np.array([-tangents[:, 1] * half_widths, tangents[:, 0] * half_widths]).T
        self.fill_polygon(
            np.concatenate([points + normals, (points - normals)[::-1]]),
            color,
            edge_blur=edge_blur,
            opacity=opacity,
        )

    def shade_line(self, points: Points, strength: float, *, width: float, edge_blur: float) -> None:
        """Darken (`strength` > 0) or brighten (< 0) the canvas along a line: a fold, a furrow, a shadow."""
        if abs(strength) < 1e-3:
            return
        self.draw_stroke(
            points,
            (0.0, 0.0, 0.0) if strength > 0 else (255.0, 255.0, 255.0),
            width=width,
            edge_blur=edge_blur,
            opacity=abs(strength),
        )


def smooth(points: Points, *, closed: bool) -> Points:
    """Smooth a line or polygon [n, 2] by three rounds of Chaikin's corner cutting; a line keeps its ends."""
    return _build_chaikin_matrix(len(points), closed) @ points


def make_ellipse(x: float, y: float, *, rx: float, ry: float, count: int = 28) -> Points:
    """Return the outline [count, 2] of an axis-aligned ellipse."""
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([x + rx * np.cos(angles), y + ry * np.sin(angles)], axis=1)


def redden(color: Color, amount: float) -> Color:
    """Return the color with more red and a little less green and blue."""
    return color[0] - 0.6 * amount, color[1] - 0.6 * amount, min(color[2] + 0.4 * amount, 255.0)


def scale_brightness(color: Color, factor: float) -> Color:
    """Return the color with its brightness multiplied by `factor`."""
    return color[0] * factor, color[1] * factor, color[2] * factor


def _compute_bounds(points: Points, *, margin: float, shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    left, top, width, height = cv2.boundingRect(points.astype(np.float32))
    margin = math.ceil(margin)
    rows = slice(max(top - margin, 0), min(top + height + margin, shape[0]))
    columns = slice(max(left - margin, 0), min(left + width + margin, shape[1]))
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def _rasterize_polygon(polygon: Points, region: tuple[slice, slice]) -> Image:
    rows, columns = region
    mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint8)
    subpixel_points = (polygon - (columns.start, rows.start)) * (1 << _SUBPIXEL_BITS)
    cv2.fillPoly(
        mask, [np.rint(subpixel_points).astype(np.int32)], (255,), lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS
    )
    return mask


def _box_blur(mask: Image, sigma: float) -> Image:
    """Blur twice with a box filter, which approximates a Gaussian of this sigma and is faster.

    `cv2.stackBlur` is faster still, but its result depends on the number of threads (OpenCV 4.14).
    """
    size = 2 * round((math.sqrt(6 * sigma**2 + 1) - 1) / 2) + 1
    return np.asarray(cv2.blur(cv2.blur(mask, (size, size)), (size, size)), dtype=np.uint8)


@cache
def _compute_taper(count: int) -> NDArray[np.float64]:
    return np.sin(np.linspace(0.12, np.pi - 0.12, count))


@cache
def _build_chaikin_matrix(count: int, closed: bool) -> NDArray[np.float64]:
    """Return the matrix of `smooth`, which is linear, shape [output points, count]."""
    points = np.eye(count)
    for _ in range(3):
        segment_ends = np.roll(points, -1, axis=0) if closed else points[1:]
        segment_starts = points if closed else points[:-1]
        corners = np.stack(
            [0.75 * segment_starts + 0.25 * segment_ends, 0.25 * segment_starts + 0.75 * segment_ends], axis=1
        )
        corners = corners.reshape(-1, count)
        points = corners if closed else np.concatenate([points[:1], corners[1:-1], points[-1:]])
    return points
