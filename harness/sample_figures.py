"""Render the two report figures that need the images: a sample sheet and an augmentation strip."""

from __future__ import annotations

import math
import tempfile
from dataclasses import fields
from pathlib import Path

import torch

from datasets.augment import AugmentParams, augment, sample_params
from datasets.preprocessing.image_array import ImageArray
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
    images = pixels.images[[split.train[0]] * 8]
    params = sample_params(
        len(images), study.training.augmentation, generator=torch.Generator().manual_seed(0)
    )
    augmented_images = augment(torch.from_numpy(images), params)
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{name}.png" for name in ("samples", "augmentation")}
        draw_sample_sheet(pixels.images[rows], titles, paths["samples"])
        draw_augmentation_strip(
            images[0],
            (augmented_images * 255).byte().numpy(),
            paths["augmentation"],
            draws=_describe_draws(params, side=images.shape[3]),
        )
        return {name: path.read_bytes() for name, path in paths.items()}


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
