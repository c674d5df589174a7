"""Draw images in panels: the sample sheet and the augmentation strip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from reports.plots.style import FONT_SIZE, make_panel_grid, save_figure


def _draw_image(axes: Axes, image: NDArray[np.uint8], title: str) -> None:
    axes.imshow(image.transpose(1, 2, 0))
    axes.set_title(title, fontsize=FONT_SIZE)
    axes.set_axis_off()


def draw_sample_sheet(images: NDArray[np.uint8], titles: Sequence[str], path: Path) -> None:
    """Draw images (N, 3, H, W) with their titles, six per row (the paper's figures 7 and 8)."""
    figure, panels = make_panel_grid(len(images), columns=6, height=1.6, left=0, bottom=0.05)
    for panel, image, title in zip(panels, images, titles, strict=True):
        _draw_image(panel, image, title)
    save_figure(figure, path)


def draw_augmentation_strip(
    original_image: NDArray[np.uint8], augmented_images: NDArray[np.uint8], path: Path
) -> None:
    """Draw an image (3, H, W) and augmented versions of it (N, 3, H, W) (the paper's figure 9)."""
    figure, panels = make_panel_grid(1 + len(augmented_images), columns=9, height=1.05, left=0, bottom=0.05)
    _draw_image(panels[0], original_image, "original")
    for panel, (number, image) in zip(panels[1:], enumerate(augmented_images, start=1), strict=True):
        _draw_image(panel, image, f"augmented {number}")
    save_figure(figure, path)
