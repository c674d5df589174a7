"""A labeled sequence of CK+ with its frames on disk, from any layout."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from datasets.ckplus.file_names import format_names
from datasets.spec import Anomaly

MIN_FRAMES = 3
"""Frames that a sequence needs for the frame policy `last3`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CkplusClip:
    """A sequence: `name` is like S005/001; `frames` maps frame numbers to paths, in order.

    `is_full_sequence` is True if the release holds sequences from frame 1 on, the neutral onset.
    """

    name: str
    subject: str
    emotion: str
    frames: dict[int, str]
    is_full_sequence: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CkplusRelease:
    """The usable labeled sequences of a release, its anomalies, and notes on what was read."""

    clips: tuple[CkplusClip, ...]
    anomalies: tuple[Anomaly, ...]
    notes: tuple[str, ...]


def check_completeness(clip: CkplusClip) -> list[Anomaly]:
    """Return anomalies for missing frames between first and last, and for fewer than three frames."""
    numbers = list(clip.frames)
    first = 0 if clip.is_full_sequence else numbers[0] - 1
    gaps = [(start + 1, end - 1) for start, end in pairwise([first, *numbers]) if end > start + 1]
    anomalies = []
    if gaps:
        runs = format_names([str(start) if start == end else f"{start}-{end}" for start, end in gaps])
        missing = sum(end - start + 1 for start, end in gaps)
        description = f"{missing} of the frames {first + 1}-{numbers[-1]} are not there: {runs}"
        anomalies.append(_make_anomaly("missing frames", clip, description))
    if len(numbers) < MIN_FRAMES:
        description = f"the sequence has fewer than {MIN_FRAMES} frames: {len(numbers)}"
        anomalies.append(_make_anomaly("short sequence", clip, description))
    return anomalies


def _make_anomaly(code: str, clip: CkplusClip, description: str) -> Anomaly:
    return Anomaly(
        code=code,
        location=clip.name,
        description=description,
        action=f"kept what is there: {len(clip.frames)}",
    )
