"""The images and splits of a study, and the inputs of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from architectures.spec import ArchitectureSpec
from datasets.leakage.similarity import SimilarityIndex, build_similarity_index
from datasets.preprocessing.image_array import ImageArray
from datasets.spec import MOTION_REPRESENTATIONS, Split
from harness.runs.split_summary import summarize_split
from studies.cost import Cost
from studies.results import DataSummary
from studies.spec import RunSpec
from studies.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyImages:
    """The preprocessed images of a study, and the splits of their sample table."""

    pixels: ImageArray
    splits: tuple[Split, ...]


class RunInputsCache:
    """Builds the inputs of a study's runs, once per fingerprint and only if a run needs them."""

    def __init__(
        self,
        study: Study,
        images: Mapping[str, StudyImages],
        *,
        device: torch.device,
        costs: Mapping[ArchitectureSpec, Cost] | None = None,
    ) -> None:
        self._study, self._images, self.device, self._costs = study, images, device, costs or {}
        self._cache: dict[str, RunInputs] = {}

    def get(self, spec: RunSpec) -> RunInputs:
        """Return the inputs of a run."""
        if spec.fingerprint not in self._cache:
            images = self._images[spec.fingerprint]
            # The similarity index compares faces, so motion images have none.
            has_faces = self._study.dataset.representation not in MOTION_REPRESENTATIONS
            needs_similarity = has_faces and spec.fingerprint == self._study.fingerprint
            self._cache[spec.fingerprint] = RunInputs(
                pixels=images.pixels,
                splits=images.splits,
                device=self.device,
                similarity_index=build_similarity_index(images.pixels.images, images.pixels.table)
                if needs_similarity
                else None,
                costs=self._costs,
            )
        return self._cache[spec.fingerprint]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInputs:
    """The inputs of a run besides its spec.

    Attributes:
        pixels: the preprocessed images and their sample table.
        splits: the splits of that table.
        device: the device to train or evaluate on.
        similarity_index: used to audit the split for near-duplicates; None skips that part of the audit.
        weights: the trained weights that an evaluation-only run reads; None for other runs.
        costs: costs that have already been counted; the costs of other networks are counted.
        summary_cache: the last split that `get_split` returned, and its summary.
    """

    pixels: ImageArray
    splits: tuple[Split, ...]
    device: torch.device
    similarity_index: SimilarityIndex | None = None
    weights: Mapping[str, Tensor] | None = None
    costs: Mapping[ArchitectureSpec, Cost] = field(default_factory=dict)
    summary_cache: list[tuple[Split, DataSummary]] = field(default_factory=list, repr=False, compare=False)

    def get_split(self, spec: RunSpec) -> tuple[Split, DataSummary]:
        """Return the run's split and its summary; consecutive runs with the same split share the summary."""
        split = next(
            split
            for split in self.splits
            if (split.protocol, split.seed, split.fold) == (spec.protocol, spec.split_seed, spec.fold)
        )
        if not self.summary_cache or self.summary_cache[0][0] is not split:
            summary = summarize_split(self.pixels, split, similarity_index=self.similarity_index)
            self.summary_cache[:] = [(split, summary)]
        return self.summary_cache[0]
