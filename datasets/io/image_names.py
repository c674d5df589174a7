"""Suffixes of image files, and the order of their names."""

from __future__ import annotations

import re

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})

DIGITS = re.compile(r"([0-9]+)")


def natural_sort_key(path: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that orders numbers within names by value: `img2` before `img10`."""
    parts = enumerate(DIGITS.split(path))
    return tuple((index % 2, int(part) if index % 2 else 0, part) for index, part in parts)
