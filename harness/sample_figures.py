"""Render the two report figures that need the images: a sample sheet and an augmentation strip."""

from __future__ import annotations

import math
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from datasets.augment import AugmentParams, augment, augment_flow, sample_params
from datasets.preprocessing.image_array import ImageArray
from datasets.preprocessing.representations import quantize_flow
from datasets.spec import Split
from reports.plots.image_panels import draw_augmentation_strip, draw_sample_sheet
from reports.plots.style import escape_mathtext
from studies.study import Study

MAX_COLUMNS = 6


def render_sample_figures(pixels: ImageArray, split: Split, study: Study) -> dict[str, bytes]:
    """Render the figures "samples" and "augmentation" and return their PNG bytes by name.

    "samples" shows apex frames of each class, "augmentation" eight random augmentations of one face.
    """
    table = pixels.table
    rows = [i for c in range(len(table.classes)) for i in _select_samples(pixels, c)]
    names = [(table.classes[table.samples[i].label], table.samples[i].subject) for i in rows]
    titles = [f"{escape_mathtext(label)}\n{escape_mathtext(subject)}" for label, subject in names]
    images = torch.from_numpy(pixels.images[[split.train[0]] * 8])
    params = sample_params(
        len(images), study.training.augmentation, generator=torch.Generator().manual_seed(0)
    )
    augmented_images = (augment_flow if images.is_floating_point() else augment)(images, params)
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{name}.png" for name in ("samples", "augmentation")}
        draw_sample_sheet(_to_bytes(pixels.images[rows]), titles, paths["samples"])
        draw_augmentation_strip(
            _to_bytes(images[0].numpy()),
            _to_bytes(augmented_images.numpy())
            if images.is_floating_point()
            else (augmented_images * 255).byte().numpy(),
            paths["augmentation"],
            draws=_describe_draws(params, side=images.shape[3]),
        )
        return {name: path.read_bytes() for name, path in paths.items()}


def _to_bytes(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Return images (..., 3, H, W) as bytes; float maps of a flow are clipped as in `quantize_flow`."""
    if images.dtype == np.uint8:
        return images
    return np.moveaxis(quantize_flow(np.moveaxis(images.astype(np.float32), -3, -1)), -1, -3)


def _describe_draws(params: AugmentParams, *, side: int) -> list[str]:
    """Return the random parameters of each sample on lines: angles in degrees, shifts in pixels of `side`."""
    columns = zip(*(getattr(params, field.name).tolist() for field in fields(params)), strict=True)
    return [
        f"{'flip, ' if flip else ''}{math.degrees(rotation):+z.0f}°\n"
        f"scale {scale:.2f}\nx {side * shift_x:+z.1f} px\ny {side * shift_y:+z.1f} px\n"
        f"brightness {brightness:.2f}\ncontrast {contrast:.2f}\nsaturation {saturation:.2f}\n"
        f"hue {math.degrees(hue):+z.0f}°"
        for flip, rotation, scale, shift_x, shift_y, brightness, contrast, saturation, hue in columns
    ]


def _select_samples(pixels: ImageArray, label: int) -> list[int]:
    """Return the rows of up to `MAX_COLUMNS` samples of a class, one per subject, apex frames first."""
    samples = pixels.table.samples
    rows = [i for i, sample in enumerate(samples) if sample.label == label]
    rows.sort(key=lambda i: samples[i].role != "apex")
    rows_by_subject: dict[str, int] = {}
    for i in rows:
        rows_by_subject.setdefault(samples[i].subject, i)
    return list(rows_by_subject.values())[:MAX_COLUMNS]
