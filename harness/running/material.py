"""What the runs of a study are made from, found once for all of them."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from architectures.spec import ArchitectureSpec
from datasets.likeness import likeness
from datasets.pixels.cache import Pixels
from datasets.spec import MOTION
from harness.training.run import Material
from studies.cost import Cost
from studies.spec import RunSpec, Study


class Materials:
    """What the runs of a study are made from, by fingerprint; each made when a first run has to be made."""

    def __init__(
        self,
        study: Study,
        data: Mapping[str, Pixels],
        *,
        device: torch.device,
        costs: Mapping[ArchitectureSpec, Cost] | None = None,
    ) -> None:
        self._study, self._data, self.device, self._costs = study, data, device, costs or {}
        self._made: dict[str, Material] = {}

    def of(self, spec: RunSpec) -> Material:
        """The material of one run."""
        if spec.fingerprint not in self._made:
            pixels = self._data[spec.fingerprint]
            # Likeness is judged on faces; a picture of motion is none.
            faces = self._study.dataset.representation not in MOTION
            judged = faces and spec.fingerprint == self._study.fingerprint
            alike = likeness(pixels.images, pixels.table) if judged else None
            self._made[spec.fingerprint] = Material(
                pixels=pixels, device=self.device, alike=alike, costs=self._costs
            )
        return self._made[spec.fingerprint]
