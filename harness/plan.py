"""From what the user asked for to a study that can run: mistakes are found here, before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

from architectures.catalogue import scaled
from architectures.spec import USER, ArchitectureSpec
from datasets.spec import MOTION, DatasetSpec, SampleTable, Split
from harness.data.leaks import check_promises
from harness.data.preparing import decoded_with_bars
from harness.data.reading import DataRequest, asked, check_count, check_protocols, read
from harness.typed import typed
from studies.analysis_plan import AnalysisPlan, check_follows
from studies.arms import PLACEBO, ablation, comparison
from studies.checks import CHECKS
from studies.codec import from_json
from studies.presets import Preset, preset, suited
from studies.search import Search
from studies.spec import MARGIN, Check, Control, Metric, Study, TrainingSpec, null_of

if TYPE_CHECKING:
    import torch

    from datasets.pixels.cache import Pixels
    from harness.training.engine import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A study as asked for; None leaves a value to the preset or to the data set.

    `splits` counts divisions, `seeds` the trainings on each. `null` adds the null arm. `metric` decides, and
    `margin` is the smallest difference of it that matters, in points. `plan` is a saved analysis plan. `own`
    names networks of the user's own, each as FILE.py:function. `allow_leaks` runs the study also where a
    split leaks what its protocol promises to exclude (`harness.data.leaks`).
    """

    kind: Literal["ablation", "comparison"]
    data: DataRequest
    design: str = ""
    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ("frame",)
    folds: int | None = None
    splits: int = 1
    seeds: int = 1
    null: bool = False
    plan: Path | None = None
    metric: str = "accuracy"
    margin: float = 100 * MARGIN
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
class Plan:
    """A study, its data as asked for and as found, and one split for each protocol, division and fold.

    `device` and `choice` say where and how its steps are computed. `onsets` are the images of the onset
    frames, where a control asks for them. `analysis_plan` is the saved one that the study follows, if any.
    """

    study: Study
    request: DataRequest
    pixels: Pixels
    splits: tuple[Split, ...]
    device: torch.device
    choice: Choice
    onsets: Pixels | None = None
    analysis_plan: AnalysisPlan | None = None

    @property
    def data(self) -> dict[str, Pixels]:
        """The images by fingerprint."""
        return {found.fingerprint: found for found in (self.pixels, self.onsets) if found}


def prepare(request: Request) -> Plan:
    """Judge `request`, read the data, make every split once to see that it can be made.

    Raises:
        ValueError: anything asked for that does not exist or does not fit the data, or a split that leaks
            what its protocol promises to exclude.
        FileNotFoundError: a root, or pretrained weights, that are not there.
    """
    request = typed(request)
    # What can be judged without the data comes first.
    study = _asked(request)
    analysis_plan = _saved(request.plan) if request.plan else None
    _choice(request, samples=0)
    spec, table = read(request.data, study.dataset)
    own = [arm for arm in study.arms if arm.network == USER]
    _check_built(own, classes=len(table.classes), size=spec.image_size)
    _splits(replace(study, split_seeds=(0,), folds=_folds(table, request)), table)
    pixels = decoded_with_bars(spec, table)
    study = replace(
        study,
        dataset=spec,
        fingerprint=pixels.fingerprint,
        folds=_folds(pixels.table, request),
        checks=_checks(spec) if request.checks else (),
    )
    splits = _splits(study, pixels.table)
    if not request.allow_leaks:
        check_promises(pixels, splits)
    onsets = _onsets(spec, table) if request.controls else None
    if request.controls:
        study = replace(
            study,
            controls=_controls(pixels.table, splits, onsets=onsets),
            onset_fingerprint=onsets.fingerprint if onsets else "",
        )
    device, choice = _choice(request, samples=len(pixels.table.samples))
    study = replace(study, training=choice.into(study.training))
    if request.tuned:
        study = replace(study, searches=_searches(study, request.searches))
    if analysis_plan:
        check_follows(study, analysis_plan)
    return Plan(
        study=study,
        request=request.data,
        pixels=pixels,
        splits=splits,
        device=device,
        choice=choice,
        onsets=onsets,
        analysis_plan=analysis_plan,
    )


