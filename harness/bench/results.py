"""Settings and results of `harness bench`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import linear_regression, median
from typing import Any

from architectures.catalogue import CATALOGUE, get_architecture, with_width
from architectures.spec import ArchitectureSpec
from harness.bench.timing import compute_ratios
from harness.errors import HarnessError
from studies.codec import to_data
from studies.results import Environment

MAX_LINEAR_EXPONENT = 1.1
"""Maximum exponent of a curve that counts as linear; the margin above 1 allows for scatter of the times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSettings:
    """Settings of a benchmark; `only` is () for all architectures of the catalogue.

    Raises:
        ValueError: A number is out of range, or an architecture is unknown.
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
        # Batch norm cannot be trained on a batch of one image.
        for name, minimum, maximum in (("batch", 2, 4096), ("rounds", 1, 1000), ("steps", 1, 10_000)):
            value = getattr(self, name)
            if value < minimum:
                raise HarnessError(
                    "bench-option.too-small", f"--{name} must be at least {minimum}; got {value}"
                )
            if value > maximum:
                raise HarnessError(
                    "bench-option.too-large", f"--{name} must be at most {maximum}; got {value}"
                )
        self.build_specs()

    def build_specs(self) -> tuple[ArchitectureSpec, ...]:
        """Return the architectures without duplicates, at the requested width if they can be scaled."""
        return tuple(
            with_width(get_architecture(name), self.width) for name in dict.fromkeys(self.only or CATALOGUE)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingTimes:
    """Training seconds per image in each round: harness, a plain script (`files`), bare steps (`memory`)."""

    harness: tuple[float, ...]
    files: tuple[float, ...]
    memory: tuple[float, ...]

    @property
    def files_ratios(self) -> tuple[float, ...]:
        """Time of harness divided by the time of the plain script."""
        return compute_ratios(self.harness, self.files)

    @property
    def memory_ratios(self) -> tuple[float, ...]:
        """Time of harness divided by the time of bare steps."""
        return compute_ratios(self.harness, self.memory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds per batch from uint8 images in memory to logits.

    `p50`, `p95` and `p99` are percentiles over `batches` batches of `batch_size` images.
    """

    batch_size: int
    batches: int
    p50: float
    p95: float
    p99: float

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-serializable dict."""
        return {
            "batch": self.batch_size,
            "answers": self.batches,
            "p50": self.p50,
            "p95": self.p95,
            "p99": self.p99,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkBenchResult:
    """Measurements of one network.

    `step_times` maps each engine to its seconds per step in each round. `default_engine` is the engine that a
    study uses on this device. `deterministic_ratios` are, for each round, the time of a deterministic step
    divided by the time of another step; () if they were not measured or the steps are the same.
    `shared_step_times` are the seconds per step of one process alone and of two parallel processes, or None
    if not measured.
    """

    name: str
    width: float
    image_size: int
    steps: int
    default_engine: str
    training_times: TrainingTimes
    latency: tuple[Latency, ...]
    peak_bytes: int | None
    step_times: Mapping[str, tuple[float, ...]]
    deterministic_ratios: tuple[float, ...]
    shared_step_times: tuple[float, float] | None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-serializable dict with every round and the medians."""
        training_times = {
            f"{loop}_{metric}": value
            for loop, rounds in asdict(self.training_times).items()
            for metric, value in (
                ("seconds_per_image", list(rounds)),
                ("images_per_second", 1 / median(rounds)),
            )
        }
        return {
            "name": self.name,
            "width": self.width,
            "image_size": self.image_size,
            "steps": self.steps,
            "chosen": self.default_engine,
            "training": {
                **training_times,
                "over_files": list(self.training_times.files_ratios),
                "over_memory": list(self.training_times.memory_ratios),
                "over_files_median": median(self.training_times.files_ratios),
                "over_memory_median": median(self.training_times.memory_ratios),
            },
            "latency_ms": [value.to_dict() for value in self.latency],
            "peak_bytes": self.peak_bytes,
            "seconds_per_step": {
                engine: {"rounds": list(rounds), "median": median(rounds)}
                for engine, rounds in self.step_times.items()
            },
            "deterministic_ratio": list(self.deterministic_ratios),
            "shared_seconds_per_step": self.shared_step_times
            and {"alone": self.shared_step_times[0], "two_at_once": self.shared_step_times[1]},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthCurve:
    """Seconds of a piece of work for each of `sizes`, counted in `quantity` (frames, epochs, ...)."""

    quantity: str
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]

    @property
    def exponent(self) -> float:
        """Slope of log seconds on log size (least squares); 1 means linear growth."""
        regression = linear_regression([*map(math.log, self.sizes)], [*map(math.log, self.seconds)])
        return regression.slope

    @property
    def linearity(self) -> str:
        """Description of the exponent."""
        return "no worse than linear" if self.exponent <= MAX_LINEAR_EXPONENT else "worse than linear"

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-serializable dict."""
        return {
            "what": self.quantity,
            "sizes": self.sizes,
            "seconds": self.seconds,
            "exponent": self.exponent,
            "verdict": self.linearity,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """All measurements of a benchmark, with its settings and environment.

    `load` is the system's one-minute load average at the start, or None if the system has none. With a load
    of more than a few tenths, other processes influence the times.
    """

    environment: Environment
    load: float | None
    settings: BenchSettings
    engine_reason: str
    networks: tuple[NetworkBenchResult, ...]
    growth: tuple[GrowthCurve, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-serializable dict."""
        environment = to_data(self.environment)
        return {
            **environment,
            "versions": dict(self.environment.versions),
            "load": self.load,
            "settings": to_data(self.settings),
            "engine": self.engine_reason,
            "networks": [network.to_dict() for network in self.networks],
            "growth": [curve.to_dict() for curve in self.growth],
        }
