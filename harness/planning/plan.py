"""Turn a user's request into a study plan, and report mistakes before any cell runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from architectures.spec import ArchitectureSpec
from datasets.spec import MOTION_REPRESENTATIONS, DatasetSpec, SampleTable, Split
from harness.data.leak_check import check_leaks
from harness.data.loading import DataRequest, load_table
from harness.data.preparation import load_with_progress
from harness.planning.network_checks import (
    check_pretrained_networks,
    check_user_networks,
    count_requested_classes,
)
from harness.planning.request import Request, StudyOutline, outline_study
from studies.analysis_plan import AnalysisPlan, check_matches_plan
from studies.arms import PLACEBO
from studies.claim_checks import CHECK_DESCRIPTIONS
from studies.search import Search
from studies.spec import Check, Control, Metric
from studies.study import Study, build_null_arm, select_primary_arm

if TYPE_CHECKING:
    import torch

    from datasets.preprocessing.image_array import ImageArray
    from harness.runs.run_inputs import StudyImages
    from harness.training.engine import EngineChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """A study with its data, its splits, and the device and engine that run it.

    `data_request` is the request for the data, `table` the sample table that was read for it, and `pixels`
    the images of the readable samples.
    `splits` has one split of `pixels.table` for each protocol, split seed and fold. `onset_images` are the
    images of the onset frames and their splits, if a control needs them. `analysis_plan` is the saved plan
    that the study follows, if any. `published_practice` keeps a record of the epochs of each arm's runs.
    """

    study: Study
    data_request: DataRequest
    table: SampleTable
    pixels: ImageArray
    splits: tuple[Split, ...]
    device: torch.device
    engine_choice: EngineChoice
    onset_images: StudyImages | None = None
    analysis_plan: AnalysisPlan | None = None
    published_practice: bool = False

    @property
    def images_by_fingerprint(self) -> dict[str, StudyImages]:
        """Map each fingerprint to its images and splits."""
        from harness.runs.run_inputs import StudyImages

        images = StudyImages(pixels=self.pixels, splits=self.splits)
        return {item.pixels.fingerprint: item for item in (images, self.onset_images) if item is not None}


def plan_study(request: Request) -> StudyPlan:
    """Validate `request`, load the data and make every split.

    Raises:
        ValueError: A requested value does not exist or does not fit the data, or a split has leaks that its
            protocol must exclude.
    """
    from harness.device import resolve_device

    # Checks that need no data come first, because decoding can take hours.
    outline = outline_study(request)
    request, training, split_seeds = outline.request, outline.training, outline.split_seeds
    if request.tuned:
        _check_search_store(request)
    arms = _add_arms(outline)
    outline.check_arms(arms)
    image_size = outline.dataset.image_size
    check_pretrained_networks(arms)
    requested_classes = count_requested_classes(request.data)
    if requested_classes:
        check_user_networks(arms, num_classes=requested_classes, image_size=image_size)
    device = resolve_device(request.device)
    engine_choice = _select_engine(request, device)

    dataset, table = load_table(request.data, outline.dataset)
    if len(table.classes) != requested_classes:
        check_user_networks(arms, num_classes=len(table.classes), image_size=image_size)
    _make_splits(table, request, split_seeds=split_seeds[:1])
    pixels = load_with_progress(dataset, table)
    splits = _make_splits(pixels.table, request, split_seeds=split_seeds)
    if not request.allow_leaks:
        check_leaks(pixels, splits)
    onset_images = _load_onset_images(dataset, table, request, split_seeds) if request.controls else None
    study = Study(
        kind=request.kind,
        design=request.design,
        preset=request.preset,
        dataset=dataset,
        fingerprint=pixels.fingerprint,
        protocols=request.protocols,
        split_seeds=split_seeds,
        seeds=outline.seeds,
        training=engine_choice.apply_to(training),
        arms=arms,
        folds=_count_folds(pixels.table, request),
        controls=_select_controls(pixels.table, splits, onset_images) if request.controls else (),
        onset_fingerprint=onset_images.pixels.fingerprint if onset_images else "",
        checks=_select_checks(dataset) if request.checks else (),
        metric=cast(Metric, request.metric),
        margin=request.margin / 100,
    )
    if request.tuned:  # a search names the key of its run, which the study without searches has
        study = replace(study, searches=_load_searches(study, request.searches))
    if outline.analysis_plan:
        check_matches_plan(study, outline.analysis_plan)
    return StudyPlan(
        study=study,
        data_request=request.data,
        table=table,
        pixels=pixels,
        splits=splits,
        device=device,
        engine_choice=engine_choice,
        onset_images=onset_images,
        analysis_plan=outline.analysis_plan,
        published_practice=request.published_practice,
    )


def _select_engine(request: Request, device: torch.device) -> EngineChoice:
    """Select the engine and the precision that the request names, or those of the device."""
    from harness.training.engine import select_engine

    return select_engine(
        device,
        engine=request.engine,
        precision=request.precision,
        deterministic=request.deterministic,
    )


def _check_search_store(request: Request) -> None:
    from harness.hyperparameter_search import check_store, get_default_store

    check_store(get_default_store() if request.searches is None else request.searches)


def _load_searches(study: Study, store: str | None) -> tuple[Search, ...]:
    from harness.hyperparameter_search import get_default_store, load_searches

    return load_searches(study, get_default_store() if store is None else store)


def _load_onset_images(
    dataset: DatasetSpec, table: SampleTable, request: Request, split_seeds: Sequence[int]
) -> StudyImages | None:
    """Load the onset frame of each sample's clip, or return None if a sample has no known onset frame."""
    from harness.runs.run_inputs import StudyImages

    if any(sample.onset_ref is None for sample in table.samples):
        return None
    pixels = load_with_progress(dataset.as_onset(), table)
    return StudyImages(pixels=pixels, splits=_make_splits(pixels.table, request, split_seeds=split_seeds))


