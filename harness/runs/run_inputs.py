"""The images and splits of a study, and the inputs of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from architectures.spec import ArchitectureSpec
from datasets.leakage.similarity import build_similarity_index
from datasets.preprocessing.image_array import ImageArray
from datasets.spec import MOTION_REPRESENTATIONS, Split
from harness.runs.run import RunInputs
from studies.cost import Cost
from studies.spec import RunSpec, Study


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
