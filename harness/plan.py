"""From what the user asked for to a study that can run: mistakes are found here, before anything starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from architectures.catalogue import scaled
from architectures.spec import ArchitectureSpec
from datasets.catalogue import default_frames, entry, load
from datasets.spec import DatasetSpec, SampleTable, Split
from studies.arms import ablation, comparison
from studies.intervals import LEAST_DIFFERENCE
from studies.presets import Preset, preset
from studies.spec import Study, TrainingSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from datasets.cache import Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A study as asked for; None leaves a value to the preset or to the data set."""

    kind: Literal["ablation", "comparison"]
    dataset: str
    root: Path | None
    design: str
    only: tuple[str, ...]
    protocols: tuple[str, ...]
    frames: str | None
    seeds: int
    preset: str
    epochs: int | None
    image_size: int | None
    width: float | None
    batch: int
    pretrained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A study, its data, and one split for each protocol and seed, in the study's order."""

    study: Study
    pixels: Pixels
    splits: tuple[Split, ...]


def prepare(request: Request, *, progress: Callable[[int, int], None] | None = None) -> Plan:
    """Judge `request`, read the data, make every split once to see that it can be made.

    Raises:
        ValueError: anything asked for that does not exist or does not fit the data.
        FileNotFoundError: a root, or pretrained weights, that are not there.
    """
    # What can be judged without the data comes first.
    size = preset(request.preset)
    arms = _arms(request, size)
    training = TrainingSpec(
        epochs=size.epochs if request.epochs is None else request.epochs,
        batch=request.batch,
        patience=size.patience,
        augmentation=size.augmentation,
    )
    if request.seeds < 1:
        raise ValueError(f"--seeds must be at least 1; got {request.seeds}")
    entry(request.dataset)
    from datasets.splits import PROTOCOLS

    for protocol in request.protocols:
        if protocol not in PROTOCOLS:
            raise ValueError(f"unknown protocol {protocol!r}; accepted: {', '.join(PROTOCOLS)}")
    usual = size.ablation_size if request.kind == "ablation" else size.comparison_size
    spec = DatasetSpec(
        name=request.dataset,
        frames=request.frames or default_frames(request.dataset, request.protocols),
        image_size=usual if request.image_size is None else request.image_size,
    )

    def study(fingerprint: str) -> Study:
        return Study(
            kind=request.kind,
            design=request.design,
            preset=request.preset,
            dataset=spec,
            fingerprint=fingerprint,
            protocols=request.protocols,
            seeds=tuple(range(request.seeds)),
            training=training,
            arms=arms,
        )

    study("")
    table = load(spec.name, spec.frames, root=request.root)
    _splits(table, request.protocols, seeds=1)

    from datasets.cache import pixels

    data = pixels(table, size=spec.image_size, progress=progress)
    splits = _splits(data.table, request.protocols, seeds=request.seeds)
    return Plan(study=study(data.fingerprint), pixels=data, splits=splits)


def _arms(request: Request, size: Preset) -> tuple[ArchitectureSpec, ...]:
    arms = ablation(request.design) if request.kind == "ablation" else comparison(request.only)
    width = size.width if request.width is None else request.width
    arms = tuple(scaled(arm, width) for arm in arms)
    if request.pretrained:
        return tuple(replace(arm, name=f"{arm.name} (pretrained)", pretrained=True) for arm in arms)
    return arms


def _splits(table: SampleTable, protocols: tuple[str, ...], *, seeds: int) -> tuple[Split, ...]:
    from datasets.splits import split

    return tuple(split(table, protocol, seed=seed) for protocol in protocols for seed in range(seeds))


def smallest_difference(table: SampleTable, split: Split) -> str:
    """The least that this test set can tell two arms apart by, in words."""
    frames = split.protocol == "frame"
    units = len(split.test if frames else {table.samples[i].clip for i in split.test})
    word = "frames" if frames else "clips"
    if units < LEAST_DIFFERENCE:
        return f"{split.protocol}: {units} test {word}: too few to tell two arms apart at all"
    return (
        f"{split.protocol}: {units} test {word}: two arms must differ by {LEAST_DIFFERENCE} or more "
        f"({100 * LEAST_DIFFERENCE / units:.1f} points) for exact McNemar to reach p < 0.05"
    )
