"""Turn a user's request into a study plan, and report mistakes before any cell runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

from architectures.catalogue import with_width
from architectures.spec import USER_NETWORK, ArchitectureSpec
from datasets.spec import MOTION_REPRESENTATIONS, DatasetSpec, SampleTable, Split
from harness.data.leak_check import check_leaks
from harness.data.loading import DataRequest, build_dataset_spec, check_count, check_protocols, load_table
from harness.data.preparation import load_with_progress
from harness.planning.type_validation import validate_types
from studies.analysis_plan import AnalysisPlan, check_matches_plan
from studies.arms import PLACEBO, build_ablation_arms, build_comparison_arms
from studies.claim_checks import CHECK_DESCRIPTIONS
from studies.codec import from_json
from studies.presets import Preset, adapt_augmentation, get_preset
from studies.search import Search
from studies.spec import DEFAULT_MARGIN, Check, Control, Metric, Study, TrainingSpec, build_null_arm

if TYPE_CHECKING:
    import torch

    from datasets.preprocessing.image_array import ImageArray
    from harness.training.engine import EngineChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A study as the user requests it; None uses the value of the preset or of the data set.

    `splits` is the number of random splits, `seeds` the number of trainings on each split. `null` adds the
    null arm. `metric` is the metric of the verdicts, and `margin` the smallest difference of the metric that
    matters, in points. `plan_path` is the file of a saved analysis plan. `user_networks` are the user's own
    networks, each as FILE.py:function. `allow_leaks` runs the study even if a split has leaks that its
    protocol must exclude (`harness.data.leak_check`).
    """

    kind: Literal["ablation", "comparison"]
    data: DataRequest
    design: str = ""
    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    user_networks: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ("frame",)
    folds: int | None = None
    splits: int = 1
    seeds: int = 1
    null: bool = False
    plan_path: Path | None = None
    metric: str = "accuracy"
    margin: float = 100 * DEFAULT_MARGIN
    preset: str = "paper"
    epochs: int | None = None
    image_size: int | None = None
    width: float | None = None
    batch: int = 32
    pretrained: bool = False
    controls: bool = False
    checks: bool = False
    tuned: bool = False
    searches: str | None = None
    device: str = "auto"
    engine: str = "auto"
    precision: str = "auto"
    deterministic: bool = False
    allow_leaks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """A study with its data, its splits, and the device and engine that run it.

    `data_request` is the data as requested, `pixels` the data as loaded. `splits` has one split for each
    protocol, split seed and fold. `onset_pixels` are the images of the onset frames if a control needs them.
    `analysis_plan` is the saved plan that the study follows, if any.
    """

    study: Study
    data_request: DataRequest
    pixels: ImageArray
    splits: tuple[Split, ...]
    device: torch.device
    engine_choice: EngineChoice
    onset_pixels: ImageArray | None = None
    analysis_plan: AnalysisPlan | None = None

    @property
    def pixels_by_fingerprint(self) -> dict[str, ImageArray]:
        """Map each fingerprint to its images."""
        return {pixels.fingerprint: pixels for pixels in (self.pixels, self.onset_pixels) if pixels}


def plan_study(request: Request) -> StudyPlan:
    """Validate `request`, load the data and make every split.

    Raises:
        ValueError: A requested value does not exist or does not fit the data, or a split has leaks that its
            protocol must exclude.
        FileNotFoundError: A data set root or pretrained weights do not exist.
    """
    request = validate_types(request)
    # Checks that need no data come first.
    study = _build_study(request)
    analysis_plan = _load_analysis_plan(request.plan_path) if request.plan_path else None
    _select_engine(request, sample_count=0)
    spec, table = load_table(request.data, study.dataset)
    user_arms = [arm for arm in study.arms if arm.network == USER_NETWORK]
    _check_networks(user_arms, num_classes=len(table.classes), image_size=spec.image_size)
    _make_splits(replace(study, split_seeds=(0,), folds=_count_folds(table, request)), table)
    pixels = load_with_progress(spec, table)
    study = replace(
        study,
        dataset=spec,
        fingerprint=pixels.fingerprint,
        folds=_count_folds(pixels.table, request),
        checks=_select_checks(spec) if request.checks else (),
    )
    splits = _make_splits(study, pixels.table)
    if not request.allow_leaks:
        check_leaks(pixels, splits)
    onset_pixels = _load_onset_pixels(spec, table) if request.controls else None
    if request.controls:
        study = replace(
            study,
            controls=_select_controls(pixels.table, splits, onset_pixels=onset_pixels),
            onset_fingerprint=onset_pixels.fingerprint if onset_pixels else "",
        )
    device, engine_choice = _select_engine(request, sample_count=len(pixels.table.samples))
    study = replace(study, training=engine_choice.apply_to(study.training))
    if request.tuned:
        study = replace(study, searches=_load_searches(study, request.searches))
    if analysis_plan:
        check_matches_plan(study, analysis_plan)
    return StudyPlan(
        study=study,
        data_request=request.data,
        pixels=pixels,
        splits=splits,
        device=device,
        engine_choice=engine_choice,
        onset_pixels=onset_pixels,
        analysis_plan=analysis_plan,
    )


