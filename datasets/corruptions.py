"""Kinds, strengths and sizes of the corruptions of test images; `datasets.corrupt` applies them."""

from __future__ import annotations

STRENGTHS = (1, 2, 3)
CORRUPTIONS = {
    "rotation": (10.0, 20.0, 30.0),
    "blur": (0.01, 0.02, 0.04),
    "noise": (0.05, 0.1, 0.2),
    "brightness": (0.7, 0.5, 0.3),
    "contrast": (0.7, 0.4, 0.2),
    "occlusion": (0.2, 0.35, 0.5),
}
"""Size of each corruption at each of `STRENGTHS`.

Rotation is in degrees. Noise is a standard deviation. Brightness and contrast are factors. Blur and occlusion
are fractions of the image side.
"""

POSE_CORRUPTIONS, ILLUMINATION_CORRUPTIONS = ("rotation",), ("brightness", "contrast")
