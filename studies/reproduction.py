"""What the paper ran, as studies: the seven networks on each of its sets, and the ablation on CASME II.

The controlled ladder is ours: in the paper's own ladder, batch norm and the GAP head come in with the skips,
so that what CBAM and the skips gain can be judged there alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from studies.paper import ABLATION_DATASET, PUBLISHED_RESULTS


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperExperiment:
    """One study of the reproduction: `design` is "" for a comparison."""

    dataset: str
    kind: Literal["comparison", "ablation"]
    design: str = ""


PAPER_EXPERIMENTS = (
    *(PaperExperiment(dataset=dataset, kind="comparison") for dataset in PUBLISHED_RESULTS),
    PaperExperiment(dataset=ABLATION_DATASET, kind="ablation", design="ladder"),
    PaperExperiment(dataset=ABLATION_DATASET, kind="ablation", design="controlled"),
)
