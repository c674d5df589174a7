"""The specification of a study: its arms, protocols and seeds, and the runs that follow from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from architectures.catalogue import PROPOSED
from architectures.spec import ArchitectureSpec
from datasets.spec import DatasetSpec
from studies.codec import to_json
from studies.errors import StudyError
from studies.search import Search
from studies.spec import DEFAULT_MARGIN, Check, Control, Metric, RunSpec, TrainingSpec, check_image_size

NULL_SEED_OFFSET = 1_000_000
"""Offset added to the training seeds of a null arm, so that no other arm of any study has the same seeds."""

NULL_SUFFIX = " (null)"
"""Suffix of a null arm's name. A null arm repeats another arm with different training seeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A set of arms with the same data, training, protocols and seeds, so that they can be compared.

    Attributes:
        kind: "ablation" or "comparison".
        design: The design of an ablation (`studies.arms`); "" for a comparison.
        preset: The name of the preset.
        dataset: The data.
        fingerprint: Identifies the data by content.
        protocols: The split protocols.
        training: The training of every run.
        arms: The networks to compare.
        split_seeds: The seeds of the splits. Every split is combined with every training seed.
        seeds: The training seeds. A null arm (`is_null_arm`) has other training seeds.
        folds: The number of folds of each protocol on these data; () if each protocol has one fold.
        controls: The negative controls to run with the primary arm.
        onset_fingerprint: Identifies the images of the onset frames.
        checks: The checks to run: robustness of every arm, latency of every arm once, cross-entropy of the
            primary arm.
        searches: () or one search for every run; its settings replace those of `training`.
        metric: The metric that decides.
        margin: The smallest difference of the metric that matters, as a fraction.

    Raises:
        StudyError: arms, protocols or seeds are empty or contain duplicates, `margin` is not between 0 and 1,
            or the images are too small for an arm.
    """

    kind: Literal["ablation", "comparison"]
    design: str
    preset: str
    dataset: DatasetSpec
    fingerprint: str
    protocols: tuple[str, ...]
    training: TrainingSpec
    arms: tuple[ArchitectureSpec, ...]
    split_seeds: tuple[int, ...] = (0,)
    seeds: tuple[int, ...] = (0,)
    folds: tuple[int, ...] = ()
    controls: tuple[Control, ...] = ()
    onset_fingerprint: str = ""
    checks: tuple[Check, ...] = ()
    searches: tuple[Search, ...] = ()
    metric: Metric = "accuracy"
    margin: float = DEFAULT_MARGIN

    def __post_init__(self) -> None:
        if not 0 < self.margin < 1:
            raise StudyError(
                "margin.range",
                "the margin, the smallest difference that matters, must be a fraction between 0 and 1; "
                f"got {self.margin:g}",
            )
        check_design(
            self.arms,
            image_size=self.dataset.image_size,
            protocols=self.protocols,
            split_seeds=self.split_seeds,
            seeds=self.seeds,
        )

    @property
    def name(self) -> str:
        """The name of the study: kind, design, data set, protocols, preset, and a digest of the spec."""
        digest = hashlib.sha256(to_json(self).encode()).hexdigest()[:6]
        parts = (self.kind, self.design, self.dataset.name, "+".join(self.protocols), self.preset, digest)
        return "-".join(part for part in parts if part)

    @property
    def primary_arm(self) -> ArchitectureSpec:
        """The arm that the study and its controls examine: the proposed network, or else the first arm."""
        return select_primary_arm(self.arms)

    def list_runs(self) -> tuple[RunSpec, ...]:
        """Return all runs, ordered by protocol, split seed, training seed and fold.

        Within a fold the arms come first, then the controls, then the checks.
        """
        return _build_runs(self)

    def _iter_runs(self) -> Iterator[RunSpec]:
        cells = (
            RunSpec(
                dataset=self.dataset,
                fingerprint=self.fingerprint,
                protocol=protocol,
                fold=fold,
                folds=folds,
                architecture=self.primary_arm,
                training=self.training,
                split_seed=split_seed,
                seed=seed,
            )
            for protocol, folds in zip(self.protocols, self.folds or [1] * len(self.protocols), strict=True)
            for split_seed in self.split_seeds
            for seed in self.seeds
            for fold in range(folds)
        )
        search_by_key = {search.key: search for search in self.searches}
        for index, cell in enumerate(cells):
            yield from self._iter_cell_runs(cell, search_by_key, is_first=not index)

    def _iter_cell_runs(
        self, cell: RunSpec, search_by_key: Mapping[str, Search], *, is_first: bool
    ) -> Iterator[RunSpec]:
        """Yield the runs of one protocol, seed and fold. `cell` is the run of the primary arm.

        Latency runs are part of the first cell only.
        """
        arms = [
            _apply_search(
                replace(cell, architecture=arm, seed=cell.seed + NULL_SEED_OFFSET * is_null_arm(arm)),
                search_by_key,
            )
            for arm in self.arms
        ]
        cell = _apply_search(cell, search_by_key)
        yield from arms
        yield from (self._build_control_run(cell, control) for control in self.controls)
        if "cross-entropy" in self.checks:
            cross_entropy = replace(cell.training, gamma=0.0, class_weights="none")
            yield replace(cell, variant="cross-entropy", training=cross_entropy)
        if "robustness" in self.checks:
            yield from (replace(arm, variant="robustness") for arm in arms)
        if "latency" in self.checks and is_first:
            yield from (replace(arm, variant="latency") for arm in arms)

    def _build_control_run(self, cell: RunSpec, control: Control) -> RunSpec:
        if control != "onset-frame":
            return replace(cell, variant=control)
        return replace(
            cell, variant=control, dataset=self.dataset.as_onset(), fingerprint=self.onset_fingerprint
        )


def format_study_label(name: str, alias: str) -> str:
    """Return the alias of a study with its name, or its name alone if `alias` is ""."""
    return f"{alias} ({name})" if alias else name


def check_design(
    arms: Sequence[ArchitectureSpec],
    *,
    image_size: int,
    protocols: Sequence[str],
    split_seeds: Sequence[int],
    seeds: Sequence[int],
) -> None:
    """Check the parts of a study that do not depend on its data.

    Raises:
        StudyError: arms, protocols or seeds are empty or contain duplicates, or the images are too small for
            an arm.
    """
    for label, values in (
        ("arm", [arm.name for arm in arms]),
        ("protocol", protocols),
        ("split seed", split_seeds),
        ("seed", seeds),
    ):
        if not values:
            raise StudyError("study-axis.empty", f"a study needs at least one {label}; got none: name one")
        duplicates = {value for value in values if list(values).count(value) > 1}
        if duplicates:
            raise StudyError(
                "study-axis.duplicate",
                f"a study takes each {label} once; got {', '.join(map(str, sorted(duplicates)))} twice: "
                "name each once",
            )
    for arm in arms:
        check_image_size(arm, image_size)


def select_primary_arm(arms: Sequence[ArchitectureSpec]) -> ArchitectureSpec:
    """Return the arm that a study and its controls examine: the proposed network, or else the first arm."""
    return next((arm for arm in arms if arm.name == PROPOSED), arms[0])


def is_null_arm(arm: ArchitectureSpec) -> bool:
    """Return whether `arm` is a null arm: it repeats another arm with different training seeds."""
    return arm.name.endswith(NULL_SUFFIX)


def build_null_arm(arm: ArchitectureSpec) -> ArchitectureSpec:
    """Return the null arm that repeats `arm`."""
    return replace(arm, name=f"{arm.name}{NULL_SUFFIX}")


@lru_cache(maxsize=32)  # every table of a report needs them
def _build_runs(study: Study) -> tuple[RunSpec, ...]:
    return tuple(study._iter_runs())


def _apply_search(spec: RunSpec, search_by_key: Mapping[str, Search]) -> RunSpec:
    """Return the run with the settings of its search, or unchanged if it has no search."""
    search = search_by_key.get(spec.key) if search_by_key else None
    if search is None:
        return spec
    training = replace(
        spec.training,
        learning_rate=search.learning_rate,
        gamma=search.gamma,
        class_weights=search.class_weights,
    )
    return replace(spec, training=training)
