"""Draw images in rows: the sample sheet and the augmentation strip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reports.plots.style import DPI, FIGURE_WIDTH, FONT_SIZE, GAP, save_figure

TITLE_HEIGHT = 0.3
"""Height of a title of two lines, in inches."""


def draw_sample_sheet(images: NDArray[np.uint8], titles: Sequence[str], path: Path) -> None:
    """Draw images (N, 3, H, W) with their titles, six per row (the paper's figures 7 and 8)."""
    _draw_images(images, titles, path, columns=6, height=1.6)


def draw_augmentation_strip(
    original_image: NDArray[np.uint8], augmented_images: NDArray[np.uint8], path: Path
) -> None:
    """Draw an image (3, H, W) and augmented versions of it (N, 3, H, W) (the paper's figure 9)."""
    images = np.concatenate((original_image[None], augmented_images))
    titles = ["original", *(f"augmented {number}" for number in range(1, len(images)))]
    _draw_images(images, titles, path, columns=9, height=1.05)


def _draw_images(
    images: NDArray[np.uint8], titles: Sequence[str], path: Path, *, columns: int, height: float
) -> None:
    """Draw images (N, 3, H, W) in rows of `columns`, each row `height` inches high.

    All images are in one set of axes, whose unit is an inch: axes of their own would take most of the time.
    """
    columns = min(columns, len(images))
    row_count = -(-len(images) // columns)
    figure = Figure(figsize=(FIGURE_WIDTH, row_count * height), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    cell_width = FIGURE_WIDTH / columns
    scale = min((cell_width - GAP) / images.shape[3], (height - TITLE_HEIGHT - GAP) / images.shape[2])
    image_height, image_width = scale * images.shape[2], scale * images.shape[3]
    for number, (image, title) in enumerate(zip(images, titles, strict=True)):
        row, column = divmod(number, columns)
        center, top = (column + 0.5) * cell_width, row * height + TITLE_HEIGHT
        left, right = center - image_width / 2, center + image_width / 2
        axes.imshow(image.transpose(1, 2, 0), extent=(left, right, top + image_height, top), aspect="auto")
        axes.text(center, top - GAP / 2, title, fontsize=FONT_SIZE, ha="center", va="bottom")
    axes.set(xlim=(0, FIGURE_WIDTH), ylim=(row_count * height, 0))
    save_figure(figure, path)