def _load_analysis_plan(path: Path) -> AnalysisPlan:
    """Load the analysis plan that `--save-plan` wrote to `path`; raise ValueError if it is not one."""
    if not path.is_file():
        raise ValueError(f"--plan takes a file that --save-plan has written; there is none at {path}")
    try:
        return from_json(AnalysisPlan, path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ValueError(
            f"--plan takes a file that --save-plan has written; {path} is not such a file: {error}"
        ) from error


def _select_engine(request: Request, *, sample_count: int) -> tuple[torch.device, EngineChoice]:
    """Select the device and the engine for training on `sample_count` samples."""
    from harness.device import resolve_device
    from harness.training.engine import select_engine

    device = resolve_device(request.device)
    epochs = get_preset(request.preset).epochs if request.epochs is None else request.epochs
    engine_choice = select_engine(
        device,
        engine=request.engine,
        precision=request.precision,
        deterministic=request.deterministic,
        image_count=sample_count * epochs,
    )
    return device, engine_choice


def _build_study(request: Request) -> Study:
    """Build the study as far as it is known without the data; raise ValueError for an invalid request."""
    preset_spec = get_preset(request.preset)
    training = TrainingSpec(
        epochs=preset_spec.epochs if request.epochs is None else request.epochs,
        batch_size=request.batch,
        patience=preset_spec.patience,
        augmentation=adapt_augmentation(preset_spec.augmentation, request.data.representation),
    )
    check_count("--seeds", request.seeds)
    check_count("--splits", request.splits)
    if request.metric not in get_args(Metric):
        raise ValueError(f"--metric must be one of {', '.join(get_args(Metric))}; got {request.metric!r}")
    if not 0 < request.margin < 100:
        raise ValueError(
            "--margin, the smallest difference that matters, must be between 0 and 100 points; "
            f"got {request.margin:g}"
        )
    if request.searches is not None and not request.tuned:
        raise ValueError(
            f"--searches needs --tuned; got {request.searches!r}: add --tuned, or leave --searches out"
        )
    check_protocols(request.protocols, folds=request.folds)
    study = Study(
        kind=request.kind,
        design=request.design,
        preset=request.preset,
        dataset=build_dataset_spec(
            request.data, protocols=request.protocols, image_size=_resolve_image_size(request, preset_spec)
        ),
        fingerprint="",
        protocols=request.protocols,
        split_seeds=tuple(range(request.splits)),
        seeds=tuple(range(request.seeds)),
        training=training,
        arms=_build_arms(request, preset_spec),
        metric=cast(Metric, request.metric),
        margin=request.margin / 100,
    )
    if request.null:
        study = replace(study, arms=(*study.arms, build_null_arm(study.primary_arm)))
    _check_networks(study.arms, num_classes=2, image_size=study.dataset.image_size)
    if request.tuned:
        from harness.hyperparameter_search import check_store, get_default_store

        check_store(get_default_store() if request.searches is None else request.searches)
    return study


def _check_networks(arms: Sequence[ArchitectureSpec], *, num_classes: int, image_size: int) -> None:
    """Check that user networks accept images of `image_size` pixels and pretrained networks can be built.

    Raises:
        ValueError: A user network has a wrong output shape, or a network has no pretrained weights.
        FileNotFoundError: The pretrained weights are not on this machine.
    """
    for arm in arms:
        if arm.network != USER_NETWORK and not arm.pretrained:
            continue
        from architectures.network import build_network

        network = build_network(arm, num_classes=num_classes)
        if arm.network == USER_NETWORK:
            from architectures.user import check_output_shape

            check_output_shape(network, arm, num_classes=num_classes, image_size=image_size)


def _load_searches(study: Study, store: str | None) -> tuple[Search, ...]:
    from harness.hyperparameter_search import get_default_store, load_searches

    return load_searches(study, get_default_store() if store is None else store)


def _load_onset_pixels(spec: DatasetSpec, table: SampleTable) -> ImageArray | None:
    """Load the onset frame of each sample's clip, or return None if a sample has no known onset frame."""
    if any(sample.onset_ref is None for sample in table.samples):
        return None
    return load_with_progress(replace(spec, representation="onset"), table)


def _select_controls(
    table: SampleTable, splits: Sequence[Split], *, onset_pixels: ImageArray | None
) -> tuple[Control, ...]:
    """Return the controls that the data and all splits allow."""
    from harness.runs.controls import can_probe

    controls: list[Control] = ["shuffled-labels"]
    controls += ["onset-frame"] if onset_pixels else []
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


def _build_arms(request: Request, preset_spec: Preset) -> tuple[ArchitectureSpec, ...]:
    is_ablation = request.kind == "ablation"
    arms = (
        build_ablation_arms(request.design, order=request.order)
        if is_ablation
        else build_comparison_arms(request.only)
    )
    width = preset_spec.width if request.width is None else request.width
    arms = tuple(with_width(arm, width) for arm in arms)
    if request.design == PLACEBO:
        from harness.planning.placebo import add_placebos

        arms = add_placebos(arms)
    if request.pretrained:
        arms = tuple(replace(arm, name=f"{arm.name} (pretrained)", pretrained=True) for arm in arms)
    return (*arms, *_load_user_networks(request.user_networks))


def _resolve_image_size(request: Request, preset_spec: Preset) -> int:
    default_size = preset_spec.ablation_size if request.kind == "ablation" else preset_spec.comparison_size
    return default_size if request.image_size is None else request.image_size


def _load_user_networks(source_refs: tuple[str, ...]) -> tuple[ArchitectureSpec, ...]:
    """Load the user's own networks; their functions choose the initial weights."""
    if not source_refs:
        return ()
    from architectures.user import load_user_spec

    return tuple(map(load_user_spec, source_refs))


def _make_splits(study: Study, table: SampleTable) -> tuple[Split, ...]:
    """Make one split for each protocol, split seed and fold; raise ValueError if one cannot be made."""
    from datasets.splits import split_table

    split_ids = dict.fromkeys(
        (spec.protocol, spec.split_seed, spec.fold, spec.folds) for spec in study.list_runs()
    )
    return tuple(
        split_table(table, protocol, seed=seed, fold=fold, folds=folds)
        for protocol, seed, fold, folds in split_ids
    )
