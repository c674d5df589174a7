"""A study as the user requests it, and the checks that need neither the data nor torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from architectures.catalogue import with_width
from architectures.spec import ArchitectureSpec
from datasets.catalogue import SYNTHETIC
from datasets.spec import DatasetSpec
from harness.data.loading import DataRequest, build_dataset_spec, check_count, check_protocols
from harness.device import check_device_name
from harness.errors import HarnessError, check_choice
from harness.planning.type_validation import validate_types
from harness.training.engine_names import check_engine_names
from studies.analysis_plan import AnalysisPlan
from studies.arms import build_ablation_arms, build_comparison_arms
from studies.codec import from_json
from studies.presets import adapt_augmentation, get_preset
from studies.spec import DEFAULT_MARGIN, METRICS, TrainingSpec
from studies.study import check_design


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A study as the user requests it; None uses the value of the preset or of the data set.

    `only` names the networks of a comparison; `without` leaves out some of them. Without `only` or
    `protocols`, the study has those of the preset.
    `splits` is the number of random splits, `seeds` the number of trainings on each split. `null` adds the
    null arm. `metric` is the metric of the verdicts, and `margin` the smallest difference of the metric that
    matters, in points. `plan_path` is the file of a saved analysis plan. `user_networks` are the user's own
    networks, each as FILE.py:function. `published_practice` keeps a leaky record of the epochs beside the
    clean results (`studies.published_practice`), which does not change them or their keys. `allow_leaks` runs
    the study even if a split has leaks that its protocol must exclude (`harness.data.leak_check`).
    """

    kind: Literal["ablation", "comparison"]
    data: DataRequest
    design: str = ""
    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    user_networks: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    folds: int | None = None
    splits: int = 1
    seeds: int | None = None
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
    published_practice: bool = False
    tuned: bool = False
    searches: str | None = None
    device: str = "auto"
    engine: str = "auto"
    precision: str = "auto"
    deterministic: bool = False
    allow_leaks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOutline:
    """The parts of a requested study that are known without its data.

    `arms` are the networks of the catalogue at their width; `harness.planning.plan` adds the others.
    `request` has the preset's protocols if the user names none, and the preset's data set instead of the
    synthetic one.
    `dataset` is the data set spec as far as it is known without the data. `analysis_plan` is the saved plan
    that the study follows, if any.
    """

    request: Request
    arms: tuple[ArchitectureSpec, ...]
    training: TrainingSpec
    dataset: DatasetSpec
    split_seeds: tuple[int, ...]
    seeds: tuple[int, ...]
    analysis_plan: AnalysisPlan | None

    def check_arms(self, arms: tuple[ArchitectureSpec, ...]) -> None:
        """Raise ValueError if a study with this outline cannot have these arms."""
        check_design(
            arms,
            image_size=self.dataset.image_size,
            protocols=self.request.protocols,
            split_seeds=self.split_seeds,
            seeds=self.seeds,
        )


def outline_study(request: Request) -> StudyOutline:
    """Validate `request` as far as possible without the data and without torch.

    The command line calls this function before it loads torch, so that a typing error is reported at once.

    Raises:
        ValueError: A requested value does not exist or is out of range, or the values do not fit together.
    """
    request = validate_types(request)
    preset = get_preset(request.preset)
    if preset.dataset and request.data.dataset == SYNTHETIC:
        request = replace(request, data=replace(request.data, dataset=preset.dataset))
    request = replace(request, protocols=request.protocols or preset.protocols)
    seeds = preset.seeds if request.seeds is None else request.seeds
    check_count("--seeds", seeds)
    _check_values(request)
    is_ablation = request.kind == "ablation"
    default_size = preset.ablation_size if is_ablation else preset.comparison_size
    arms = (
        build_ablation_arms(request.design, order=request.order)
        if is_ablation
        else build_comparison_arms(request.only or preset.networks, without=request.without)
    )
    outline = StudyOutline(
        request=request,
        arms=tuple(with_width(arm, preset.width if request.width is None else request.width) for arm in arms),
        training=TrainingSpec(
            epochs=preset.epochs if request.epochs is None else request.epochs,
            batch_size=request.batch,
            learning_rate=preset.learning_rate,
            patience=preset.patience,
            augmentation=adapt_augmentation(
                preset.augmentation, request.data.representation, flow=request.data.flow
            ),
        ),
        dataset=build_dataset_spec(
            request.data,
            protocols=request.protocols,
            image_size=default_size if request.image_size is None else request.image_size,
        ),
        split_seeds=tuple(range(request.splits)),
        seeds=tuple(range(seeds)),
        analysis_plan=_load_analysis_plan(request.plan_path) if request.plan_path else None,
    )
    outline.check_arms(outline.arms)
    return outline


def _check_values(request: Request) -> None:
    """Check the requested values that need neither the data nor the networks; raise HarnessError."""
    check_count("--splits", request.splits)
    check_choice("--metric", request.metric, METRICS)
    if not 0 < request.margin < 100:
        raise HarnessError(
            "margin-option.range",
            "--margin, the smallest difference that matters, must be between 0 and 100 points; "
            f"got {request.margin:g}",
        )
    if request.searches is not None and not request.tuned:
        raise HarnessError(
            "searches.without-tuned",
            f"--searches needs --tuned; got {request.searches!r}: add --tuned, or leave --searches out",
        )
    check_protocols(request.protocols, folds=request.folds)
    check_device_name(request.device)
    check_engine_names(request.engine, request.precision)


def _load_analysis_plan(path: Path) -> AnalysisPlan:
    """Load the analysis plan that `--save-plan` wrote to `path`; raise HarnessError if it is not one."""
    if not path.is_file():
        raise HarnessError(
            "analysis-plan.no-file",
            f"--plan takes a file that --save-plan has written; there is no file {path}: run the command "
            f"with --save-plan {path} first",
        )
    try:
        return from_json(AnalysisPlan, path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise HarnessError(
            "analysis-plan.invalid",
            f"--plan takes a file that --save-plan has written; {path} is not such a file: {error}; name "
            "another file, or save the plan again with --save-plan",
        ) from error