def _select_controls(
    table: SampleTable, splits: Sequence[Split], onset_images: StudyImages | None
) -> tuple[Control, ...]:
    """Return the controls that the data and all splits allow."""
    from harness.runs.controls import can_probe

    controls: list[Control] = ["shuffled-labels"]
    controls += ["onset-frame"] if onset_images else []
    controls += ["identity-probe"] if all(can_probe(table.samples, split.train) for split in splits) else []
    return tuple(controls)


def _select_checks(spec: DatasetSpec) -> tuple[Check, ...]:
    """Return the checks that the data allow.

    Motion representations get no robustness check, because rotating or darkening them does not rotate or
    darken a face. They get no latency check, because the face is detected on the onset frame only, so that
    the time of a frame would not include face detection.
    """
    return ("cross-entropy",) if spec.representation in MOTION_REPRESENTATIONS else tuple(CHECK_DESCRIPTIONS)


def _count_folds(table: SampleTable, request: Request) -> tuple[int, ...]:
    """Return the number of folds of each protocol on these data, or () if each has one."""
    from datasets.splits import count_folds

    folds = tuple(count_folds(table, protocol, folds=request.folds or 0) for protocol in request.protocols)
    return folds if max(folds) > 1 else ()


def _add_arms(outline: StudyOutline) -> tuple[ArchitectureSpec, ...]:
    """Return the arms of the outline with the placebos, the user networks and the null arm of the request."""
    request, arms = outline.request, outline.arms
    if request.design == PLACEBO:
        from harness.planning.placebo import add_placebos

        arms = add_placebos(arms)
    if request.pretrained:
        arms = tuple(replace(arm, name=f"{arm.name} (pretrained)", pretrained=True) for arm in arms)
    arms = (*arms, *_load_user_networks(request.user_networks))
    return (*arms, build_null_arm(select_primary_arm(arms))) if request.null else arms


def _load_user_networks(source_refs: tuple[str, ...]) -> tuple[ArchitectureSpec, ...]:
    """Load the user's own networks; their functions choose the initial weights."""
    if not source_refs:
        return ()
    from architectures.user import load_user_spec

    return tuple(map(load_user_spec, source_refs))


def _make_splits(table: SampleTable, request: Request, *, split_seeds: Sequence[int]) -> tuple[Split, ...]:
    """Make one split for each protocol, split seed and fold; raise ValueError if one cannot be made."""
    from datasets.splits import split_table

    folds = _count_folds(table, request) or (1,) * len(request.protocols)
    return tuple(
        split_table(table, protocol, seed=seed, fold=fold, folds=fold_count)
        for protocol, fold_count in zip(request.protocols, folds, strict=True)
        for seed in split_seeds
        for fold in range(fold_count)
    )
