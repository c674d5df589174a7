"""Checks of what the paper claims beside accuracy, each a run of its own."""

from __future__ import annotations

from collections.abc import Mapping

from studies.spec import Check

CHECK_DESCRIPTIONS: Mapping[Check, str] = {
    "cross-entropy": "trained by cross-entropy without class weights, all else as it was",
    "robustness": "the trained network on the same test images, changed as in `datasets.corrupt`",
    "latency": "the trained network on single drawn camera pictures, with and without finding the face",
}
"""Every check, and what it is."""
