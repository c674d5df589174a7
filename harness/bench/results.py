"""What `harness bench` is asked for and what it finds, as values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import linear_regression, median
from typing import Any

from architectures.catalogue import CATALOGUE, architecture, scaled
from architectures.spec import ArchitectureSpec
from harness.bench.timed import paired
from studies.codec import to_data
from studies.results import Environment

LINEAR = 1.1
"""The exponent up to which a curve counts as no worse than linear: the rest is how times scatter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is measured, and how often; `only` is () for every architecture of the catalogue.

    Raises:
        ValueError: a number out of range, or an architecture that does not exist.
    """

    image_size: int = 64
    batch: int = 32
    width: float = 1.0
    rounds: int = 3
    steps: int = 12
    only: tuple[str, ...] = ()
    device: str = "auto"
    compiled: bool = False
    deterministic: bool = False
    growth: bool = False
    shared: bool = False

    def __post_init__(self) -> None:
        # Batch norm cannot be trained on a single value.
        for name, least, most in (("batch", 2, 4096), ("rounds", 1, 1000), ("steps", 1, 10_000)):
            given = getattr(self, name)
            if given < least:
                raise ValueError(f"--{name} must be at least {least}; got {given}")
            if given > most:
                raise ValueError(f"--{name} must be at most {most}; got {given}")
        self.specs()

    def specs(self) -> tuple[ArchitectureSpec, ...]:
        """The architectures, each once, at the width that is asked for where they can be scaled."""
        return tuple(scaled(architecture(name), self.width) for name in dict.fromkeys(self.only or CATALOGUE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds to train on an image, round by round: the harness, a plain script, nothing but steps."""

    harness: tuple[float, ...]
    files: tuple[float, ...]
    memory: tuple[float, ...]

    @property
    def over_files(self) -> tuple[float, ...]:
        """The harness's time as a multiple of the plain script's."""
        return paired(self.harness, self.files)

    @property
    def over_memory(self) -> tuple[float, ...]:
        """The harness's time as a multiple of the steps' alone."""
        return paired(self.harness, self.memory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds from uint8 images in memory to their logits: percentiles over `answers` batches."""

    batch: int
    answers: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkBench:
    """One network: `bills` are the seconds of a step, round by round, by the way it is computed.

    `chosen` is the way that a study takes on this device. `deterministic` compares it, round by round, with
    itself without deterministic algorithms; () where that was not asked for, or is the same step. `shared`
    are the seconds of a step in one process alone, and in each of two at once; None where that was not asked
    for.
    """

    name: str
    width: float
    image_size: int
    steps: int
    chosen: str
    pace: Pace
    latency: tuple[Latency, ...]
    peak_bytes: int | None
    bills: Mapping[str, tuple[float, ...]]
    deterministic: tuple[float, ...]
    shared: tuple[float, float] | None

    def document(self) -> dict[str, Any]:
        """As JSON has it: every round, and the medians."""
        pace = {
            f"{loop}_{what}": found
            for loop, rounds in asdict(self.pace).items()
            for what, found in (
                ("seconds_per_image", list(rounds)),
                ("images_per_second", 1 / median(rounds)),
            )
        }
        return {
            "name": self.name,
            "width": self.width,
            "image_size": self.image_size,
            "steps": self.steps,
            "chosen": self.chosen,
            "training": {
                **pace,
                "over_files": list(self.pace.over_files),
                "over_memory": list(self.pace.over_memory),
                "over_files_median": median(self.pace.over_files),
                "over_memory_median": median(self.pace.over_memory),
            },
            "latency_ms": [asdict(found) for found in self.latency],
            "peak_bytes": self.peak_bytes,
            "seconds_per_step": {
                way: {"rounds": list(rounds), "median": median(rounds)} for way, rounds in self.bills.items()
            },
            "deterministic_ratio": list(self.deterministic),
            "shared_seconds_per_step": self.shared
            and {"alone": self.shared[0], "two_at_once": self.shared[1]},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Seconds of a piece of work, by how many of `what` it has: each size with its own."""

    what: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]

    @property
    def exponent(self) -> float:
        """The slope of log seconds on log size (least squares): 1 where twice as many take twice as long."""
        found = linear_regression([*map(math.log, self.sizes)], [*map(math.log, self.seconds)])
        return found.slope

    @property
    def verdict(self) -> str:
        """The exponent in words."""
        return "no worse than linear" if self.exponent <= LINEAR else "worse than linear"

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "exponent": self.exponent, "verdict": self.verdict}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything that was measured, where, and as asked for.

    `load` is how many processes wanted a core as it began, by the system's mean over a minute, None where it
    keeps none: where they are more than a few tenths, times say as much about those others.
    """

    environment: Environment
    load: float | None
    settings: Settings
    why: str
    networks: tuple[NetworkBench, ...]
    growth: tuple[Curve, ...]

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        where = to_data(self.environment)
        return {
            **where,
            "versions": dict(self.environment.versions),
            "load": self.load,
            "settings": to_data(self.settings),
            "engine": self.why,
            "networks": [network.document() for network in self.networks],
            "growth": [curve.document() for curve in self.growth],
        }
