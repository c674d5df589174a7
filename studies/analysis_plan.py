"""An analysis plan: what a study will compare and how, written down before its first cell.

A study whose plan was logged before any of its cells ran is confirmatory; every other study is exploratory:
its metric, its pairs or its number of seeds may have been chosen after a look at the results (Nosek et al.
2018, doi 10.1073/pnas.1708274114).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

from studies.arms import build_pairs
from studies.codec import to_json
from studies.spec import Metric, Study


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisPlan:
    """What is fixed before a study's first cell.

    `pairs` are the family of comparisons by name, (before, after); `margin` is a share. `study` is the
    study's name, whose digest covers data, training, arms and everything else.
    """

    study_name: str
    metric: Metric
    margin: float
    protocols: tuple[str, ...]
    split_seeds: tuple[int, ...]
    seeds: tuple[int, ...]
    pairs: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of the plan."""
        return hashlib.sha256(to_json(self).encode()).hexdigest()[:16]


def build_analysis_plan(study: Study) -> AnalysisPlan:
    """The analysis plan that `study` follows."""
    return AnalysisPlan(
        study_name=study.name,
        metric=study.metric,
        margin=study.margin,
        protocols=study.protocols,
        split_seeds=study.split_seeds,
        seeds=study.seeds,
        pairs=tuple(
            (before.name, after.name) for before, after in build_pairs(study.arms, design=study.design)
        ),
    )


def check_matches_plan(study: Study, plan: AnalysisPlan) -> None:
    """Check that a study is the one that was planned.

    Raises:
        ValueError: it differs; the message names what.
    """
    current_plan = build_analysis_plan(study)
    differences = [
        f"{field.name}: planned {getattr(plan, field.name)}, asked for {getattr(current_plan, field.name)}"
        for field in fields(plan)
        if getattr(plan, field.name) != getattr(current_plan, field.name)
    ]
    if differences:
        raise ValueError(
            f"a study run with --plan must be the planned one; it differs in {'; '.join(differences)}: "
            "repeat the options that the plan was saved with, or save a new plan with --save-plan"
        )
