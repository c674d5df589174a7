"""The paper's experiments as studies: the seven networks on each data set, and the ablation on CASME II.

The controlled ladder is our addition. The paper's ladder adds batch norm and the GAP head together with the
residual connections, so that only the controlled ladder measures the gains of CBAM and of the residual
connections.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from studies.paper.published import ABLATION_DATASET, PUBLISHED_RESULTS


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperExperiment:
    """One study of the reproduction. `design` is "" for a comparison."""

    dataset: str
    kind: Literal["comparison", "ablation"]
    design: str = ""


PAPER_EXPERIMENTS = (
    *(PaperExperiment(dataset=dataset, kind="comparison") for dataset in PUBLISHED_RESULTS),
    PaperExperiment(dataset=ABLATION_DATASET, kind="ablation", design="ladder"),
    PaperExperiment(dataset=ABLATION_DATASET, kind="ablation", design="controlled"),
)
