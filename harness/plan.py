"""From what the user asked for to a study that can run: mistakes are found here, before anything starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from architectures.catalogue import scaled
from architectures.spec import ArchitectureSpec
from datasets.spec import SampleTable, Split
from harness.preparing import decoded_with_bars
from harness.reading import DataRequest, asked, check_protocols, read
from studies.arms import ablation, comparison
from studies.intervals import LEAST_DIFFERENCE
from studies.presets import Preset, preset, suited
from studies.spec import Study, TrainingSpec

if TYPE_CHECKING:
    from datasets.pixels.cache import Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A study as asked for; None leaves a value to the preset or to the data set."""

    kind: Literal["ablation", "comparison"]
    data: DataRequest
    design: str
    only: tuple[str, ...]
    protocols: tuple[str, ...]
    folds: int | None
    seeds: int
    preset: str
    epochs: int | None
    image_size: int | None
    width: float | None
    batch: int
    pretrained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A study, its data, and one split for each protocol, seed and fold, in the study's order."""

    study: Study
    pixels: Pixels
    splits: tuple[Split, ...]


def prepare(request: Request) -> Plan:
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
        augmentation=suited(size.augmentation, request.data.representation),
    )
    if request.seeds < 1:
        raise ValueError(f"--seeds must be at least 1; got {request.seeds}")
    check_protocols(request.protocols, folds=request.folds)
    usual = size.ablation_size if request.kind == "ablation" else size.comparison_size
    image_size = usual if request.image_size is None else request.image_size
    study = Study(
        kind=request.kind,
        design=request.design,
        preset=request.preset,
        dataset=asked(request.data, protocols=request.protocols, image_size=image_size),
        fingerprint="",
        protocols=request.protocols,
        seeds=tuple(range(request.seeds)),
        training=training,
        arms=arms,
    )
    spec, table = read(request.data, study.dataset)
    _splits(replace(study, seeds=(0,), folds=_folds(table, request)), table)
    pixels = decoded_with_bars(spec, table)
    study = replace(study, dataset=spec, fingerprint=pixels.fingerprint, folds=_folds(pixels.table, request))
    return Plan(study=study, pixels=pixels, splits=_splits(study, pixels.table))


def _folds(table: SampleTable, request: Request) -> tuple[int, ...]:
    """How many folds each protocol has on these data; () where each has one."""
    from datasets.splits import folds_of

    folds = tuple(folds_of(table, protocol, folds=request.folds or 0) for protocol in request.protocols)
    return folds if max(folds) > 1 else ()


def _arms(request: Request, size: Preset) -> tuple[ArchitectureSpec, ...]:
    arms = ablation(request.design) if request.kind == "ablation" else comparison(request.only)
    width = size.width if request.width is None else request.width
    arms = tuple(scaled(arm, width) for arm in arms)
    if request.pretrained:
        return tuple(replace(arm, name=f"{arm.name} (pretrained)", pretrained=True) for arm in arms)
    return arms


def _splits(study: Study, table: SampleTable) -> tuple[Split, ...]:
    """One split for each protocol, seed and fold; ValueError where one cannot be made."""
    from datasets.splits import split

    divisions = dict.fromkeys((spec.protocol, spec.seed, spec.fold, spec.folds) for spec in study.runs())
    return tuple(
        split(table, protocol, seed=seed, fold=fold, folds=folds) for protocol, seed, fold, folds in divisions
    )


def smallest_difference(plan: Plan, protocol: str) -> str:
    """The least that one seed's test set, all folds together, can tell two arms apart by, in words."""
    samples, seed = plan.pixels.table.samples, plan.study.seeds[0]
    rows = [i for s in plan.splits if (s.protocol, s.seed) == (protocol, seed) for i in s.test]
    frames = protocol == "frame" or not any(sample.clip for sample in samples)
    units = len(rows if frames else {samples[i].clip or samples[i].id for i in rows})
    word = "frames" if frames else "clips"
    if units < LEAST_DIFFERENCE:
        return f"{protocol}: {units} test {word}: too few to tell two arms apart at all"
    return (
        f"{protocol}: {units} test {word}: two arms must differ by {LEAST_DIFFERENCE} or more "
        f"({100 * LEAST_DIFFERENCE / units:.1f} points) for exact McNemar to reach p < 0.05"
    )
