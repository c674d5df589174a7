"""Draw images in rows: the sample sheet and the augmentation strip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reports.plots.style import DPI, FIGURE_WIDTH, FONT_SIZE, GAP, save_figure

LINE_HEIGHT = 0.14
"""Height of a line of a title, in inches."""

DIFFERENCE_GAIN = 3
"""Factor by which the differences from the original are enlarged, so that weak changes are visible."""


def draw_sample_sheet(images: NDArray[np.uint8], titles: Sequence[str], path: Path) -> None:
    """Draw images (N, 3, H, W) with their titles, six per row (the paper's figures 7 and 8)."""
    _draw_images(images, titles, path, columns=6)


def draw_augmentation_strip(
    original_image: NDArray[np.uint8],
    augmented_images: NDArray[np.uint8],
    path: Path,
    *,
    draws: Sequence[str] = (),
) -> None:
    """Draw an image (3, H, W), augmented versions (N, 3, H, W), and how much each pixel changed.

    `draws` describes the random parameters of each version, on several lines. This is the paper's figure 9.
    """
    images = np.concatenate((original_image[None], augmented_images))
    changes = np.abs(images.astype(np.int16) - original_image)
    change_images = (255 - np.clip(DIFFERENCE_GAIN * changes, 0, 255)).astype(np.uint8)
    draws = draws or [f"augmented {number}" for number in range(1, len(images))]
    titles = ["original", *draws]
    change_titles = [f"change × {DIFFERENCE_GAIN}", *("" for _ in augmented_images)]
    _draw_images(
        np.concatenate((images, change_images)), [*titles, *change_titles], path, columns=len(images)
    )


def _draw_images(images: NDArray[np.uint8], titles: Sequence[str], path: Path, *, columns: int) -> None:
    """Draw images (N, 3, H, W) in rows of `columns`, each below its title.

    All images are in one set of axes, whose unit is an inch: axes of their own would take most of the time.
    """
    columns = min(columns, len(images))
    cells = list(zip(images, titles, strict=True))
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    cell_width = FIGURE_WIDTH / columns
    image_width = min(cell_width - GAP, 1.3)
    # Whole pixels, so that rows of equal titles have equal heights.
    image_height = round(DPI * image_width * images.shape[2] / images.shape[3]) / DPI
    title_heights = [LINE_HEIGHT * max(1 + title.count("\n") for _, title in row) for row in rows]
    height = sum(title_heights) + len(rows) * (image_height + GAP)
    figure = Figure(figsize=(FIGURE_WIDTH, height), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    top = 0.0
    for row, title_height in zip(rows, title_heights, strict=True):
        top += title_height
        for column, (image, title) in enumerate(row):
            left = (column + 0.5) * cell_width - image_width / 2
            extent = (left, left + image_width, top + image_height, top)
            axes.imshow(image.transpose(1, 2, 0), extent=extent, aspect="auto")
            axes.text(
                left + image_width / 2, top - 0.02, title, fontsize=FONT_SIZE - 1, ha="center", va="bottom"
            )
        top += image_height + GAP
    axes.set(xlim=(0, FIGURE_WIDTH), ylim=(height, 0))
    save_figure(figure, path)
