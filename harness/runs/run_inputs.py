"""Cache of the inputs of a study's runs."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from architectures.spec import ArchitectureSpec
from datasets.leakage.similarity import build_similarity_index
from datasets.preprocessing.image_array import ImageArray
from datasets.spec import MOTION_REPRESENTATIONS
from harness.runs.run import RunInputs
from studies.cost import Cost
from studies.spec import RunSpec, Study


class RunInputsCache:
    """Builds the inputs of a study's runs, once per fingerprint of the data and only if a run needs them."""

    def __init__(
        self,
        study: Study,
        data: Mapping[str, ImageArray],
        *,
        device: torch.device,
        costs: Mapping[ArchitectureSpec, Cost] | None = None,
    ) -> None:
        self._study, self._data, self.device, self._costs = study, data, device, costs or {}
        self._cache: dict[str, RunInputs] = {}

    def get(self, spec: RunSpec) -> RunInputs:
        """Return the inputs of a run."""
        if spec.fingerprint not in self._cache:
            pixels = self._data[spec.fingerprint]
            # The similarity index compares faces, so motion images have none.
            has_faces = self._study.dataset.representation not in MOTION_REPRESENTATIONS
            needs_similarity = has_faces and spec.fingerprint == self._study.fingerprint
            similarity_index = (
                build_similarity_index(pixels.images, pixels.table) if needs_similarity else None
            )
            self._cache[spec.fingerprint] = RunInputs(
                pixels=pixels, device=self.device, similarity_index=similarity_index, costs=self._costs
            )
        return self._cache[spec.fingerprint]
