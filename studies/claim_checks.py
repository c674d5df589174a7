"""Checks of the paper's claims other than accuracy. Each check is a run."""

from __future__ import annotations

from collections.abc import Mapping

from studies.spec import Check

CHECK_DESCRIPTIONS: Mapping[Check, str] = {
    "cross-entropy": "trained with cross-entropy without class weights, all other settings unchanged",
    "robustness": "the trained network on the same test images with the corruptions of `datasets.corrupt`",
    "latency": "the trained network on single synthetic camera images, with and without face detection",
}
"""Description of each check."""
