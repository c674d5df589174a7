"""From what the user asked for to a study that can run: mistakes are found here, before anything starts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from architectures.catalogue import scaled
from architectures.spec import ArchitectureSpec
from datasets.spec import DatasetSpec, SampleTable, Split
from harness.preparing import decoded_with_bars
from harness.reading import DataRequest, asked, check_protocols, read
from studies.arms import PLACEBO, ablation, comparison
from studies.presets import Preset, preset, suited
from studies.search import Search
from studies.spec import Control, Study, TrainingSpec

if TYPE_CHECKING:
    from datasets.pixels.cache import Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A study as asked for; None leaves a value to the preset or to the data set.

    `own` names networks of the user's own, each as FILE.py:function.
    """

    kind: Literal["ablation", "comparison"]
    data: DataRequest
    design: str = ""
    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ("frame",)
    folds: int | None = None
    seeds: int = 1
    preset: str = "paper"
    epochs: int | None = None
    image_size: int | None = None
    width: float | None = None
    batch: int = 32
    pretrained: bool = False
    controls: bool = False
    tuned: bool = False
    searches: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A study, its data, and one split for each protocol, seed and fold, in the study's order.

    `onsets` are the images of the onset frames, where a control asks for them.
    """

    study: Study
    pixels: Pixels
    splits: tuple[Split, ...]
    onsets: Pixels | None = None

    @property
    def data(self) -> dict[str, Pixels]:
        """The images by fingerprint."""
        return {found.fingerprint: found for found in (self.pixels, self.onsets) if found}


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
    study = Study(
        kind=request.kind,
        design=request.design,
        preset=request.preset,
        dataset=asked(request.data, protocols=request.protocols, image_size=_image_size(request, size)),
        fingerprint="",
        protocols=request.protocols,
        seeds=tuple(range(request.seeds)),
        training=training,
        arms=arms,
    )
    spec, table = read(request.data, study.dataset)
    _splits(replace(study, seeds=(0,), folds=_folds(table, request)), table)
    pixels = decoded_with_bars(spec, table)
    onsets = _onsets(spec, table) if request.controls else None
    study = replace(
        study,
        dataset=spec,
        fingerprint=pixels.fingerprint,
        folds=_folds(pixels.table, request),
        controls=_controls(pixels.table, onsets=onsets) if request.controls else (),
        onset_fingerprint=onsets.fingerprint if onsets else "",
    )
    if request.tuned:
        study = replace(study, searches=_searches(study, request.searches))
    return Plan(study=study, pixels=pixels, splits=_splits(study, pixels.table), onsets=onsets)


def _searches(study: Study, store: str | None) -> tuple[Search, ...]:
    from harness.tune import default_store, searches

    return searches(study, store or default_store())


def _onsets(spec: DatasetSpec, table: SampleTable) -> Pixels | None:
    """The clips' onset frames in the place of their frames, or None where the data do not tell them all."""
    if any(sample.onset is None for sample in table.samples):
        return None
    return decoded_with_bars(replace(spec, representation="onset"), table)


def _controls(table: SampleTable, *, onsets: Pixels | None) -> tuple[Control, ...]:
    """The controls that these data allow."""
    told: list[Control] = ["shuffled-labels"]
    told += ["onset-frame"] if onsets else []
    several = Counter(subject for subject, clip in {(s.subject, s.clip) for s in table.samples} if subject)
    told += ["identity-probe"] if sum(count > 1 for count in several.values()) > 1 else []
    return tuple(told)


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
        from harness.placebo import with_placebos

        arms = with_placebos(arms)
    arms += tuple(_own(where, size=_image_size(request, size)) for where in request.own)
    if request.pretrained:
        return tuple(replace(arm, name=f"{arm.name} (pretrained)", pretrained=True) for arm in arms)
    return arms


def _image_size(request: Request, size: Preset) -> int:
    usual = size.ablation_size if request.kind == "ablation" else size.comparison_size
    return usual if request.image_size is None else request.image_size


def _own(where: str, *, size: int) -> ArchitectureSpec:
    """A network of the user's own, tried once on images of the study's size."""
    from architectures.network import build
    from architectures.user import check_answers, described

    spec = described(where)
    check_answers(build(spec, classes=2), spec, classes=2, size=size)
    return spec


def _splits(study: Study, table: SampleTable) -> tuple[Split, ...]:
    """One split for each protocol, seed and fold; ValueError where one cannot be made."""
    from datasets.splits import split

    divisions = dict.fromkeys((spec.protocol, spec.seed, spec.fold, spec.folds) for spec in study.runs())
    return tuple(
        split(table, protocol, seed=seed, fold=fold, folds=folds) for protocol, seed, fold, folds in divisions
    )


def smallest_difference(plan: Plan, protocol: str) -> str:
    """The least difference of accuracy that the tests of a protocol can show, in words."""
    from studies.mcnemar import DISCORDANCE
    from studies.power import smallest_difference as least

    samples, study = plan.pixels.table.samples, plan.study
    tested = {i for split in plan.splits if split.protocol == protocol for i in split.test}
    # Frames of a clip answer alike, so a clip counts once, also where frames are scored.
    clips = {samples[i].clip or samples[i].id: samples[i].subject for i in tested}
    by_subject = Counter(subject or clip for clip, subject in clips.items())
    seeds = f" over {len(study.seeds)} seeds" if len(study.seeds) > 1 else ""
    about = f"{protocol}: {len(clips)} clips of {len(by_subject)} subjects in the test{seeds}"
    found = least(tuple(by_subject.values()))
    if found is None:
        return f"{about}: too few to tell two arms apart at all"
    return (
        f"{about}: it can show a difference of {100 * found:.1f} points of accuracy (80 % power, α 0.05, one "
        f"comparison, {100 * max(DISCORDANCE, found):.0f} % of the clips right in one arm alone)"
    )
