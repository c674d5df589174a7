"""A labelled sequence of CK+ with its frames on disk, whichever layout it was read from."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from datasets.ckplus.names import some
from datasets.spec import Anomaly

SHORT = 3
"""Frames that a sequence must have for `last3` to find its three."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A sequence: `name` as S005/001, `frames` from frame number to path, in order of number.

    `whole` says whether the release holds sequences from frame 1 on, the neutral onset.
    """

    name: str
    subject: str
    emotion: str
    frames: dict[int, str]
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Every usable labelled sequence of a release, all that is odd about it, and what was read."""

    clips: tuple[Clip, ...]
    anomalies: tuple[Anomaly, ...]
    notes: tuple[str, ...]


def incomplete(clip: Clip) -> list[Anomaly]:
    """What a clip lacks between its first frame and its last, and whether it has three at all."""
    numbers = list(clip.frames)
    first = 0 if clip.whole else numbers[0] - 1
    gaps = [(a + 1, b - 1) for a, b in pairwise([first, *numbers]) if b > a + 1]
    anomalies = []
    if gaps:
        runs = some([str(a) if a == b else f"{a}-{b}" for a, b in gaps])
        missing = sum(b - a + 1 for a, b in gaps)
        what = f"{missing} of the frames {first + 1}-{numbers[-1]} are not there: {runs}"
        anomalies.append(_kept("missing frames", clip, what))
    if len(numbers) < SHORT:
        what = f"the sequence has fewer than {SHORT} frames: {len(numbers)}"
        anomalies.append(_kept("short sequence", clip, what))
    return anomalies


def _kept(code: str, clip: Clip, what: str) -> Anomaly:
    return Anomaly(code=code, where=clip.name, what=what, action=f"kept what is there: {len(clip.frames)}")
