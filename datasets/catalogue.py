"""Every data set by name: its frame policies, how to obtain it, how to read it. Adding one is one entry."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from datasets.casme2_files import OBTAIN
from datasets.spec import SampleTable

if TYPE_CHECKING:
    from datasets.synthetic import SyntheticSpec

_CASME2_FRAMES = ("onset_offset", "apex", "paper")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetEntry:
    """A data set the harness can read.

    `read` takes a frame policy and a root, or None for the set's own place; `variable` is the environment
    variable that names the root and `folder` where it is looked for without one, both "" for a set that
    takes no root.
    """

    name: str
    title: str
    frames: tuple[str, ...]
    obtain: str
    read: Callable[[str, Path | None], SampleTable]
    variable: str = ""
    folder: str = ""

    def default_root(self) -> Path | None:
        """Where the set is looked for when no root is given; None for a set that takes none."""
        place = os.environ.get(self.variable) or self.folder
        return Path(place) if place else None


def _read_casme2(frames: str, root: Path | None) -> SampleTable:
    from datasets import casme2

    root = root or DATASETS["casme2"].default_root()
    assert root is not None
    return casme2.load(root, frames)


def _read_synthetic(frames: str, root: Path | None) -> SampleTable:
    """Draw the demonstration set once, then read it as CASME II is read."""
    from datasets import casme2
    from datasets.synthetic import DEMO

    if root is not None:
        raise ValueError(
            f"the data set synthetic takes no root, got {root}: it is drawn into the cache. "
            "For a folder written by `harness data synthesize`, read it as casme2."
        )
    return replace(casme2.load(_drawn(DEMO), frames), dataset="synthetic")


def _drawn(spec: SyntheticSpec) -> Path:
    """The folder of the set drawn from `spec`, drawn now if it is not there."""
    import hashlib
    import json

    from datasets.cache import cache_dir
    from datasets.synthetic import EDITION, synthesize

    identity = json.dumps([EDITION, asdict(spec)], sort_keys=True)
    digest = hashlib.sha256(identity.encode()).hexdigest()
    place = cache_dir() / f"synthetic-{digest[:16]}"
    if not place.exists():
        try:
            synthesize(spec, place)
        except (OSError, ValueError):
            # Another process that drew the same set at the same time was done first.
            if not place.exists():
                raise
    return place


DATASETS: dict[str, DatasetEntry] = {
    found.name: found
    for found in (
        DatasetEntry(
            name="casme2",
            title="CASME II, Cropped release, six classes",
            frames=_CASME2_FRAMES,
            obtain=OBTAIN,
            read=_read_casme2,
            variable="HARNESS_CASME2",
            folder="data/casme2",
        ),
        DatasetEntry(
            name="synthetic",
            title="Drawn faces in CASME II's layout",
            frames=_CASME2_FRAMES,
            obtain="Nothing to obtain: it is drawn on first use. It says nothing about people.",
            read=_read_synthetic,
        ),
    )
}


def entry(name: str) -> DatasetEntry:
    """The entry of a data set; raises ValueError listing the accepted names."""
    if name not in DATASETS:
        raise ValueError(f"unknown data set {name!r}; accepted: {', '.join(DATASETS)}")
    return DATASETS[name]


def default_frames(name: str, protocols: Sequence[str]) -> str:
    """The frame policy of a study that names none: the paper's under its split alone, or the first."""
    policies = entry(name).frames
    return "paper" if tuple(protocols) == ("frame",) and "paper" in policies else policies[0]


def load(name: str, frames: str, *, root: Path | None = None) -> SampleTable:
    """Read a data set under a frame policy from `root`, or from its default place.

    Raises:
        ValueError: the set or the policy is unknown, a root is given to a set that takes none, or the data
            are not there or not usable.
    """
    found = entry(name)
    if frames not in found.frames:
        raise ValueError(f"unknown frames {frames!r} of {name}; accepted: {', '.join(found.frames)}")
    return found.read(frames, root)