def _saved(path: Path) -> AnalysisPlan:
    """The analysis plan in a file of `--save-plan`; ValueError where there is none."""
    if not path.is_file():
        raise ValueError(f"--plan takes a file that --save-plan has written; there is none at {path}")
    try:
        return from_json(AnalysisPlan, path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ValueError(
            f"--plan takes a file that --save-plan has written; {path} is none: {error}"
        ) from error


def _choice(request: Request, *, samples: int) -> tuple[torch.device, Choice]:
    """Where and how every network is trained on data of so many samples."""
    from harness.device import resolve
    from harness.training.engine import chosen

    device = resolve(request.device)
    epochs = preset(request.preset).epochs if request.epochs is None else request.epochs
    choice = chosen(
        device,
        engine=request.engine,
        precision=request.precision,
        deterministic=request.deterministic,
        images=samples * epochs,
    )
    return device, choice


def _asked(request: Request) -> Study:
    """The study as far as it is known before anything is read; ValueError for what is wrong by then."""
    size = preset(request.preset)
    training = TrainingSpec(
        epochs=size.epochs if request.epochs is None else request.epochs,
        batch=request.batch,
        patience=size.patience,
        augmentation=suited(size.augmentation, request.data.representation),
    )
    check_count("--seeds", request.seeds)
    check_count("--splits", request.splits)
    if request.metric not in get_args(Metric):
        raise ValueError(f"--metric must be one of {', '.join(get_args(Metric))}; got {request.metric!r}")
    if not 0 < request.margin < 100:
        raise ValueError(
            "--margin is the smallest difference that matters, in points, and lies between 0 and 100; "
            f"got {request.margin:g}"
        )
    if request.searches is not None and not request.tuned:
        raise ValueError(
            f"--searches goes with --tuned; got {request.searches!r}: add --tuned, or leave it out"
        )
    check_protocols(request.protocols, folds=request.folds)
    study = Study(
        kind=request.kind,
        design=request.design,
        preset=request.preset,
        dataset=asked(request.data, protocols=request.protocols, image_size=_image_size(request, size)),
        fingerprint="",
        protocols=request.protocols,
        split_seeds=tuple(range(request.splits)),
        seeds=tuple(range(request.seeds)),
        training=training,
        arms=_arms(request, size),
        metric=cast(Metric, request.metric),
        margin=request.margin / 100,
    )
    if request.null:
        study = replace(study, arms=(*study.arms, null_of(study.proposal)))
    _check_built(study.arms, classes=2, size=study.dataset.image_size)
    if request.tuned:
        from harness.tune import check_there, default_store

        check_there(default_store() if request.searches is None else request.searches)
    return study


def _check_built(arms: Sequence[ArchitectureSpec], *, classes: int, size: int) -> None:
    """See that the user's own networks answer images of `size` pixels, and that pretrained ones can be built.

    Raises:
        ValueError: one does not, or has no such weights.
        FileNotFoundError: the weights are not on this machine.
    """
    for arm in arms:
        if arm.network != USER and not arm.pretrained:
            continue
        from architectures.network import build

        network = build(arm, classes=classes)
        if arm.network == USER:
            from architectures.user import check_answers

            check_answers(network, arm, classes=classes, size=size)


def _searches(study: Study, store: str | None) -> tuple[Search, ...]:
    from harness.tune import default_store, searches

    return searches(study, default_store() if store is None else store)


def _onsets(spec: DatasetSpec, table: SampleTable) -> Pixels | None:
    """The clips' onset frames in the place of their frames, or None where the data do not tell them all."""
    if any(sample.onset is None for sample in table.samples):
        return None
    return decoded_with_bars(replace(spec, representation="onset"), table)


def _controls(table: SampleTable, splits: Sequence[Split], *, onsets: Pixels | None) -> tuple[Control, ...]:
    """The controls that these data and every split of them allow."""
    from harness.training.controls import can_probe

    told: list[Control] = ["shuffled-labels"]
    told += ["onset-frame"] if onsets else []
    told += ["identity-probe"] if all(can_probe(table.samples, split.train) for split in splits) else []
    return tuple(told)


def _checks(spec: DatasetSpec) -> tuple[Check, ...]:
    """The checks that these data allow.

    A picture of motion is none of a face, to be turned or darkened; and of a film only the onset is searched
    for its face, so that no picture's time holds that search.
    """
    return ("cross-entropy",) if spec.representation in MOTION else tuple(CHECKS)


def _folds(table: SampleTable, request: Request) -> tuple[int, ...]:
    """How many folds each protocol has on these data; () where each has one."""
    from datasets.splits import folds_of

    folds = tuple(folds_of(table, protocol, folds=request.folds or 0) for protocol in request.protocols)
    return folds if max(folds) > 1 else ()


def _arms(request: Request, size: Preset) -> tuple[ArchitectureSpec, ...]:
    ladder = request.kind == "ablation"
    arms = ablation(request.design, order=request.order) if ladder else comparison(request.only)
    width = size.width if request.width is None else request.width
    arms = tuple(scaled(arm, width) for arm in arms)
    if request.design == PLACEBO:
        from harness.training.placebo import with_placebos

        arms = with_placebos(arms)
    if request.pretrained:
        arms = tuple(replace(arm, name=f"{arm.name} (pretrained)", pretrained=True) for arm in arms)
    return (*arms, *_own(request.own))


def _image_size(request: Request, size: Preset) -> int:
    usual = size.ablation_size if request.kind == "ablation" else size.comparison_size
    return usual if request.image_size is None else request.image_size


def _own(wheres: tuple[str, ...]) -> tuple[ArchitectureSpec, ...]:
    """The user's own networks, which start from whatever weights their functions give them."""
    if not wheres:
        return ()
    from architectures.user import described

    return tuple(map(described, wheres))


def _splits(study: Study, table: SampleTable) -> tuple[Split, ...]:
    """One split for each protocol, division and fold; ValueError where one cannot be made."""
    from datasets.splits import split

    divisions = dict.fromkeys(
        (spec.protocol, spec.split_seed, spec.fold, spec.folds) for spec in study.runs()
    )
    return tuple(
        split(table, protocol, seed=seed, fold=fold, folds=folds) for protocol, seed, fold, folds in divisions
    )
